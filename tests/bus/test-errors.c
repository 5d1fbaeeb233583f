/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Refusals: what they are called and say. Every bad input is in tests/bus/bad-input-table.c. */

#include "tests/bus/cmocka-include.h"

#include <string.h>

#include "tests/bus/fixture.h"
#include "tests/bus/memory-folder.h"

#define NOBODY "33333333-3333-3333-3333-333333333333"

static void assert_says(const char *text, const char *part)
{
    if (!text || !strstr(text, part))
        fail_msg("\"%s\" does not say \"%s\"", text ? text : "", part);
}

static char *assign_error(Fixture *fixture, const char *name, const char *source, const char *machine)
{
    return fixture_call_error(fixture, name, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign", "ooa{sv}",
                              source, machine, 0);
}

static guint count_assignments(Fixture *fixture)
{
    g_autofree char *folder = fixture_state_path(fixture, "assignments");
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    guint n = 0;

    assert_non_null(dir);
    while (g_dir_read_name(dir))
        n++;
    return n;
}

static void plug(Fixture *fixture)
{
    g_autofree char *device = fixture_device_path("1-2");

    fixture_plug(fixture, "1-2", "046d", "c31c", "KBD-0001", "Keyboard K120");
    fixture_wait_object(fixture, device, FERRY_INTERFACE_DEVICE, true);
}

static void test_assign(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *hub = fixture_device_path("1-3");
    g_autofree char *absent = fixture_device_path("9-9");
    g_autofree char *desk = fixture_machine_path(FIXTURE_DESK);
    g_autofree char *studio = fixture_machine_path(FIXTURE_STUDIO);
    g_autofree char *nobody = fixture_machine_path(NOBODY);
    g_autofree char *assignment = NULL;
    char *text;

    plug(fixture);
    fixture_plug_hub(fixture, "1-3");
    fixture_wait_object(fixture, hub, FERRY_INTERFACE_DEVICE, true);

    text = assign_error(fixture, "DeviceIsHub", hub, desk);
    assert_says(text, "0409:55aa \"Hub\" (1-3)");
    g_free(text);
    g_free(assign_error(fixture, "NoSuchDevice", absent, desk));
    g_free(assign_error(fixture, "NoSuchDevice", "/org/usbferry1/device", desk));
    g_free(assign_error(fixture, "NoSuchDevice", "/", desk));
    text = assign_error(fixture, "NoSuchDevice", desk, desk);
    assert_says(text, "is the path of a VM, and not of a device");
    g_free(text);
    g_free(assign_error(fixture, "NoSuchMachine", device, nobody));
    g_free(assign_error(fixture, "NoSuchMachine", device, "/com/example"));
    text = assign_error(fixture, "NoSuchMachine", device, device);
    assert_says(text, "is the path of a device, and not of a VM");
    g_free(text);
    assert_int_equal(count_assignments(fixture), 0);

    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    text = assign_error(fixture, "DeviceBusy", device, studio);
    assert_says(text, "046d:c31c \"Keyboard K120\" (1-2) is attached to VM \"desk\"");
    g_free(text);
    g_free(assign_error(fixture, "AlreadyExists", device, desk));
    assert_int_equal(count_assignments(fixture), 1);
}

static void test_foreign_device_is_busy(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *studio = fixture_machine_path(FIXTURE_STUDIO);
    char *text;

    plug(fixture);
    g_free(fixture_script(fixture, "foreign %s 1 3 046d c31c", FIXTURE_DESK));
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "foreign");
    text = assign_error(fixture, "DeviceBusy", device, studio);
    assert_says(text, "VM \"desk\" by another program");
    g_free(text);
    assert_int_equal(count_assignments(fixture), 0);
}

static void test_finding(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *second = fixture_device_path("1-4");
    char *text;

    plug(fixture);
    fixture_plug(fixture, "1-4", "046d", "c31c", "KBD-0002", "Keyboard K120");
    fixture_wait_object(fixture, second, FERRY_INTERFACE_DEVICE, true);
    text = fixture_call_error(fixture, "Ambiguous", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "GetDevice",
                              "s", "046d:c31c");
    assert_says(text, "(1-2)");
    assert_says(text, "(1-4)");
    g_free(text);
    g_free(fixture_call_error(fixture, "NoSuchDevice", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "GetDevice",
                              "s", "toaster"));
    g_free(fixture_call_error(fixture, "NoSuchDevice", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "GetDevice",
                              "s", ""));
    text = fixture_call_error(fixture, "NoSuchMachine", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER,
                              "GetMachine", "s", "moon");
    assert_says(text, "desk");
    g_free(text);
}

static void test_objects_that_are_gone(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    plug(fixture);
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    sd_bus_message_unref(
        fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Release", "a{sv}", 0));
    fixture_wait_object(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, false);
    g_free(fixture_call_error(fixture, "NoSuchAssignment", assignment, FERRY_INTERFACE_ASSIGNMENT, "Release",
                              "a{sv}", 0));
    g_free(fixture_call_error(fixture, "org.freedesktop.DBus.Error.InvalidArgs", FERRY_PATH_ROOT,
                              FERRY_INTERFACE_MANAGER, "Assign", "s", "x"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_assign),
        TEST(test_foreign_device_is_busy),
        TEST(test_finding),
        TEST(test_objects_that_are_gone),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
