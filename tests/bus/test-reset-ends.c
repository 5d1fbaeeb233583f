/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What comes in between: two who want the same reset, a device that goes, a machine that stops or can't be
 * read. */

#include "tests/bus/cmocka-include.h"

#include <string.h>

#include "tests/bus/group-calls.h"
#include "tests/bus/memory-folder.h"
#include "tests/bus/reset-calls.h"

#define HUB_PORT "1-3"

#define LOFT "33333333-3333-3333-3333-333333333333"

static void begin_device(Fixture *fixture, Pending *pending, const char *device)
{
    reset_begin(fixture, pending, device, FERRY_INTERFACE_DEVICE, "Reset", NULL);
}

/* ------------------------------------------------------------------ two at once */

static void expect_busy(Fixture *fixture, const char *path, const char *interface, const char *member)
{
    g_autofree char *text = fixture_call_error(fixture, "DeviceBusy", path, interface, member, "a{sv}", 0);

    fixture_assert(fixture, strstr(text, "is being reset already"));
}

static void test_two_callers(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    Pending first, second;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = reset_give(fixture, "1-2", FIXTURE_DESK);
    reset_allow(fixture, assignment, "AllowGuestReset", true);
    reset_wait_machine(fixture, FIXTURE_DESK, ":uninitialized", true);
    reset_wait_state(fixture, assignment, "attached");
    g_free(fixture_script(fixture, "usb hold"));
    /* The second one before anything has happened. */
    reset_begin(fixture, &first, assignment, FERRY_INTERFACE_ASSIGNMENT, "Reset", NULL);
    reset_begin(fixture, &second, assignment, FERRY_INTERFACE_ASSIGNMENT, "Reset", NULL);
    reset_end(fixture, &second, "DeviceBusy");
    reset_wait_usb(fixture, "held=1");
    reset_wait_machine(fixture, FIXTURE_DESK, "046d", false);
    expect_busy(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Reset");
    g_free(fixture_script(fixture, "usb resume"));
    reset_end(fixture, &first, NULL);
    reset_wait_usb(fixture, "resets=1");
    reset_wait_state(fixture, assignment, "attached");
}

static void test_a_hub_and_what_is_behind_it(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *hub = fixture_device_path(HUB_PORT);
    g_autofree char *first = fixture_device_path(HUB_PORT ".1"), *second = fixture_device_path(HUB_PORT ".2"),
                    *third = fixture_device_path(HUB_PORT ".3");
    g_autofree char *assignment = NULL;
    Pending pending;

    fixture_plug_hub(fixture, HUB_PORT);
    fixture_wait_object(fixture, hub, FERRY_INTERFACE_DEVICE, true);
    reset_plug(fixture, HUB_PORT ".1", "KBD-0001");
    reset_plug(fixture, HUB_PORT ".2", "KBD-0002");
    assignment = reset_give(fixture, HUB_PORT ".1", FIXTURE_DESK);

    g_free(fixture_script(fixture, "usb hold"));
    begin_device(fixture, &pending, first);
    reset_wait_usb(fixture, "held=1");
    expect_busy(fixture, second, FERRY_INTERFACE_DEVICE, "ResetHub");
    expect_busy(fixture, hub, FERRY_INTERFACE_DEVICE, "Reset");
    g_free(fixture_script(fixture, "usb resume"));
    reset_end(fixture, &pending, NULL);
    reset_wait_state(fixture, assignment, "attached");

    g_free(fixture_script(fixture, "usb hold"));
    reset_begin(fixture, &pending, second, FERRY_INTERFACE_DEVICE, "ResetHub", NULL);
    reset_wait_usb(fixture, "held=1");
    expect_busy(fixture, first, FERRY_INTERFACE_DEVICE, "Reset");
    expect_busy(fixture, second, FERRY_INTERFACE_DEVICE, "Reset");
    expect_busy(fixture, first, FERRY_INTERFACE_DEVICE, "ResetHub");
    /* Who comes to the hub meanwhile is not given, and not reset. */
    reset_plug(fixture, HUB_PORT ".3", "KBD-0003");
    expect_busy(fixture, third, FERRY_INTERFACE_DEVICE, "Reset");
    g_free(fixture_script(fixture, "usb resume"));
    reset_wait_usb(fixture, "held=0");
    fixture_unplug(fixture, HUB_PORT ".1");
    fixture_unplug(fixture, HUB_PORT ".2");
    fixture_wait_object(fixture, first, FERRY_INTERFACE_DEVICE, false);
    reset_plug(fixture, HUB_PORT ".1", "KBD-0001");
    reset_plug(fixture, HUB_PORT ".2", "KBD-0002");
    reset_end(fixture, &pending, NULL);
    reset_wait_state(fixture, assignment, "attached");
    reset_wait_usb(fixture, "resets=2");
}

/* ------------------------------------------------------------------ unplugged */

static void unplug(Fixture *fixture, const char *device)
{
    fixture_unplug(fixture, "1-2");
    fixture_wait_object(fixture, device, FERRY_INTERFACE_DEVICE, false);
}

static void test_unplugged_on_its_way_out(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *assignment = NULL;
    Pending pending;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = reset_give(fixture, "1-2", FIXTURE_DESK);
    g_free(fixture_script(fixture, "keep %s", FIXTURE_DESK));
    begin_device(fixture, &pending, device);
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "detaching");
    unplug(fixture, device);
    reset_end(fixture, &pending, "was unplugged before it could be reset");
    g_free(fixture_script(fixture, "let-go %s", FIXTURE_DESK));
    reset_plug(fixture, "1-2", "KBD-0001");
    reset_wait_state(fixture, assignment, "attached");
    reset_wait_machine(fixture, FIXTURE_DESK, "=1:4:", true);
    reset_wait_usb(fixture, "resets=0");
}

/* The reset has nothing to give back, and what comes into the socket is no part of it. */
static void test_another_one_comes_while_it_is_switched_off(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *assignment = NULL;
    Pending pending;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = reset_give(fixture, "1-2", FIXTURE_DESK);
    sd_bus_message_unref(
        fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "SetEnabled", "b", 0));
    g_free(fixture_script(fixture, "keep %s", FIXTURE_DESK));
    begin_device(fixture, &pending, device);
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "detaching");
    unplug(fixture, device);
    reset_end(fixture, &pending, "was unplugged before it could be reset");
    reset_plug(fixture, "1-2", "KBD-0001");
    g_free(fixture_script(fixture, "let-go %s", FIXTURE_DESK));
    reset_wait_machine(fixture, FIXTURE_DESK, "ua-usbferry", false);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Error", FERRY_ERROR_PREFIX "Disabled");
}

static void test_unplugged_while_it_is_reset(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *assignment = NULL;
    Pending pending;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = reset_give(fixture, "1-2", FIXTURE_DESK);
    g_free(fixture_script(fixture, "usb hold"));
    begin_device(fixture, &pending, device);
    reset_wait_usb(fixture, "held=1");
    unplug(fixture, device);
    /* It was too late for the kernel. */
    g_free(fixture_script(fixture, "usb fail the device is gone"));
    g_free(fixture_script(fixture, "usb resume"));
    reset_end(fixture, &pending, "the device is gone");
    reset_plug(fixture, "1-2", "KBD-0001");
    reset_wait_state(fixture, assignment, "attached");
}

static void test_unplugged_on_its_way_back(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *assignment = NULL;
    Pending pending;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = reset_give(fixture, "1-2", FIXTURE_DESK);
    g_free(fixture_script(fixture, "hold %s", FIXTURE_DESK));
    begin_device(fixture, &pending, device);
    reset_wait_usb(fixture, "resets=1");
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "attaching");
    unplug(fixture, device);
    g_free(fixture_script(fixture, "resume %s", FIXTURE_DESK));
    reset_plug(fixture, "1-2", "KBD-0001");
    reset_end(fixture, &pending, NULL);
    reset_wait_state(fixture, assignment, "attached");
    reset_wait_machine(fixture, FIXTURE_DESK, "=1:4:", true);
}

/* The kernel says that it enumerates the device anew, and never does. */
static void test_a_device_that_does_not_come_back(void **state)
{
    enum { LONGER_THAN_THE_SERVICE_WAITS = 40 * G_USEC_PER_SEC };
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *assignment = NULL;
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message *call = NULL;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = reset_give(fixture, "1-2", FIXTURE_DESK);
    g_free(fixture_script(fixture, "usb vanish"));
    assert_true(sd_bus_message_new_method_call(fixture->bus, &call, FERRY_BUS_NAME, device,
                                               FERRY_INTERFACE_DEVICE, "Reset") >= 0);
    assert_true(sd_bus_message_append(call, "a{sv}", 0) >= 0);
    fixture_assert(fixture, sd_bus_call(fixture->bus, call, LONGER_THAN_THE_SERVICE_WAITS, &error, NULL) < 0);
    fixture_assert(fixture, strstr(error.message, "did not come back after the reset"));
    sd_bus_error_free(&error);
    sd_bus_message_unref(call);
    reset_wait_state(fixture, assignment, "attached");
}

/* ------------------------------------------------------------------ the machine stops */

static void start_again(Fixture *fixture, const char *assignment)
{
    reset_wait_state(fixture, assignment, "waiting-machine");
    g_free(fixture_script(fixture, "start %s", FIXTURE_DESK));
    reset_wait_state(fixture, assignment, "attached");
    reset_wait_machine(fixture, FIXTURE_DESK, "046d", true);
}

static void test_stopped_on_the_way_out(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *assignment = NULL;
    Pending pending;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = reset_give(fixture, "1-2", FIXTURE_DESK);
    g_free(fixture_script(fixture, "keep %s", FIXTURE_DESK));
    begin_device(fixture, &pending, device);
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "detaching");
    g_free(fixture_script(fixture, "stop %s", FIXTURE_DESK));
    reset_end(fixture, &pending, NULL);
    reset_wait_usb(fixture, "resets=1");
    g_free(fixture_script(fixture, "let-go %s", FIXTURE_DESK));
    start_again(fixture, assignment);
}

static void test_stopped_during_the_reset(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *assignment = NULL;
    Pending pending;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = reset_give(fixture, "1-2", FIXTURE_DESK);
    g_free(fixture_script(fixture, "usb hold"));
    begin_device(fixture, &pending, device);
    reset_wait_usb(fixture, "held=1");
    g_free(fixture_script(fixture, "stop %s", FIXTURE_DESK));
    reset_wait_state(fixture, assignment, "waiting-device");
    g_free(fixture_script(fixture, "usb resume"));
    reset_end(fixture, &pending, NULL);
    start_again(fixture, assignment);
}

static void test_stopped_on_the_way_back(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *assignment = NULL;
    Pending pending;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = reset_give(fixture, "1-2", FIXTURE_DESK);
    g_free(fixture_script(fixture, "hold %s", FIXTURE_DESK));
    begin_device(fixture, &pending, device);
    reset_wait_usb(fixture, "resets=1");
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "attaching");
    g_free(fixture_script(fixture, "stop %s", FIXTURE_DESK));
    g_free(fixture_script(fixture, "resume %s", FIXTURE_DESK));
    reset_end(fixture, &pending, NULL);
    start_again(fixture, assignment);
}

/* Nobody waits for what isn't to go back any more. */
static void test_not_its_own_any_more(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_create_with(fixture, "pool", "vendor=046d");
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *assignment = NULL;
    Pending pending;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = group_assign(fixture, group, FIXTURE_DESK, NULL, NULL);
    reset_wait_state(fixture, assignment, "attached");
    g_free(fixture_script(fixture, "usb hold"));
    begin_device(fixture, &pending, device);
    reset_wait_usb(fixture, "held=1");
    group_call(fixture, group, "UpdateRule", "usa{sv}", 1, "", 1, "Enabled", "b", 0);
    g_free(fixture_script(fixture, "usb resume"));
    reset_end(fixture, &pending, NULL);
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "host");
}

/* It is on its way out only to be put in again: it goes back all the same, whoever else would like to have
 * it. */
static void test_while_it_is_attached_anew(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_create_with(fixture, "pool", "vendor=046d");
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *assignment = NULL, *other = NULL;
    Pending pending;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = group_assign(fixture, group, FIXTURE_DESK, NULL, NULL);
    reset_wait_state(fixture, assignment, "attached");
    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    other = group_assign(fixture, group, FIXTURE_STUDIO, NULL, NULL);
    sd_bus_message_unref(fixture_call_ok(fixture, other, FERRY_INTERFACE_ASSIGNMENT, "Update", "a{sv}", 1,
                                         "Priority", "i", 1));
    reset_wait_state(fixture, other, "waiting-device");
    g_free(fixture_script(fixture, "keep %s", FIXTURE_DESK));
    reset_allow(fixture, assignment, "AllowGuestReset", true);
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "detaching");
    g_free(fixture_script(fixture, "usb hold"));
    begin_device(fixture, &pending, device);
    reset_wait_log(fixture, "(1-2): reset begins");
    g_free(fixture_script(fixture, "let-go %s", FIXTURE_DESK));
    reset_wait_usb(fixture, "held=1");
    unplug(fixture, device);
    reset_plug(fixture, "1-2", "KBD-0001");
    g_free(fixture_script(fixture, "usb resume"));
    reset_end(fixture, &pending, NULL);
    reset_wait_machine(fixture, FIXTURE_DESK, ":uninitialized", true);
    reset_wait_state(fixture, assignment, "attached");
    reset_wait_state(fixture, other, "waiting-device");
}

/* ------------------------------------------------------------------ a machine that can't be read */

/* It may have anything: no device is reset, and it is said which machine is in the way. */
static void test_a_machine_that_was_never_read(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *text = NULL;

    reset_plug(fixture, "1-2", "KBD-0001");
    g_free(fixture_script(fixture, "quiet"));
    g_free(fixture_script(fixture, "define " LOFT " loft"));
    g_free(fixture_script(fixture, "unreadable " LOFT));
    g_free(fixture_script(fixture, "loud"));
    g_free(fixture_script(fixture, "start " LOFT));
    {
        g_autofree char *loft = fixture_machine_path(LOFT);

        fixture_wait_object(fixture, loft, FERRY_INTERFACE_MACHINE, true);
    }
    text = fixture_call_error(fixture, "Hypervisor", device, FERRY_INTERFACE_DEVICE, "Reset", "a{sv}", 0);
    fixture_assert(fixture, strstr(text, "VM \"loft\""));
    reset_wait_usb(fixture, "resets=0");
    g_free(fixture_script(fixture, "undefine " LOFT));
}

/* Nor when it could be read once: who knows what it got since then. */
static void test_a_machine_that_cannot_be_read_any_more(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *text = NULL;

    reset_plug(fixture, "1-2", "KBD-0001");
    g_free(fixture_script(fixture, "unreadable %s", FIXTURE_STUDIO));
    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    reset_wait_log(fixture, "VM \"studio\" cannot be read");
    g_free(fixture_script(fixture, "foreign %s 1 3 046d c31c", FIXTURE_STUDIO));
    text = fixture_call_error(fixture, "Hypervisor", device, FERRY_INTERFACE_DEVICE, "Reset", "a{sv}", 0);
    fixture_assert(fixture, strstr(text, "VM \"studio\" cannot be read (the XML cannot be read); nothing"));
    reset_wait_usb(fixture, "resets=0");
}

/* What it was seen to have last may be out of date: it is read again before anything is reset. */
static void test_a_machine_that_is_being_read(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *other = NULL, *machine = fixture_machine_path(FIXTURE_STUDIO), *shown = NULL;
    Pending pending;

    reset_plug(fixture, "1-2", "KBD-0001");
    reset_plug(fixture, "1-4", "KBD-0002");
    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    fixture_wait(fixture, machine, FERRY_INTERFACE_MACHINE, "State", "running");
    g_free(fixture_script(fixture, "hang %s", FIXTURE_STUDIO));
    other = fixture_assign(fixture, "1-4", FIXTURE_STUDIO);
    reset_wait_state(fixture, other, "attaching");
    g_free(fixture_script(fixture, "foreign %s 1 3 046d c31c", FIXTURE_STUDIO));
    begin_device(fixture, &pending, device);
    reset_wait_log(fixture, "(1-2): reset begins");
    g_free(fixture_get(fixture, device, FERRY_INTERFACE_DEVICE, "State"));
    g_free(fixture_script(fixture, "resume %s", FIXTURE_STUDIO));
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "foreign");
    shown = fixture_script(fixture, "usb show");
    fixture_assert(fixture, strstr(shown, "resets=0"));
    g_free(fixture_script(fixture, "unforeign %s", FIXTURE_STUDIO));
    reset_end(fixture, &pending, NULL);
    reset_wait_usb(fixture, "resets=1");
    reset_wait_state(fixture, other, "attached");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, groups_setup, groups_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_two_callers),
        TEST(test_a_hub_and_what_is_behind_it),
        TEST(test_unplugged_on_its_way_out),
        TEST(test_another_one_comes_while_it_is_switched_off),
        TEST(test_unplugged_while_it_is_reset),
        TEST(test_unplugged_on_its_way_back),
        TEST(test_a_device_that_does_not_come_back),
        TEST(test_stopped_on_the_way_out),
        TEST(test_stopped_during_the_reset),
        TEST(test_stopped_on_the_way_back),
        TEST(test_not_its_own_any_more),
        TEST(test_while_it_is_attached_anew),
        TEST(test_a_machine_that_was_never_read),
        TEST(test_a_machine_that_cannot_be_read_any_more),
        TEST(test_a_machine_that_is_being_read),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
