/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usbferry take, by users with less than all rights: what they may end ends, and what they may take home only
 * comes home and stays assigned. */

#include "tests/bus/cmocka-include.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bus/memory-folder.h"
#include "tests/bus/run-client.h"
#include "tests/bus/tenant-calls.h"

#define USER FIXTURE_OTHER

#define ALLOW(condition) \
    "polkit.addRule(function (asked) { if (" condition ") return polkit.Result.YES; });\n"
#define TAKE_HOME ALLOW("asked.id == 'org.usbferry1.take-home' || asked.id == 'org.usbferry1.assign-own'")
#define ASSIGN    ALLOW("asked.id == 'org.usbferry1.assign'")

static void become_user(gpointer userdata)
{
    if (setgid(USER) != 0 || setuid(USER) != 0)
        _exit(1);
}

/* Runs `usbferry LINE` as the user. out: what it says (NULL = nothing); with DONE it says nothing else. */
static void expect(Fixture *fixture, const char *line, int status, const char *out)
{
    g_auto(GStrv) environment = client_environment();
    g_auto(GStrv) words = client_words(line);
    g_autofree char *said = NULL, *complained = NULL;
    g_autoptr(GError) error = NULL;
    int wait_status;

    if (!g_spawn_sync(NULL, words, environment, G_SPAWN_DEFAULT, become_user, NULL, &said, &complained,
                      &wait_status, &error))
        fail_msg("usbferry %s: %s", line, error->message);
    if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == status &&
        (out ? strstr(said, out) != NULL : !*said) && !*complained == (status == DONE))
        return;
    fixture_print_log(fixture);
    fail_msg("usbferry %s: 0x%x, expected %d\n--- out (expected: %s)\n%s--- err\n%s", line,
             (unsigned)wait_status, status, out ? out : "nothing", said, complained);
}

static void rules(Fixture *fixture, const char *text)
{
    fixture_stop_polkit(fixture);
    fixture_start_polkit(fixture, text);
}

/* New string. */
static char *give(Fixture *fixture, sd_bus *bus, const char *sysname)
{
    sd_bus *root = fixture->bus;
    char *assignment;

    groups_plug(fixture, sysname, "046d:c31c", sysname);
    fixture->bus = bus;
    assignment = fixture_assign(fixture, sysname, FIXTURE_DESK);
    fixture->bus = root;
    tenant_wait_state(fixture, assignment, "attached");
    return assignment;
}

/* New string. */
static char *id_of(const char *assignment)
{
    char *decoded = NULL;
    char *id;

    assert_true(sd_bus_path_decode(assignment, FERRY_PATH_ASSIGNMENT_PREFIX, &decoded) > 0);
    id = g_strdup(decoded);
    free(decoded);
    return id;
}

static void test_of_others_it_takes_the_device_home(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = give(fixture, fixture->bus, "1-2");
    g_autofree char *id = id_of(assignment);
    g_autofree char *kept =
        g_strdup_printf("is on the host; assignment \"Device 046d:c31c to desk\" (%s) is kept, "
                        "since ending what others gave takes the right "
                        "org.usbferry1.assign.\n",
                        id);
    g_autofree char *again = g_strdup_printf("take %s", id);

    rules(fixture, TAKE_HOME);
    expect(fixture, "take 1-2", DONE, kept);
    tenant_wait_state(fixture, assignment, "disabled");
    expect(fixture, "take 1-2", DONE, "on the host");
    /* there is nothing to take home any more */
    expect(fixture, again, DENIED, NULL);
    tenant_wait_state(fixture, assignment, "disabled");
}

static void test_in_json_it_is_one_document(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = give(fixture, fixture->bus, "1-2");

    rules(fixture, TAKE_HOME);
    expect(fixture, "take 1-2 --json", DONE, "\"state\": \"disabled\"");
    tenant_wait_state(fixture, assignment, "disabled");
}

static void test_without_any_right_nothing_moves(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = give(fixture, fixture->bus, "1-2");

    rules(fixture, "");
    expect(fixture, "take 1-2", DENIED, NULL);
    expect(fixture, "take desk", DENIED, NULL);
    expect(fixture, "take --all", DENIED, NULL);
    tenant_wait_state(fixture, assignment, "attached");
}

/* Of a VM, and of all: his own end, the others' come home. */
static void take_many(Fixture *fixture, const char *line)
{
    sd_bus *user = fixture_connect(fixture, USER);
    g_autofree char *own = NULL, *others = NULL, *alone = NULL;

    rules(fixture, ASSIGN);
    own = give(fixture, user, "1-2");
    others = give(fixture, fixture->bus, "1-3");
    rules(fixture, TAKE_HOME);
    expect(fixture, line, DONE, "(1-3) is on the host; assignment");
    fixture_wait_object(fixture, own, FERRY_INTERFACE_ASSIGNMENT, false);
    tenant_wait_state(fixture, others, "disabled");
    expect(fixture, line, DONE, "is kept");

    assert_call_as(fixture, fixture->bus, NULL, others, FERRY_INTERFACE_ASSIGNMENT, "Release", "a{sv}", 0);
    fixture_wait_object(fixture, others, FERRY_INTERFACE_ASSIGNMENT, false);
    rules(fixture, ASSIGN);
    alone = give(fixture, user, "1-4");
    rules(fixture, TAKE_HOME);
    expect(fixture, line, DONE, "(1-4) is on the host.\n");
    fixture_wait_object(fixture, alone, FERRY_INTERFACE_ASSIGNMENT, false);
    sd_bus_flush_close_unref(user);
}

static void test_of_a_vm(void **state)
{
    take_many(*state, "take desk");
}

static void test_of_all(void **state)
{
    take_many(*state, "take --all");
}

static void test_nothing_is_taken_without_a_question(void **state)
{
    Fixture *fixture = *state;

    rules(fixture, "");
    expect(fixture, "take --all", DONE, "Nothing was given to any VM.\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_of_others_it_takes_the_device_home),
        TEST(test_in_json_it_is_one_document),
        TEST(test_without_any_right_nothing_moves),
        TEST(test_of_a_vm),
        TEST(test_of_all),
        TEST(test_nothing_is_taken_without_a_question),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
