/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Resets: by the guest, by the machine's user, by administrators. What is reset comes back to who had it. */

#include "tests/bus/cmocka-include.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

#include "tests/bus/fixture.h"
#include "tests/bus/group-calls.h"

#define HUB_PORT "1-3"

static void plug_keyboard(Fixture *fixture, const char *sysname, const char *serial)
{
    g_autofree char *path = fixture_device_path(sysname);

    fixture_plug(fixture, sysname, "046d", "c31c", serial, "Keyboard K120");
    fixture_wait_object(fixture, path, FERRY_INTERFACE_DEVICE, true);
}

static void wait_assignment(Fixture *fixture, const char *path, const char *state)
{
    fixture_wait(fixture, path, FERRY_INTERFACE_ASSIGNMENT, "State", state);
}

static char *give(Fixture *fixture, const char *sysname, const char *uuid)
{
    char *assignment = fixture_assign(fixture, sysname, uuid);

    wait_assignment(fixture, assignment, "attached");
    return assignment;
}

static void allow(Fixture *fixture, const char *assignment, const char *setting, bool value)
{
    sd_bus_message_unref(fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Update", "a{sv}",
                                         1, setting, "b", (int)value));
}

typedef struct Shown {
    const char *uuid;
    const char *text;
    bool there;
} Shown;

static bool is_shown(Fixture *fixture, void *userdata)
{
    const Shown *shown = userdata;

    g_free(fixture->last_seen);
    fixture->last_seen = fixture_script(fixture, "show %s", shown->uuid);
    return (strstr(fixture->last_seen, shown->text) != NULL) == shown->there;
}

static void wait_machine(Fixture *fixture, const char *uuid, const char *text, bool there)
{
    Shown shown = { uuid, text, there };
    g_autofree char *what = g_strdup_printf("%s has %s: %s", uuid, text, there ? "yes" : "no");

    fixture_wait_for(fixture, is_shown, &shown, what);
}

static bool usb_shows(Fixture *fixture, void *text)
{
    g_free(fixture->last_seen);
    fixture->last_seen = fixture_script(fixture, "usb show");
    return strstr(fixture->last_seen, text) != NULL;
}

static void wait_usb(Fixture *fixture, const char *text)
{
    fixture_wait_for(fixture, usb_shows, (void *)text, text);
}

/* ------------------------------------------------------------------ calls that are answered later */

typedef struct Pending {
    bool done;
    char *error; /* "name: text"; NULL = none */
} Pending;

static int on_reply(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    const sd_bus_error *error = sd_bus_message_get_error(reply);
    Pending *pending = userdata;

    pending->done = true;
    if (error)
        pending->error = g_strdup_printf("%s: %s", error->name, error->message);
    return 0;
}

static void begin(Fixture *fixture, Pending *pending, const char *path, const char *interface,
                  const char *member)
{
    *pending = (Pending){};
    assert_true(sd_bus_call_method_async(fixture->bus, NULL, FERRY_BUS_NAME, path, interface, member,
                                         on_reply, pending, "a{sv}", 0) >= 0);
}

static bool is_done(Fixture *fixture, void *pending)
{
    return ((Pending *)pending)->done;
}

static void end(Fixture *fixture, Pending *pending, const char *error)
{
    fixture_wait_for(fixture, is_done, pending, "the reset is answered");
    if (!error != !pending->error || (error && !strstr(pending->error, error))) {
        fixture_print_log(fixture);
        fail_msg("answered with %s, expected %s", pending->error ? pending->error : "success", error);
    }
    g_clear_pointer(&pending->error, g_free);
}

/* ------------------------------------------------------------------ the guest's own resets */

static void test_settings_become_guest_reset(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    plug_keyboard(fixture, "1-2", "KBD-0001");
    assignment = give(fixture, "1-2", FIXTURE_DESK);
    wait_machine(fixture, FIXTURE_DESK, ":off", true);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "AllowGuestReset", "false");

    g_free(fixture_script(fixture, "keep %s", FIXTURE_DESK));
    allow(fixture, assignment, "AllowGuestReset", true);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "AllowGuestReset", "true");
    fixture_wait(
        fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Reason",
        "046d:c31c \"Keyboard K120\" (1-2) is taken out of machine \"desk\" and put in again, because its "
        "AllowGuestReset was changed.");
    wait_assignment(fixture, assignment, "attaching");
    g_free(fixture_script(fixture, "let-go %s", FIXTURE_DESK));
    wait_machine(fixture, FIXTURE_DESK, ":uninitialized", true);
    wait_assignment(fixture, assignment, "attached");

    allow(fixture, assignment, "AllowGuestResetsAll", true);
    wait_machine(fixture, FIXTURE_DESK, ":on", true);
    /* The larger one includes the other. */
    allow(fixture, assignment, "AllowGuestReset", false);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "AllowGuestReset", "true");
    allow(fixture, assignment, "AllowGuestResetsAll", false);
    wait_machine(fixture, FIXTURE_DESK, ":off", true);
    wait_assignment(fixture, assignment, "attached");
}

static void test_group_decides_unless_the_assignment_does(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    g_autofree char *group = group_create_with(fixture, "pool", "vendor=046d");

    plug_keyboard(fixture, "1-2", "KBD-0001");
    assignment = group_assign(fixture, group, FIXTURE_DESK, NULL, NULL);
    wait_machine(fixture, FIXTURE_DESK, ":off", true);
    group_call(fixture, group, "Update", "a{sv}", 1, "AllowGuestReset", "b", 1);
    wait_machine(fixture, FIXTURE_DESK, ":uninitialized", true);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "AllowGuestReset", "true");
    allow(fixture, assignment, "AllowGuestReset", false);
    wait_machine(fixture, FIXTURE_DESK, ":off", true);

    /* Stored. */
    fixture_stop_daemon(fixture, SIGTERM);
    fixture_start_daemon(fixture);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "AllowGuestReset", "false");
    group_call(fixture, group, "Update", "a{sv}", 1, "AllowGuestResetsAll", "b", 1);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "AllowGuestResetsAll", "true");
}

static void test_nobody_takes_a_device_that_is_attached_anew(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_create_with(fixture, "pool", "vendor=046d");
    g_autofree char *first = NULL;
    g_autofree char *second = NULL;

    plug_keyboard(fixture, "1-2", "KBD-0001");
    first = group_assign(fixture, group, FIXTURE_DESK, NULL, NULL);
    wait_assignment(fixture, first, "attached");
    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    second = group_assign(fixture, group, FIXTURE_STUDIO, NULL, NULL);
    sd_bus_message_unref(fixture_call_ok(fixture, second, FERRY_INTERFACE_ASSIGNMENT, "Update", "a{sv}", 1,
                                         "Priority", "i", 9));
    wait_assignment(fixture, second, "waiting-device");
    group_call(fixture, group, "Update", "a{sv}", 1, "AllowGuestReset", "b", 1);
    wait_machine(fixture, FIXTURE_DESK, ":uninitialized", true);
    wait_assignment(fixture, first, "attached");
    wait_assignment(fixture, second, "waiting-device");
    /* Not held any longer than that. */
    sd_bus_message_unref(fixture_call_ok(fixture, first, FERRY_INTERFACE_ASSIGNMENT, "Detach", ""));
    wait_assignment(fixture, second, "attached");
}

static void test_a_libvirt_without_guest_reset(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    g_autofree char *counts = NULL;

    g_free(fixture_script(fixture, "old"));
    plug_keyboard(fixture, "1-2", "KBD-0001");
    assignment = give(fixture, "1-2", FIXTURE_DESK);
    allow(fixture, assignment, "AllowGuestReset", true);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "AllowGuestReset", "true");
    /* One more turn of everything, with a device of its own. */
    plug_keyboard(fixture, "1-4", "KBD-0002");
    g_free(give(fixture, "1-4", FIXTURE_DESK));
    counts = fixture_script(fixture, "counts");
    fixture_assert(fixture, strstr(counts, "attach=2 detach=0"));
}

/* ------------------------------------------------------------------ one device */

static void test_reset_is_denied_unless_allowed(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    plug_keyboard(fixture, "1-2", "KBD-0001");
    assignment = give(fixture, "1-2", FIXTURE_DESK);
    g_free(fixture_call_error(fixture, "GuestResetDenied", assignment, FERRY_INTERFACE_ASSIGNMENT, "Reset",
                              "a{sv}", 0));
    allow(fixture, assignment, "AllowGuestReset", true);
    g_free(fixture_call_error(fixture, "GuestResetDenied", assignment, FERRY_INTERFACE_ASSIGNMENT, "ResetAll",
                              "a{sv}", 0));
    wait_assignment(fixture, assignment, "attached");
    wait_usb(fixture, "resets=0");
}

static void test_reset_takes_out_resets_and_gives_back(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *text = NULL;
    Pending pending;

    plug_keyboard(fixture, "1-2", "KBD-0001");
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    allow(fixture, assignment, "AllowGuestReset", true);
    wait_machine(fixture, FIXTURE_DESK, ":uninitialized", true);
    wait_assignment(fixture, assignment, "attached");

    g_free(fixture_script(fixture, "keep %s", FIXTURE_DESK));
    g_free(fixture_script(fixture, "usb hold"));
    begin(fixture, &pending, assignment, FERRY_INTERFACE_ASSIGNMENT, "Reset");
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "detaching");
    /* Not before it is out. */
    wait_usb(fixture, "resets=0");
    g_free(fixture_script(fixture, "let-go %s", FIXTURE_DESK));
    wait_usb(fixture, "held=1 last=1:3");
    wait_machine(fixture, FIXTURE_DESK, "046d", false);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Reason",
                 "046d:c31c \"Keyboard K120\" (1-2) is being reset and goes back to machine \"desk\" then.");
    /* One at a time. */
    text = fixture_call_error(fixture, "DeviceBusy", device, FERRY_INTERFACE_DEVICE, "Reset", "a{sv}", 0);
    fixture_assert(fixture, strstr(text, "is being reset already"));
    g_free(fixture_script(fixture, "usb resume"));
    end(fixture, &pending, NULL);
    wait_machine(fixture, FIXTURE_DESK, ":046d:c31c:uninitialized", true);
    wait_assignment(fixture, assignment, "attached");
}

static void test_a_device_that_cannot_be_reset_comes_back(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *text = NULL;

    plug_keyboard(fixture, "1-2", "KBD-0001");
    assignment = give(fixture, "1-2", FIXTURE_DESK);
    g_free(fixture_script(fixture, "usb fail no such luck"));
    text = fixture_call_error(fixture, "ResetFailed", device, FERRY_INTERFACE_DEVICE, "Reset", "a{sv}", 0);
    fixture_assert(fixture, strstr(text, "no such luck") && strstr(text, "Keyboard K120"));
    wait_usb(fixture, "resets=1");
    wait_assignment(fixture, assignment, "attached");
    wait_machine(fixture, FIXTURE_DESK, "046d", true);
}

/* The kernel hangs in it: the caller is told, and nobody gets the device while the kernel has it. */
static void test_a_reset_that_hangs(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *text = NULL;
    g_autofree char *shown = NULL;

    plug_keyboard(fixture, "1-2", "KBD-0001");
    assignment = give(fixture, "1-2", FIXTURE_DESK);
    g_free(fixture_script(fixture, "usb hold"));
    text = fixture_call_error(fixture, "ResetFailed", device, FERRY_INTERFACE_DEVICE, "Reset", "a{sv}", 0);
    fixture_assert(fixture, strstr(text, "did not come back"));
    /* Others go on. */
    plug_keyboard(fixture, "1-4", "KBD-0002");
    g_free(give(fixture, "1-4", FIXTURE_DESK));
    shown = fixture_script(fixture, "show %s", FIXTURE_DESK);
    fixture_assert(fixture, !strstr(shown, "=1:3:"));
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "waiting");
    g_free(fixture_script(fixture, "usb resume"));
    wait_machine(fixture, FIXTURE_DESK, "=1:3:", true);
    wait_assignment(fixture, assignment, "attached");
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

    plug_keyboard(fixture, "1-2", "KBD-0001");
    assignment = give(fixture, "1-2", FIXTURE_DESK);
    g_free(fixture_script(fixture, "usb hold"));
    begin(fixture, &pending, device, FERRY_INTERFACE_DEVICE, "Reset");
    wait_usb(fixture, "held=1");
    sd_bus_message_unref(
        fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Release", "a{sv}", 0));
    g_free(fixture_script(fixture, "usb resume"));
    end(fixture, &pending, NULL);
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "host");
    wait_machine(fixture, FIXTURE_DESK, "046d", false);
}

static void test_switched_off_in_the_middle(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    g_autofree char *device = fixture_device_path("1-2");
    Pending pending;

    plug_keyboard(fixture, "1-2", "KBD-0001");
    assignment = give(fixture, "1-2", FIXTURE_DESK);
    g_free(fixture_script(fixture, "usb hold"));
    begin(fixture, &pending, device, FERRY_INTERFACE_DEVICE, "Reset");
    wait_usb(fixture, "held=1");
    sd_bus_message_unref(
        fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "SetEnabled", "b", 0));
    g_free(fixture_script(fixture, "usb resume"));
    end(fixture, &pending, NULL);
    wait_assignment(fixture, assignment, "attached");
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

    plug_keyboard(fixture, "1-2", "KBD-0001");
    first = group_assign(fixture, group, FIXTURE_DESK, NULL, NULL);
    wait_assignment(fixture, first, "attached");
    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    second = group_assign(fixture, group, FIXTURE_STUDIO, NULL, NULL);
    wait_assignment(fixture, second, "waiting-device");
    sd_bus_message_unref(fixture_call_ok(fixture, second, FERRY_INTERFACE_ASSIGNMENT, "Update", "a{sv}", 1,
                                         "Priority", "i", 9));

    g_free(fixture_script(fixture, "usb vanish"));
    g_free(fixture_script(fixture, "usb hold"));
    begin(fixture, &pending, device, FERRY_INTERFACE_DEVICE, "Reset");
    wait_usb(fixture, "held=1");
    fixture_unplug(fixture, "1-2");
    fixture_wait_object(fixture, device, FERRY_INTERFACE_DEVICE, false);
    /* What comes meanwhile is for those who wait. */
    plug_keyboard(fixture, "1-4", "KBD-0002");
    wait_assignment(fixture, second, "attached");
    g_free(fixture_script(fixture, "usb resume"));
    plug_keyboard(fixture, "1-2", "KBD-0001");
    end(fixture, &pending, NULL);
    wait_machine(fixture, FIXTURE_DESK, "=1:5:046d:c31c", true);
    wait_machine(fixture, FIXTURE_STUDIO, "=1:4:046d:c31c", true);
}

static void test_killed_in_the_middle(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    g_autofree char *device = fixture_device_path("1-2");
    Pending pending;

    plug_keyboard(fixture, "1-2", "KBD-0001");
    assignment = give(fixture, "1-2", FIXTURE_DESK);
    g_free(fixture_script(fixture, "usb hold"));
    begin(fixture, &pending, device, FERRY_INTERFACE_DEVICE, "Reset");
    wait_usb(fixture, "held=1");
    wait_machine(fixture, FIXTURE_DESK, "046d", false);
    fixture_stop_daemon(fixture, SIGKILL);
    fixture_start_daemon(fixture);
    end(fixture, &pending, "org.freedesktop.DBus.Error.NoReply");
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    g_free(fixture_script(fixture, "start %s", FIXTURE_DESK));
    g_free(fixture_script(fixture, "connect"));
    wait_assignment(fixture, assignment, "attached");
    wait_machine(fixture, FIXTURE_DESK, "046d", true);
}

/* ------------------------------------------------------------------ hubs */

static void plug_hub(Fixture *fixture)
{
    g_autofree char *hub = fixture_device_path(HUB_PORT);

    fixture_plug_hub(fixture, HUB_PORT);
    fixture_wait_object(fixture, hub, FERRY_INTERFACE_DEVICE, true);
    plug_keyboard(fixture, HUB_PORT ".1", "KBD-0001");
    plug_keyboard(fixture, HUB_PORT ".2", "KBD-0002");
}

static void replug(Fixture *fixture, const char *sysname, const char *serial)
{
    g_autofree char *device = fixture_device_path(sysname);

    fixture_unplug(fixture, sysname);
    fixture_wait_object(fixture, device, FERRY_INTERFACE_DEVICE, false);
    plug_keyboard(fixture, sysname, serial);
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
    mine = give(fixture, HUB_PORT ".1", FIXTURE_DESK);
    allow(fixture, mine, "AllowGuestResetsAll", true);
    wait_machine(fixture, FIXTURE_DESK, ":on", true);
    wait_assignment(fixture, mine, "attached");
    text =
        fixture_call_error(fixture, "DeviceBusy", mine, FERRY_INTERFACE_ASSIGNMENT, "ResetAll", "a{sv}", 0);
    fixture_assert(fixture, strstr(text, "(1-3.2) is the host's") && !strstr(text, "(1-3.1)"));
    g_clear_pointer(&text, g_free);
    others = give(fixture, HUB_PORT ".2", FIXTURE_STUDIO);
    text =
        fixture_call_error(fixture, "DeviceBusy", mine, FERRY_INTERFACE_ASSIGNMENT, "ResetAll", "a{sv}", 0);
    fixture_assert(fixture, strstr(text, "(1-3.2) is machine \"studio\"'s"));

    /* With the right, each comes back to where it was. */
    g_free(fixture_script(fixture, "usb hold"));
    begin(fixture, &pending, device, FERRY_INTERFACE_DEVICE, "ResetHub");
    wait_usb(fixture, "held=1 last=1:3");
    wait_machine(fixture, FIXTURE_DESK, "046d", false);
    wait_machine(fixture, FIXTURE_STUDIO, "046d", false);
    g_free(fixture_script(fixture, "usb resume"));
    replug(fixture, HUB_PORT ".1", "KBD-0001");
    replug(fixture, HUB_PORT ".2", "KBD-0002");
    end(fixture, &pending, NULL);
    wait_assignment(fixture, mine, "attached");
    wait_assignment(fixture, others, "attached");
    wait_machine(fixture, FIXTURE_DESK, "=1:6:", true);
    wait_machine(fixture, FIXTURE_STUDIO, "=1:7:", true);
}

static void test_reset_all_of_ones_own(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *first = NULL;
    g_autofree char *second = NULL;
    Pending pending;

    plug_hub(fixture);
    first = give(fixture, HUB_PORT ".1", FIXTURE_DESK);
    second = give(fixture, HUB_PORT ".2", FIXTURE_DESK);
    allow(fixture, first, "AllowGuestResetsAll", true);
    wait_assignment(fixture, first, "attached");
    /* The other one of the same machine has to allow it as well. */
    g_free(
        fixture_call_error(fixture, "DeviceBusy", first, FERRY_INTERFACE_ASSIGNMENT, "ResetAll", "a{sv}", 0));
    allow(fixture, second, "AllowGuestResetsAll", true);
    wait_assignment(fixture, second, "attached");
    wait_assignment(fixture, first, "attached");
    g_free(fixture_script(fixture, "usb hold"));
    begin(fixture, &pending, first, FERRY_INTERFACE_ASSIGNMENT, "ResetAll");
    wait_usb(fixture, "held=1 last=1:3");
    g_free(fixture_script(fixture, "usb resume"));
    replug(fixture, HUB_PORT ".1", "KBD-0001");
    replug(fixture, HUB_PORT ".2", "KBD-0002");
    end(fixture, &pending, NULL);
    wait_assignment(fixture, first, "attached");
    wait_assignment(fixture, second, "attached");
}

static void test_what_has_no_hub(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *root = fixture_device_path("usb1");
    g_autofree char *text = NULL;

    plug_keyboard(fixture, "1-2", "KBD-0001");
    assignment = give(fixture, "1-2", FIXTURE_DESK);
    allow(fixture, assignment, "AllowGuestResetsAll", true);
    wait_machine(fixture, FIXTURE_DESK, ":on", true);
    wait_assignment(fixture, assignment, "attached");
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
    wait_usb(fixture, "resets=0");
}

static void test_another_programs_device_is_left_alone(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *text = NULL;

    plug_keyboard(fixture, "1-2", "KBD-0001");
    g_free(fixture_script(fixture, "foreign %s 1 3 046d c31c", FIXTURE_DESK));
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "foreign");
    text = fixture_call_error(fixture, "DeviceBusy", device, FERRY_INTERFACE_DEVICE, "Reset", "a{sv}", 0);
    fixture_assert(fixture, strstr(text, "machine \"desk\""));
    wait_usb(fixture, "resets=0");
}

/* ------------------------------------------------------------------ power */

/* The port that a device at 1-2 is plugged into. Its switch's file in umockdev's /sys. New string. */
static char *make_port(Fixture *fixture)
{
    g_autofree char *root = umockdev_testbed_get_root_dir(fixture->bed);
    g_autoptr(GError) error = NULL;

    if (!umockdev_testbed_add_from_string(
            fixture->bed,
            "P: /devices/pci0000:00/0000:00:14.0/usb1/1-0:1.0/usb1-port2\nE: SUBSYSTEM=usb-port\nA: disable=0\n",
            &error))
        fail_msg("%s", error->message);
    return g_build_filename(root, "sys/devices/pci0000:00/0000:00:14.0/usb1/1-0:1.0/usb1-port2/disable",
                            NULL);
}

typedef struct Switch {
    const char *path;
    char value;
} Switch;

static bool has_position(Fixture *fixture, void *userdata)
{
    const Switch *position = userdata;

    g_clear_pointer(&fixture->last_seen, g_free);
    return g_file_get_contents(position->path, &fixture->last_seen, NULL, NULL) &&
           fixture->last_seen[0] == position->value;
}

static void wait_switch(Fixture *fixture, const char *path, char value)
{
    Switch position = { path, value };

    fixture_wait_for(fixture, has_position, &position, value == '1' ? "the port is off" : "the port is on");
}

static bool has_no_note(Fixture *fixture, void *userdata)
{
    g_autofree char *path = g_build_filename(fixture->dir, "run", "power-cycles", NULL);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);

    return dir && !g_dir_read_name(dir);
}

static void begin_power_cycle(Fixture *fixture, Pending *pending, const char *device)
{
    *pending = (Pending){};
    assert_true(sd_bus_call_method_async(fixture->bus, NULL, FERRY_BUS_NAME, device, FERRY_INTERFACE_DEVICE,
                                         "Reset", on_reply, pending, "a{sv}", 1, "Method", "s",
                                         "power-cycle") >= 0);
}

static void test_power_cycle(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *port = make_port(fixture);
    g_autofree char *assignment = NULL;
    Pending pending;

    plug_keyboard(fixture, "1-2", "KBD-0001");
    assignment = give(fixture, "1-2", FIXTURE_DESK);
    begin_power_cycle(fixture, &pending, device);
    wait_switch(fixture, port, '1');
    wait_machine(fixture, FIXTURE_DESK, "046d", false);
    fixture_unplug(fixture, "1-2");
    wait_switch(fixture, port, '0');
    plug_keyboard(fixture, "1-2", "KBD-0001");
    end(fixture, &pending, NULL);
    wait_machine(fixture, FIXTURE_DESK, "=1:4:046d:c31c", true);
    fixture_wait_for(fixture, has_no_note, NULL, "nothing is noted any more");
}

static void test_killed_while_the_port_is_off(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *port = make_port(fixture);
    g_autofree char *position = NULL;
    Pending pending;

    plug_keyboard(fixture, "1-2", "KBD-0001");
    begin_power_cycle(fixture, &pending, device);
    wait_switch(fixture, port, '1');
    fixture_stop_daemon(fixture, SIGKILL);
    assert_true(g_file_get_contents(port, &position, NULL, NULL));
    assert_int_equal(position[0], '1');
    assert_false(has_no_note(fixture, NULL));
    fixture_start_daemon(fixture);
    end(fixture, &pending, "org.freedesktop.DBus.Error.NoReply");
    wait_switch(fixture, port, '0');
    fixture_wait_for(fixture, has_no_note, NULL, "nothing is noted any more");
}

static void test_stopped_while_the_port_is_off(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *port = make_port(fixture);
    g_autofree char *position = NULL;
    Pending pending;

    plug_keyboard(fixture, "1-2", "KBD-0001");
    begin_power_cycle(fixture, &pending, device);
    wait_switch(fixture, port, '1');
    fixture_stop_daemon(fixture, SIGTERM);
    assert_true(g_file_get_contents(port, &position, NULL, NULL));
    assert_int_equal(position[0], '0');
    fixture_start_daemon(fixture);
    end(fixture, &pending, "org.freedesktop.DBus.Error.NoReply");
}

static void test_a_port_without_a_switch(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *assignment = NULL;
    g_autofree char *text = NULL;

    plug_keyboard(fixture, "1-2", "KBD-0001");
    assignment = give(fixture, "1-2", FIXTURE_DESK);
    text = fixture_call_error(fixture, "ResetFailed", device, FERRY_INTERFACE_DEVICE, "Reset", "a{sv}", 1,
                              "Method", "s", "power-cycle");
    fixture_assert(fixture, strstr(text, "offers no such switch"));
    wait_assignment(fixture, assignment, "attached");
    fixture_wait_for(fixture, has_no_note, NULL, "nothing is noted any more");
}

/* ------------------------------------------------------------------ controllers */

#define CONTROLLER "0000:00:14.0"

static void test_a_controller_that_is_a_machines(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *machine = fixture_machine_path(FIXTURE_DESK);
    g_autofree char *other = fixture_device_path("1-4");
    g_autofree char *assignment = NULL;
    g_autofree char *reason = NULL;
    g_autofree char *text = NULL;

    plug_keyboard(fixture, "1-2", "KBD-0001");
    assignment = give(fixture, "1-2", FIXTURE_DESK);

    /* Off: allowed, and told. */
    g_free(fixture_script(fixture, "pci %s " CONTROLLER, FIXTURE_STUDIO));
    fixture_wait(
        fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Reason",
        "046d:c31c \"Keyboard K120\" (1-2) is attached to machine \"desk\". Machine \"studio\" is off, "
        "and when it starts it takes the controller " CONTROLLER
        " as a whole, and 046d:c31c \"Keyboard K120\" (1-2) with it.");
    wait_assignment(fixture, assignment, "attached");
    sd_bus_message_unref(fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Detach", ""));
    wait_assignment(fixture, assignment, "disabled");
    sd_bus_message_unref(fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Attach", ""));
    wait_assignment(fixture, assignment, "attached");
    sd_bus_message_unref(fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Detach", ""));
    wait_assignment(fixture, assignment, "disabled");

    /* On. */
    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "blocked");
    sd_bus_message_unref(fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Attach", ""));
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Error",
                 FERRY_ERROR_PREFIX "ControllerPassedThrough");
    wait_assignment(fixture, assignment, "waiting-device");
    wait_machine(fixture, FIXTURE_DESK, "046d", false);
    plug_keyboard(fixture, "1-4", "KBD-0002");
    fixture_wait(fixture, other, FERRY_INTERFACE_DEVICE, "State", "blocked");
    text = fixture_call_error(fixture, "ControllerPassedThrough", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER,
                              "Assign", "ooa{sv}", other, machine, 0);
    fixture_assert(fixture, strstr(text, "machine \"studio\""));

    /* The host sees the device no more. */
    fixture_unplug(fixture, "1-2");
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Error",
                 FERRY_ERROR_PREFIX "ControllerPassedThrough");
    reason = fixture_get(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Reason");
    fixture_assert(fixture, strstr(reason, "cannot be seen: machine \"studio\" has the controller"));

    g_free(fixture_script(fixture, "stop %s", FIXTURE_STUDIO));
    g_free(fixture_script(fixture, "pci %s", FIXTURE_STUDIO));
    plug_keyboard(fixture, "1-2", "KBD-0001");
    wait_assignment(fixture, assignment, "attached");
    fixture_wait(fixture, other, FERRY_INTERFACE_DEVICE, "State", "host");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, groups_setup, groups_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_settings_become_guest_reset),
        TEST(test_group_decides_unless_the_assignment_does),
        TEST(test_nobody_takes_a_device_that_is_attached_anew),
        TEST(test_a_libvirt_without_guest_reset),
        TEST(test_reset_is_denied_unless_allowed),
        TEST(test_reset_takes_out_resets_and_gives_back),
        TEST(test_a_device_that_cannot_be_reset_comes_back),
        TEST(test_a_reset_that_hangs),
        TEST(test_released_in_the_middle),
        TEST(test_switched_off_in_the_middle),
        TEST(test_a_device_that_reenumerates_comes_back),
        TEST(test_killed_in_the_middle),
        TEST(test_a_hub_with_devices_of_others),
        TEST(test_reset_all_of_ones_own),
        TEST(test_what_has_no_hub),
        TEST(test_another_programs_device_is_left_alone),
        TEST(test_power_cycle),
        TEST(test_killed_while_the_port_is_off),
        TEST(test_stopped_while_the_port_is_off),
        TEST(test_a_port_without_a_switch),
        TEST(test_a_controller_that_is_a_machines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
