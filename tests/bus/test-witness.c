/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attached means that the kernel says so as well: one test for each line of the table in
 * daemon/allocation/possession.c, as it happens to a device that a machine has, or is to get. The times of
 * the table are tried in tests/unit/allocation/test-possession.c. */

#include "tests/bus/cmocka-include.h"

#include <signal.h>
#include <string.h>

#include "tests/bus/group-calls.h"
#include "tests/bus/memory-folder.h"
#include "tests/bus/reset-calls.h"
#include "tests/bus/settings.h"

#define KEYBOARD "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-2"

/* Of the first device of a test. */
#define NUMBERS "1 3"

static void plug(Fixture *fixture)
{
    g_autofree char *path = fixture_device_path("1-2");

    fixture_plug(fixture, "1-2", "046d", "c31c", "K-120", "Keyboard");
    fixture_wait_object(fixture, path, FERRY_INTERFACE_DEVICE, true);
}

/* Something that udev tells: the hint to look. */
static void hint(Fixture *fixture)
{
    umockdev_testbed_uevent(fixture->bed, KEYBOARD, "change");
}

static void kernel(Fixture *fixture, const char *what, const char *value)
{
    g_free(fixture_script(fixture, "kernel %s " NUMBERS " %s", what, value));
}

static void wait_device(Fixture *fixture, const char *state)
{
    g_autofree char *path = fixture_device_path("1-2");

    fixture_wait(fixture, path, FERRY_INTERFACE_DEVICE, "State", state);
}

static void wait_assignment(Fixture *fixture, const char *path, const char *state)
{
    fixture_wait(fixture, path, FERRY_INTERFACE_ASSIGNMENT, "State", state);
}

/* New string: the assignment. */
static char *plug_and_give(Fixture *fixture)
{
    char *assignment;

    plug(fixture);
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    wait_assignment(fixture, assignment, "attached");
    return assignment;
}

static bool was_counted(Fixture *fixture, void *userdata)
{
    g_autofree char *counts = fixture_script(fixture, "counts");

    return strstr(counts, userdata) != NULL;
}

static void wait_counts(Fixture *fixture, const char *counts)
{
    fixture_wait_for(fixture, was_counted, (gpointer)counts, counts);
}

static void assert_counts(Fixture *fixture, const char *counts)
{
    g_autofree char *now = fixture_script(fixture, "counts");

    fixture_assert(fixture, strstr(now, counts));
}

static bool reason_says(Fixture *fixture, void *userdata)
{
    const char *const *path_and_text = userdata;
    g_autofree char *reason = fixture_get(fixture, path_and_text[0], FERRY_INTERFACE_ASSIGNMENT, "Reason");

    return reason && strstr(reason, path_and_text[1]);
}

static void wait_reason(Fixture *fixture, const char *assignment, const char *text)
{
    const char *const path_and_text[] = { assignment, text };

    fixture_wait_for(fixture, reason_says, (gpointer)path_and_text, text);
}

/* It was taken out and put in again, once, and the guest has it. */
static void wait_cured(Fixture *fixture, const char *assignment)
{
    g_autofree char *shown = NULL;

    wait_counts(fixture, "attach=2 detach=1");
    wait_assignment(fixture, assignment, "attached");
    wait_device(fixture, "attached");
    shown = fixture_script(fixture, "kernel show " NUMBERS);
    fixture_assert(fixture, strstr(shown, "opens=1"));
}

static bool log_says(Fixture *fixture, void *userdata)
{
    g_autofree char *path = g_build_filename(fixture->dir, "daemon.log", NULL);
    g_autofree char *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) && strstr(text, userdata);
}

static bool is_configured(Fixture *fixture, void *userdata)
{
    g_autofree char *shown = fixture_script(fixture, "kernel show " NUMBERS);

    return strstr(shown, "opens=1 driver=usbfs") != NULL;
}

/* ------------------------------------------------------------------ in a machine */

/* Bound to its driver again, by an update tool for instance. */
static void test_host_driver_took_it(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = plug_and_give(fixture);

    kernel(fixture, "driver", "usbhid");
    kernel(fixture, "opens", "0");
    hint(fixture);
    wait_cured(fixture, assignment);
}

/* An idle stick that another program resets: QEMU has it open for ever, and it is dead. */
static void test_host_driver_beside_qemu(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = plug_and_give(fixture);

    kernel(fixture, "driver", "usb-storage");
    hint(fixture);
    wait_cured(fixture, assignment);
}

static void test_nobody_has_it(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = plug_and_give(fixture);

    kernel(fixture, "driver", "none");
    kernel(fixture, "opens", "0");
    hint(fixture);
    wait_cured(fixture, assignment);
}

/* An idle device that somebody takes from usbfs: QEMU has it open, and doesn't notice. A guest that lets go
 * of it makes no event. */
static void test_unbound(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = plug_and_give(fixture);

    fixture_wait_for(fixture, is_configured, NULL, "the guest has configured it");
    fixture_wait_for(fixture, log_says, (gpointer) "1-2 is configured", "the service has seen that");
    kernel(fixture, "driver", "none");
    umockdev_testbed_uevent(fixture->bed, KEYBOARD "/1-2:1.0", "unbind");
    wait_cured(fixture, assignment);
}

/* No event at all: what machines have is looked at now and then. */
static void test_without_an_event(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = plug_and_give(fixture);

    kernel(fixture, "driver", "none");
    kernel(fixture, "opens", "0");
    wait_cured(fixture, assignment);
}

/* Its guest configures nothing, now or later; nor is it touched when the same happens to it as to a device
 * that is taken back: the second one is the proof that time enough was there. */
static void test_guest_that_configures_nothing(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *other = fixture_device_path("1-4");
    g_autofree char *assignment = NULL, *second = NULL, *shown = NULL;

    g_free(fixture_script(fixture, "lazy %s", FIXTURE_DESK));
    assignment = plug_and_give(fixture);
    fixture_plug(fixture, "1-4", "0781", "5567", "S-1", "Stick");
    fixture_wait_object(fixture, other, FERRY_INTERFACE_DEVICE, true);
    second = fixture_assign(fixture, "1-4", FIXTURE_DESK);
    wait_assignment(fixture, second, "attached");
    g_free(fixture_script(fixture, "kernel driver 1 4 usb-storage"));
    umockdev_testbed_uevent(fixture->bed, "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-4", "change");
    wait_counts(fixture, "attach=3 detach=1");
    wait_assignment(fixture, second, "attached");
    wait_device(fixture, "attached");
    shown = fixture_script(fixture, "kernel show " NUMBERS);
    fixture_assert(fixture, strstr(shown, "opens=1 driver=none"));
    assert_counts(fixture, "attach=3 detach=1");
}

/* libvirt lists it, and QEMU never opened it. */
static void test_attached_in_words_only(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    settings_reload(fixture, "[Times]\nQuarantineFirst=1min\n"); /* until it was looked at */
    g_free(fixture_script(fixture, "numb %s 3", FIXTURE_DESK));
    plug(fixture);
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    wait_assignment(fixture, assignment, "attaching");
    wait_counts(fixture, "attach=3 detach=3");
    wait_assignment(fixture, assignment, "quarantined");
    wait_reason(fixture, assignment, "3 times");
    g_free(fixture_script(fixture, "run 61000"));
    wait_assignment(fixture, assignment, "attached");
    assert_counts(fixture, "attach=4 detach=3");
}

static void test_kernel_that_counts_nothing(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    plug(fixture);
    g_free(fixture_script(fixture, "kernel forget " NUMBERS));
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    wait_assignment(fixture, assignment, "attached");
    /* Drivers it still tells. */
    kernel(fixture, "driver", "usbhid");
    hint(fixture);
    wait_counts(fixture, "attach=2 detach=1");
    wait_assignment(fixture, assignment, "attached");
}

/* ------------------------------------------------------------------ authorized */

static void test_blocked_by_the_host(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL, *error = NULL;

    plug(fixture);
    kernel(fixture, "authorized", "0");
    hint(fixture);
    wait_device(fixture, "blocked");
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    wait_assignment(fixture, assignment, "waiting-device");
    wait_reason(fixture, assignment, "authorized");
    wait_device(fixture, "blocked");
    error = fixture_get(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Error");
    assert_string_equal(error, FERRY_ERROR_PREFIX "DeviceBusy");
    assert_counts(fixture, "attach=0");
    kernel(fixture, "authorized", "1");
    hint(fixture);
    wait_assignment(fixture, assignment, "attached");
    wait_device(fixture, "attached");
}

/* In the moment before its VM starts, while an event before it is being looked into still. */
static void test_blocked_while_it_waits(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    plug(fixture);
    assignment = fixture_assign(fixture, "1-2", FIXTURE_STUDIO);
    wait_assignment(fixture, assignment, "waiting-machine");
    kernel(fixture, "authorized", "0");
    hint(fixture);
    assert_counts(fixture, "attach=0");
    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    wait_assignment(fixture, assignment, "waiting-device");
    wait_reason(fixture, assignment, "authorized");
    assert_counts(fixture, "attach=0");
}

/* What is heard while a look is due anyway is looked at, also when nobody wants the device any more. */
static void test_authorized_while_it_is_detached(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    plug(fixture);
    kernel(fixture, "authorized", "0");
    hint(fixture);
    wait_device(fixture, "blocked");
    assignment = fixture_assign(fixture, "1-2", FIXTURE_STUDIO);
    kernel(fixture, "authorized", "1");
    hint(fixture);
    assert_counts(fixture, "attach=0");
    sd_bus_message_unref(fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Detach", ""));
    wait_device(fixture, "host");
}

static void test_blocked_while_in_a_machine(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = plug_and_give(fixture);

    kernel(fixture, "authorized", "0");
    hint(fixture);
    wait_counts(fixture, "attach=1 detach=1");
    wait_assignment(fixture, assignment, "waiting-device");
    wait_device(fixture, "blocked");
    kernel(fixture, "authorized", "1");
    hint(fixture);
    wait_assignment(fixture, assignment, "attached");
}

/* ------------------------------------------------------------------ programs of the host */

static void test_program_has_it(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    g_free(fixture_script(fixture, "usb user pcscd"));
    plug(fixture);
    kernel(fixture, "opens", "1");
    kernel(fixture, "driver", "usbfs");
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    wait_assignment(fixture, assignment, "waiting-device");
    wait_reason(fixture, assignment, "the host's program \"pcscd\" uses");
    wait_device(fixture, "waiting");
    assert_counts(fixture, "attach=0");
    /* It ends, and nobody tells. */
    kernel(fixture, "driver", "none");
    kernel(fixture, "opens", "0");
    wait_assignment(fixture, assignment, "attached");
}

/* Without any event, and although no assignment stands for this device alone. */
static void test_program_has_one_of_a_group(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_create_with(fixture, "keys", "vendor=046d");
    g_autofree char *desk = fixture_machine_path(FIXTURE_DESK);
    g_autofree char *assignment = NULL;
    sd_bus_message *reply;
    const char *path;

    plug(fixture);
    kernel(fixture, "opens", "1");
    hint(fixture);
    reply = fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign", "ooa{sv}", group,
                            desk, 0);
    assert_true(sd_bus_message_read(reply, "o", &path) >= 0);
    assignment = g_strdup(path);
    sd_bus_message_unref(reply);
    g_free(fixture_script(fixture, "run 3000"));
    wait_assignment(fixture, assignment, "waiting-device");
    kernel(fixture, "opens", "0");
    g_free(fixture_script(fixture, "run 30000"));
    wait_assignment(fixture, assignment, "attached");
}

static void test_program_has_it_as_well(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    g_free(fixture_script(fixture, "lazy %s", FIXTURE_DESK));
    assignment = plug_and_give(fixture);
    kernel(fixture, "opens", "2");
    kernel(fixture, "driver", "usbfs");
    hint(fixture);
    wait_reason(fixture, assignment, "a program of the host uses it, too");
    wait_device(fixture, "waiting");
    assert_counts(fixture, "attach=1 detach=0");
    kernel(fixture, "opens", "1");
    kernel(fixture, "driver", "none");
    hint(fixture);
    wait_cured(fixture, assignment);
}

/* ------------------------------------------------------------------ the host's sleep */

#define LOGIND "org.freedesktop.login1"

static bool sleeps;

static int get_sleeps(sd_bus *bus, const char *path, const char *interface, const char *property,
                      sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    return sd_bus_message_append(reply, "b", sleeps);
}

static const sd_bus_vtable logind[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("PreparingForSleep", "b", get_sleeps, 0, 0),
    SD_BUS_VTABLE_END,
};

static void prepare_for_sleep(Fixture *fixture, bool begins)
{
    sleeps = begins;
    assert_true(sd_bus_emit_signal(fixture->bus, "/org/freedesktop/login1", LOGIND ".Manager",
                                   "PrepareForSleep", "b", begins) >= 0);
}

/* What the host's drivers take while it wakes is none of their business: they often let go again. When they
 * don't, it goes back. */
static void test_sleep(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = plug_and_give(fixture);
    g_autofree char *other = fixture_device_path("1-4");
    g_autofree char *second = NULL;

    sleeps = false;
    assert_true(sd_bus_add_object_vtable(fixture->bus, NULL, "/org/freedesktop/login1", LOGIND ".Manager",
                                         logind, NULL) >= 0);
    assert_true(sd_bus_request_name(fixture->bus, LOGIND, 0) >= 0);
    prepare_for_sleep(fixture, true);
    fixture_wait_for(fixture, log_says, (gpointer) "goes to sleep", "it knows of the sleep");
    kernel(fixture, "driver", "usbhid");
    kernel(fixture, "opens", "0");
    hint(fixture);
    /* What happens at once happens all the same, so this is later than the second of the first one. */
    fixture_plug(fixture, "1-4", "0781", "5567", "S-1", "Stick");
    fixture_wait_object(fixture, other, FERRY_INTERFACE_DEVICE, true);
    second = fixture_assign(fixture, "1-4", FIXTURE_DESK);
    wait_assignment(fixture, second, "attached");
    assert_counts(fixture, "attach=2 detach=0");
    prepare_for_sleep(fixture, false);
    fixture_wait_for(fixture, log_says, (gpointer) "awake again", "it knows that it woke");
    wait_counts(fixture, "attach=3 detach=1");
    wait_assignment(fixture, assignment, "attached");
    /* Anybody can send a signal. */
    sleeps = false;
    assert_true(sd_bus_emit_signal(fixture->bus, "/org/freedesktop/login1", LOGIND ".Manager",
                                   "PrepareForSleep", "b", 1) >= 0);
    kernel(fixture, "driver", "usbhid");
    kernel(fixture, "opens", "0");
    hint(fixture);
    wait_counts(fixture, "attach=4 detach=2");
    wait_assignment(fixture, assignment, "attached");
}

/* ------------------------------------------------------------------ home again */

static bool is_home(Fixture *fixture, void *userdata)
{
    g_autofree char *shown = fixture_script(fixture, "kernel show " NUMBERS);

    return strstr(shown, "opens=0 driver=usbhid") != NULL;
}

static void assert_connects(Fixture *fixture, const char *connects)
{
    g_autofree char *shown = fixture_script(fixture, "usb show");

    fixture_assert(fixture, strstr(shown, connects));
}

static bool connected_once(Fixture *fixture, void *userdata)
{
    g_autofree char *shown = fixture_script(fixture, "usb show");

    return strstr(shown, "connects=1") != NULL;
}

/* A QEMU that is killed leaves the device without a driver, whether it is still assigned or not. */
static void test_machine_that_crashed(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = plug_and_give(fixture);

    g_free(fixture_script(fixture, "crash %s", FIXTURE_DESK));
    wait_assignment(fixture, assignment, "waiting-machine");
    fixture_wait_for(fixture, is_home, NULL, "the host's driver is back");
    assert_connects(fixture, "connects=1");
    /* A release by the book needs nobody's help; a driver that the host took away is not called. */
    g_free(fixture_script(fixture, "start %s", FIXTURE_DESK));
    wait_assignment(fixture, assignment, "attached");
    sd_bus_message_unref(
        fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Release", "a{sv}", 0));
    fixture_wait_object(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, false);
    fixture_wait_for(fixture, is_home, NULL, "the host's driver is back");
    assert_connects(fixture, "connects=1");
}

static void test_machine_that_crashed_after_a_release(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = plug_and_give(fixture);

    g_free(fixture_script(fixture, "keep %s", FIXTURE_DESK));
    sd_bus_message_unref(
        fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Release", "a{sv}", 0));
    wait_assignment(fixture, assignment, "detaching");
    g_free(fixture_script(fixture, "crash %s", FIXTURE_DESK));
    fixture_wait_object(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, false);
    fixture_wait_for(fixture, is_home, NULL, "the host's driver is back");
    assert_connects(fixture, "connects=1");
}

static bool is_kept(Fixture *fixture, void *userdata)
{
    g_autofree char *path = g_build_filename(fixture->dir, "run", "lent", "devices", NULL);
    g_autofree char *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) && strstr(text, ":0;");
}

/* The service is away, as is the machine when it comes back. The device is as it is left: before the service
 * sees it, which udev's word makes it do. */
static void start_with_driverless_device(Fixture *fixture)
{
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    GPtrArray *plugged = fixture->plugged;

    fixture_stop_daemon(fixture, SIGKILL);
    fixture->plugged = none;
    fixture_start_daemon(fixture);
    fixture->plugged = plugged;
    kernel(fixture, "driver", "none");
    kernel(fixture, "opens", "0");
    fixture_announce(fixture, "1-2", "bind");
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    g_free(fixture_script(fixture, "connect"));
}

static void test_machine_that_crashed_while_nobody_was_there(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = plug_and_give(fixture);

    fixture_wait_for(fixture, is_kept, NULL, "it is known for later");
    start_with_driverless_device(fixture);
    fixture_wait_for(fixture, is_home, NULL, "the host's driver is back");
    assert_connects(fixture, "connects=1");
}

/* What no machine ever had isn't touched: its driver was taken from it by the host. What is plugged in later
 * and lost by a machine is the proof that there was time enough. */
static void test_driverless_and_never_given(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL, *second = NULL, *shown = NULL;
    g_autofree char *desk = fixture_machine_path(FIXTURE_DESK);

    plug(fixture);
    assignment = fixture_assign(fixture, "1-2", FIXTURE_STUDIO);
    wait_assignment(fixture, assignment, "waiting-machine");
    start_with_driverless_device(fixture);
    g_free(fixture_script(fixture, "start %s", FIXTURE_DESK));
    fixture_wait_object(fixture, desk, FERRY_INTERFACE_MACHINE, true);
    fixture_plug(fixture, "1-4", "0781", "5567", "S-1", "Stick");
    second = fixture_assign(fixture, "1-4", FIXTURE_DESK);
    wait_assignment(fixture, second, "attached");
    g_free(fixture_script(fixture, "crash %s", FIXTURE_DESK));
    fixture_wait_for(fixture, connected_once, NULL, "drivers are called");
    shown = fixture_script(fixture, "kernel show " NUMBERS);
    fixture_assert(fixture, strstr(shown, "driver=none"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_host_driver_took_it),
        TEST(test_host_driver_beside_qemu),
        TEST(test_nobody_has_it),
        TEST(test_unbound),
        TEST(test_without_an_event),
        TEST(test_guest_that_configures_nothing),
        TEST(test_attached_in_words_only),
        TEST(test_kernel_that_counts_nothing),
        TEST(test_blocked_by_the_host),
        TEST(test_blocked_while_it_waits),
        TEST(test_authorized_while_it_is_detached),
        TEST(test_blocked_while_in_a_machine),
        TEST(test_program_has_it),
        TEST(test_program_has_one_of_a_group),
        TEST(test_program_has_it_as_well),
        TEST(test_sleep),
        TEST(test_machine_that_crashed),
        TEST(test_machine_that_crashed_after_a_release),
        TEST(test_machine_that_crashed_while_nobody_was_there),
        TEST(test_driverless_and_never_given),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
