/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the whole service costs, from outside: on a private bus, with a scripted hypervisor and devices that
 * are numbers (many-usb.h), beside what costs at least as much in the same run: sd-bus alone with the same
 * objects, libvirt-dbus where that is installed, busctl, the storm's own time, an idle service. Each test
 * prints a row and fails above its bound. The bounds leave room for a machine that does other things; what is
 * aimed at stands beside them.
 *
 *     FERRY_BENCH_DEVICES=N FERRY_BENCH_ASSIGNMENTS=N FERRY_BENCH_RULES=N FERRY_BENCH_ROUNDS=N bench-service
 */

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "dbus/bus/sd-bus-cleanup.h"
#include "tests/bench/many-usb.h"
#include "tests/bench/row.h"
#include "tests/bus/cmocka-include.h"
#include "tests/bus/fixture-internal.h"
#include "tests/bus/fixture.h"

#define BARE_NAME       "org.usbferry1.Bare"
#define BARE_VARIABLE   "FERRY_BENCH_BARE"
#define LIBVIRT_NAME    "org.libvirt"
#define LIBVIRT_DBUS    "FERRY_BENCH_LIBVIRT_DBUS" /* where it is, if not in PATH */
#define LIBVIRT_PATH    "/org/libvirt/Test"        /* libvirt's own pretended hypervisor */
#define MEMORY_DEVICES  100
#define DEVICES         "FERRY_MANY_DEVICES"
#define GROUPS          "FERRY_GROUPS_PATH"
#define RULES_PER_GROUP 10
#define MACHINES        10
#define PLUGGED_IN      5 /* devices that assignments are for */
#define STORM_PLUGS     1000
#define STORM_MS        1000
#define CALLS_MAX       20000
#define ASKED_PER_ROUND 4
#define CALL_PAUSE_US   500
#define IDLE_US         (1 * G_TIME_SPAN_SECOND)
#define ASK_US          (10 * G_TIME_SPAN_MILLISECOND)
#define FEWER           10
#define MS              1e3 /* of times in µs */

/* aimed at; fails above */
#define OBJECTS_GOAL    1.1
#define OBJECTS_MAX     1.6
#define START_GOAL      11.0
#define START_MAX       25.0
#define STORM_GOAL      1.03
#define STORM_MAX       1.6
#define CALLS_GOAL      15.0
#define CALLS_MAX_RATIO 500.0
#define CLIENT_GOAL     1.2
#define CLIENT_MAX      2.2
#define MEMORY_GOAL     1.0
#define MEMORY_MAX      2.5

static unsigned n_devices, n_assignments, n_rules, rounds;

static unsigned number(const char *variable, unsigned otherwise)
{
    const char *text = g_getenv(variable);

    return text ? (unsigned)MAX(atoi(text), 1) : otherwise;
}

static void show(const Row *row)
{
    if (!row_print(row))
        fail_msg("%s: %.2f is more than %.2f", row->what, row->ratio, row->bound);
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

static double part(double *values, unsigned n, double which)
{
    qsort(values, n, sizeof *values, compare);
    return values[MIN(n - 1, (unsigned)(which * n))];
}

static double cpu_of(GPid pid)
{
    clockid_t clock;
    struct timespec time;

    assert_int_equal(clock_getcpuclockid(pid, &clock), 0);
    assert_int_equal(clock_gettime(clock, &time), 0);
    return (double)time.tv_sec * G_USEC_PER_SEC + (double)time.tv_nsec / MS;
}

/* ------------------------------------------------------------------ what is there before the start */

static void write_file(const char *folder, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);

    assert_int_equal(g_mkdir_with_parents(folder, 0700), 0);
    assert_true(g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
}

static char *uuid_of(unsigned machine)
{
    return g_strdup_printf("33333333-3333-3333-3333-%012u", machine);
}

static void write_group(const char *folder, unsigned group)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *name = g_strdup_printf("%05u.conf", group);

    g_string_printf(text, "[Group]\nName=group-%u\n", group);
    for (unsigned i = 0; i < RULES_PER_GROUP; i++) {
        unsigned n = group * RULES_PER_GROUP + i;

        g_string_append_printf(text, "\n[Rule %u]\nMatch=vendor=%04x product=%04x serial=SN%06u\n", i + 1,
                               (uint16_t)n, (uint16_t)n, n);
    }
    write_file(folder, name, text->str);
}

/* The first few are for devices that are there; the others wait. */
static void write_assignment(const char *folder, unsigned assignment)
{
    g_autofree char *name = g_strdup_printf("a%07u", assignment), *uuid = uuid_of(assignment % MACHINES);
    g_autofree char *text = g_strdup_printf(
        "[Assignment]\nName=Thing %u\nMachine=%s\nMachineName=vm%u\nSelector=serial=SN%06u\nDeviceText=Thing\n"
        "Enabled=true\nPriority=0\nOwner=0\nCreated=%u\nSequence=%u\n",
        assignment, uuid, assignment % MACHINES,
        assignment < PLUGGED_IN ? assignment : assignment + MANY_STORM_FIRST / 2, assignment + 1,
        assignment + 1);

    write_file(folder, name, text);
}

static void write_state(Fixture *fixture, unsigned assignments, unsigned rules)
{
    g_autofree char *state = fixture_state_path(fixture, "assignments");
    g_autofree char *groups = g_build_filename(fixture->dir, "groups", NULL);

    for (unsigned i = 0; i < rules / RULES_PER_GROUP; i++)
        write_group(groups, i);
    for (unsigned i = 0; i < assignments; i++)
        write_assignment(state, i);
    g_setenv(GROUPS, groups, TRUE);
}

/* ------------------------------------------------------------------ start */

/* userdata: when it is asked again. Each signal comes by here, and a thousand answers would be measured too.
 */
static bool has_settled(Fixture *fixture, void *userdata)
{
    gint64 *at = userdata, now = g_get_monotonic_time();
    g_autofree char *settling = NULL;

    if (now < *at)
        return false;
    *at = now + ASK_US;
    settling = fixture_get(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Settling");
    return g_strcmp0(settling, "false") == 0;
}

/* From the start of the process until it has settled, in µs of its own CPU time: what else the machine does
 * is not in it. */
static double start(Fixture *fixture, unsigned devices)
{
    g_autofree char *text = g_strdup_printf("%u", devices);
    gint64 at = 0;

    g_setenv(DEVICES, text, TRUE);
    fixture_start_daemon(fixture);
    fixture_wait_object(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, true);
    g_free(fixture_script(fixture, "quiet"));
    for (unsigned i = 0; i < MACHINES; i++) {
        g_autofree char *uuid = uuid_of(i);

        g_free(fixture_script(fixture, "define %s vm%u", uuid, i));
        g_free(fixture_script(fixture, "ports %s %u", uuid, devices));
        g_free(fixture_script(fixture, "start %s", uuid));
    }
    g_free(fixture_script(fixture, "loud"));
    g_free(fixture_script(fixture, "connect"));
    fixture_wait_for(fixture, has_settled, &at, "the service has settled");
    return cpu_of(fixture->daemon_pid);
}

/* One with less, then one with all, each in a store of its own. */
static void test_start(void **state)
{
    Fixture *fixture = *state;
    double few = G_MAXDOUBLE, many = G_MAXDOUBLE;

    fixture_stop_daemon(fixture, SIGTERM);
    write_state(fixture, n_assignments / FEWER, n_rules / FEWER);
    for (unsigned i = 0; i < rounds; i++) {
        double us = start(fixture, n_devices / FEWER);

        few = MIN(few, us);
        fixture_stop_daemon(fixture, SIGTERM);
    }
    write_state(fixture, n_assignments, n_rules);
    for (unsigned i = 0; i < rounds; i++) {
        double us = start(fixture, n_devices);

        many = MIN(many, us);
        if (i + 1 < rounds)
            fixture_stop_daemon(fixture, SIGTERM);
    }
    show(&(Row){ "start until settled, CPU", many / MS, "ms", many / few, "ten times fewer of everything",
                 START_GOAL, START_MAX });
}

/* ------------------------------------------------------------------ all objects */

static double ask(Fixture *fixture, GPid pid, const char *name)
{
    g_autoptr(sd_bus_message) reply = NULL;
    double before = cpu_of(pid);

    assert_true(sd_bus_call_method(fixture->bus, name, FERRY_PATH_ROOT, "org.freedesktop.DBus.ObjectManager",
                                   "GetManagedObjects", NULL, &reply, "") >= 0);
    return cpu_of(pid) - before;
}

/* One processor may be half as fast as the other, when what shares its core is busy: both are to have the
 * same. */
static void run_on_first_processor(GPid pid)
{
    cpu_set_t allowed, first;
    int cpu = 0;

    assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    while (!CPU_ISSET(cpu, &allowed))
        cpu++;
    CPU_ZERO(&first);
    CPU_SET(cpu, &first);
    assert_int_equal(sched_setaffinity(pid, sizeof first, &first), 0);
}

static bool bare_is_there(Fixture *fixture, void *userdata)
{
    return sd_bus_get_name_creds(fixture->bus, BARE_NAME, 0, NULL) >= 0;
}

/* Before anything else is in the store: devices and a few machines are all that there is. */
static void test_objects(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *text = g_strdup_printf("%u", n_devices);
    GPid bare = fixture_spawn(fixture, (const char *[]){ g_getenv(BARE_VARIABLE), text, NULL }, NULL, NULL,
                              "bare.log");
    double its = G_MAXDOUBLE, least = G_MAXDOUBLE;

    fixture_stop_daemon(fixture, SIGTERM);
    start(fixture, n_devices);
    fixture_wait_for(fixture, bare_is_there, NULL, "what is compared is on the bus");
    run_on_first_processor(bare);
    run_on_first_processor(fixture->daemon_pid);
    /* by turns, so that both meet what else the machine does */
    for (unsigned i = 0; i < ASKED_PER_ROUND * rounds; i++) {
        least = MIN(least, ask(fixture, bare, BARE_NAME));
        its = MIN(its, ask(fixture, fixture->daemon_pid, FERRY_BUS_NAME));
    }
    fixture_end_process(&bare, SIGKILL);
    show(&(Row){ "GetManagedObjects, CPU", its / MS, "ms", its / least, "sd-bus alone", OBJECTS_GOAL,
                 OBJECTS_MAX });
}

/* ------------------------------------------------------------------ memory */

/* What it alone has written to, in kB. */
static double dirty_of(GPid pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/smaps_rollup", pid), *text = NULL;
    const char *line;

    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    line = strstr(text, "Private_Dirty:");
    assert_non_null(line);
    return g_ascii_strtod(line + strlen("Private_Dirty:"), NULL);
}

static bool libvirt_is_there(Fixture *fixture, void *userdata)
{
    return sd_bus_get_name_creds(fixture->bus, LIBVIRT_NAME, 0, NULL) >= 0;
}

/* Both have answered for all that they have. */
static void test_memory(void **state)
{
    Fixture *fixture = *state;
    const char *elsewhere = g_getenv(LIBVIRT_DBUS);
    g_autofree char *program = elsewhere ? g_strdup(elsewhere) : g_find_program_in_path("libvirt-dbus");
    g_autoptr(sd_bus_message) machines = NULL, objects = NULL;
    GPid libvirt_dbus;
    double its, least;

    if (!program)
        skip();
    libvirt_dbus =
        fixture_spawn(fixture, (const char *[]){ program, "--system", NULL }, NULL, NULL, "libvirt-dbus.log");
    fixture_stop_daemon(fixture, SIGTERM);
    start(fixture, MEMORY_DEVICES);
    fixture_wait_for(fixture, libvirt_is_there, NULL, "libvirt-dbus is on the bus");
    assert_true(sd_bus_call_method(fixture->bus, LIBVIRT_NAME, LIBVIRT_PATH, "org.libvirt.Connect",
                                   "ListDomains", NULL, &machines, "u", 0) >= 0);
    assert_true(sd_bus_call_method(fixture->bus, FERRY_BUS_NAME, FERRY_PATH_ROOT,
                                   "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", NULL, &objects,
                                   "") >= 0);
    least = dirty_of(libvirt_dbus);
    its = dirty_of(fixture->daemon_pid);
    fixture_end_process(&libvirt_dbus, SIGKILL);
    show(&(Row){ "private dirty memory, 100 devices", its, "kB", its / least, "libvirt-dbus", MEMORY_GOAL,
                 MEMORY_MAX });
}

/* ------------------------------------------------------------------ storm */

typedef struct Calls {
    double *us;
    unsigned n;
} Calls;

static void call_once(Fixture *fixture, Calls *calls)
{
    gint64 before = g_get_monotonic_time();
    g_autofree char *enabled = fixture_get(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Enabled");

    assert_non_null(enabled);
    if (calls->n < CALLS_MAX)
        calls->us[calls->n++] = (double)(g_get_monotonic_time() - before);
    g_usleep(CALL_PAUSE_US);
}

static unsigned storm_left(Fixture *fixture)
{
    g_autofree char *left = fixture_script(fixture, "usb storm-left");

    return (unsigned)atoi(left);
}

/* The last device of the storm, which stays. */
static bool last_is_there(Fixture *fixture)
{
    enum { PER_BUS = 120 };
    unsigned last = MANY_STORM_FIRST + STORM_PLUGS - 1;
    g_autofree char *sysname = g_strdup_printf("%u-%u", last / PER_BUS + 1, last % PER_BUS + 1);
    g_autofree char *path = fixture_device_path(sysname);
    g_autofree char *state = fixture_get(fixture, path, FERRY_INTERFACE_DEVICE, "State");

    return state && strcmp(state, "waiting") != 0;
}

/* How long it takes longer than its own time, and what calls wait in it. */
static void test_storm(void **state)
{
    Fixture *fixture = *state;
    g_autofree double *idle_us = g_new(double, CALLS_MAX), *storm_us = g_new(double, CALLS_MAX);
    Calls idle = { .us = idle_us }, busy = { .us = storm_us };
    gint64 began = g_get_monotonic_time();
    double took, p99_idle, p99_busy;

    while (g_get_monotonic_time() < began + IDLE_US)
        call_once(fixture, &idle);
    began = g_get_monotonic_time();
    g_free(fixture_script(fixture, "usb storm %u %u", STORM_PLUGS, STORM_MS));
    while (storm_left(fixture) > 0 || !last_is_there(fixture))
        call_once(fixture, &busy);
    took = (double)(g_get_monotonic_time() - began);
    p99_idle = part(idle.us, idle.n, 0.99);
    p99_busy = part(busy.us, busy.n, 0.99);
    show(&(Row){ "1,000 plugs in a second", took / MS, "ms", took / (STORM_MS * MS), "its own time",
                 STORM_GOAL, STORM_MAX });
    show(&(Row){ "call in it, 99th of 100", p99_busy / MS, "ms", p99_busy / p99_idle, "without it",
                 CALLS_GOAL, CALLS_MAX_RATIO });
}

/* ------------------------------------------------------------------ client */

/* The CPU time of children that have ended, in µs. */
static double cpu_of_children(void)
{
    struct rusage usage;

    assert_int_equal(getrusage(RUSAGE_CHILDREN, &usage), 0);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * G_USEC_PER_SEC +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static double run_once(const char *const *words)
{
    double before = cpu_of_children();
    g_autoptr(GError) error = NULL;
    int status;

    if (!g_spawn_sync(NULL, (char **)words, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL,
                      NULL, NULL, NULL, &status, &error))
        fail_msg("%s", error->message);
    assert_int_equal(status, 0);
    return cpu_of_children() - before;
}

static void test_client(void **state)
{
    const char *const ours[] = { g_getenv("FERRY_TEST_CLIENT"), NULL };
    const char *const floor[] = { "busctl",
                                  "--json=short",
                                  "call",
                                  FERRY_BUS_NAME,
                                  FERRY_PATH_ROOT,
                                  "org.freedesktop.DBus.ObjectManager",
                                  "GetManagedObjects",
                                  NULL };
    double its = G_MAXDOUBLE, least = G_MAXDOUBLE;

    for (unsigned i = 0; i < rounds; i++) {
        double our_us = run_once(ours), floor_us = run_once(floor);

        its = MIN(its, our_us);
        least = MIN(least, floor_us);
    }
    show(&(Row){ "the client's overview, CPU", its / MS, "ms", its / least, "busctl --json", CLIENT_GOAL,
                 CLIENT_MAX });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_objects), cmocka_unit_test(test_memory), cmocka_unit_test(test_start),
        cmocka_unit_test(test_storm),   cmocka_unit_test(test_client),
    };

    n_devices = number("FERRY_BENCH_DEVICES", 1000);
    n_assignments = number("FERRY_BENCH_ASSIGNMENTS", 1000);
    n_rules = number("FERRY_BENCH_RULES", 10000);
    rounds = number("FERRY_BENCH_ROUNDS", 5);
    fixture_without_umockdev = true;
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
