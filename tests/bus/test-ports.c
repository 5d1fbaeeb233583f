/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Machines with too few USB ports, or none at all: told before anything is tried, and made good as soon as it
 * can be. */

#include "tests/bus/cmocka-include.h"

#include <string.h>

#include "tests/bus/memory-folder.h"
#include "tests/bus/reset-calls.h"

static void assert_reason(Fixture *fixture, const char *assignment, const char *part)
{
    g_autofree char *reason = fixture_get(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Reason");

    if (!strstr(reason, part) || strstr(reason, "internal error") || strstr(reason, "libvirt"))
        fail_msg("%s", reason);
}

static void wait_error(Fixture *fixture, const char *assignment, const char *error)
{
    g_autofree char *name = g_strconcat(FERRY_ERROR_PREFIX, error, NULL);

    reset_wait_state(fixture, assignment, "failed");
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Error", name);
}

/* How many attaches were tried so far. */
static void assert_tries(Fixture *fixture, const char *expected)
{
    g_autofree char *counts = fixture_script(fixture, "counts");

    fixture_assert(fixture, g_str_has_prefix(counts, expected));
}

static void test_ports_run_out(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *machine = fixture_machine_path(FIXTURE_DESK);
    g_autofree char *first = NULL, *second = NULL, *third = NULL;

    g_free(fixture_script(fixture, "ports %s 2", FIXTURE_DESK));
    fixture_wait(fixture, machine, FERRY_INTERFACE_MACHINE, "FreePorts", "2");
    reset_plug(fixture, "1-2", "KBD-0001");
    reset_plug(fixture, "1-3", "KBD-0002");
    reset_plug(fixture, "1-4", "KBD-0003");
    first = reset_give(fixture, "1-2", FIXTURE_DESK);
    second = reset_give(fixture, "1-3", FIXTURE_DESK);
    third = fixture_assign(fixture, "1-4", FIXTURE_DESK);
    wait_error(fixture, third, "NoFreePort");
    assert_reason(fixture, third, "VM \"desk\" has no free USB port; take a device home from it, or");
    assert_tries(fixture, "attach=2 ");
    sd_bus_message_unref(fixture_call_ok(fixture, first, FERRY_INTERFACE_ASSIGNMENT, "Release", "a{sv}", 0));
    reset_wait_state(fixture, third, "attached");
    /* What was seen, and not what was refused, had it wait and go. */
    assert_tries(fixture, "attach=3 ");
    reset_wait_state(fixture, second, "attached");
}

static void test_no_controller(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *machine = fixture_machine_path(FIXTURE_DESK);
    g_autofree char *assignment = NULL;

    g_free(fixture_script(fixture, "ports %s 0", FIXTURE_DESK));
    fixture_wait(fixture, machine, FERRY_INTERFACE_MACHINE, "UsbController", "");
    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    wait_error(fixture, assignment, "NoController");
    assert_reason(
        fixture, assignment,
        "VM \"desk\" has no USB controller; give it one (usbferry vm controller \"desk\" qemu-xhci");
    assert_tries(fixture, "attach=0 ");
    /* shut down, edited, and started */
    g_free(fixture_script(fixture, "stop %s", FIXTURE_DESK));
    reset_wait_state(fixture, assignment, "waiting-machine");
    g_free(fixture_script(fixture, "ports %s 4", FIXTURE_DESK));
    g_free(fixture_script(fixture, "start %s", FIXTURE_DESK));
    reset_wait_state(fixture, assignment, "attached");
    assert_tries(fixture, "attach=1 ");
}

/* Another program took the last port, and gave it back. */
static void test_a_foreign_device_has_a_port(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *machine = fixture_machine_path(FIXTURE_DESK);
    g_autofree char *assignment = NULL;

    g_free(fixture_script(fixture, "ports %s 1", FIXTURE_DESK));
    g_free(fixture_script(fixture, "foreign %s 9 9 dead beef", FIXTURE_DESK));
    /* or it would be tried */
    fixture_wait(fixture, machine, FERRY_INTERFACE_MACHINE, "FreePorts", "0");
    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    wait_error(fixture, assignment, "NoFreePort");
    g_free(fixture_script(fixture, "unforeign %s", FIXTURE_DESK));
    reset_wait_state(fixture, assignment, "attached");
    assert_tries(fixture, "attach=1 ");
}

static bool was_tried(Fixture *fixture, void *before)
{
    g_autofree char *counts = fixture_script(fixture, "counts");

    return !g_str_has_prefix(counts, before);
}

/* It is tried again each time that a machine lets something go: by time alone the last of these tries would
 * come too late. */
static void test_let_go_elsewhere(void **state)
{
    enum { TIMES = 6, ALWAYS = 1000 };
    Fixture *fixture = *state;
    g_autofree char *studio = fixture_machine_path(FIXTURE_STUDIO);
    g_autofree char *assignment = NULL;

    reset_plug(fixture, "1-2", "KBD-0001");
    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    g_free(fixture_script(fixture, "fail %s %d it has it", FIXTURE_DESK, ALWAYS));
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    reset_wait_state(fixture, assignment, "failed");
    for (int i = 1; i <= TIMES; i++) {
        g_autofree char *counts = NULL;
        g_auto(GStrv) words = NULL;

        g_free(fixture_script(fixture, "foreign %s 9 9 dead beef", FIXTURE_STUDIO));
        fixture_wait(fixture, studio, FERRY_INTERFACE_MACHINE, "FreePorts", "14");
        counts = fixture_script(fixture, "counts");
        words = g_strsplit(counts, " ", 2);
        if (i == TIMES)
            g_free(fixture_script(fixture, "fail %s 0 -", FIXTURE_DESK));
        g_free(fixture_script(fixture, "unforeign %s", FIXTURE_STUDIO));
        fixture_wait_for(fixture, was_tried, words[0], "another try");
    }
    reset_wait_state(fixture, assignment, "attached");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ports_run_out),
        TEST(test_no_controller),
        TEST(test_a_foreign_device_has_a_port),
        TEST(test_let_go_elsewhere),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
