/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Controllers that a machine has as a whole. */

#include "tests/bus/cmocka-include.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bus/group-calls.h"
#include "tests/bus/memory-folder.h"
#include "tests/bus/reset-calls.h"

#define CONTROLLER "0000:00:14.0"

/* All that Explain tells about a device, as text. New string. */
static char *explain(Fixture *fixture, const char *device)
{
    sd_bus_message *reply =
        fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Explain", "o", device);
    char *text = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&text, &length);
    g_autofree char *dump = NULL;

    assert_non_null(file);
    assert_true(sd_bus_message_dump(reply, file, 0) >= 0);
    fclose(file);
    sd_bus_message_unref(reply);
    dump = g_strdup(text);
    free(text);
    return g_steal_pointer(&dump);
}

static bool cannot_be_seen(Fixture *fixture, void *assignment)
{
    g_autofree char *reason = fixture_get(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Reason");

    return strstr(reason, "cannot be seen: VM \"studio\" has the controller") != NULL;
}

static void test_a_controller_that_is_a_machines(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *machine = fixture_machine_path(FIXTURE_DESK);
    g_autofree char *other = fixture_device_path("1-4");
    g_autofree char *assignment = NULL;
    g_autofree char *text = NULL;
    g_autofree char *told = NULL;
    g_autofree char *told_later = NULL;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = reset_give(fixture, "1-2", FIXTURE_DESK);

    /* Off: allowed, and told. */
    g_free(fixture_script(fixture, "pci %s " CONTROLLER, FIXTURE_STUDIO));
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Reason",
                 "046d:c31c \"Keyboard K120\" (1-2) is attached to VM \"desk\". VM \"studio\" is off, "
                 "and when it starts it takes the controller " CONTROLLER
                 " as a whole, and 046d:c31c \"Keyboard K120\" (1-2) with it.");
    reset_wait_state(fixture, assignment, "attached");
    told = explain(fixture, device);
    fixture_assert(fixture, strstr(told, " is off, and when it starts it takes its controller " CONTROLLER));
    sd_bus_message_unref(fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Detach", ""));
    reset_wait_state(fixture, assignment, "disabled");
    sd_bus_message_unref(fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Attach", ""));
    reset_wait_state(fixture, assignment, "attached");
    sd_bus_message_unref(fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Detach", ""));
    reset_wait_state(fixture, assignment, "disabled");

    /* On. */
    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "blocked");
    sd_bus_message_unref(fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Attach", ""));
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Error",
                 FERRY_ERROR_PREFIX "ControllerPassedThrough");
    reset_wait_state(fixture, assignment, "waiting-device");
    reset_wait_machine(fixture, FIXTURE_DESK, "046d", false);
    reset_plug(fixture, "1-4", "KBD-0002");
    fixture_wait(fixture, other, FERRY_INTERFACE_DEVICE, "State", "blocked");
    text = fixture_call_error(fixture, "ControllerPassedThrough", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER,
                              "Assign", "ooa{sv}", other, machine, 0);
    fixture_assert(fixture, strstr(text, "VM \"studio\""));

    told_later = explain(fixture, other);
    fixture_assert(fixture, strstr(told_later, "\"controller\"") && strstr(told_later, "studio") &&
                                strstr(told_later, " has its controller " CONTROLLER " as a whole"));

    /* The host sees the device no more. */
    fixture_unplug(fixture, "1-2");
    fixture_wait_for(fixture, cannot_be_seen, assignment, "the host to see it no more");
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Error",
                 FERRY_ERROR_PREFIX "ControllerPassedThrough");

    g_free(fixture_script(fixture, "stop %s", FIXTURE_STUDIO));
    g_free(fixture_script(fixture, "pci %s", FIXTURE_STUDIO));
    reset_plug(fixture, "1-2", "KBD-0001");
    reset_wait_state(fixture, assignment, "attached");
    fixture_wait(fixture, other, FERRY_INTERFACE_DEVICE, "State", "host");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, groups_setup, groups_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_controller_that_is_a_machines),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
