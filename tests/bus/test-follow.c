/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices that come back to their socket as something else: who follows them, and what people are told. */

#include "tests/bus/cmocka-include.h"

#include <string.h>

#include "tests/bus/memory-folder.h"
#include "tests/bus/reset-calls.h"
#include "tests/bus/run-client.h"

#define MODEM  "0483", "5740", "S1", "Modem"
#define LOADER "0483", "df11", "", "Boot loader"

static void plug(Fixture *fixture, const char *vendor, const char *product, const char *serial,
                 const char *name)
{
    g_autofree char *path = fixture_device_path("1-2");

    fixture_plug(fixture, "1-2", vendor, product, serial, name);
    fixture_wait_object(fixture, path, FERRY_INTERFACE_DEVICE, true);
}

static void unplug(Fixture *fixture)
{
    g_autofree char *path = fixture_device_path("1-2");

    fixture_unplug(fixture, "1-2");
    fixture_wait_object(fixture, path, FERRY_INTERFACE_DEVICE, false);
}

/* 1-2 to desk, by the client. The assignment's path. New string. */
static char *give(Fixture *fixture, const char *line)
{
    g_autofree char *device = fixture_device_path("1-2");
    g_auto(Said) said = client_run(fixture, line);

    if (said.status != DONE)
        fail_msg("%s: %s", line, said.err);
    return fixture_get(fixture, device, FERRY_INTERFACE_DEVICE, "Assignment");
}

static void wait_reason(Fixture *fixture, const char *assignment, const char *reason)
{
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Reason", reason);
}

/* An update of its firmware, as long as it takes. */
static void test_an_update(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    plug(fixture, MODEM);
    assignment = give(fixture, "give 1-2 desk --follow");
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Follow", "true");
    unplug(fixture);
    wait_reason(
        fixture, assignment,
        "0483:5740 \"Modem\" (1-2) is not plugged in; it goes to VM \"desk\" when it is. What comes into "
        "its socket within 30s follows it.");
    plug(fixture, LOADER);
    wait_reason(
        fixture, assignment,
        "0483:df11 \"Boot loader\" (1-2) is attached to VM \"desk\", as it follows 0483:5740 \"Modem\" "
        "(1-2).");
    reset_wait_machine(fixture, FIXTURE_DESK, ":0483:df11", true);

    unplug(fixture);
    plug(fixture, MODEM);
    wait_reason(fixture, assignment, "0483:5740 \"Modem\" (1-2) is attached to VM \"desk\".");
    reset_wait_machine(fixture, FIXTURE_DESK, ":0483:5740", true);
}

/* As it is without a word about it: whoever puts something else in doesn't mean the machine. */
static void test_not_unless_said(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL, *device = fixture_device_path("1-2");

    plug(fixture, MODEM);
    assignment = give(fixture, "give 1-2 desk");
    unplug(fixture);
    plug(fixture, LOADER);
    wait_reason(
        fixture, assignment,
        "0483:5740 \"Modem\" (1-2) is not plugged in; it goes to VM \"desk\" when it is. In its socket is "
        "0483:df11 \"Boot loader\" (1-2) now.");
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "host");
}

/* What another assignment is for is not what this one has become. */
static void test_another_ones_does_not_follow(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *first = NULL, *second = NULL;

    plug(fixture, LOADER);
    second = give(fixture, "give 1-2 studio");
    unplug(fixture);
    plug(fixture, MODEM);
    first = give(fixture, "give 1-2 desk --follow");
    unplug(fixture);
    plug(fixture, LOADER);
    fixture_wait(fixture, second, FERRY_INTERFACE_ASSIGNMENT, "State", "waiting-machine");
    reset_wait_state(fixture, first, "waiting-device");
    reset_wait_machine(fixture, FIXTURE_DESK, ":0483", false);
}

/* The live XML and the socket say it all: a service that starts anew leaves it where it is. */
static void test_over_a_restart(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL, *before = NULL, *shown = NULL, *counts = NULL;

    plug(fixture, MODEM);
    assignment = give(fixture, "give 1-2 desk --follow");
    unplug(fixture);
    plug(fixture, LOADER);
    reset_wait_state(fixture, assignment, "attached");
    before = fixture_script(fixture, "show %s", FIXTURE_DESK);
    fixture_stop_daemon(fixture, SIGKILL);
    fixture_start_daemon(fixture);
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    {
        g_auto(GStrv) words = g_strsplit(before, " ", 4);

        assert_int_equal(g_strv_length(words), 4);
        g_free(fixture_script(fixture, "carry-on %s %s %s", FIXTURE_DESK, words[2], words[3]));
    }
    g_free(fixture_script(fixture, "connect"));
    reset_wait_state(fixture, assignment, "attached");
    fixture_wait(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Settling", "false");
    shown = fixture_script(fixture, "show %s", FIXTURE_DESK);
    assert_string_equal(shown, before);
    counts = fixture_script(fixture, "counts");
    fixture_assert(fixture, g_str_has_prefix(counts, "attach=0 detach=0 "));
}

static void test_groups_have_none(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *machine = fixture_machine_path(FIXTURE_DESK), *text = NULL, *group = NULL;
    sd_bus_message *reply;
    const char *path;

    reply = fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "CreateGroup", "sa{sv}",
                            "keys", 0);
    assert_true(sd_bus_message_read(reply, "o", &path) > 0);
    group = g_strdup(path);
    sd_bus_message_unref(reply);
    text = fixture_call_error(fixture, "InvalidOption", group, FERRY_INTERFACE_GROUP, "Assign", "oa{sv}",
                              machine, 1, "Follow", "b", 1);
    fixture_assert(fixture, g_str_has_prefix(text, "Follow: it is for one device"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_update),      TEST(test_not_unless_said),  TEST(test_another_ones_does_not_follow),
        TEST(test_over_a_restart), TEST(test_groups_have_none),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
