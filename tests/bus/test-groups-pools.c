/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Machines that draw from a group: how many devices, which ones, and who is next. */

#include "tests/bus/cmocka-include.h"

#include <signal.h>
#include <string.h>

#include "tests/bus/group-calls.h"
#include "tests/bus/memory-folder.h"

#define DONGLE "0529:0001"

static const char *const machines[] = {
    "33333333-3333-3333-3333-333333333331", "33333333-3333-3333-3333-333333333332",
    "33333333-3333-3333-3333-333333333333", "33333333-3333-3333-3333-333333333334",
    "33333333-3333-3333-3333-333333333335",
};

static void wait_state(Fixture *fixture, const char *assignment, const char *value)
{
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", value);
}

/* Also for the decision itself: an assignment begins as one that waits. */
static void wait_reason(Fixture *fixture, const char *assignment, const char *value)
{
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Reason", value);
}

static void wait_devices(Fixture *fixture, const char *assignment, const char *devices)
{
    wait_list(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Devices", devices);
}

static void wait_free(Fixture *fixture, const char *group, const char *free)
{
    fixture_wait(fixture, group, FERRY_INTERFACE_GROUP, "Free", free);
}

static void assert_property(Fixture *fixture, const char *assignment, const char *property, const char *value)
{
    g_autofree char *now = fixture_get(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, property);

    assert_string_equal(now, value);
}

static void assert_attaches(Fixture *fixture, unsigned attaches)
{
    g_autofree char *counts = fixture_script(fixture, "counts");
    g_autofree char *expected = g_strdup_printf("attach=%u ", attaches);

    assert_says(counts, expected);
}

static void set_enabled(Fixture *fixture, bool enabled)
{
    sd_bus_message_unref(
        fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "SetEnabled", "b", (int)enabled));
}

static void release(Fixture *fixture, const char *assignment)
{
    sd_bus_message_unref(
        fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Release", "a{sv}", 0));
    fixture_wait_object(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, false);
}

/* A machine that runs, known to the service. */
static void start_machine(Fixture *fixture, const char *uuid, const char *name)
{
    g_autofree char *path = fixture_machine_path(uuid);

    g_free(fixture_script(fixture, "define %s %s", uuid, name));
    g_free(fixture_script(fixture, "start %s", uuid));
    fixture_wait(fixture, path, FERRY_INTERFACE_MACHINE, "State", "running");
}

/* ------------------------------------------------------------------ how many */

static void test_quantity_one(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_create_with(fixture, "dongles", "vendor=0529");
    g_autofree char *machine = fixture_machine_path(FIXTURE_DESK);
    g_autofree char *first = NULL;
    g_autofree char *second = NULL;
    sd_bus_message *reply;
    const char *path = NULL;

    groups_plug(fixture, "1-2", DONGLE, "");
    groups_plug(fixture, "1-1", DONGLE, "");
    wait_free(fixture, group, "2");
    first = group_assign(fixture, group, FIXTURE_DESK, NULL, NULL);
    assert_property(fixture, first, "Group", group);
    assert_property(fixture, first, "Machine", machine);
    assert_property(fixture, first, "Quantity", "1");
    assert_property(fixture, first, "Selector", "");
    assert_property(fixture, first, "Name", "dongles to desk");
    wait_devices(fixture, first, "1-1 attached");
    wait_state(fixture, first, "attached");
    wait_free(fixture, group, "1");

    /* The machine's side: a group is a source for Assign as well. */
    reply = fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign", "ooa{sv}", group,
                            machine, 2, "Name", "s", "another", "Selector", "s", "vendor=*");
    assert_true(sd_bus_message_read(reply, "o", &path) >= 0);
    second = g_strdup(path);
    sd_bus_message_unref(reply);
    assert_property(fixture, second, "Name", "another");
    wait_devices(fixture, second, "1-2 attached");
    wait_free(fixture, group, "0");

    release(fixture, first);
    wait_free(fixture, group, "1");
    wait_devices(fixture, second, "1-2 attached");
}

static void test_quantity_n(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_create_with(fixture, "dongles", "vendor=0529");
    g_autofree char *assignment = group_assign(fixture, group, FIXTURE_DESK, "2", NULL);

    assert_property(fixture, assignment, "Quantity", "2");
    wait_state(fixture, assignment, "waiting-device");
    groups_plug(fixture, "1-1", DONGLE, "");
    wait_devices(fixture, assignment, "1-1 attached");
    wait_state(fixture, assignment, "partial");
    groups_plug(fixture, "1-2", DONGLE, "");
    wait_state(fixture, assignment, "attached");
    groups_plug(fixture, "1-3", DONGLE, "");
    wait_free(fixture, group, "1");
    wait_devices(fixture, assignment, "1-1 attached; 1-2 attached");
    /* The free one takes the place of one that goes. */
    fixture_unplug(fixture, "1-1");
    wait_devices(fixture, assignment, "1-2 attached; 1-3 attached");
    wait_state(fixture, assignment, "attached");
}

static void test_quantity_all(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_create_with(fixture, "dongles", "vendor=0529");
    g_autofree char *assignment = NULL;

    groups_plug(fixture, "1-1", DONGLE, "");
    groups_plug(fixture, "1-2", DONGLE, "");
    groups_plug(fixture, "1-5", "046d:c31c", "");
    assignment = group_assign(fixture, group, FIXTURE_DESK, "all", NULL);
    wait_devices(fixture, assignment, "1-1 attached; 1-2 attached");
    wait_state(fixture, assignment, "attached");
    groups_plug(fixture, "1-3", DONGLE, "");
    wait_devices(fixture, assignment, "1-1 attached; 1-2 attached; 1-3 attached");
    /* What belongs to the group from now on goes too, and what doesn't any more comes home. */
    group_add_rule(fixture, group, "vendor=046d");
    wait_devices(fixture, assignment, "1-1 attached; 1-2 attached; 1-3 attached; 1-5 attached");
    group_call(fixture, group, "UpdateRule", "usa{sv}", 1, "", 1, "Enabled", "b", 0);
    wait_devices(fixture, assignment, "1-5 attached");
    wait_state(fixture, assignment, "attached");
}

/* One resource with three selectors: the camera, its light and its microphone. */
static void test_quantity_set(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_create_with(fixture, "studio-set", "vendor=0001 product=0001");
    g_autofree char *light = fixture_device_path("1-2");
    g_autofree char *assignment = NULL;

    group_add_rule(fixture, group, "vendor=0002 product=0001");
    group_add_rule(fixture, group, "vendor=0003 product=0001");
    groups_plug(fixture, "1-1", "0001:0001", "");
    groups_plug(fixture, "1-2", "0002:0001", "");
    wait_free(fixture, group, "2");
    assignment = group_assign(fixture, group, FIXTURE_DESK, "set", NULL);
    assert_property(fixture, assignment, "Quantity", "set");
    wait_reason(fixture, assignment,
                "Not every rule of group studio-set has a free device: all come, or none.");
    wait_state(fixture, assignment, "waiting-device");
    wait_devices(fixture, assignment, "");
    fixture_wait(fixture, light, FERRY_INTERFACE_DEVICE, "State", "host");
    assert_attaches(fixture, 0);

    /* Completed by the last one. */
    groups_plug(fixture, "1-3", "0003:0001", "");
    wait_devices(fixture, assignment, "1-1 attached; 1-2 attached; 1-3 attached");
    wait_state(fixture, assignment, "attached");

    /* One goes: all or nothing. It comes back: all again. */
    fixture_unplug(fixture, "1-2");
    wait_devices(fixture, assignment, "");
    wait_state(fixture, assignment, "waiting-device");
    wait_free(fixture, group, "2");
    groups_plug(fixture, "1-2", "0002:0001", "");
    wait_state(fixture, assignment, "attached");
    wait_devices(fixture, assignment, "1-1 attached; 1-2 attached; 1-3 attached");
}

/* ------------------------------------------------------------------ who */

static void test_four_dongles_and_the_queue(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_create_with(fixture, "dongles", "vendor=0529");
    char *assignments[G_N_ELEMENTS(machines)] = { NULL };

    groups_plug(fixture, "1-1", DONGLE, "DONGLE-A");
    groups_plug(fixture, "1-2", DONGLE, "DONGLE-B");
    groups_plug(fixture, "1-3", DONGLE, "DONGLE-C");
    groups_plug(fixture, "1-4", DONGLE, "DONGLE-D");
    for (gsize i = 0; i < G_N_ELEMENTS(machines); i++) {
        g_autofree char *name = g_strdup_printf("vm%zu", i + 1);

        start_machine(fixture, machines[i], name);
    }
    /* Three machines, one of them with a dongle of its own: everybody has one, the fourth is free. */
    assignments[0] = group_assign(fixture, group, machines[0], "1", NULL);
    assignments[1] = group_assign(fixture, group, machines[1], "1", "serial=DONGLE-C");
    assignments[2] = group_assign(fixture, group, machines[2], "1", NULL);
    assert_property(fixture, assignments[1], "Selector", "serial=DONGLE-C");
    wait_devices(fixture, assignments[0], "1-1 attached");
    wait_devices(fixture, assignments[1], "1-3 attached");
    wait_devices(fixture, assignments[2], "1-2 attached");
    wait_free(fixture, group, "1");

    /* The fourth machine has the last one, the fifth waits. */
    assignments[3] = group_assign(fixture, group, machines[3], "1", NULL);
    wait_devices(fixture, assignments[3], "1-4 attached");
    assignments[4] = group_assign(fixture, group, machines[4], "1", NULL);
    wait_state(fixture, assignments[4], "waiting-device");
    wait_reason(fixture, assignments[4], "No device of group dongles is free; place 1 in the queue.");
    wait_free(fixture, group, "0");

    /* One machine stops: the next in the queue has its dongle, and nobody else notices. */
    g_free(fixture_script(fixture, "stop %s", machines[0]));
    wait_devices(fixture, assignments[4], "1-1 attached");
    wait_state(fixture, assignments[0], "waiting-machine");
    wait_devices(fixture, assignments[0], "");
    wait_devices(fixture, assignments[1], "1-3 attached");
    wait_devices(fixture, assignments[2], "1-2 attached");
    wait_devices(fixture, assignments[3], "1-4 attached");

    /* Older, but too late: nothing is taken from a machine that runs. */
    g_free(fixture_script(fixture, "start %s", machines[0]));
    wait_state(fixture, assignments[0], "waiting-device");
    wait_devices(fixture, assignments[4], "1-1 attached");
    release(fixture, assignments[2]);
    wait_devices(fixture, assignments[0], "1-2 attached");
    for (gsize i = 0; i < G_N_ELEMENTS(machines); i++)
        g_free(assignments[i]);
}

/* The one that is pinned comes first, though it was assigned last: its rule is the more exact one. */
static void test_pinned_ones_come_first(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_create_with(fixture, "dongles", "vendor=0529");
    g_autofree char *any = NULL;
    g_autofree char *pinned = NULL;

    start_machine(fixture, machines[0], "vm1");
    any = group_assign(fixture, group, FIXTURE_DESK, "1", NULL);
    pinned = group_assign(fixture, group, machines[0], "1", "serial=DONGLE-A");
    wait_state(fixture, any, "waiting-device");
    wait_state(fixture, pinned, "waiting-device");
    groups_plug(fixture, "1-1", DONGLE, "DONGLE-A");
    wait_devices(fixture, pinned, "1-1 attached");
    wait_state(fixture, any, "waiting-device");
    groups_plug(fixture, "1-2", DONGLE, "DONGLE-B");
    wait_devices(fixture, any, "1-2 attached");
}

/* ------------------------------------------------------------------ switches */

static void test_switched_off(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_create_with(fixture, "dongles", "vendor=0529");
    g_autofree char *pool = NULL;
    g_autofree char *waiting = NULL;
    g_autofree char *pinned = NULL;

    groups_plug(fixture, "1-1", DONGLE, "");
    groups_plug(fixture, "1-2", DONGLE, "");
    groups_plug(fixture, "1-3", "046d:c31c", "KBD-0001");
    pool = group_assign(fixture, group, FIXTURE_DESK, "1", NULL);
    wait_state(fixture, pool, "attached");
    set_enabled(fixture, false);
    fixture_wait(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Enabled", "false");

    /* Nothing new goes out, and what is out stays. */
    waiting = group_assign(fixture, group, FIXTURE_DESK, "1", "vendor=*");
    pinned = fixture_assign(fixture, "1-3", FIXTURE_DESK);
    fixture_wait(fixture, pinned, FERRY_INTERFACE_ASSIGNMENT, "Error", FERRY_ERROR_PREFIX "Disabled");
    wait_state(fixture, pinned, "waiting-device");
    fixture_wait(fixture, waiting, FERRY_INTERFACE_ASSIGNMENT, "Error", FERRY_ERROR_PREFIX "Disabled");
    wait_state(fixture, waiting, "waiting-device");
    wait_devices(fixture, pool, "1-1 attached");
    assert_attaches(fixture, 1);

    /* It stays off over a restart, where the machine has nothing yet. */
    fixture_stop_daemon(fixture, SIGKILL);
    fixture_start_daemon(fixture);
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    g_free(fixture_script(fixture, "start %s", FIXTURE_DESK));
    g_free(fixture_script(fixture, "connect"));
    fixture_wait(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Settling", "false");
    fixture_wait(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Enabled", "false");
    wait_state(fixture, pinned, "waiting-device");
    wait_state(fixture, pool, "waiting-device");
    assert_attaches(fixture, 0);

    set_enabled(fixture, true);
    wait_state(fixture, pinned, "attached");
    wait_state(fixture, pool, "attached");
    wait_state(fixture, waiting, "attached");
}

static void test_what_is_out_can_come_home_while_off(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_create_with(fixture, "dongles", "vendor=0529");
    g_autofree char *device = fixture_device_path("1-1");
    g_autofree char *pool = NULL;

    groups_plug(fixture, "1-1", DONGLE, "");
    pool = group_assign(fixture, group, FIXTURE_DESK, "1", NULL);
    wait_state(fixture, pool, "attached");
    set_enabled(fixture, false);
    release(fixture, pool);
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "host");
}

static void test_disabled_group(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_create_with(fixture, "dongles", "vendor=0529");
    g_autofree char *pool = NULL;
    g_autofree char *waiting = NULL;

    groups_plug(fixture, "1-1", DONGLE, "");
    groups_plug(fixture, "1-2", DONGLE, "");
    pool = group_assign(fixture, group, FIXTURE_DESK, "1", NULL);
    wait_state(fixture, pool, "attached");
    group_call(fixture, group, "Update", "a{sv}", 1, "Enabled", "b", 0);
    waiting = group_assign(fixture, group, FIXTURE_DESK, "1", "vendor=*");
    wait_reason(fixture, waiting,
                "group dongles is disabled and gives nothing (usbferry group set dongles --enable).");
    wait_state(fixture, waiting, "waiting-device");
    wait_devices(fixture, pool, "1-1 attached");
    assert_attaches(fixture, 1);
    group_call(fixture, group, "Update", "a{sv}", 1, "Enabled", "b", 1);
    wait_state(fixture, waiting, "attached");
}

static void test_delete_a_group_in_use(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_create_with(fixture, "dongles", "vendor=0529");
    g_autofree char *device = fixture_device_path("1-1");
    g_autofree char *again = NULL;
    g_autofree char *pool = NULL;
    char *text;

    groups_plug(fixture, "1-1", DONGLE, "");
    pool = group_assign(fixture, group, FIXTURE_DESK, "1", NULL);
    wait_state(fixture, pool, "attached");
    text = fixture_call_error(fixture, "GroupInUse", group, FERRY_INTERFACE_GROUP, "Delete", "a{sv}", 0);
    assert_says(text, "desk");
    g_free(text);
    wait_devices(fixture, pool, "1-1 attached");

    group_call(fixture, group, "Delete", "a{sv}", 1, "Force", "b", 1);
    fixture_wait(fixture, pool, FERRY_INTERFACE_ASSIGNMENT, "Error", FERRY_ERROR_PREFIX "NoSuchGroup");
    wait_state(fixture, pool, "waiting-device");
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "host");
    again = group_create_with(fixture, "dongles", "vendor=0529");
    wait_state(fixture, pool, "attached");
}

/* ------------------------------------------------------------------ restarts */

static void test_pinned_device_has_no_group(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-1");
    g_autofree char *machine = fixture_machine_path(FIXTURE_DESK);
    g_autofree char *assignment = NULL;

    groups_plug(fixture, "1-1", DONGLE, "");
    assignment = fixture_assign(fixture, "1-1", FIXTURE_DESK);
    assert_property(fixture, assignment, "Group", "/");
    assert_property(fixture, assignment, "Quantity", "1");
    wait_state(fixture, assignment, "attached");
    release(fixture, assignment);

    /* What a device is anyway may be said. */
    sd_bus_message_unref(fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign",
                                         "ooa{sv}", device, machine, 2, "Quantity", "s", "1", "Selector", "s",
                                         ""));
}

static void test_restart_keeps_the_assignment(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_create_with(fixture, "dongles", "vendor=0529");
    g_autofree char *assignment = NULL;

    groups_plug(fixture, "1-1", DONGLE, "DONGLE-A");
    groups_plug(fixture, "1-2", DONGLE, "DONGLE-B");
    assignment = group_assign(fixture, group, FIXTURE_DESK, "all", "serial=*B");
    wait_devices(fixture, assignment, "1-2 attached");
    fixture_stop_daemon(fixture, SIGKILL);
    fixture_start_daemon(fixture);
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    g_free(fixture_script(fixture, "start %s", FIXTURE_DESK));
    g_free(fixture_script(fixture, "connect"));
    wait_devices(fixture, assignment, "1-2 attached");
    assert_property(fixture, assignment, "Group", group);
    assert_property(fixture, assignment, "Quantity", "all");
    assert_property(fixture, assignment, "Selector", "serial=*B");
    wait_free(fixture, group, "1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, groups_setup, groups_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_quantity_one),
        TEST(test_quantity_n),
        TEST(test_quantity_all),
        TEST(test_quantity_set),
        TEST(test_four_dongles_and_the_queue),
        TEST(test_pinned_ones_come_first),
        TEST(test_switched_off),
        TEST(test_what_is_out_can_come_home_while_off),
        TEST(test_disabled_group),
        TEST(test_delete_a_group_in_use),
        TEST(test_pinned_device_has_no_group),
        TEST(test_restart_keeps_the_assignment),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
