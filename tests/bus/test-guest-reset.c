/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guest's own resets: what AllowGuestReset becomes, and how a change reaches an attached device. */

#include "tests/bus/cmocka-include.h"

#include <signal.h>
#include <string.h>

#include "tests/bus/group-calls.h"
#include "tests/bus/memory-folder.h"
#include "tests/bus/reset-calls.h"

static void test_settings_become_guest_reset(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = reset_give(fixture, "1-2", FIXTURE_DESK);
    reset_wait_machine(fixture, FIXTURE_DESK, ":off", true);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "AllowGuestReset", "false");

    g_free(fixture_script(fixture, "keep %s", FIXTURE_DESK));
    reset_allow(fixture, assignment, "AllowGuestReset", true);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "AllowGuestReset", "true");
    fixture_wait(
        fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Reason",
        "046d:c31c \"Keyboard K120\" (1-2) is taken out of VM \"desk\" and put in again, because its "
        "AllowGuestReset was changed.");
    reset_wait_state(fixture, assignment, "attaching");
    g_free(fixture_script(fixture, "let-go %s", FIXTURE_DESK));
    reset_wait_machine(fixture, FIXTURE_DESK, ":uninitialized", true);
    reset_wait_state(fixture, assignment, "attached");

    reset_allow(fixture, assignment, "AllowGuestResetsAll", true);
    reset_wait_machine(fixture, FIXTURE_DESK, ":on", true);
    /* The larger one includes the other. */
    reset_allow(fixture, assignment, "AllowGuestReset", false);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "AllowGuestReset", "true");
    reset_allow(fixture, assignment, "AllowGuestResetsAll", false);
    reset_wait_machine(fixture, FIXTURE_DESK, ":off", true);
    reset_wait_state(fixture, assignment, "attached");
}

static void test_group_decides_unless_the_assignment_does(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    g_autofree char *group = group_create_with(fixture, "pool", "vendor=046d");

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = group_assign(fixture, group, FIXTURE_DESK, NULL, NULL);
    reset_wait_machine(fixture, FIXTURE_DESK, ":off", true);
    group_call(fixture, group, "Update", "a{sv}", 1, "AllowGuestReset", "b", 1);
    reset_wait_machine(fixture, FIXTURE_DESK, ":uninitialized", true);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "AllowGuestReset", "true");
    reset_allow(fixture, assignment, "AllowGuestReset", false);
    reset_wait_machine(fixture, FIXTURE_DESK, ":off", true);

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

    reset_plug(fixture, "1-2", "KBD-0001");
    first = group_assign(fixture, group, FIXTURE_DESK, NULL, NULL);
    reset_wait_state(fixture, first, "attached");
    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    second = group_assign(fixture, group, FIXTURE_STUDIO, NULL, NULL);
    sd_bus_message_unref(fixture_call_ok(fixture, second, FERRY_INTERFACE_ASSIGNMENT, "Update", "a{sv}", 1,
                                         "Priority", "i", 9));
    reset_wait_state(fixture, second, "waiting-device");
    group_call(fixture, group, "Update", "a{sv}", 1, "AllowGuestReset", "b", 1);
    reset_wait_machine(fixture, FIXTURE_DESK, ":uninitialized", true);
    reset_wait_state(fixture, first, "attached");
    reset_wait_state(fixture, second, "waiting-device");
    /* Not held any longer than that: a machine that is off has nothing of a pool. */
    g_free(fixture_script(fixture, "stop %s", FIXTURE_DESK));
    reset_wait_state(fixture, second, "attached");
}

static void update_rule(Fixture *fixture, const char *group, bool enabled)
{
    group_call(fixture, group, "UpdateRule", "usa{sv}", 1, "", 1, "Enabled", "b", (int)enabled);
}

/* Attached to desk, and on its way out only to come back. */
static char *begin_reattach(Fixture *fixture, const char *group)
{
    g_autofree char *assignment = NULL;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = group_assign(fixture, group, FIXTURE_DESK, NULL, NULL);
    reset_wait_state(fixture, assignment, "attached");
    g_free(fixture_script(fixture, "keep %s", FIXTURE_DESK));
    group_call(fixture, group, "Update", "a{sv}", 1, "AllowGuestReset", "b", 1);
    reset_wait_state(fixture, assignment, "attaching");
    return g_steal_pointer(&assignment);
}

/* It isn't to come back after all: then it is as free as any other. */
static void test_a_device_that_is_not_to_come_back(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_create_with(fixture, "pool", "vendor=046d");
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *first = begin_reattach(fixture, group), *counts = NULL, *other = NULL, *state_now = NULL;

    update_rule(fixture, group, false);
    g_free(fixture_script(fixture, "let-go %s", FIXTURE_DESK));
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "host");
    /* Nothing that is at home is given now, and it is at home. */
    sd_bus_message_unref(
        fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "SetEnabled", "b", 0));
    update_rule(fixture, group, true);
    /* One more turn of everything, with a device of its own. */
    groups_plug(fixture, "1-4", "1234:0001", "OTHER");
    other = fixture_assign(fixture, "1-4", FIXTURE_DESK);
    fixture_wait(fixture, other, FERRY_INTERFACE_ASSIGNMENT, "Error", FERRY_ERROR_PREFIX "Disabled");
    state_now = fixture_get(fixture, device, FERRY_INTERFACE_DEVICE, "State");
    assert_string_equal(state_now, "host");
    counts = fixture_script(fixture, "counts");
    fixture_assert(fixture, strstr(counts, "attach=1 "));
    sd_bus_message_unref(
        fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "SetEnabled", "b", 1));
    reset_wait_state(fixture, first, "attached");
}

static void test_a_libvirt_without_guest_reset(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    g_autofree char *counts = NULL;

    g_free(fixture_script(fixture, "old"));
    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = reset_give(fixture, "1-2", FIXTURE_DESK);
    reset_allow(fixture, assignment, "AllowGuestReset", true);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "AllowGuestReset", "true");
    /* One more turn of everything, with a device of its own. */
    reset_plug(fixture, "1-4", "KBD-0002");
    g_free(reset_give(fixture, "1-4", FIXTURE_DESK));
    counts = fixture_script(fixture, "counts");
    fixture_assert(fixture, strstr(counts, "attach=2 detach=0"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, groups_setup, groups_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_settings_become_guest_reset),
        TEST(test_group_decides_unless_the_assignment_does),
        TEST(test_nobody_takes_a_device_that_is_attached_anew),
        TEST(test_a_device_that_is_not_to_come_back),
        TEST(test_a_libvirt_without_guest_reset),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
