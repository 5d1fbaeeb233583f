/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What scripts and people look at one thing with: show -p, set, watch of one thing and as a table. */

#include "tests/bus/cmocka-include.h"

#include <signal.h>
#include <string.h>

#include "tests/bus/memory-folder.h"
#include "tests/bus/run-client.h"

static void test_show_values(void **state)
{
    Fixture *fixture = *state;

    client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard K120");
    client_expect(fixture, "give 1-2 desk --name mine", DONE, "attached", NULL);
    g_auto(Said) one = client_run(fixture, "show 1-2 -p state --value");
    assert_string_equal(one.out, "attached\n");
    g_auto(Said) several = client_run(fixture, "show mine -p devices,has,vm --value");
    assert_string_equal(several.out, "1-2\n1\ndesk\n");
    client_expect(fixture, "show 1-2 -p nonsense", USAGE, NULL, "there is no column \"nonsense\"");
}

static void test_set(void **state)
{
    Fixture *fixture = *state;

    client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard K120");
    client_expect(fixture, "give 1-2 desk --name mine", DONE, "attached", NULL);
    client_expect(fixture, "set 1-2 --name yours --priority 7", DONE, "Assignment \"mine\" (", NULL);
    g_auto(Said) said = client_run(fixture, "show yours -p priority,allow-guest-reset --value");
    assert_string_equal(said.out, "7\nno\n");
    client_expect(fixture, "set yours --allow-guest-reset", DONE, "is changed", NULL);
    g_auto(Said) reset = client_run(fixture, "show yours -p allow-guest-reset --value");
    assert_string_equal(reset.out, "yes\n");
    client_expect(fixture, "set yours", USAGE, NULL, "say what to change");
    client_expect(fixture, "set yours --priority much", USAGE, NULL, "whole number");
}

/* Without a question nobody is asked, and what helps is said. */
static void test_no_ask_password(void **state)
{
    Fixture *fixture = *state;

    client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard K120");
    g_auto(Said) said = client_run_as(FIXTURE_OTHER, "give 1-2 desk --no-ask-password");
    client_expect_said(fixture, &said, "give", DENIED, NULL, "as --no-ask-password says: use sudo");
}

/* Reads until the text has come. */
static char *read_until(GSubprocess *client, const char *text)
{
    GInputStream *out = g_subprocess_get_stdout_pipe(client);
    g_autoptr(GString) read = g_string_new(NULL);
    char letter;

    while (!strstr(read->str, text)) {
        if (g_input_stream_read(out, &letter, 1, NULL, NULL) != 1)
            fail_msg("usbferry watch ended before it said \"%s\":\n%s", text, read->str);
        g_string_append_c(read, letter);
    }
    return g_string_free(g_steal_pointer(&read), FALSE);
}

static void test_watch_one(void **state)
{
    Fixture *fixture = *state;

    client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard K120");
    client_plug_keyboard(fixture, "1-3", "KBD-B", "Keyboard K120");
    client_expect(fixture, "watch 1-9", NOT_FOUND, NULL, "1-9");
    GSubprocess *client = client_begin("watch 1-2 studio");
    g_free(read_until(client, "watching for changes\n"));
    client_expect(fixture, "give 1-3 desk", DONE, "attached", NULL);
    client_expect(fixture, "give 1-2 desk --name mine", DONE, "attached", NULL);
    g_autofree char *seen = read_until(client, "(1-2): attaching -> attached");
    assert_null(strstr(seen, "(1-3)"));
    assert_non_null(strstr(seen, "assignment \"mine\""));
    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    g_free(read_until(client, "VM \"studio\": shutoff -> running"));
    g_subprocess_force_exit(client);
    g_object_unref(client);
}

static void test_watch_table(void **state)
{
    Fixture *fixture = *state;

    client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard K120");
    client_plug_keyboard(fixture, "1-3", "KBD-B", "Keyboard K120");
    client_expect(fixture, "watch --table --json", USAGE, NULL, "--table is for people");
    GSubprocess *client = client_begin("watch --table 1-2");
    g_autofree char *first = read_until(client, "host\n\n");
    assert_non_null(strstr(first, "NAME"));
    /* not of the date */
    assert_non_null(strstr(first, " 1-2 "));
    assert_null(strstr(first, " 1-3 "));
    client_expect(fixture, "give 1-2 desk --name mine", DONE, "attached", NULL);
    g_free(read_until(client, "attached assigned as \"mine\"\n\n"));
    g_subprocess_force_exit(client);
    g_object_unref(client);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_show_values), TEST(test_set),         TEST(test_no_ask_password),
        TEST(test_watch_one),   TEST(test_watch_table),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
