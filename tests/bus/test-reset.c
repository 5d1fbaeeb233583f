/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Resets by the user of a machine and by administrators: what is reset comes back to who had it. */

#include "tests/bus/cmocka-include.h"

#include <signal.h>
#include <string.h>

#include "tests/bus/group-calls.h"
#include "tests/bus/memory-folder.h"
#include "tests/bus/reset-calls.h"

#define HUB_PORT "1-3"

/* ------------------------------------------------------------------ one device */

static void test_reset_is_denied_unless_allowed(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = reset_give(fixture, "1-2", FIXTURE_DESK);
    g_free(fixture_call_error(fixture, "GuestResetDenied", assignment, FERRY_INTERFACE_ASSIGNMENT, "Reset",
                              "a{sv}", 0));
    reset_allow(fixture, assignment, "AllowGuestReset", true);
    g_free(fixture_call_error(fixture, "GuestResetDenied", assignment, FERRY_INTERFACE_ASSIGNMENT, "ResetAll",
                              "a{sv}", 0));
    reset_wait_state(fixture, assignment, "attached");
    reset_wait_usb(fixture, "resets=0");
}

static void test_reset_takes_out_resets_and_gives_back(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *text = NULL;
    Pending pending;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    reset_allow(fixture, assignment, "AllowGuestReset", true);
    reset_wait_machine(fixture, FIXTURE_DESK, ":uninitialized", true);
    reset_wait_state(fixture, assignment, "attached");

    g_free(fixture_script(fixture, "keep %s", FIXTURE_DESK));
    g_free(fixture_script(fixture, "usb hold"));
    reset_begin(fixture, &pending, assignment, FERRY_INTERFACE_ASSIGNMENT, "Reset", NULL);
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "detaching");
    /* Not before it is out. */
    reset_wait_usb(fixture, "resets=0");
    g_free(fixture_script(fixture, "let-go %s", FIXTURE_DESK));
    reset_wait_usb(fixture, "held=1 last=1:3");
    reset_wait_machine(fixture, FIXTURE_DESK, "046d", false);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Reason",
                 "046d:c31c \"Keyboard K120\" (1-2) is being reset and goes back to VM \"desk\" then.");
    /* One at a time. */
    text = fixture_call_error(fixture, "DeviceBusy", device, FERRY_INTERFACE_DEVICE, "Reset", "a{sv}", 0);
    fixture_assert(fixture, strstr(text, "is being reset already"));
    g_free(fixture_script(fixture, "usb resume"));
    reset_end(fixture, &pending, NULL);
    reset_wait_machine(fixture, FIXTURE_DESK, ":046d:c31c:uninitialized", true);
    reset_wait_state(fixture, assignment, "attached");
}

static void test_a_device_that_cannot_be_reset_comes_back(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *text = NULL;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = reset_give(fixture, "1-2", FIXTURE_DESK);
    g_free(fixture_script(fixture, "usb fail no such luck"));
    text = fixture_call_error(fixture, "ResetFailed", device, FERRY_INTERFACE_DEVICE, "Reset", "a{sv}", 0);
    fixture_assert(fixture, strstr(text, "no such luck") && strstr(text, "Keyboard K120"));
    reset_wait_usb(fixture, "resets=1");
    reset_wait_state(fixture, assignment, "attached");
    reset_wait_machine(fixture, FIXTURE_DESK, "046d", true);
}

/* It was reset, but its machine doesn't take it back at once: told, and tried again. */
static void test_a_device_that_its_machine_refuses_afterwards(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *text = NULL;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = reset_give(fixture, "1-2", FIXTURE_DESK);
    g_free(fixture_script(fixture, "fail %s 1 no room", FIXTURE_DESK));
    text = fixture_call_error(fixture, "ResetFailed", device, FERRY_INTERFACE_DEVICE, "Reset", "a{sv}", 0);
    fixture_assert(fixture, strstr(text, "is not back in its VM") && strstr(text, "no room"));
    reset_wait_usb(fixture, "resets=1");
    reset_wait_state(fixture, assignment, "attached");
}

/* A first try that fails doesn't make the device anybody's. */
static void test_nobody_takes_it_between_two_tries(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_create_with(fixture, "pool", "vendor=046d");
    g_autofree char *device = fixture_device_path("1-2"), *desk = fixture_machine_path(FIXTURE_DESK);
    g_autofree char *first = NULL, *second = NULL, *text = NULL;

    reset_plug(fixture, "1-2", "KBD-0001");
    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    first = group_assign(fixture, group, FIXTURE_DESK, "1", NULL);
    reset_wait_state(fixture, first, "attached");
    second = group_assign(fixture, group, FIXTURE_STUDIO, "1", NULL);
    sd_bus_message_unref(fixture_call_ok(fixture, second, FERRY_INTERFACE_ASSIGNMENT, "Update", "a{sv}", 1,
                                         "Priority", "i", 9));
    reset_wait_state(fixture, second, "waiting-device");
    g_free(fixture_script(fixture, "fail %s 1 not yet", FIXTURE_DESK));
    text = fixture_call_error(fixture, "ResetFailed", device, FERRY_INTERFACE_DEVICE, "Reset", "a{sv}", 0);
    fixture_assert(fixture, strstr(text, "not yet") != NULL);
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "attached");
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "Machine", desk);
    reset_wait_machine(fixture, FIXTURE_STUDIO, "046d", false);
}

static void call_as_stranger(Fixture *fixture, sd_bus *stranger, const char *path, const char *interface,
                             const char *member)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;

    assert_true(
        sd_bus_call_method(stranger, FERRY_BUS_NAME, path, interface, member, &error, NULL, "a{sv}", 0) < 0);
    fixture_assert(fixture,
                   g_strcmp0(error.name, "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired") == 0);
    sd_bus_error_free(&error);
}

static void test_strangers_reset_nothing(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    g_autofree char *device = fixture_device_path(HUB_PORT ".1");
    g_autofree char *hub = fixture_device_path(HUB_PORT);
    sd_bus *stranger = fixture_connect(fixture, FIXTURE_STRANGER);

    fixture_plug_hub(fixture, HUB_PORT);
    fixture_wait_object(fixture, hub, FERRY_INTERFACE_DEVICE, true);
    reset_plug(fixture, HUB_PORT ".1", "KBD-0001");
    assignment = reset_give(fixture, HUB_PORT ".1", FIXTURE_DESK);
    reset_allow(fixture, assignment, "AllowGuestResetsAll", true);
    reset_wait_machine(fixture, FIXTURE_DESK, ":on", true);
    reset_wait_state(fixture, assignment, "attached");
    call_as_stranger(fixture, stranger, assignment, FERRY_INTERFACE_ASSIGNMENT, "Reset");
    call_as_stranger(fixture, stranger, assignment, FERRY_INTERFACE_ASSIGNMENT, "ResetAll");
    call_as_stranger(fixture, stranger, device, FERRY_INTERFACE_DEVICE, "Reset");
    call_as_stranger(fixture, stranger, device, FERRY_INTERFACE_DEVICE, "ResetHub");
    reset_wait_usb(fixture, "resets=0");
    sd_bus_flush_close_unref(stranger);
}

/* The kernel hangs in it: the caller is told, and nobody gets the device while the kernel has it. */
static void test_a_reset_that_hangs(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *text = NULL;
    g_autofree char *shown = NULL;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = reset_give(fixture, "1-2", FIXTURE_DESK);
    g_free(fixture_script(fixture, "usb hold"));
    text = fixture_call_error(fixture, "ResetFailed", device, FERRY_INTERFACE_DEVICE, "Reset", "a{sv}", 0);
    fixture_assert(fixture, strstr(text, "did not come back"));
    /* Others go on. */
    reset_plug(fixture, "1-4", "KBD-0002");
    g_free(reset_give(fixture, "1-4", FIXTURE_DESK));
    shown = fixture_script(fixture, "show %s", FIXTURE_DESK);
    fixture_assert(fixture, !strstr(shown, "=1:3:"));
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "waiting");
    g_free(fixture_script(fixture, "usb resume"));
    reset_wait_machine(fixture, FIXTURE_DESK, "=1:3:", true);
    reset_wait_state(fixture, assignment, "attached");
    /* It can be tried again. */
    sd_bus_message_unref(fixture_call_ok(fixture, device, FERRY_INTERFACE_DEVICE, "Reset", "a{sv}", 0));
}

/* Who released it meanwhile, or switched usbferry off, doesn't change what happens to the others. */
static void test_released_in_the_middle(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    g_autofree char *device = fixture_device_path("1-2");
    Pending pending;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = reset_give(fixture, "1-2", FIXTURE_DESK);
    g_free(fixture_script(fixture, "usb hold"));
    reset_begin(fixture, &pending, device, FERRY_INTERFACE_DEVICE, "Reset", NULL);
    reset_wait_usb(fixture, "held=1");
    sd_bus_message_unref(
        fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Release", "a{sv}", 0));
    g_free(fixture_script(fixture, "usb resume"));
    reset_end(fixture, &pending, NULL);
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "host");
    reset_wait_machine(fixture, FIXTURE_DESK, "046d", false);
}

static void test_switched_off_in_the_middle(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    g_autofree char *device = fixture_device_path("1-2");
    Pending pending;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = reset_give(fixture, "1-2", FIXTURE_DESK);
    g_free(fixture_script(fixture, "usb hold"));
    reset_begin(fixture, &pending, device, FERRY_INTERFACE_DEVICE, "Reset", NULL);
    reset_wait_usb(fixture, "held=1");
    sd_bus_message_unref(
        fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "SetEnabled", "b", 0));
    g_free(fixture_script(fixture, "usb resume"));
    reset_end(fixture, &pending, NULL);
    reset_wait_state(fixture, assignment, "attached");
}

/* It is enumerated anew: somebody with a higher priority in the same pool gets it no more than anybody else,
 * and the one that waits for it takes no other one instead. */
static void test_a_device_that_reenumerates_comes_back(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_create_with(fixture, "pool", "vendor=046d");
    g_autofree char *first = NULL;
    g_autofree char *second = NULL;
    g_autofree char *device = fixture_device_path("1-2");
    Pending pending;

    reset_plug(fixture, "1-2", "KBD-0001");
    first = group_assign(fixture, group, FIXTURE_DESK, NULL, NULL);
    reset_wait_state(fixture, first, "attached");
    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    /* It wants any that is free. */
    second = group_assign(fixture, group, FIXTURE_STUDIO, "2", NULL);
    reset_wait_state(fixture, second, "waiting-device");
    sd_bus_message_unref(fixture_call_ok(fixture, second, FERRY_INTERFACE_ASSIGNMENT, "Update", "a{sv}", 1,
                                         "Priority", "i", 9));

    g_free(fixture_script(fixture, "usb vanish"));
    g_free(fixture_script(fixture, "usb hold"));
    reset_begin(fixture, &pending, device, FERRY_INTERFACE_DEVICE, "Reset", NULL);
    reset_wait_usb(fixture, "held=1");
    fixture_unplug(fixture, "1-2");
    fixture_wait_object(fixture, device, FERRY_INTERFACE_DEVICE, false);
    /* What comes meanwhile is for those who wait. */
    reset_plug(fixture, "1-4", "KBD-0002");
    reset_wait_state(fixture, second, "partial");
    g_free(fixture_script(fixture, "usb resume"));
    reset_wait_usb(fixture, "held=0");
    reset_plug(fixture, "1-2", "KBD-0001");
    reset_end(fixture, &pending, NULL);
    reset_wait_machine(fixture, FIXTURE_DESK, "=1:5:046d:c31c", true);
    reset_wait_machine(fixture, FIXTURE_STUDIO, "=1:4:046d:c31c", true);
}

static void test_killed_in_the_middle(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    g_autofree char *device = fixture_device_path("1-2");
    Pending pending;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = reset_give(fixture, "1-2", FIXTURE_DESK);
    g_free(fixture_script(fixture, "usb hold"));
    reset_begin(fixture, &pending, device, FERRY_INTERFACE_DEVICE, "Reset", NULL);
    reset_wait_usb(fixture, "held=1");
    reset_wait_machine(fixture, FIXTURE_DESK, "046d", false);
    fixture_stop_daemon(fixture, SIGKILL);
    fixture_start_daemon(fixture);
    reset_end(fixture, &pending, "org.freedesktop.DBus.Error.NoReply");
    /* As long as nobody knows whether a machine has it. */
    fixture_wait_object(fixture, device, FERRY_INTERFACE_DEVICE, true);
    g_free(fixture_call_error(fixture, "Hypervisor", device, FERRY_INTERFACE_DEVICE, "Reset", "a{sv}", 0));
    reset_wait_usb(fixture, "resets=0");
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    g_free(fixture_script(fixture, "start %s", FIXTURE_DESK));
    g_free(fixture_script(fixture, "connect"));
    reset_wait_state(fixture, assignment, "attached");
    reset_wait_machine(fixture, FIXTURE_DESK, "046d", true);
}

/* ------------------------------------------------------------------ hubs */

static void plug_hub(Fixture *fixture)
{
    g_autofree char *hub = fixture_device_path(HUB_PORT);

    fixture_plug_hub(fixture, HUB_PORT);
    fixture_wait_object(fixture, hub, FERRY_INTERFACE_DEVICE, true);
    reset_plug(fixture, HUB_PORT ".1", "KBD-0001");
    reset_plug(fixture, HUB_PORT ".2", "KBD-0002");
}

static void replug(Fixture *fixture, const char *sysname, const char *serial)
{
    g_autofree char *device = fixture_device_path(sysname);

    fixture_unplug(fixture, sysname);
    fixture_wait_object(fixture, device, FERRY_INTERFACE_DEVICE, false);
    reset_plug(fixture, sysname, serial);
}

static void test_a_hub_with_devices_of_others(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *mine = NULL;
    g_autofree char *others = NULL;
    g_autofree char *device = fixture_device_path(HUB_PORT ".1");
    g_autofree char *text = NULL;
    Pending pending;

    plug_hub(fixture);
    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    mine = reset_give(fixture, HUB_PORT ".1", FIXTURE_DESK);
    reset_allow(fixture, mine, "AllowGuestResetsAll", true);
    reset_wait_machine(fixture, FIXTURE_DESK, ":on", true);
    reset_wait_state(fixture, mine, "attached");
    text =
        fixture_call_error(fixture, "DeviceBusy", mine, FERRY_INTERFACE_ASSIGNMENT, "ResetAll", "a{sv}", 0);
    fixture_assert(fixture, strstr(text, "(1-3.2) is the host's") && !strstr(text, "(1-3.1)"));
    g_clear_pointer(&text, g_free);
    others = reset_give(fixture, HUB_PORT ".2", FIXTURE_STUDIO);
    text =
        fixture_call_error(fixture, "DeviceBusy", mine, FERRY_INTERFACE_ASSIGNMENT, "ResetAll", "a{sv}", 0);
    fixture_assert(fixture, strstr(text, "(1-3.2) is VM \"studio\"'s"));

    /* With the right, each comes back to where it was. */
    g_free(fixture_script(fixture, "usb hold"));
    reset_begin(fixture, &pending, device, FERRY_INTERFACE_DEVICE, "ResetHub", NULL);
    reset_wait_usb(fixture, "held=1 last=1:3");
    reset_wait_machine(fixture, FIXTURE_DESK, "046d", false);
    reset_wait_machine(fixture, FIXTURE_STUDIO, "046d", false);
    g_free(fixture_script(fixture, "usb resume"));
    replug(fixture, HUB_PORT ".1", "KBD-0001");
    replug(fixture, HUB_PORT ".2", "KBD-0002");
    reset_end(fixture, &pending, NULL);
    reset_wait_state(fixture, mine, "attached");
    reset_wait_state(fixture, others, "attached");
    reset_wait_machine(fixture, FIXTURE_DESK, "=1:6:", true);
    reset_wait_machine(fixture, FIXTURE_STUDIO, "=1:7:", true);
}

static void test_reset_all_of_ones_own(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *first = NULL;
    g_autofree char *second = NULL;
    Pending pending;

    plug_hub(fixture);
    first = reset_give(fixture, HUB_PORT ".1", FIXTURE_DESK);
    second = reset_give(fixture, HUB_PORT ".2", FIXTURE_DESK);
    reset_allow(fixture, first, "AllowGuestResetsAll", true);
    reset_wait_machine(fixture, FIXTURE_DESK, ":on", true);
    reset_wait_state(fixture, first, "attached");
    /* The other one of the same machine has to allow it as well. */
    g_free(
        fixture_call_error(fixture, "DeviceBusy", first, FERRY_INTERFACE_ASSIGNMENT, "ResetAll", "a{sv}", 0));
    reset_allow(fixture, second, "AllowGuestResetsAll", true);
    reset_wait_machine(fixture, FIXTURE_DESK, ":off", false);
    reset_wait_state(fixture, second, "attached");
    reset_wait_state(fixture, first, "attached");
    g_free(fixture_script(fixture, "usb hold"));
    reset_begin(fixture, &pending, first, FERRY_INTERFACE_ASSIGNMENT, "ResetAll", NULL);
    reset_wait_usb(fixture, "held=1 last=1:3");
    g_free(fixture_script(fixture, "usb resume"));
    replug(fixture, HUB_PORT ".1", "KBD-0001");
    replug(fixture, HUB_PORT ".2", "KBD-0002");
    reset_end(fixture, &pending, NULL);
    reset_wait_state(fixture, first, "attached");
    reset_wait_state(fixture, second, "attached");
}

/* Taken home it is the host's, though it is assigned to the same machine. */
static void test_reset_all_next_to_one_that_is_home(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *first = NULL;
    g_autofree char *second = NULL;
    g_autofree char *text = NULL;

    plug_hub(fixture);
    first = reset_give(fixture, HUB_PORT ".1", FIXTURE_DESK);
    second = reset_give(fixture, HUB_PORT ".2", FIXTURE_DESK);
    reset_allow(fixture, first, "AllowGuestResetsAll", true);
    reset_allow(fixture, second, "AllowGuestResetsAll", true);
    reset_wait_machine(fixture, FIXTURE_DESK, ":off", false);
    sd_bus_message_unref(fixture_call_ok(fixture, second, FERRY_INTERFACE_ASSIGNMENT, "Detach", ""));
    reset_wait_state(fixture, second, "disabled");
    reset_wait_state(fixture, first, "attached");
    text =
        fixture_call_error(fixture, "DeviceBusy", first, FERRY_INTERFACE_ASSIGNMENT, "ResetAll", "a{sv}", 0);
    fixture_assert(fixture, strstr(text, "(1-3.2) is the host's"));
    reset_wait_usb(fixture, "resets=0");
}

static void test_what_has_no_hub(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *root = fixture_device_path("usb1");
    g_autofree char *text = NULL;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = reset_give(fixture, "1-2", FIXTURE_DESK);
    reset_allow(fixture, assignment, "AllowGuestResetsAll", true);
    reset_wait_machine(fixture, FIXTURE_DESK, ":on", true);
    reset_wait_state(fixture, assignment, "attached");
    text = fixture_call_error(fixture, "ResetFailed", assignment, FERRY_INTERFACE_ASSIGNMENT, "ResetAll",
                              "a{sv}", 0);
    fixture_assert(fixture, strstr(text, "with no hub in between"));
    g_free(
        fixture_call_error(fixture, "ResetFailed", device, FERRY_INTERFACE_DEVICE, "ResetHub", "a{sv}", 0));
    umockdev_testbed_uevent(fixture->bed, "/sys/devices/pci0000:00/0000:00:14.0/usb1", "bind");
    fixture_wait_object(fixture, root, FERRY_INTERFACE_DEVICE, true);
    g_free(
        fixture_call_error(fixture, "ResetFailed", device, FERRY_INTERFACE_DEVICE, "ResetHub", "a{sv}", 0));
    g_free(fixture_call_error(fixture, "DeviceIsHub", root, FERRY_INTERFACE_DEVICE, "Reset", "a{sv}", 0));
    g_free(fixture_call_error(fixture, "InvalidOption", device, FERRY_INTERFACE_DEVICE, "Reset", "a{sv}", 1,
                              "Method", "s", "hammer"));
    reset_wait_usb(fixture, "resets=0");
}

static void test_another_programs_device_is_left_alone(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *text = NULL;

    reset_plug(fixture, "1-2", "KBD-0001");
    g_free(fixture_script(fixture, "foreign %s 1 3 046d c31c", FIXTURE_DESK));
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "foreign");
    text = fixture_call_error(fixture, "DeviceBusy", device, FERRY_INTERFACE_DEVICE, "Reset", "a{sv}", 0);
    fixture_assert(fixture, strstr(text, "VM \"desk\""));
    reset_wait_usb(fixture, "resets=0");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, groups_setup, groups_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reset_is_denied_unless_allowed),
        TEST(test_reset_takes_out_resets_and_gives_back),
        TEST(test_a_device_that_cannot_be_reset_comes_back),
        TEST(test_a_device_that_its_machine_refuses_afterwards),
        TEST(test_nobody_takes_it_between_two_tries),
        TEST(test_strangers_reset_nothing),
        TEST(test_a_reset_that_hangs),
        TEST(test_released_in_the_middle),
        TEST(test_switched_off_in_the_middle),
        TEST(test_a_device_that_reenumerates_comes_back),
        TEST(test_killed_in_the_middle),
        TEST(test_a_hub_with_devices_of_others),
        TEST(test_reset_all_of_ones_own),
        TEST(test_reset_all_next_to_one_that_is_home),
        TEST(test_what_has_no_hub),
        TEST(test_another_programs_device_is_left_alone),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
