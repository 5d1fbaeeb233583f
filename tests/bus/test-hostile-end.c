/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What ends the service and what doesn't: callers that don't read, a message that can't be handled, a lost
 * connection to udev, a main loop that hangs. */

#include "tests/bus/cmocka-include.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bus/apply-calls.h"
#include "tests/bus/deadline.h"
#include "tests/bus/hostile.h"
#include "tests/bus/memory-folder.h"

/* The exit status. Fails the test when the service doesn't end. */
static int wait_for_the_end(Fixture *fixture)
{
    int pidfd = (int)syscall(SYS_pidfd_open, fixture->daemon_pid, 0), status = 0;
    struct pollfd poll_fd = { .fd = pidfd, .events = POLLIN };

    fixture_assert(fixture, poll(&poll_fd, 1, DEADLINE_MS) == 1);
    close(pidfd);
    assert_int_equal(waitpid(fixture->daemon_pid, &status, 0), fixture->daemon_pid);
    fixture->daemon_pid = 0;
    return status;
}

/* ------------------------------------------------------------------ who doesn't read */

/* So much the bus keeps of what the service sends before it reads no more of it: an eighth of the usual,
 * which takes less time. An answer with all objects has half a megabyte, and these connections ask for ten
 * times that. */
#define BUS_LIMITS  "<limit name=\"max_incoming_bytes\">16000000</limit>"
#define RULES       500
#define RULE_DIGITS 900
#define CONNECTIONS 3
#define CALLS       128

/* How often the service is seen doing nothing before it counts as waiting for the bus. */
#define STILL 10

static void make_much(Fixture *fixture)
{
    g_autoptr(GString) text = g_string_new("[Group]\nName=big\n");

    for (int i = 1; i <= RULES; i++)
        g_string_append_printf(text, "[Rule %d]\nMatch=serial=%0*d\n", i, RULE_DIGITS, i);
    g_free(apply(fixture, text->str));
}

static bool never_read(const char *socket_path, HostileReport *report)
{
    RawBus *buses[CONNECTIONS];

    for (int i = 0; i < CONNECTIONS; i++)
        if (!(buses[i] = raw_bus_new(socket_path)))
            return false;
    for (int i = 0; i < CONNECTIONS * CALLS; i++)
        if (!raw_bus_call(buses[i % CONNECTIONS], FERRY_PATH_ROOT, "org.freedesktop.DBus.ObjectManager",
                          "GetManagedObjects", "", NULL))
            return false;
    report->rounds = 1;
    for (;;)
        pause();
}

typedef struct Stillness {
    Hostile *hostile;
    guint64 ticks;
    unsigned times;
} Stillness;

static bool is_still(Fixture *fixture, void *userdata)
{
    Stillness *still = userdata;
    g_autofree char *path = g_strdup_printf("/proc/%d/stat", (int)fixture->daemon_pid);
    g_autofree char *text = NULL;
    unsigned long user = 0, system = 0;

    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    assert_int_equal(
        sscanf(strrchr(text, ')'), ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system),
        2);
    still->times = user + system == still->ticks ? still->times + 1 : 0;
    still->ticks = user + system;
    return still->hostile->report->rounds > 0 && still->times >= STILL;
}

/* Until the bus takes nothing any more, and the service waits for it. */
static void fill_up(Hostile *hostile)
{
    Stillness still = { .hostile = hostile };

    make_much(hostile->fixture);
    hostile_ping(hostile);
    hostile_watch_memory(hostile);
    hostile_begin(hostile, never_read, true);
    fixture_wait_for(hostile->fixture, is_still, &still, "the service waits for the bus");
}

static int setup_with_bus_limits(void **state)
{
    int r;

    fixture_bus_limits = BUS_LIMITS;
    r = hostile_setup(state);
    fixture_bus_limits = NULL;
    return r;
}

static void test_who_does_not_read_and_leaves(void **state)
{
    Hostile *hostile = *state;

    fill_up(hostile);
    hostile_check_memory(hostile, HOSTILE_MEMORY);
    hostile_end(hostile, true);
    hostile_ping(hostile);
}

static void test_an_end_while_nobody_reads(void **state)
{
    Hostile *hostile = *state;

    fill_up(hostile);
    kill(hostile->fixture->daemon_pid, SIGTERM);
    assert_int_equal(wait_for_the_end(hostile->fixture), 0);
}

/* ------------------------------------------------------------------ what can't be handled */

static bool ask_for_the_machine_id(const char *socket_path, HostileReport *report)
{
    g_autoptr(RawBus) bus = raw_bus_new(socket_path);

    return bus && raw_bus_call(bus, FERRY_PATH_ROOT, "org.freedesktop.DBus.Peer", "GetMachineId", "", NULL) &&
           raw_bus_call(bus, FERRY_PATH_ROOT, "org.freedesktop.DBus.Peer", "Ping", "", NULL) &&
           hostile_read(bus, report);
}

/* The service on a host that has no machine id yet. */
static int setup_without_machine_id(void **state)
{
    g_autofree char *dir = g_dir_make_tmp("ferry-hostile-XXXXXX", NULL);
    g_autofree char *empty = g_build_filename(dir, "machine-id", NULL);
    g_autofree char *script = g_build_filename(dir, "usbferryd", NULL);
    g_autofree char *daemon = g_strdup(g_getenv("FERRY_TEST_DAEMON"));
    g_autofree char *text = g_strdup_printf(
        "#!/bin/sh\nexec unshare -m sh -c 'mount --bind %s /etc/machine-id && exec %s'\n", empty, daemon);
    int r;

    assert_true(g_file_set_contents(empty, "", 0, NULL));
    assert_true(g_file_set_contents(script, text, -1, NULL));
    assert_int_equal(g_chmod(script, 0755), 0);
    assert_true(g_setenv("FERRY_TEST_DAEMON", script, TRUE));
    r = hostile_setup(state);
    assert_true(g_setenv("FERRY_TEST_DAEMON", daemon, TRUE));
    g_unlink(script);
    g_unlink(empty);
    g_rmdir(dir);
    return r;
}

static void test_no_machine_id(void **state)
{
    Hostile *hostile = *state;

    hostile_once(hostile, ask_for_the_machine_id);
    assert_int_equal(hostile->report->answers, 1);
    assert_int_equal(hostile->report->successes, 1);
}

/* ------------------------------------------------------------------ udev */

/* The service's socket for udev's events, as a descriptor of this process. umockdev's is below its own
 * folder. */
static int take_udev_socket(Fixture *fixture)
{
    int pidfd = (int)syscall(SYS_pidfd_open, fixture->daemon_pid, 0), found = -1;
    g_autofree char *root = umockdev_testbed_get_root_dir(fixture->bed);

    assert_true(pidfd >= 0);
    for (int fd = 3; fd < 64 && found < 0; fd++) {
        struct sockaddr_un address = { 0 };
        socklen_t length = sizeof address;
        int copy = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);

        if (copy >= 0 && getsockname(copy, (struct sockaddr *)&address, &length) == 0 &&
            address.sun_family == AF_UNIX && g_str_has_prefix(address.sun_path, root))
            found = copy;
        else if (copy >= 0)
            close(copy);
    }
    close(pidfd);
    assert_true(found >= 0);
    return found;
}

static void test_udev_is_lost(void **state)
{
    Hostile *hostile = *state;
    int udev = take_udev_socket(hostile->fixture);
    int status;

    assert_int_equal(shutdown(udev, SHUT_RDWR), 0);
    close(udev);
    status = wait_for_the_end(hostile->fixture);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
}

/* ------------------------------------------------------------------ the watchdog */

/* A beat at once, and every 3 s at most. Nobody reads them before all is set up, and ten fill the socket:
 * then the service waits.
 */
#define WATCHDOG_USEC "6000000"
#define KEEP_ALIVES   2

static int notified = -1;

static int setup_with_watchdog(void **state)
{
    /* without a file: its name begins with a zero */
    g_autofree char *name = g_strdup_printf("@ferry-hostile-%d", (int)getpid());
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    int r;

    memcpy(address.sun_path + 1, name + 1, strlen(name) - 1);
    notified = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(notified, (const struct sockaddr *)&address, length), 0);
    assert_true(g_setenv("NOTIFY_SOCKET", name, TRUE));
    assert_true(g_setenv("WATCHDOG_USEC", WATCHDOG_USEC, TRUE));
    r = hostile_setup(state);
    g_unsetenv("NOTIFY_SOCKET");
    g_unsetenv("WATCHDOG_USEC");
    return r;
}

static int teardown_with_watchdog(void **state)
{
    close(notified);
    return hostile_teardown(state);
}

static void test_keep_alive(void **state)
{
    Hostile *hostile = *state;
    int n = 0;

    while (n < KEEP_ALIVES) {
        struct pollfd poll_fd = { .fd = notified, .events = POLLIN };
        char text[256];
        ssize_t length;

        fixture_assert(hostile->fixture, poll(&poll_fd, 1, DEADLINE_MS) == 1);
        length = recv(notified, text, sizeof text - 1, 0);
        assert_true(length >= 0);
        text[length] = '\0';
        n += strstr(text, "WATCHDOG=1") != NULL;
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, hostile_setup, hostile_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_who_does_not_read_and_leaves, setup_with_bus_limits,
                                        hostile_teardown),
        cmocka_unit_test_setup_teardown(test_an_end_while_nobody_reads, setup_with_bus_limits,
                                        hostile_teardown),
        cmocka_unit_test_setup_teardown(test_no_machine_id, setup_without_machine_id, hostile_teardown),
        TEST(test_udev_is_lost),
        cmocka_unit_test_setup_teardown(test_keep_alive, setup_with_watchdog, teardown_with_watchdog),
    };

    hostile_init();
    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
