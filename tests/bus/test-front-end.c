/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a front end writes, draws and translates without following paths: labels, icons, counts, lists and
 * codes, as they are and as they change. */

#include "tests/bus/cmocka-include.h"

#include <string.h>

#include "tests/bus/group-calls.h"
#include "tests/bus/memory-folder.h"

#define DEVICE     FERRY_INTERFACE_DEVICE
#define MACHINE    FERRY_INTERFACE_MACHINE
#define GROUP      FERRY_INTERFACE_GROUP
#define ASSIGNMENT FERRY_INTERFACE_ASSIGNMENT

static void assert_is(Fixture *fixture, const char *path, const char *interface, const char *property,
                      const char *expected)
{
    g_autofree char *value = fixture_get(fixture, path, interface, property);

    assert_non_null(value);
    assert_string_equal(value, expected);
}

/* What it can do, in the words that are documented. */
static void test_features(void **state)
{
    wait_list(*state, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Features",
              "assign-many; check; history; move; notice; reason-codes; release-device");
}

static void test_one_device(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *desk = fixture_machine_path(FIXTURE_DESK);
    g_autofree char *assignment = NULL, *icon = NULL, *since = NULL;

    fixture_plug(fixture, "1-2", "046d", "c31c", "KBD-0001", "Keyboard K120");
    fixture_wait_object(fixture, device, DEVICE, true);
    fixture_wait(fixture, device, DEVICE, "ReasonCode", "host");
    assert_is(fixture, device, DEVICE, "Label", "Keyboard K120");
    assert_is(fixture, device, DEVICE, "Removable", "true");
    icon = fixture_get(fixture, device, DEVICE, "Icon");
    assert_true(*icon);
    since = fixture_get(fixture, device, DEVICE, "Since");
    assert_true(g_ascii_strtoull(since, NULL, 10) > 0);
    wait_list(fixture, desk, MACHINE, "Devices", "");

    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    assert_is(fixture, assignment, ASSIGNMENT, "MachineName", "desk");
    assert_is(fixture, assignment, ASSIGNMENT, "DeviceLabel", "Keyboard K120");
    assert_is(fixture, assignment, ASSIGNMENT, "DeviceIcon", icon);
    assert_is(fixture, assignment, ASSIGNMENT, "Wanted", "1");
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "attached");
    fixture_wait(fixture, assignment, ASSIGNMENT, "Has", "1");
    assert_is(fixture, assignment, ASSIGNMENT, "ReasonCode", "attached");
    fixture_wait(fixture, device, DEVICE, "ReasonCode", "attached");
    wait_list(fixture, desk, MACHINE, "Devices", "1-2");

    /* It is known by its name while it is away. */
    fixture_unplug(fixture, "1-2");
    fixture_wait_object(fixture, device, DEVICE, false);
    fixture_wait(fixture, assignment, ASSIGNMENT, "ReasonCode", "not-plugged-in");
    assert_is(fixture, assignment, ASSIGNMENT, "DeviceLabel", "Keyboard K120");
    assert_is(fixture, assignment, ASSIGNMENT, "DeviceIcon", icon);
    assert_is(fixture, assignment, ASSIGNMENT, "Has", "0");
    wait_list(fixture, desk, MACHINE, "Devices", "");
}

static void test_a_group(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_create_with(fixture, "keys", "vendor=0529");
    g_autofree char *assignment = NULL, *id = NULL;

    wait_list(fixture, group, GROUP, "Assignments", "");
    assignment = group_assign(fixture, group, FIXTURE_DESK, "2", NULL);
    assert_true(sd_bus_path_decode(assignment, FERRY_PATH_ASSIGNMENT_PREFIX, &id) > 0);
    wait_list(fixture, group, GROUP, "Assignments", id);
    assert_is(fixture, assignment, ASSIGNMENT, "DeviceLabel", "keys");
    assert_is(fixture, assignment, ASSIGNMENT, "DeviceIcon", "preferences-desktop-peripherals");
    assert_is(fixture, assignment, ASSIGNMENT, "Wanted", "2");
    assert_is(fixture, assignment, ASSIGNMENT, "ReasonCode", "none-plugged-in");
    groups_plug(fixture, "1-1", "0529:0001", "HASP-1");
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "partial");
    fixture_wait(fixture, assignment, ASSIGNMENT, "Has", "1");
    assert_is(fixture, assignment, ASSIGNMENT, "ReasonCode", "none-free");
    sd_bus_message_unref(fixture_call_ok(fixture, assignment, ASSIGNMENT, "Release", "a{sv}", 0));
    fixture_wait_object(fixture, assignment, ASSIGNMENT, false);
    wait_list(fixture, group, GROUP, "Assignments", "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, groups_setup, groups_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_features),
        TEST(test_one_device),
        TEST(test_a_group),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
