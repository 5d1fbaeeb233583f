/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guest's own resets: what AllowGuestReset becomes, and how a change reaches an attached device. */

#include "tests/bus/cmocka-include.h"

#include <signal.h>
#include <string.h>

#include "tests/bus/group-calls.h"
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
        "046d:c31c \"Keyboard K120\" (1-2) is taken out of machine \"desk\" and put in again, because its "
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
        TEST(test_a_libvirt_without_guest_reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
