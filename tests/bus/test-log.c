/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usbferry log: what happened, of everything or of one thing, also of what is gone by now. */

#include "tests/bus/cmocka-include.h"

#include <string.h>

#include "tests/bus/memory-folder.h"
#include "tests/bus/run-client.h"

static guint count_lines(Fixture *fixture, const char *line)
{
    g_auto(Said) said = client_run(fixture, line);

    if (said.status != DONE)
        fail_msg("usbferry %s: %s", line, said.err);
    g_auto(GStrv) lines = g_strsplit(g_strchomp(said.out), "\n", -1);
    return g_strv_length(lines);
}

static void expect_order(Fixture *fixture, const char *line, const char *const *texts)
{
    g_auto(Said) said = client_run(fixture, line);
    const char *at = said.out;

    for (; *texts; texts++) {
        const char *found = strstr(at, *texts);
        if (!found)
            fail_msg("usbferry %s: no \"%s\" where it belongs:\n%s", line, *texts, said.out);
        at = found + strlen(*texts);
    }
}

static void test_log(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *path = fixture_device_path("1-2");

    client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard K120");
    client_plug_keyboard(fixture, "1-3", "KBD-B", "Keyboard Other");
    client_expect(fixture, "give 1-2 desk --name mine", DONE, "attached", NULL);
    client_expect(fixture, "give 1-3 studio", DONE, "Waiting", NULL);

    expect_order(fixture, "log",
                 (const char *const[]){ "Keyboard K120", "Keyboard Other", "assignment \"mine\" (",
                                        "is attached", NULL });
    /* root sees who decided */
    client_expect(fixture, "log mine", DONE, "(by root)", NULL);
    client_expect_not(fixture, "log mine", "by uid");
    client_expect_not(fixture, "log 1-2", "(1-3)"); /* a date may have 1-3, too */
    client_expect(fixture, "log 1-2", DONE, "Keyboard K120", NULL);
    client_expect_not(fixture, "log desk", "studio");
    client_expect(fixture, "log desk", DONE, "desk", NULL);
    assert_int_equal(count_lines(fixture, "log -n 1"), 1);
    assert_int_equal(count_lines(fixture, "log studio -n 1"), 1);
    client_expect(fixture, "log desk --json", DONE, "\"assignment\": \"mine\"", NULL);

    /* what is gone is known by what it was called */
    client_expect(fixture, "take mine", DONE, "on the host", NULL);
    fixture_unplug(fixture, "1-2");
    fixture_wait_object(fixture, path, FERRY_INTERFACE_DEVICE, false);
    client_expect(fixture, "log mine", DONE, "Keyboard K120", NULL);
    client_expect(fixture, "log 1-2", DONE, "Keyboard K120", NULL);
    client_expect_not(fixture, "log 1-2", "Keyboard Other");

    client_expect(fixture, "log nobody", NOT_FOUND, NULL, "nobody");
    client_expect(fixture, "log -n 0", USAGE, NULL, "--lines needs a number from 1");
    client_expect(fixture, "log 1-2 1-3", USAGE, NULL, "too many arguments");
    client_expect(fixture, "history", USAGE, NULL, "did you mean \"usbferry log\"?");
}

/* Who asks reads that there is nothing. */
static void test_nothing(void **state)
{
    Fixture *fixture = *state;

    client_expect(fixture, "log studio", DONE, "Nothing of it is remembered", NULL);
    client_expect(fixture, "log studio --json", DONE, "[]", NULL);
    client_expect_not(fixture, "log studio --json", "Nothing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_log, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_nothing, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
