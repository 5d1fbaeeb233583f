/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Power cycles: whatever ends the service, and whatever fails, the port comes on again. */

#include "tests/bus/cmocka-include.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

#include "tests/bus/group-calls.h"
#include "tests/bus/memory-folder.h"
#include "tests/bus/reset-calls.h"
#include "tests/bus/settings.h"

/* Until a test has looked. */
#define OFF_FOR_LONG "[Times]\nPowerOff=30s\n"

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

static void test_power_cycle(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *port = make_port(fixture);
    g_autofree char *assignment = NULL;
    Pending pending;

    settings_reload(fixture, OFF_FOR_LONG);
    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = reset_give(fixture, "1-2", FIXTURE_DESK);
    reset_begin(fixture, &pending, device, FERRY_INTERFACE_DEVICE, "Reset", "power-cycle");
    wait_switch(fixture, port, '1');
    reset_wait_machine(fixture, FIXTURE_DESK, "046d", false);
    fixture_unplug(fixture, "1-2");
    g_free(fixture_script(fixture, "run 31000"));
    wait_switch(fixture, port, '0');
    reset_plug(fixture, "1-2", "KBD-0001");
    reset_end(fixture, &pending, NULL);
    reset_wait_machine(fixture, FIXTURE_DESK, "=1:4:046d:c31c", true);
    fixture_wait_for(fixture, has_no_note, NULL, "nothing is noted any more");
}

static void test_killed_while_the_port_is_off(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *port = make_port(fixture);
    g_autofree char *position = NULL;
    Pending pending;

    settings_reload(fixture, OFF_FOR_LONG);
    reset_plug(fixture, "1-2", "KBD-0001");
    reset_begin(fixture, &pending, device, FERRY_INTERFACE_DEVICE, "Reset", "power-cycle");
    wait_switch(fixture, port, '1');
    fixture_stop_daemon(fixture, SIGKILL);
    assert_true(g_file_get_contents(port, &position, NULL, NULL));
    assert_int_equal(position[0], '1');
    assert_false(has_no_note(fixture, NULL));
    fixture_start_daemon(fixture);
    reset_end(fixture, &pending, "org.freedesktop.DBus.Error.NoReply");
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

    settings_reload(fixture, OFF_FOR_LONG);
    reset_plug(fixture, "1-2", "KBD-0001");
    reset_begin(fixture, &pending, device, FERRY_INTERFACE_DEVICE, "Reset", "power-cycle");
    wait_switch(fixture, port, '1');
    fixture_stop_daemon(fixture, SIGTERM);
    assert_true(g_file_get_contents(port, &position, NULL, NULL));
    assert_int_equal(position[0], '0');
    fixture_start_daemon(fixture);
    reset_end(fixture, &pending, "org.freedesktop.DBus.Error.NoReply");
}

static void test_a_port_without_a_switch(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *assignment = NULL;
    g_autofree char *text = NULL;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = reset_give(fixture, "1-2", FIXTURE_DESK);
    text = fixture_call_error(fixture, "ResetFailed", device, FERRY_INTERFACE_DEVICE, "Reset", "a{sv}", 1,
                              "Method", "s", "power-cycle");
    fixture_assert(fixture, strstr(text, "offers no such switch"));
    reset_wait_state(fixture, assignment, "attached");
    fixture_wait_for(fixture, has_no_note, NULL, "nothing is noted any more");
}

/* The worker that switches off comes to it only when the service is ending: it doesn't have the last word. */
static void test_stopped_before_the_port_is_off(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *port = make_port(fixture);
    g_autofree char *position = NULL;
    Pending pending;

    reset_plug(fixture, "1-2", "KBD-0001");
    g_free(fixture_script(fixture, "usb late"));
    reset_begin(fixture, &pending, device, FERRY_INTERFACE_DEVICE, "Reset", "power-cycle");
    reset_wait_usb(fixture, "late=1");
    fixture_stop_daemon(fixture, SIGTERM);
    assert_true(g_file_get_contents(port, &position, NULL, NULL));
    assert_int_equal(position[0], '0');
    fixture_start_daemon(fixture);
    reset_end(fixture, &pending, "org.freedesktop.DBus.Error.NoReply");
}

/* The first try of the next start fails: it is not the last one. */
static void test_a_port_that_does_not_come_on_at_once(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *port = make_port(fixture);
    Pending pending;

    settings_reload(fixture, OFF_FOR_LONG);
    reset_plug(fixture, "1-2", "KBD-0001");
    reset_begin(fixture, &pending, device, FERRY_INTERFACE_DEVICE, "Reset", "power-cycle");
    wait_switch(fixture, port, '1');
    fixture_stop_daemon(fixture, SIGKILL);
    assert_int_equal(g_remove(port), 0);
    assert_int_equal(g_mkdir(port, 0700), 0);
    fixture_start_daemon(fixture);
    reset_end(fixture, &pending, "org.freedesktop.DBus.Error.NoReply");
    reset_wait_log(fixture, "cannot be switched on");
    assert_false(has_no_note(fixture, NULL));
    assert_int_equal(g_rmdir(port), 0);
    assert_true(g_file_set_contents(port, "1", -1, NULL));
    wait_switch(fixture, port, '0');
    fixture_wait_for(fixture, has_no_note, NULL, "nothing is noted any more");
}

/* Its hub is gone: there is nothing to switch on. */
static void test_a_port_that_is_gone(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *port = make_port(fixture);
    Pending pending;

    settings_reload(fixture, OFF_FOR_LONG);
    reset_plug(fixture, "1-2", "KBD-0001");
    reset_begin(fixture, &pending, device, FERRY_INTERFACE_DEVICE, "Reset", "power-cycle");
    wait_switch(fixture, port, '1');
    fixture_stop_daemon(fixture, SIGKILL);
    assert_int_equal(g_remove(port), 0);
    fixture_start_daemon(fixture);
    reset_end(fixture, &pending, "org.freedesktop.DBus.Error.NoReply");
    fixture_wait_for(fixture, has_no_note, NULL, "nothing is noted any more");
}

/* A note that was tampered with, or damaged: nothing is written but to ports. */
static void test_a_note_of_something_else(void **state)
{
    static const char *const befores[] = { "", "/sys/devices/pci0000:00/usb1/../../../.." };
    Fixture *fixture = *state;
    g_autofree char *folder = g_build_filename(fixture->dir, "usb1-port2", NULL);
    g_autofree char *file = g_build_filename(folder, "disable", NULL);
    g_autofree char *position = NULL;

    assert_int_equal(g_mkdir(folder, 0700), 0);
    assert_true(g_file_set_contents(file, "1", -1, NULL));
    fixture_stop_daemon(fixture, SIGKILL);
    for (gsize i = 0; i < G_N_ELEMENTS(befores); i++) {
        g_autofree char *name = g_strdup_printf("note%zu", i);
        g_autofree char *path = g_build_filename(fixture->dir, "run", "power-cycles", name, NULL);
        g_autofree char *text = g_strdup_printf("[PowerCycle]\nPorts=%s%s\n", befores[i], folder);

        assert_true(g_file_set_contents(path, text, -1, NULL));
    }
    fixture_start_daemon(fixture);
    for (gsize i = 0; i < G_N_ELEMENTS(befores); i++) {
        g_autofree char *said = g_strdup_printf("power-cycles/note%zu:2: ", i);

        reset_wait_log(fixture, said);
    }
    assert_true(g_file_get_contents(file, &position, NULL, NULL));
    assert_int_equal(position[0], '1');
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, groups_setup, groups_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_power_cycle),
        TEST(test_killed_while_the_port_is_off),
        TEST(test_stopped_while_the_port_is_off),
        TEST(test_stopped_before_the_port_is_off),
        TEST(test_a_port_that_does_not_come_on_at_once),
        TEST(test_a_port_that_is_gone),
        TEST(test_a_note_of_something_else),
        TEST(test_a_port_without_a_switch),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
