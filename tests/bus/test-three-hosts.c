/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Three services on three buses: one that is well, one that is stopped and answers when it goes on, one whose
 * bus is dead. A script in the place of ssh leads to them. */

#include "tests/bus/cmocka-include.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bus/deadline.h"
#include "tests/bus/memory-folder.h"
#include "tests/bus/run-client.h"

static const char ssh[] = "#!/bin/sh\n"
                          "for word; do [ ! -f \"$HOSTS_FOLDER/$word.bus\" ] || host=$word; done\n"
                          "exec systemd-stdio-bridge -p \"$(cat \"$HOSTS_FOLDER/$host.bus\")\"\n";

typedef struct Hosts {
    Fixture *good, *slow, *dead;
    char *path;
} Hosts;

/* ------------------------------------------------------------------ the hosts */

/* umockdev sends events for one testbed at a time, and a service is started on one bus. */
static void turn_to(Fixture *fixture)
{
    g_autofree char *root = umockdev_testbed_get_root_dir(fixture->bed);

    g_setenv("UMOCKDEV_DIR", root, true);
    g_setenv("DBUS_SYSTEM_BUS_ADDRESS", fixture->address, true);
}

static void plug(Fixture *fixture, const char *sysname, const char *serial, const char *name)
{
    turn_to(fixture);
    client_plug_keyboard(fixture, sysname, serial, name);
}

static Fixture *start_host(const char *folder, const char *name, const char *serial)
{
    void *state = NULL;

    assert_int_equal(fixture_setup(&state), 0);
    Fixture *fixture = state;
    g_autofree char *file = g_strdup_printf("%s/%s.bus", folder ? folder : fixture->dir, name);
    assert_true(g_file_set_contents(file, fixture->address, -1, NULL));
    plug(fixture, "1-2", serial, "Keyboard K120");
    return fixture;
}

/* Whose connections break. */
static void kill_bus(Fixture *fixture)
{
    fixture_end_bus_with_test(fixture);
    fixture_stop_daemon(fixture, SIGKILL);
    kill(fixture->bus_pid, SIGKILL);
}

static int setup(void **state)
{
    Hosts *hosts = g_new0(Hosts, 1);

    hosts->good = start_host(NULL, "good", "KBD-GOOD");
    hosts->slow = start_host(hosts->good->dir, "slow", "KBD-SLOW");
    hosts->dead = start_host(hosts->good->dir, "dead", "KBD-DEAD");
    kill_bus(hosts->dead);

    g_autofree char *script = g_build_filename(hosts->good->dir, "ssh", NULL);
    g_autofree char *path = g_strdup_printf("%s:%s", hosts->good->dir, g_getenv("PATH"));
    assert_true(g_file_set_contents(script, ssh, -1, NULL));
    assert_int_equal(chmod(script, 0755), 0);
    hosts->path = g_strdup(g_getenv("PATH"));
    g_setenv("PATH", path, true);
    g_setenv("HOSTS_FOLDER", hosts->good->dir, true);
    *state = hosts;
    return 0;
}

static int teardown(void **state)
{
    Hosts *hosts = *state;
    Fixture *all[] = { hosts->dead, hosts->slow, hosts->good };

    kill(hosts->slow->daemon_pid, SIGCONT);
    g_setenv("PATH", hosts->path, true);
    g_unsetenv("HOSTS_FOLDER");
    for (gsize i = 0; i < G_N_ELEMENTS(all); i++) {
        void *one = all[i];
        fixture_teardown(&one);
    }
    g_free(hosts->path);
    g_free(hosts);
    return 0;
}

/* Returns when it is. */
static void stop_process(GPid pid)
{
    siginfo_t info;

    assert_int_equal(kill(pid, SIGSTOP), 0);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT), 0);
}

/* ------------------------------------------------------------------ lists */

/* Long enough for a host that is well on a machine that has much to do; a slow one takes all of it. */
#define PATIENCE "20"
#define LATE     "usbferry: slow: no answer within " PATIENCE " s\n"
#define GONE     "usbferry: dead: no connection to the bus of dead\n"

/* The slow one is stopped all the while: whoever waited for it would wait for ever. */
static void test_list(void **state)
{
    Hosts *hosts = *state;
    const char *line = "-H slow -H dead -H good --host-timeout " PATIENCE " list devices -o device,serial";

    stop_process(hosts->slow->daemon_pid);
    g_auto(Said) said = client_run(hosts->good, line);
    client_expect_said(hosts->good, &said, line, FAILED, " 1-2    KBD-GOOD\n", LATE);
    client_expect_said(hosts->good, &said, line, FAILED, "HOST", GONE);
    assert_null(strstr(said.out, "KBD-SLOW"));

    client_expect(hosts->good, "-H dead -H good list --json", FAILED, "\"serial\": \"KBD-GOOD\"",
                  "\"text\":\"dead: no connection to the bus of dead\"");
    client_expect(hosts->good, "-H dead -H dead2", FAILED, NULL, GONE);

    assert_int_equal(kill(hosts->slow->daemon_pid, SIGCONT), 0);
    client_expect(hosts->good, "-H slow -H dead -H good list -o serial", FAILED, "KBD-SLOW", GONE);
    /* a slow machine may say meanwhile that there is no answer yet */
    client_expect(hosts->good, "-H slow -H good list -o serial", DONE, "KBD-SLOW", "");
    g_free(fixture_script(hosts->slow, "disconnect"));
    fixture_wait(hosts->slow, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "HypervisorState", "connecting");
    client_expect(hosts->good, "-H slow -H good list -o serial", DONE, "KBD-SLOW",
                  ": the hypervisor scripted:/// is not connected");
    client_expect(hosts->good, "-H slow -H good --host-timeout 0", USAGE, NULL, "from 1 to 3600");
}

/* ------------------------------------------------------------------ watch */

typedef struct Watch {
    Fixture *fixture;
    GPid pid;
    int fd;
    GString *seen; /* of both outputs, what was not awaited yet */
} Watch;

static void begin(Watch *watch, const char *line)
{
    g_auto(GStrv) words = client_words(line);
    g_autofree char *quoted = g_strjoinv(" ", words);
    g_autofree char *whole = g_strdup_printf("exec %s 2>&1", quoted);
    g_auto(GStrv) environment = client_environment();
    g_autoptr(GError) error = NULL;
    const char *const argv[] = { "sh", "-c", whole, NULL };

    watch->seen = g_string_new(NULL);
    if (!g_spawn_async_with_pipes(NULL, (char **)argv, environment,
                                  G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH, NULL, NULL, &watch->pid,
                                  NULL, &watch->fd, NULL, &error))
        fail_msg("%s: %s", line, error->message);
}

static bool read_more(Watch *watch)
{
    struct pollfd pollfd = { .fd = watch->fd, .events = POLLIN };
    char part[4096];
    ssize_t length = poll(&pollfd, 1, DEADLINE_MS) > 0 ? read(watch->fd, part, sizeof part) : -1;

    if (length < 0) {
        fixture_print_log(watch->fixture);
        fail_msg("usbferry watch: no more lines; unread:\n%s", watch->seen->str);
    }
    g_string_append_len(watch->seen, part, length);
    return length > 0;
}

/* A line that has all of these; what came before it stays unread. */
static void await(Watch *watch, const char *one, const char *other)
{
    for (;;) {
        g_auto(GStrv) lines = g_strsplit(watch->seen->str, "\n", -1);

        for (char **line = lines; line[0] && line[1]; line++)
            if (strstr(*line, one) && strstr(*line, other)) {
                g_autofree char *whole = g_strconcat(*line, "\n", NULL);
                g_string_replace(watch->seen, whole, "", 1);
                return;
            }
        if (!read_more(watch))
            fail_msg("usbferry watch: ended without \"%s\"; unread:\n%s", one, watch->seen->str);
    }
}

static void end(Watch *watch)
{
    kill(watch->pid, SIGTERM);
    assert_int_equal(waitpid(watch->pid, NULL, 0), watch->pid);
    close(watch->fd);
    g_string_free(watch->seen, true);
}

/* It ends by itself. The exit status. */
static int finish(Watch *watch)
{
    int status;

    while (read_more(watch))
        ;
    assert_int_equal(waitpid(watch->pid, &status, 0), watch->pid);
    close(watch->fd);
    g_string_free(watch->seen, true);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Nobody waits for who is slow: the list is there and names him and the dead one before he goes on; then his
 * lines come below. */
static void test_list_does_not_wait(void **state)
{
    Hosts *hosts = *state;
    Watch list = { .fixture = hosts->good };

    stop_process(hosts->slow->daemon_pid);
    begin(&list, "-H slow -H dead -H good --host-timeout 600 list devices -o device,serial");
    await(&list, "HOST", "DEVICE SERIAL");
    await(&list, " 1-2    KBD-GOOD", "");
    await(&list, "usbferry: dead: no connection to the bus of dead", "");
    await(&list, "usbferry: no answer yet from slow", "");
    assert_int_equal(kill(hosts->slow->daemon_pid, SIGCONT), 0);
    await(&list, " 1-2    KBD-SLOW", "");
    /* What says why the dead one's bus can't be reached comes when it likes. */
    assert_null(strstr(list.seen->str, "usbferry:"));
    assert_null(strstr(list.seen->str, "KBD-"));
    assert_int_equal(finish(&list), FAILED);
}

static void test_watch(void **state)
{
    Hosts *hosts = *state;
    Watch watch = { .fixture = hosts->good };

    stop_process(hosts->slow->daemon_pid);
    begin(&watch, "watch -H slow -H dead -H good --host-timeout " PATIENCE);
    await(&watch, "usbferry: dead: no connection to the bus of dead", "");
    await(&watch, "usbferry: slow: no answer within " PATIENCE " s", "");
    await(&watch, "watching for changes", "");
    plug(hosts->good, "1-3", "KBD-3", "Keyboard Three");
    await(&watch, "Keyboard Three\" (1-3): plugged in", "");

    /* late is not never */
    assert_int_equal(kill(hosts->slow->daemon_pid, SIGCONT), 0);
    await(&watch, "watching for changes", "");
    plug(hosts->slow, "1-4", "KBD-4", "Keyboard Four");
    await(&watch, "Keyboard Four\" (1-4): plugged in", "");

    /* one goes away, a service only comes and goes */
    kill_bus(hosts->slow);
    await(&watch, "usbferry: slow: lost the connection to the bus", "");
    fixture_stop_daemon(hosts->good, SIGTERM);
    await(&watch, "the service left the bus", "");
    turn_to(hosts->good);
    fixture_start_daemon(hosts->good);
    await(&watch, "the service is back", "");
    plug(hosts->good, "1-5", "KBD-5", "Keyboard Five");
    await(&watch, "Keyboard Five\" (1-5): plugged in", "");

    /* the last one */
    kill_bus(hosts->good);
    await(&watch, "usbferry: good: lost the connection to the bus", "");
    assert_int_equal(finish(&watch), FAILED);
}

/* Each line begins with its host, and so does each of the table. A word that means nothing on one host is
 * that host's own trouble. */
static void test_watch_some(void **state)
{
    Hosts *hosts = *state;
    Watch watch = { .fixture = hosts->good };
    char node[256];

    assert_int_equal(gethostname(node, sizeof node), 0);
    g_autofree char *json = g_strdup_printf("\"host\":\"%s\"", node);

    begin(&watch, "watch KBD-GOOD -H slow -H good --host-timeout 600");
    await(&watch, "usbferry: slow: ", "KBD-GOOD");
    await(&watch, node, "watching for changes");
    plug(hosts->good, "1-3", "KBD-3", "Keyboard Three");
    fixture_unplug(hosts->good, "1-2");
    await(&watch, node, "(1-2): unplugged");
    assert_null(strstr(watch.seen->str, "Keyboard Three"));
    end(&watch);

    begin(&watch, "watch --table -H slow -H good --host-timeout 600");
    await(&watch, "HOST ", "REASON");
    plug(hosts->slow, "1-7", "KBD-7", "Keyboard Seven");
    await(&watch, node, "Keyboard Seven");
    end(&watch);

    begin(&watch, "watch --json -H slow -H good --host-timeout 600");
    await(&watch, json, "\"watching\"");
    await(&watch, json, "\"watching\"");
    plug(hosts->slow, "1-8", "KBD-8", "Keyboard Eight");
    await(&watch, json, "Keyboard Eight");
    end(&watch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_list, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list_does_not_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(test_watch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_watch_some, setup, teardown),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
