/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices that flap: held back, with why and until when, until it is over or somebody wants to try. */

#include "tests/bus/cmocka-include.h"

#include <string.h>

#include "tests/bus/memory-folder.h"
#include "tests/bus/reset-calls.h"
#include "tests/bus/run-client.h"
#include "tests/bus/settings.h"

/* Until a test has looked. */
#define FOR_LONG "[Times]\nQuarantineFirst=1min\n"

/* Enough for a busy machine to see three of them in a row. */
#define REPLUGS_MAX 20

static bool is_quarantined(Fixture *fixture, const char *sysname)
{
    g_autofree char *device = fixture_device_path(sysname);
    g_autofree char *now = fixture_get(fixture, device, FERRY_INTERFACE_DEVICE, "State");

    return g_strcmp0(now, "quarantined") == 0;
}

static void replug(Fixture *fixture, const char *sysname, const char *serial)
{
    g_autofree char *device = fixture_device_path(sysname);

    fixture_unplug(fixture, sysname);
    fixture_wait_object(fixture, device, FERRY_INTERFACE_DEVICE, false);
    reset_plug(fixture, sysname, serial);
}

static void flap(Fixture *fixture, const char *assignment, const char *sysname, const char *serial)
{
    for (int i = 0; i < REPLUGS_MAX && !is_quarantined(fixture, sysname); i++) {
        replug(fixture, sysname, serial);
        /* What this replug has come to, and not the one before. */
        fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Pending", "false");
    }
    fixture_assert(fixture, is_quarantined(fixture, sysname));
}

static void test_flaps(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL, *reason = NULL, *line = NULL;
    g_auto(Said) explained = { 0 }, retried = { 0 };

    settings_reload(fixture, FOR_LONG);
    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = reset_give(fixture, "1-2", FIXTURE_DESK);
    flap(fixture, assignment, "1-2", "KBD-0001");
    reset_wait_state(fixture, assignment, "quarantined");
    reset_wait_machine(fixture, FIXTURE_DESK, "046d", false);
    reason = fixture_get(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Reason");
    if (!g_regex_match_simple(
            "^046d:c31c \"Keyboard K120\" \\(1-2\\) is quarantined: it left and came back [0-9]+ "
            "times in a row; it is held back until [0-9]{2}:[0-9]{2}:[0-9]{2}; \"usbferry "
            "retry [a-z0-9]{8}\" tries at once\\.$",
            reason, 0, 0))
        fail_msg("%s", reason);
    explained = client_run(fixture, "explain 1-2");
    fixture_assert(fixture, strstr(explained.out, "is quarantined"));
    retried = client_run(fixture, "retry 1-2");
    assert_int_equal(retried.status, DONE);
    reset_wait_state(fixture, assignment, "attached");
    reset_wait_machine(fixture, FIXTURE_DESK, "046d", true);
}

/* Nobody does anything: it goes by itself. */
static void test_it_ends_by_itself(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = reset_give(fixture, "1-2", FIXTURE_DESK);
    flap(fixture, assignment, "1-2", "KBD-0001");
    reset_wait_state(fixture, assignment, "attached");
}

/* A group gives what it has besides, and tells of what it holds back. */
static void test_of_a_group(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = NULL, *assignment = NULL;
    g_autofree char *machine = fixture_machine_path(FIXTURE_DESK);
    g_autofree char *other = fixture_device_path("1-3");
    sd_bus_message *reply;
    const char *path;

    settings_reload(fixture, FOR_LONG);
    reset_plug(fixture, "1-2", "KBD-0001");
    reply = fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "CreateGroup", "sa{sv}",
                            "keys", 0);
    assert_true(sd_bus_message_read(reply, "o", &path) > 0);
    group = g_strdup(path);
    sd_bus_message_unref(reply);
    sd_bus_message_unref(
        fixture_call_ok(fixture, group, FERRY_INTERFACE_GROUP, "AddRule", "sa{sv}", "vendor=046d", 0));
    reply = fixture_call_ok(fixture, group, FERRY_INTERFACE_GROUP, "Assign", "oa{sv}", machine, 0);
    assert_true(sd_bus_message_read(reply, "o", &path) > 0);
    assignment = g_strdup(path);
    sd_bus_message_unref(reply);
    reset_wait_state(fixture, assignment, "attached");
    flap(fixture, assignment, "1-2", "KBD-0001");
    reset_wait_state(fixture, assignment, "quarantined");
    reset_plug(fixture, "1-3", "KBD-0002");
    fixture_wait(fixture, other, FERRY_INTERFACE_DEVICE, "State", "attached");
    reset_wait_state(fixture, assignment, "attached");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_flaps),
        TEST(test_it_ends_by_itself),
        TEST(test_of_a_group),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
