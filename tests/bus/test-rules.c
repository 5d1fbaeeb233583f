/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The examples of rules in the manual page, as they are printed there, do what the page says. */

#include "tests/bus/cmocka-include.h"

#include <string.h>

#include "tests/bus/group-calls.h"
#include "tests/bus/memory-folder.h"

#define CAD  "33333333-3333-3333-3333-333333333333"
#define MAIL "44444444-4444-4444-4444-444444444444"

#define KEY      "1-2"
#define KEYBOARD "1-3"
#define SCANNER  "1-4"

#define DENIED    "org.freedesktop.DBus.Error.AccessDenied"
#define CHALLENGE "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"

/* In front of the examples nothing; behind them, what makes a NO of theirs visible. */
static const char behind[] = "polkit.addRule(function (action, subject) {\n"
                             "    if (action.id == 'org.usbferry1.assign' && subject.user == 'nobody')\n"
                             "        return polkit.Result.YES;\n"
                             "});\n";

enum { EXAMPLES = 3 };

/* The literal blocks of the page that are rules. New string. */
static char *examples(void)
{
    static const char begin[] = "    polkit.addRule(", end[] = "\n    });\n";
    g_autofree char *page = NULL;
    GString *rules = g_string_new(NULL);
    unsigned n = 0;

    assert_true(g_file_get_contents(g_getenv("FERRY_TEST_MANUAL"), &page, NULL, NULL));
    for (const char *at = page; (at = strstr(at, begin)); n++) {
        const char *last = strstr(at, end);

        assert_non_null(last);
        last += strlen(end);
        g_string_append_len(rules, at, last - at);
        at = last;
    }
    assert_int_equal(n, EXAMPLES);
    g_string_append(rules, behind);
    return g_string_free(rules, FALSE);
}

static int setup(void **state)
{
    g_autofree char *rules = NULL;
    Fixture *fixture;

    if (fixture_setup(state) != 0)
        return -1;
    fixture = *state;
    rules = examples();
    fixture_stop_polkit(fixture);
    fixture_start_polkit(fixture, rules);
    g_free(fixture_script(fixture, "define %s cad-1", CAD));
    g_free(fixture_script(fixture, "define %s mail", MAIL));
    groups_plug(fixture, KEY, "0529:0001", "KEY-1");
    groups_plug(fixture, KEYBOARD, "046d:c31c", "KBD-1");
    groups_plug(fixture, SCANNER, "04a9:1909", "SCAN-1");
    return 0;
}

static void assert_answer(Fixture *fixture, const sd_bus_error *error, int r, const char *expected)
{
    const char *name = r >= 0 ? "ok" : error->name;

    if (strcmp(name, expected) != 0) {
        fixture_print_log(fixture);
        fail_msg("%s: %s, expected %s", name, r >= 0 ? "" : error->message, expected);
    }
}

/* As this user: a device (or, with a path, a group) for a machine. The assignment's path goes to ret_path. */
static void give(Fixture *fixture, uid_t uid, const char *source, const char *uuid, const char *expected,
                 char **ret_path)
{
    sd_bus *bus = fixture_connect(fixture, uid);
    g_autofree char *path = source[0] == '/' ? g_strdup(source) : fixture_device_path(source);
    g_autofree char *machine = fixture_machine_path(uuid);
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message *reply = NULL;
    const char *assignment = NULL;
    int r = sd_bus_call_method(bus, FERRY_BUS_NAME, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign",
                               &error, &reply, "ooa{sv}", path, machine, 0);

    assert_answer(fixture, &error, r, expected);
    if (ret_path) {
        assert_true(sd_bus_message_read(reply, "o", &assignment) >= 0);
        *ret_path = g_strdup(assignment);
    }
    sd_bus_message_unref(reply);
    sd_bus_error_free(&error);
    sd_bus_flush_close_unref(bus);
}

static void take(Fixture *fixture, uid_t uid, const char *assignment, const char *expected)
{
    sd_bus *bus = fixture_connect(fixture, uid);
    sd_bus_error error = SD_BUS_ERROR_NULL;
    int r = sd_bus_call_method(bus, FERRY_BUS_NAME, assignment, FERRY_INTERFACE_ASSIGNMENT, "Release", &error,
                               NULL, "a{sv}", 0);

    assert_answer(fixture, &error, r, expected);
    sd_bus_error_free(&error);
    sd_bus_flush_close_unref(bus);
}

static void test_group_cad_gives_keys_to_its_machines(void **state)
{
    Fixture *fixture = *state;

    give(fixture, FIXTURE_MEMBER, KEY, FIXTURE_DESK, CHALLENGE, NULL);
    give(fixture, FIXTURE_MEMBER, KEYBOARD, CAD, CHALLENGE, NULL);
    give(fixture, FIXTURE_OTHER, KEY, CAD, CHALLENGE, NULL);
    give(fixture, FIXTURE_MEMBER, KEY, CAD, "ok", NULL);
}

static void test_machine_mail_gets_nothing(void **state)
{
    Fixture *fixture = *state;

    give(fixture, FIXTURE_STRANGER, KEYBOARD, MAIL, DENIED, NULL);
    give(fixture, FIXTURE_STRANGER, KEYBOARD, CAD, "ok", NULL);
    give(fixture, 0, SCANNER, MAIL, "ok", NULL);
}

static void test_operators_give_scanners(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *scanners = group_create_with(fixture, "scanners", "vendor=04a9");
    g_autofree char *keys = group_create_with(fixture, "keys", "vendor=0529");
    g_autofree char *roots = NULL, *others = NULL;
    g_autofree char *theirs = NULL;

    give(fixture, FIXTURE_OTHER, keys, CAD, CHALLENGE, NULL);
    give(fixture, FIXTURE_OTHER, SCANNER, CAD, CHALLENGE, NULL);
    give(fixture, FIXTURE_MEMBER, scanners, CAD, CHALLENGE, NULL);
    give(fixture, 0, keys, CAD, "ok", &roots);
    give(fixture, FIXTURE_OTHER, scanners, CAD, "ok", &theirs);
    give(fixture, 0, scanners, FIXTURE_DESK, "ok", &others);
    take(fixture, FIXTURE_OTHER, roots, CHALLENGE);
    take(fixture, FIXTURE_OTHER, others, CHALLENGE);
    take(fixture, FIXTURE_MEMBER, theirs, CHALLENGE);
    take(fixture, FIXTURE_OTHER, theirs, "ok");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_group_cad_gives_keys_to_its_machines),
        TEST(test_machine_mail_gets_nothing),
        TEST(test_operators_give_scanners),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
