/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What systemd hears of the service, in its own words, and what it asks before it reloads it. */

#include "tests/bus/cmocka-include.h"

#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bus/deadline.h"
#include "tests/bus/fixture.h"
#include "tests/bus/memory-folder.h"

static int notified = -1;

static int setup(void **state)
{
    /* without a file: its name begins with a zero */
    g_autofree char *name = g_strdup_printf("@ferry-systemd-%d", (int)getpid());
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    int r;

    memcpy(address.sun_path + 1, name + 1, strlen(name) - 1);
    notified = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(notified, (const struct sockaddr *)&address, length), 0);
    assert_true(g_setenv("NOTIFY_SOCKET", name, TRUE));
    r = fixture_setup(state);
    g_unsetenv("NOTIFY_SOCKET");
    return r;
}

static int teardown(void **state)
{
    close(notified);
    return fixture_teardown(state);
}

/* Reads what comes until it is this. */
static void wait_for_message(Fixture *fixture, const char *wanted)
{
    g_autofree char *last = g_strdup("nothing");

    for (;;) {
        struct pollfd poll_fd = { .fd = notified, .events = POLLIN };
        char text[512];
        ssize_t length;

        if (poll(&poll_fd, 1, DEADLINE_MS) != 1) {
            fixture_print_log(fixture);
            fail_msg("%s did not come, the last was %s", wanted, last);
        }
        length = recv(notified, text, sizeof text - 1, 0);
        assert_true(length >= 0);
        text[length] = '\0';
        if (g_str_equal(text, wanted))
            return;
        g_free(last);
        last = g_strdup(text);
    }
}

static void test_status(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    wait_for_message(fixture, "READY=1");
    fixture_plug(fixture, "1-1", "046d", "c31c", "A", "Keyboard");
    wait_for_message(fixture, "STATUS=1 device, 0 in VMs");
    fixture_plug(fixture, "1-2", "046d", "c077", "B", "Mouse");
    wait_for_message(fixture, "STATUS=2 devices, 0 in VMs");
    assignment = fixture_assign(fixture, "1-1", FIXTURE_DESK);
    wait_for_message(fixture, "STATUS=2 devices, 1 in VMs");
    g_free(fixture_script(fixture, "disconnect"));
    wait_for_message(fixture, "STATUS=2 devices, 1 in VMs; hypervisor connecting");
    fixture_stop_daemon(fixture, SIGTERM);
    wait_for_message(fixture, "STOPPING=1");
}

/* ------------------------------------------------------------------ before a reload */

static int check(const char *folder, char **ret_said)
{
    const char *argv[] = { g_getenv("FERRY_TEST_DAEMON"), "--check", NULL };
    g_auto(GStrv) environment = g_environ_setenv(g_get_environ(), "FERRY_GROUPS_PATH", folder, TRUE);
    int status;

    assert_true(g_spawn_sync(NULL, (char **)argv, environment, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL,
                             ret_said, &status, NULL));
    return WEXITSTATUS(status);
}

static void put(const char *folder, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);

    assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void test_check(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *folder = g_build_filename(fixture->dir, "groups.d", NULL);
    g_autofree char *nothing = NULL, *good = NULL, *bad = NULL;

    assert_int_equal(check(folder, &nothing), 0);
    assert_int_equal(g_mkdir_with_parents(folder, 0700), 0);
    put(folder, "good.conf", "[Group]\nName=good\n[Rule 1]\nMatch=vendor=046d\n");
    assert_int_equal(check(folder, &good), 0);
    put(folder, "bad.conf", "[Group]\nName=bad\n[Rule 1]\nMatch=vendor=zz\n");
    assert_int_equal(check(folder, &bad), 1);
    fixture_assert(fixture, strstr(bad, "bad.conf:4: "));
}

/* The bus is asked for something, and doesn't answer. */
static bool waits_for_the_bus(Fixture *fixture, void *userdata)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/syscall", (int)fixture->daemon_pid);

    g_clear_pointer(&fixture->last_seen, g_free);
    return g_file_get_contents(path, &fixture->last_seen, NULL, NULL) &&
           strtol(fixture->last_seen, NULL, 10) == SYS_ppoll;
}

/* systemctl stop and reload, before it is ready: the one isn't a failure, the other no end. */
static void test_signals_while_it_starts(void **state)
{
    Fixture *fixture = *state;

    fixture_end_bus_with_test(fixture);
    for (guint i = 0; i < 2; i++) {
        fixture_stop_daemon(fixture, SIGTERM);
        assert_int_equal(kill(fixture->bus_pid, SIGSTOP), 0);
        fixture_start_daemon(fixture);
        fixture_wait_for(fixture, waits_for_the_bus, NULL, "it waits for the bus");
        assert_int_equal(kill(fixture->daemon_pid, i == 0 ? SIGHUP : SIGTERM), 0);
        assert_int_equal(kill(fixture->bus_pid, SIGCONT), 0);
        if (i == 0)
            wait_for_message(fixture, "READY=1");
    }
    fixture_stop_daemon(fixture, SIGTERM);
}

/* Whoever loses patience asks again, and a reload may come late: it stops in order all the same. */
static void test_signals_while_it_stops(void **state)
{
    static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
    Fixture *fixture = *state;

    for (gsize i = 0; i < G_N_ELEMENTS(signals); i++) {
        assert_int_equal(kill(fixture->daemon_pid, SIGTERM), 0);
        while (fixture_daemon_lives(fixture))
            kill(fixture->daemon_pid, signals[i]);
        fixture_stop_daemon(fixture, SIGTERM); /* it looks at how it ended */
        assert_true(fixture_try_start_daemon(fixture));
    }
}

/* Somebody starts it by hand, beside the one that runs, as an administrator who looks for a fault does. */
static void test_another_one_by_hand(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *folder = fixture_state_path(fixture, "");
    g_autofree char *runtime = g_build_filename(fixture->dir, "run", NULL);
    g_autofree char *script = g_build_filename(fixture->dir, "another.sock", NULL);
    g_auto(GStrv) environment = g_get_environ();
    g_autofree char *said = NULL, *assignment = NULL;
    g_autoptr(GError) error = NULL;
    int status;

    environment = g_environ_setenv(environment, "STATE_DIRECTORY", folder, TRUE);
    environment = g_environ_setenv(environment, "RUNTIME_DIRECTORY", runtime, TRUE);
    environment = g_environ_setenv(environment, "FERRY_SCRIPT_SOCKET", script, TRUE);
    if (!g_spawn_sync(NULL, (char **)(const char *[]){ g_getenv("FERRY_TEST_DAEMON"), NULL }, environment,
                      G_SPAWN_DEFAULT, NULL, NULL, NULL, &said, &status, &error))
        fail_msg("%s", error->message);
    fixture_assert(fixture, WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE);
    if (!strstr(said, "another usbferryd works with it"))
        fail_msg("it says: %s", said);

    /* The one that runs stores what it is told. */
    fixture_plug(fixture, "1-2", "046d", "c31c", "K1", "Keyboard");
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    fixture_stop_daemon(fixture, SIGKILL);
    fixture_start_daemon(fixture);
    fixture_wait_object(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_status, setup, teardown),
        cmocka_unit_test_setup_teardown(test_signals_while_it_starts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_signals_while_it_stops, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_another_one_by_hand, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_check, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
