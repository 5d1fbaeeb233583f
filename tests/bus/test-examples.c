/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The front ends of data/examples: each shows what is there, follows a plug, a give, a pool, a guard and a
 * notice, and gives and takes after it has asked. */

#include "tests/bus/cmocka-include.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bus/group-calls.h"
#include "tests/bus/host-calls.h"
#include "tests/bus/memory-folder.h"
#include "tests/bus/run-client.h"

/* One that follows, in a process group of its own. */
typedef struct Follower {
    GPid pid;
    int out;
    GString *said;
} Follower;

static void lead_group(gpointer userdata)
{
    (void)setpgid(0, 0);
}

/* first: a folder whose programs it finds before all others, or NULL. */
static Follower begin(const char *program, const char *first)
{
    char *words[] = { (char *)program, NULL };
    g_auto(GStrv) environment = client_environment();
    g_autofree char *path = g_strconcat(first, ":", g_getenv("PATH"), NULL);
    g_autoptr(GError) error = NULL;
    Follower follower = { .said = g_string_new(NULL) };

    if (first)
        environment = g_environ_setenv(environment, "PATH", path, TRUE);
    if (!g_spawn_async_with_pipes(NULL, words, environment, G_SPAWN_DO_NOT_REAP_CHILD, lead_group, NULL,
                                  &follower.pid, NULL, &follower.out, NULL, &error))
        fail_msg("%s: %s", program, error->message);
    assert_int_equal(fcntl(follower.out, F_SETFL, O_NONBLOCK), 0);
    return follower;
}

static void end(Follower *follower)
{
    assert_int_equal(killpg(follower->pid, SIGKILL), 0);
    assert_int_equal(waitpid(follower->pid, NULL, 0), follower->pid);
    close(follower->out);
    g_string_free(follower->said, TRUE);
}

typedef struct Line {
    Follower *follower;
    const char *text;
} Line;

static bool was_said(Fixture *fixture, void *userdata)
{
    const Line *line = userdata;
    char text[4096];
    ssize_t n;

    while ((n = read(line->follower->out, text, sizeof text)) > 0)
        g_string_append_len(line->follower->said, text, n);
    return strstr(line->follower->said->str, line->text) != NULL;
}

/* It says this, and what comes after it is new. */
static void wait_line(Fixture *fixture, Follower *follower, const char *text)
{
    Line line = { follower, text };

    fixture_wait_for(fixture, was_said, &line, text);
}

static void forget(Fixture *fixture, Follower *follower)
{
    (void)was_said(fixture, &(Line){ follower, "" });
    g_string_truncate(follower->said, 0);
}

/* The same program, once. New string: what it said. */
static char *run(const char *program, const char *verb, const char *device, const char *vm, int status)
{
    char *words[] = { (char *)program, (char *)verb, (char *)device, (char *)vm, NULL };
    g_auto(GStrv) environment = client_environment();
    g_autoptr(GError) error = NULL;
    g_autofree char *err = NULL;
    char *out = NULL;
    int wait_status;

    if (!g_spawn_sync(NULL, words, environment, G_SPAWN_DEFAULT, NULL, NULL, &out, &err, &wait_status,
                      &error))
        fail_msg("%s: %s", program, error->message);
    if (!WIFEXITED(wait_status) || WEXITSTATUS(wait_status) != status)
        fail_msg("%s %s: status %x\n%s%s", program, verb, (unsigned)wait_status, out, err);
    if (status == FAILED)
        assert_true(*err);
    return out;
}

static void give_and_take(Fixture *fixture, const char *program, Follower *follower)
{
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *given = NULL, *taken = NULL, *unknown = NULL;

    given = run(program, "give", "1-2", "desk", 0);
    assert_says(given, "given: " FERRY_PATH_ASSIGNMENT_PREFIX "/");
    wait_line(fixture, follower, "device 1-2 Keyboard K120: attached [desk] [] ");
    wait_line(fixture, follower, "assignment Keyboard K120 to desk: attached, 1 of 1: ");
    forget(fixture, follower);
    taken = run(program, "take", "1-2", NULL, 0);
    assert_says(taken, "taken: " FERRY_PATH_ASSIGNMENT_PREFIX "/");
    wait_line(fixture, follower, "device 1-2 Keyboard K120: host [] [] ");
    wait_line(fixture, follower,
              "notice home: 046d:c31c \"Keyboard K120\" (1-2) came home from VM \"desk\": it was taken home");
    unknown = run(program, "give", "1-2", "nobody", 1);
    assert_string_equal(unknown, "");
}

static void pool(Fixture *fixture, Follower *follower)
{
    g_autofree char *group = group_create_with(fixture, "keys", "vendor=046d"), *assignment = NULL;

    wait_line(fixture, follower, "group keys: 1 of 1 free");
    assignment = group_assign(fixture, group, FIXTURE_DESK, "2", NULL);
    wait_line(fixture, follower, "group keys: 0 of 1 free");
    wait_line(fixture, follower, "assignment keys to desk: partial, 1 of 2: ");
    sd_bus_message_unref(
        fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Release", "a{sv}", 0));
    group_call(fixture, group, "Delete", "a{sv}", 0);
    wait_line(fixture, follower, "gone ");
}

static void guard(Fixture *fixture, const char *program, Follower *follower)
{
    g_autofree char *said = NULL;

    host_mount(fixture, "8:1", "/home");
    host_hint(fixture);
    wait_line(fixture, follower, "[] [mounted:/home] ");
    said = run(program, "give", "1-3", "desk", 1);
    assert_says(said, "unmount");
    assert_null(strstr(said, "given"));
    host_mount(fixture, "8:1", NULL);
    host_hint(fixture);
}

/* Typed wrong it does nothing but tell what can be typed. */
static void usage(const char *program)
{
    g_autofree char *help = run(program, "--help", NULL, NULL, 0), *incomplete = NULL;

    assert_says(help, "[give DEVICE VM | take DEVICE]");
    incomplete = run(program, "give", "1-2", NULL, USAGE);
    assert_string_equal(incomplete, help);
}

static void test_front_end(Fixture *fixture, const char *program)
{
    Follower follower;

    fixture_plug(fixture, "1-2", "046d", "c31c", "KBD-0001", "Keyboard K120");
    groups_plug(fixture, "1-3", "0781:5567", "S-1");
    host_put_disk(fixture, "1-3", "sda1", "8:1\n");
    usage(program);
    follower = begin(program, NULL);
    wait_line(fixture, &follower, "ready\n");
    wait_line(fixture, &follower, "device 1-2 Keyboard K120: host [] [] ");
    groups_plug(fixture, "1-4", "0529:0001", "HASP-1");
    wait_line(fixture, &follower, "device 1-4 ");
    give_and_take(fixture, program, &follower);
    forget(fixture, &follower);
    pool(fixture, &follower);
    guard(fixture, program, &follower);
    end(&follower);
}

static char *script(const char *name)
{
    return g_build_filename(g_getenv("FERRY_TEST_EXAMPLES"), name, NULL);
}

static void test_python(void **state)
{
    g_autofree char *program = script("front-end.py");

    test_front_end(*state, program);
}

static void test_shell(void **state)
{
    g_autofree char *program = script("front-end.sh");

    test_front_end(*state, program);
}

/* A busctl that says what the test writes, and leaves a mark whenever it is asked for anything else. */
#define BUSCTL                               \
    "#!/bin/sh\n"                            \
    "case \"$*\" in\n"                       \
    "*monitor) exec cat \"$0.signals\" ;;\n" \
    "*) echo >> \"$0.looks\" ;;\n"           \
    "esac\n"

static bool has_looked(Fixture *fixture, void *userdata)
{
    return g_file_test(userdata, G_FILE_TEST_EXISTS);
}

static void say(int signals, const char *text)
{
    assert_int_equal(write(signals, text, strlen(text)), strlen(text));
}

/* A signal comes in two halves, with a look between them. */
static void test_half_a_line(void **state)
{
    g_autofree char *program = script("front-end.sh");
    g_autofree char *folder = g_dir_make_tmp("ferry-examples-XXXXXX", NULL);
    g_autofree char *busctl = g_build_filename(folder, "busctl", NULL);
    g_autofree char *fifo = g_strconcat(busctl, ".signals", NULL);
    g_autofree char *looks = g_strconcat(busctl, ".looks", NULL);
    Follower follower;
    int signals;

    assert_true(g_file_set_contents_full(busctl, BUSCTL, -1, G_FILE_SET_CONTENTS_NONE, 0755, NULL));
    assert_int_equal(mkfifo(fifo, 0600), 0);
    signals = open(fifo, O_RDWR | O_CLOEXEC); /* so that neither end waits for the other */
    assert_true(signals >= 0);
    follower = begin(program, folder);
    wait_line(*state, &follower, "ready\n");
    assert_int_equal(unlink(looks), 0);
    say(signals,
        "{\"member\":\"PropertiesChanged\"}\n{\"member\":\"Notice\",\"data\":[\"home\",\"/\",\"it is");
    fixture_wait_for(*state, has_looked, looks, "a look");
    say(signals, " home\",{}]}\n");
    wait_line(*state, &follower, "notice home: it is home\n");
    end(&follower);
    close(signals);
    fixture_remove_tree(folder);
}

static void test_c(void **state)
{
    test_front_end(*state, g_getenv("FERRY_TEST_EXAMPLE"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, host_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_python),
        TEST(test_shell),
        TEST(test_half_a_line),
        TEST(test_c),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
