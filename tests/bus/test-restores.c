/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a machine lists and what is alive in its guest are two things: after a restore, a revert or a
 * migration the devices are dead, whether anybody saw it happen or not. */

#include "tests/bus/cmocka-include.h"

#include <signal.h>
#include <string.h>

#include "tests/bus/memory-folder.h"
#include "tests/bus/reset-calls.h"

static void assert_counts(Fixture *fixture, const char *expected)
{
    g_autofree char *counts = fixture_script(fixture, "counts");

    g_free(fixture->last_seen);
    fixture->last_seen = g_steal_pointer(&counts);
    fixture_assert(fixture, strstr(fixture->last_seen, expected));
}

static bool has_counts(Fixture *fixture, void *expected)
{
    g_free(fixture->last_seen);
    fixture->last_seen = fixture_script(fixture, "counts");
    return strstr(fixture->last_seen, expected) != NULL;
}

/* How often a device was put in and taken out, by this process of the service. */
static void wait_counts(Fixture *fixture, const char *expected)
{
    fixture_wait_for(fixture, has_counts, (void *)expected, expected);
}

/* Something that takes a turn of everything: whatever else was to be done for this machine is done as well.
 */
static void wait_all_said(Fixture *fixture)
{
    reset_plug(fixture, "1-4", "KBD-0009");
    g_free(reset_give(fixture, "1-4", FIXTURE_DESK));
}

/* "ALIAS=BUS:DEV:…" of the first device that it has. New string. */
static char *first_of(Fixture *fixture, const char *uuid)
{
    enum { NAME, STATE, LIFE, FIRST };
    g_autofree char *shown = fixture_script(fixture, "show %s", uuid);
    g_auto(GStrv) words = g_strsplit(shown, " ", -1);

    fixture_assert(fixture, g_strv_length(words) > FIRST);
    return g_strdup(words[FIRST]);
}

/* Another process of the service. The machine of the script goes with it, and comes again as it is told here.
 */
static void restart_with(Fixture *fixture, int signal_number, unsigned domain_id, const char *hostdev)
{
    fixture_stop_daemon(fixture, signal_number);
    fixture_start_daemon(fixture);
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    g_free(fixture_script(fixture, "carry-on %s %u %s", FIXTURE_DESK, domain_id, hostdev));
    g_free(fixture_script(fixture, "connect"));
}

/* In every test: attached in the first life of desk. */
static char *give_keyboard(Fixture *fixture)
{
    g_autofree char *shown = NULL;
    char *assignment;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = reset_give(fixture, "1-2", FIXTURE_DESK);
    shown = fixture_script(fixture, "show %s", FIXTURE_DESK);
    fixture_assert(fixture, g_str_has_prefix(shown, "desk running 1 ua-usbferry-"));
    fixture_assert(fixture, strstr(shown, "-1=1:3:046d:c31c"));
    return assignment;
}

static void test_restored_while_the_service_was_down(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = give_keyboard(fixture);
    g_autofree char *had = first_of(fixture, FIXTURE_DESK);

    restart_with(fixture, SIGKILL, 2, had);
    wait_counts(fixture, "attach=1 detach=1");
    reset_wait_machine(fixture, FIXTURE_DESK, "-2=1:3:046d:c31c", true);
    reset_wait_state(fixture, assignment, "attached");
    reset_wait_machine(fixture, FIXTURE_DESK, had, false);
}

static void test_restored_while_libvirt_was_away(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = give_keyboard(fixture);

    g_free(fixture_script(fixture, "disconnect restarting"));
    fixture_wait(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "HypervisorState", "connecting");
    g_free(fixture_script(fixture, "restore %s", FIXTURE_DESK));
    g_free(fixture_script(fixture, "connect"));
    wait_counts(fixture, "attach=2 detach=1");
    reset_wait_state(fixture, assignment, "attached");
}

/* A machine that exists only while it runs isn't known in between. */
static void test_restored_before_it_was_known(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = give_keyboard(fixture);
    g_autofree char *had = first_of(fixture, FIXTURE_DESK);

    g_free(fixture_script(fixture, "undefine %s", FIXTURE_DESK));
    reset_wait_state(fixture, assignment, "waiting-machine");
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    g_free(fixture_script(fixture, "carry-on %s 2 %s", FIXTURE_DESK, had));
    wait_counts(fixture, "attach=2 detach=1");
    reset_wait_state(fixture, assignment, "attached");
}

/* Its id comes again when libvirtd was restarted while the machine was off. */
static void test_restored_with_the_id_that_it_had(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = give_keyboard(fixture);
    g_autofree char *had = first_of(fixture, FIXTURE_DESK);

    g_free(fixture_script(fixture, "stop %s", FIXTURE_DESK));
    reset_wait_state(fixture, assignment, "waiting-machine");
    g_free(fixture_script(fixture, "carry-on %s 1 %s", FIXTURE_DESK, had));
    wait_counts(fixture, "attach=2 detach=1");
    reset_wait_state(fixture, assignment, "attached");
}

/* The dead one is not called attached for as long as it stays. */
static void test_a_dead_device_is_not_attached(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *assignment = give_keyboard(fixture);

    g_free(fixture_script(fixture, "keep %s", FIXTURE_DESK));
    g_free(fixture_script(fixture, "restore %s", FIXTURE_DESK));
    reset_wait_state(fixture, assignment, "attaching");
    fixture_wait(
        fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Reason",
        "046d:c31c \"Keyboard K120\" (1-2) is taken out of VM \"desk\" and put in again, because the "
        "VM came out of a saved state and it is dead there.");
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "detaching");
    g_free(fixture_script(fixture, "let-go %s", FIXTURE_DESK));
    reset_wait_state(fixture, assignment, "attached");
    assert_counts(fixture, "attach=2 detach=1");
}

static void test_what_is_alive_is_left_alone(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = give_keyboard(fixture);
    g_autofree char *had = first_of(fixture, FIXTURE_DESK);

    g_free(fixture_script(fixture, "disconnect restarting"));
    fixture_wait(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "HypervisorState", "connecting");
    g_free(fixture_script(fixture, "connect"));
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Reason",
                 "046d:c31c \"Keyboard K120\" (1-2) is attached to VM \"desk\".");
    restart_with(fixture, SIGTERM, 1, had);
    reset_wait_state(fixture, assignment, "attached");
    wait_all_said(fixture);
    assert_counts(fixture, "attach=1 detach=0");
    reset_wait_machine(fixture, FIXTURE_DESK, had, true);
}

/* An older version attached it. Nobody takes it away for that, until the machine has another life. */
static void test_an_alias_without_a_life(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = give_keyboard(fixture);
    g_autofree char *had = first_of(fixture, FIXTURE_DESK);
    g_auto(GStrv) parts = g_strsplit(had, "-1=", 2);
    g_autofree char *older = g_strjoin("=", parts[0], parts[1], NULL);

    restart_with(fixture, SIGTERM, 1, older);
    reset_wait_state(fixture, assignment, "attached");
    wait_all_said(fixture);
    assert_counts(fixture, "attach=1 detach=0");
    g_free(fixture_script(fixture, "restore %s", FIXTURE_DESK));
    wait_counts(fixture, "attach=3 detach=2");
    reset_wait_state(fixture, assignment, "attached");
}

/* libvirt before 8.6 leaves guestReset out of the XML. */
static void test_a_libvirt_without_guest_reset(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    g_autofree char *had = NULL;

    g_free(fixture_script(fixture, "old"));
    assignment = give_keyboard(fixture);
    had = first_of(fixture, FIXTURE_DESK);
    fixture_assert(fixture, g_str_has_suffix(had, ":default"));
    restart_with(fixture, SIGTERM, 1, had);
    g_free(fixture_script(fixture, "old"));
    reset_wait_state(fixture, assignment, "attached");
    wait_all_said(fixture);
    assert_counts(fixture, "attach=1 detach=0");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_restored_while_the_service_was_down),
        TEST(test_restored_while_libvirt_was_away),
        TEST(test_restored_before_it_was_known),
        TEST(test_restored_with_the_id_that_it_had),
        TEST(test_a_dead_device_is_not_attached),
        TEST(test_what_is_alive_is_left_alone),
        TEST(test_an_alias_without_a_life),
        TEST(test_a_libvirt_without_guest_reset),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
