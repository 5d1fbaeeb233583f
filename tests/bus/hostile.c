/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The attacker, who suffers, and how much. */

#include "tests/bus/cmocka-include.h"

#include "tests/bus/deadline.h"
#include "tests/bus/hostile.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PINGS  15
#define ROUNDS 5

#define FDS_OF_A_SERVICE 1024

void hostile_init(void)
{
    struct rlimit limit;
    const char *usual = g_getenv("ASAN_OPTIONS");
    /* what it keeps of what was freed, in MiB: it counts as memory here */
    g_autofree char *options = g_strconcat(usual ? usual : "", ":quarantine_size_mb=1", NULL);

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = FDS_OF_A_SERVICE;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(g_setenv("ASAN_OPTIONS", options, TRUE));
}

int hostile_setup(void **state)
{
    Hostile *self = g_new0(Hostile, 1);
    void *fixture = NULL;

    if (fixture_setup(&fixture) != 0)
        return -1;
    self->fixture = fixture;
    fixture_end_bus_with_test(self->fixture);
    self->socket_path = g_build_filename(self->fixture->bus_dir, "bus.sock", NULL);
    self->report =
        mmap(NULL, sizeof *self->report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(self->report != MAP_FAILED);
    self->other = fixture_connect(self->fixture, FIXTURE_OTHER);
    assert_true(sd_bus_set_method_call_timeout(self->other, DEADLINE_US) >= 0);
    *state = self;
    return 0;
}

int hostile_teardown(void **state)
{
    Hostile *self = *state;
    void *fixture = self->fixture;

    hostile_end(self, true);
    sd_bus_close_unref(self->other);
    munmap(self->report, sizeof *self->report);
    g_free(self->socket_path);
    g_free(self);
    return fixture_teardown(&fixture);
}

/* ------------------------------------------------------------------ the attacker */

bool hostile_read(RawBus *bus, HostileReport *report)
{
    g_auto(RawAnswer) answer = {};
    guint length;

    if (!raw_bus_read(bus, &answer))
        return false;
    length = (guint)strlen(answer.text);
    report->answers++;
    if (!answer.error) {
        report->successes++;
        return true;
    }
    report->longest = MAX(report->longest, length);
    if (strcmp(answer.error, FERRY_ERROR_PREFIX "LimitExceeded") == 0)
        report->limited++;
    else
        g_snprintf(report->other, sizeof report->other, "%s: %s", answer.error, answer.text);
    return true;
}

static G_GNUC_NORETURN void attack(Hostile *self, HostileRound round)
{
    struct rlimit limit;
    bool good;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* as everybody may: so many descriptors can be on their way from him */
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    good = setrlimit(RLIMIT_NOFILE, &limit) == 0 &&
           setresgid(FIXTURE_STRANGER, FIXTURE_STRANGER, FIXTURE_STRANGER) == 0 &&
           setresuid(FIXTURE_STRANGER, FIXTURE_STRANGER, FIXTURE_STRANGER) == 0;
    do {
        good = good && round(self->socket_path, self->report);
        self->report->rounds += good;
    } while (good && !self->report->enough);
    _exit(good ? 0 : 1);
}

void hostile_begin(Hostile *self, HostileRound round, bool once)
{
    memset(self->report, 0, sizeof *self->report);
    self->report->enough = once;
    self->pid = fork();
    assert_true(self->pid >= 0);
    if (self->pid == 0)
        attack(self, round);
}

bool hostile_attacks(Hostile *self)
{
    siginfo_t end = { .si_pid = 0 };

    return waitid(P_PID, (id_t)self->pid, &end, WEXITED | WNOHANG | WNOWAIT) == 0 && end.si_pid == 0;
}

void hostile_end(Hostile *self, bool by_force)
{
    int status = 0;

    if (!self->pid)
        return;
    self->report->enough = true;
    if (by_force)
        kill(self->pid, SIGKILL);
    while (waitpid(self->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    self->pid = 0;
    if (!by_force && status != 0) {
        fixture_print_log(self->fixture);
        fail_msg("the attacker could not go on, after %u rounds: 0x%x", self->report->rounds,
                 (unsigned)status);
    }
}

/* ------------------------------------------------------------------ who suffers */

gint64 hostile_ping(Hostile *self)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    gint64 begin = g_get_monotonic_time();

    if (sd_bus_call_method(self->other, FERRY_BUS_NAME, FERRY_PATH_ROOT, "org.freedesktop.DBus.Peer", "Ping",
                           &error, NULL, "") < 0) {
        fixture_print_log(self->fixture);
        fail_msg("another user gets no answer: %s: %s", error.name, error.message);
    }
    return g_get_monotonic_time() - begin;
}

/* The most since the last reset. */
static gsize memory_mib(Hostile *self)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/status", (int)self->fixture->daemon_pid);
    g_autofree char *text = NULL;
    const char *line;

    fixture_assert(self->fixture, g_file_get_contents(path, &text, NULL, NULL));
    line = strstr(text, "VmHWM:");
    fixture_assert(self->fixture, line);
    return (gsize)(g_ascii_strtoull(line + strlen("VmHWM:"), NULL, 10) / 1024);
}

void hostile_watch_memory(Hostile *self)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/clear_refs", (int)self->fixture->daemon_pid);
    FILE *file = fopen(path, "we");

    fixture_assert(self->fixture, file && fputs("5", file) >= 0 && fclose(file) == 0);
    self->idle_mib = memory_mib(self);
}

void hostile_check_memory(Hostile *self, gsize more_mib)
{
    gsize most = memory_mib(self);

    print_message("# memory: idle %zu MiB, at most %zu MiB\n", self->idle_mib, most);
    fixture_assert(self->fixture, most <= self->idle_mib + more_mib);
}

guint hostile_count_fds(Hostile *self)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/fd", (int)self->fixture->daemon_pid);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    guint n = 0;

    fixture_assert(self->fixture, dir);
    while (g_dir_read_name(dir))
        n++;
    return n;
}

static int compare_times(const void *a, const void *b)
{
    const gint64 *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static gint64 median(gint64 *times, gsize n)
{
    qsort(times, n, sizeof *times, compare_times);
    return times[n / 2];
}

void hostile_once(Hostile *self, HostileRound round)
{
    hostile_begin(self, round, true);
    while (hostile_attacks(self))
        hostile_ping(self);
    hostile_end(self, false);
    hostile_ping(self);
    fixture_assert(self->fixture, fixture_daemon_lives(self->fixture));
}

void hostile_attack(Hostile *self, HostileRound round)
{
    gint64 deadline = g_get_monotonic_time() + DEADLINE_US;
    gint64 idle[PINGS], longest[ROUNDS + 1] = { 0 }, usual, attacked;

    for (gsize i = 0; i < PINGS; i++)
        idle[i] = hostile_ping(self);
    usual = median(idle, PINGS);
    hostile_watch_memory(self);
    hostile_begin(self, round, false);
    while (self->report->rounds < ROUNDS && hostile_attacks(self) && g_get_monotonic_time() < deadline) {
        unsigned n = MIN(self->report->rounds, ROUNDS);
        gint64 time = hostile_ping(self);

        longest[n] = MAX(longest[n], time);
    }
    hostile_end(self, false);
    attacked = median(longest, ROUNDS);
    print_message("# a ping takes %" G_GINT64_FORMAT " µs; the longest in each round: %" G_GINT64_FORMAT
                  " µs, %.0f times as long; %u answers, %u limited, %u successes; other: %s\n",
                  usual, attacked, (double)attacked / (double)usual, self->report->answers,
                  self->report->limited, self->report->successes, self->report->other);
    fixture_assert(self->fixture, fixture_daemon_lives(self->fixture));
    fixture_assert(self->fixture, self->report->rounds >= ROUNDS);
    fixture_assert(self->fixture, attacked <= MAX(HOSTILE_RATIO * usual, HOSTILE_LEAST));
    hostile_check_memory(self, HOSTILE_MEMORY);
}
