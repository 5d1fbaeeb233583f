/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Machines that people have started: by themselves, and with what is given to them. */

#include "tests/bus/cmocka-include.h"

#include <string.h>

#include "tests/bus/memory-folder.h"
#include "tests/bus/reset-calls.h"
#include "tests/bus/run-client.h"

#define DENIED_NAME "org.freedesktop.DBus.Error.AccessDenied"

static void start(Fixture *fixture, const char *uuid)
{
    g_autofree char *machine = fixture_machine_path(uuid);

    sd_bus_message_unref(fixture_call_ok(fixture, machine, FERRY_INTERFACE_MACHINE, "Start", "a{sv}", 0));
}

static void wait_machine(Fixture *fixture, const char *uuid, const char *state)
{
    g_autofree char *machine = fixture_machine_path(uuid);

    fixture_wait(fixture, machine, FERRY_INTERFACE_MACHINE, "State", state);
}

static char *assign_and_start(Fixture *fixture, const char *sysname, const char *uuid)
{
    g_autofree char *device = fixture_device_path(sysname);
    g_autofree char *machine = fixture_machine_path(uuid);
    sd_bus_message *reply = fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign",
                                            "ooa{sv}", device, machine, 1, "StartMachine", "b", 1);
    const char *path = NULL;
    char *copy;

    assert_true(sd_bus_message_read(reply, "o", &path) >= 0);
    copy = g_strdup(path);
    sd_bus_message_unref(reply);
    return copy;
}

static void assert_reason(Fixture *fixture, const char *assignment, const char *part)
{
    g_autofree char *reason = fixture_get(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Reason");

    if (!strstr(reason, part))
        fail_msg("%s", reason);
}

static void test_start(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *before = NULL, *after = NULL;

    start(fixture, FIXTURE_STUDIO);
    /* When it is answered, it is so. */
    wait_machine(fixture, FIXTURE_STUDIO, "running");
    before = fixture_script(fixture, "show %s", FIXTURE_STUDIO);
    start(fixture, FIXTURE_STUDIO);
    after = fixture_script(fixture, "show %s", FIXTURE_STUDIO);
    assert_string_equal(before, after);
    g_free(fixture_script(fixture, "pause %s", FIXTURE_STUDIO));
    wait_machine(fixture, FIXTURE_STUDIO, "paused");
    start(fixture, FIXTURE_STUDIO);
    wait_machine(fixture, FIXTURE_STUDIO, "paused");
}

/* Whoever has just shut it down is ahead of the hypervisor's event, and means what is so. */
static void test_start_before_it_is_known_to_be_off(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *shown = NULL;

    wait_machine(fixture, FIXTURE_DESK, "running");
    g_free(fixture_script(fixture, "quiet"));
    g_free(fixture_script(fixture, "stop %s", FIXTURE_DESK));
    g_free(fixture_script(fixture, "loud"));
    start(fixture, FIXTURE_DESK);
    shown = fixture_script(fixture, "show %s", FIXTURE_DESK);
    fixture_assert(fixture, strstr(shown, "desk running "));
}

static void test_libvirt_refuses(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *machine = fixture_machine_path(FIXTURE_STUDIO);
    g_autofree char *text = NULL;

    g_free(fixture_script(fixture, "error %s start 1 Hypervisor no such disk", FIXTURE_STUDIO));
    text = fixture_call_error(fixture, "Hypervisor", machine, FERRY_INTERFACE_MACHINE, "Start", "a{sv}", 0);
    assert_string_equal(text, "VM \"studio\" could not be started: no such disk");
    start(fixture, FIXTURE_STUDIO);
    wait_machine(fixture, FIXTURE_STUDIO, "running");
}

/* Looks that are on their way would hang as well, and nothing would begin behind them. */
static void hang(Fixture *fixture)
{
    g_free(fixture_script(fixture, "run 0"));
    g_free(fixture_script(fixture, "hang %s", FIXTURE_STUDIO));
}

/* The hypervisor goes away while somebody waits. */
static void test_hypervisor_goes(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *machine = fixture_machine_path(FIXTURE_STUDIO);
    Pending pending;

    hang(fixture);
    reset_begin(fixture, &pending, machine, FERRY_INTERFACE_MACHINE, "Start", NULL);
    reset_wait_log(fixture, "start of \"studio\"");
    g_free(fixture_script(fixture, "disconnect gone"));
    reset_end(fixture, &pending, "Hypervisor: VM \"studio\" could not be started: the hypervisor is away");
    g_free(fixture_call_error(fixture, "Hypervisor", machine, FERRY_INTERFACE_MACHINE, "Start", "a{sv}", 0));
}

static void test_with_a_device(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    reset_plug(fixture, "1-2", "KBD-0001");
    hang(fixture);
    assignment = assign_and_start(fixture, "1-2", FIXTURE_STUDIO);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "ReasonCode", "machine-starting");
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Pending", "true");
    assert_reason(fixture, assignment, "VM \"studio\" is being started; ");
    g_free(fixture_script(fixture, "resume %s", FIXTURE_STUDIO));
    reset_wait_state(fixture, assignment, "attached");
}

static void test_with_a_device_in_vain(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL, *reason = NULL;

    reset_plug(fixture, "1-2", "KBD-0001");
    g_free(fixture_script(fixture, "error %s start 1 Hypervisor no such disk", FIXTURE_STUDIO));
    assignment = assign_and_start(fixture, "1-2", FIXTURE_STUDIO);
    reset_wait_log(fixture, "could not be started: no such disk");
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "ReasonCode", "machine-off");
    assert_reason(fixture, assignment, "It could not be started: no such disk.");
    /* Somebody else starts it, and then that is history. */
    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    reset_wait_state(fixture, assignment, "attached");
    g_free(fixture_script(fixture, "stop %s", FIXTURE_STUDIO));
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "ReasonCode", "machine-off");
    reason = fixture_get(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Reason");
    fixture_assert(fixture, !strstr(reason, "could not"));
}

static void test_on_release(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL, *shown = NULL;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = fixture_assign(fixture, "1-2", FIXTURE_STUDIO);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "ReasonCode", "machine-off");
    sd_bus_message_unref(fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Release", "a{sv}",
                                         1, "StartMachine", "b", 1));
    wait_machine(fixture, FIXTURE_STUDIO, "running");
    shown = fixture_script(fixture, "show %s", FIXTURE_STUDIO);
    fixture_assert(fixture, !strstr(shown, "ua-"));
}

/* The image has a device that isn't there any more: it is mended before the machine starts. */
static void test_saved(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = reset_give(fixture, "1-2", FIXTURE_DESK);
    g_free(fixture_script(fixture, "save %s", FIXTURE_DESK));
    start(fixture, FIXTURE_DESK);
    wait_machine(fixture, FIXTURE_DESK, "running");
    reset_wait_state(fixture, assignment, "attached");
}

static void assert_property(Fixture *fixture, const char *uuid, const char *property, const char *expected)
{
    g_autofree char *machine = fixture_machine_path(uuid);
    g_autofree char *value = fixture_get(fixture, machine, FERRY_INTERFACE_MACHINE, property);

    assert_string_equal(value, expected);
}

static void set_controller(Fixture *fixture, const char *uuid, const char *model)
{
    g_autofree char *machine = fixture_machine_path(uuid);

    sd_bus_message_unref(
        fixture_call_ok(fixture, machine, FERRY_INTERFACE_MACHINE, "SetUsbController", "sa{sv}", model, 0));
}

/* One that runs has it after its next start, one that is off at once; when it is answered, that is told. */
static void test_controller(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *desk = fixture_machine_path(FIXTURE_DESK);
    g_autofree char *text = NULL;

    set_controller(fixture, FIXTURE_STUDIO, "piix3-uhci");
    assert_property(fixture, FIXTURE_STUDIO, "UsbController", "piix3-uhci");
    assert_property(fixture, FIXTURE_STUDIO, "PendingUsbController", "");
    set_controller(fixture, FIXTURE_DESK, "usb-ehci");
    assert_property(fixture, FIXTURE_DESK, "UsbController", "qemu-xhci");
    assert_property(fixture, FIXTURE_DESK, "PendingUsbController", "usb-ehci");
    g_free(fixture_script(fixture, "stop %s", FIXTURE_DESK));
    g_free(fixture_script(fixture, "start %s", FIXTURE_DESK));
    fixture_wait(fixture, desk, FERRY_INTERFACE_MACHINE, "UsbController", "ich9-ehci1");
    assert_property(fixture, FIXTURE_DESK, "PendingUsbController", "");
    g_free(fixture_script(fixture, "error %s define 1 Hypervisor no room", FIXTURE_DESK));
    text = fixture_call_error(fixture, "Hypervisor", desk, FERRY_INTERFACE_MACHINE, "SetUsbController",
                              "sa{sv}", "qemu-xhci", 0);
    assert_string_equal(text, "VM \"desk\" could not be changed: no room");
    client_expect(fixture, "vm controller desk qemu-xhci", DONE, "it needs a restart", NULL);
    client_expect(fixture, "vm controller studio qemu-xhci", DONE, "has the USB controller qemu-xhci", NULL);
    client_expect(fixture, "vm controller studio toaster", USAGE, NULL,
                  "the model is qemu-xhci, usb-ehci or");
}

/* None of its controllers can have it: told, and not tried; goes when there is another one. */
static void test_speed(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL, *counts = NULL;

    g_free(fixture_script(fixture, "controller %s ehci 4", FIXTURE_DESK));
    fixture_plug(fixture, "1-2", "046d", "c31c", "KBD-0001", "Keyboard K120");
    fixture_change(fixture, "1-2", "speed", "1.5");
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "ReasonCode", "speed");
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Error",
                 FERRY_ERROR_PREFIX "SpeedUnsupported");
    assert_reason(fixture, assignment,
                  "needs a USB controller with low speed, and that of VM \"desk\", ehci, is none");
    assert_reason(fixture, assignment, "usbferry vm controller \"desk\" qemu-xhci");
    counts = fixture_script(fixture, "counts");
    fixture_assert(fixture, g_str_has_prefix(counts, "attach=0 "));
    set_controller(fixture, FIXTURE_DESK, "usb-ehci");
    g_free(fixture_script(fixture, "stop %s", FIXTURE_DESK));
    g_free(fixture_script(fixture, "start %s", FIXTURE_DESK));
    reset_wait_state(fixture, assignment, "attached");
}

static void test_title(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *desk = fixture_machine_path(FIXTURE_DESK);

    assert_property(fixture, FIXTURE_DESK, "Title", "");
    client_expect_not(fixture, "list vms", "TITLE");
    g_free(fixture_script(fixture, "title %s The one at the window", FIXTURE_DESK));
    fixture_wait(fixture, desk, FERRY_INTERFACE_MACHINE, "Title", "The one at the window");
    client_expect(fixture, "list vms", DONE, "The one at the window", NULL);
}

/* To give is one right, to start another one: who has only one of the two gets nothing done. */
static void test_rights(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = NULL, *studio = fixture_machine_path(FIXTURE_STUDIO), *path = NULL;
    sd_bus *root = fixture->bus, *member = fixture_connect(fixture, FIXTURE_MEMBER);
    static const char giver[] = "polkit.addRule(function (action) {\n"
                                "    return action.id == 'org.usbferry1.assign' ? polkit.Result.YES :\n"
                                "           polkit.Result.NO; });\n";
    static const char starter[] =
        "polkit.addRule(function (action) {\n"
        "    return action.id == 'org.usbferry1.manage-machines' ? polkit.Result.YES :\n"
        "           polkit.Result.NO; });\n";
    static const char both[] = "polkit.addRule(function (action) {\n"
                               "    return action.id == 'org.usbferry1.manage-machines' &&\n"
                               "           action.lookup('machine') == 'studio' ||\n"
                               "           action.id == 'org.usbferry1.assign' ? polkit.Result.YES :\n"
                               "           polkit.Result.NO; });\n";

    reset_plug(fixture, "1-2", "KBD-0001");
    device = fixture_device_path("1-2");
    fixture_stop_polkit(fixture);
    fixture_start_polkit(fixture, giver);
    fixture->bus = member;
    g_free(fixture_call_error(fixture, DENIED_NAME, studio, FERRY_INTERFACE_MACHINE, "Start", "a{sv}", 0));
    g_free(fixture_call_error(fixture, DENIED_NAME, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign",
                              "ooa{sv}", device, studio, 1, "StartMachine", "b", 1));
    fixture_replace_polkit(fixture, starter);
    g_free(fixture_call_error(fixture, DENIED_NAME, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign",
                              "ooa{sv}", device, studio, 1, "StartMachine", "b", 1));
    fixture->bus = root;
    wait_machine(fixture, FIXTURE_STUDIO, "shutoff");
    fixture_replace_polkit(fixture, both);
    fixture->bus = member;
    path = assign_and_start(fixture, "1-2", FIXTURE_STUDIO);
    fixture->bus = root;
    reset_wait_state(fixture, path, "attached");
    /* It runs: nothing is started, so nothing more is needed. */
    sd_bus_message_unref(fixture_call_ok(fixture, path, FERRY_INTERFACE_ASSIGNMENT, "Release", "a{sv}", 0));
    fixture_wait_object(fixture, path, FERRY_INTERFACE_ASSIGNMENT, false);
    fixture_replace_polkit(fixture, giver);
    fixture->bus = member;
    g_free(assign_and_start(fixture, "1-2", FIXTURE_STUDIO));
    fixture->bus = root;
    sd_bus_flush_close_unref(member);
}

/* Nothing has to be asked for a VM that runs, so nothing is started where it has just ended. */
static void test_what_ends_meanwhile_is_not_started(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *path = NULL, *shown = NULL;
    sd_bus *root = fixture->bus, *member = fixture_connect(fixture, FIXTURE_MEMBER);
    static const char giver[] = "polkit.addRule(function (action) {\n"
                                "    return action.id == 'org.usbferry1.assign' ? polkit.Result.YES :\n"
                                "           polkit.Result.NO; });\n";

    reset_plug(fixture, "1-2", "KBD-0001");
    fixture_replace_polkit(fixture, giver);
    wait_machine(fixture, FIXTURE_DESK, "running");
    g_free(fixture_script(fixture, "quiet"));
    g_free(fixture_script(fixture, "stop %s", FIXTURE_DESK));
    g_free(fixture_script(fixture, "loud"));
    fixture->bus = member;
    path = assign_and_start(fixture, "1-2", FIXTURE_DESK);
    fixture->bus = root;
    fixture_wait(fixture, path, FERRY_INTERFACE_ASSIGNMENT, "ReasonCode", "machine-off");
    shown = fixture_script(fixture, "show %s", FIXTURE_DESK);
    fixture_assert(fixture, strstr(shown, "desk shutoff "));
    sd_bus_flush_close_unref(member);
}

static void test_client(void **state)
{
    Fixture *fixture = *state;

    reset_plug(fixture, "1-2", "KBD-0001");
    client_expect(fixture, "give 1-2 studio", DONE, "usbferry start studio starts it.", NULL);
    g_free(fixture_script(fixture, "error %s start 1 Hypervisor no such disk", FIXTURE_STUDIO));
    client_expect(fixture, "start studio", FAILED, NULL, "could not be started: no such disk");
    client_expect(fixture, "start studio", DONE, "VM \"studio\" is started.", NULL);
    client_expect(fixture, "start studio desk", DONE, "VM \"desk\" is on already.", NULL);
    client_expect(fixture, "start studoi", NOT_FOUND, NULL, "Did you mean \"studio\"?");
    client_expect(fixture, "take 1-2", DONE, "on the host", NULL);
    g_free(fixture_script(fixture, "stop %s", FIXTURE_STUDIO));
    wait_machine(fixture, FIXTURE_STUDIO, "shutoff");
    client_expect(fixture, "give 1-2 studio --start", DONE, "is attached to VM \"studio\"", NULL);
    client_expect(fixture, "take 1-2", DONE, "on the host", NULL);
    g_free(fixture_script(fixture, "stop %s", FIXTURE_STUDIO));
    wait_machine(fixture, FIXTURE_STUDIO, "shutoff");
    g_free(fixture_script(fixture, "error %s start 1 Hypervisor no such disk", FIXTURE_STUDIO));
    client_expect(fixture, "give 1-2 studio --start", FAILED, "could not be started: no such disk",
                  "was not started");
}

static void test_client_takes_and_starts(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *shown = NULL;

    reset_plug(fixture, "1-2", "KBD-0001");
    reset_plug(fixture, "1-3", "KBD-0002");
    client_expect(fixture, "give 1-2 1-3 studio", DONE, "studio", NULL);
    client_expect(fixture, "take studio --start", USAGE, NULL, "--start is for devices and assignments");
    client_expect(fixture, "take --all --start", USAGE, NULL, "--all starts nothing");
    g_free(fixture_script(fixture, "error %s start 9 Hypervisor no such disk", FIXTURE_STUDIO));
    client_expect(fixture, "take 1-2 --start", FAILED, "on the host", "could not be started: no such disk");
    g_free(fixture_script(fixture, "calm %s", FIXTURE_STUDIO));
    wait_machine(fixture, FIXTURE_STUDIO, "shutoff");
    client_expect(fixture, "give 1-2 studio --name one", DONE, "studio", NULL);
    /* the same in two words */
    client_expect(fixture, "take 1-3 one 1-2 --start", DONE, "VM \"studio\" is started.", NULL);
    wait_machine(fixture, FIXTURE_STUDIO, "running");
    shown = fixture_script(fixture, "show %s", FIXTURE_STUDIO);
    fixture_assert(fixture, !strstr(shown, "ua-"));
    /* One that runs is left as it is, and so is who has nothing. */
    client_expect(fixture, "give 1-2 studio", DONE, "is attached to VM \"studio\"", NULL);
    client_expect(fixture, "take 1-2 --start", DONE, "on the host", NULL);
    client_expect(fixture, "take 1-2 --start", DONE, "on the host", NULL);
}

/* It is ended once, whatever names it. */
static void test_client_takes_what_was_named_twice_and_starts(void **state)
{
    Fixture *fixture = *state;

    reset_plug(fixture, "1-2", "KBD-0001");
    client_expect(fixture, "give 1-2 studio --name typing", DONE, "studio", NULL);
    client_expect(fixture, "take 1-2 typing --start", DONE, "VM \"studio\" is started.", NULL);
    wait_machine(fixture, FIXTURE_STUDIO, "running");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_start),
        TEST(test_start_before_it_is_known_to_be_off),
        TEST(test_libvirt_refuses),
        TEST(test_hypervisor_goes),
        TEST(test_with_a_device),
        TEST(test_with_a_device_in_vain),
        TEST(test_on_release),
        TEST(test_saved),
        TEST(test_controller),
        TEST(test_speed),
        TEST(test_title),
        TEST(test_rights),
        TEST(test_what_ends_meanwhile_is_not_started),
        TEST(test_client),
        TEST(test_client_takes_and_starts),
        TEST(test_client_takes_what_was_named_twice_and_starts),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
