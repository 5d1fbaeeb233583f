/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Giving and taking: devices go to their machines and come home, over every change of circumstances. */

#include "tests/bus/cmocka-include.h"

#include <signal.h>
#include <string.h>

#include "tests/bus/fixture.h"
#include "tests/bus/memory-folder.h"

static void plug_keyboard(Fixture *fixture)
{
    fixture_plug(fixture, "1-2", "046d", "c31c", "KBD-0001", "Keyboard K120");
    g_autofree char *path = fixture_device_path("1-2");
    fixture_wait_object(fixture, path, FERRY_INTERFACE_DEVICE, true);
}

static void wait_assignment(Fixture *fixture, const char *path, const char *state)
{
    fixture_wait(fixture, path, FERRY_INTERFACE_ASSIGNMENT, "State", state);
}

static void release(Fixture *fixture, const char *path)
{
    sd_bus_message_unref(fixture_call_ok(fixture, path, FERRY_INTERFACE_ASSIGNMENT, "Release", "a{sv}", 0));
}

static bool machine_has(Fixture *fixture, const char *uuid, const char *text)
{
    g_autofree char *shown = fixture_script(fixture, "show %s", uuid);

    return strstr(shown, text) != NULL;
}

static void test_give_and_take(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *machine = fixture_machine_path(FIXTURE_DESK);
    g_autofree char *assignment = NULL;
    g_autofree char *at = NULL;
    g_autofree char *of = NULL;

    plug_keyboard(fixture);
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    wait_assignment(fixture, assignment, "attached");
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "attached");
    fixture_assert(fixture, machine_has(fixture, FIXTURE_DESK, ":046d:c31c"));
    at = fixture_get(fixture, device, FERRY_INTERFACE_DEVICE, "Machine");
    assert_string_equal(at, machine);
    of = fixture_get(fixture, device, FERRY_INTERFACE_DEVICE, "Assignment");
    assert_string_equal(of, assignment);

    release(fixture, assignment);
    fixture_wait_object(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, false);
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "host");
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "Machine", "/");
    fixture_assert(fixture, !machine_has(fixture, FIXTURE_DESK, "046d"));
}

static void test_machine_starts_and_stops(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    plug_keyboard(fixture);
    assignment = fixture_assign(fixture, "1-2", FIXTURE_STUDIO);
    wait_assignment(fixture, assignment, "waiting-machine");
    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    wait_assignment(fixture, assignment, "attached");
    g_free(fixture_script(fixture, "stop %s", FIXTURE_STUDIO));
    wait_assignment(fixture, assignment, "waiting-machine");
    g_free(fixture_script(fixture, "undefine %s", FIXTURE_STUDIO));
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Error",
                 FERRY_ERROR_PREFIX "NoSuchMachine");
    g_free(fixture_script(fixture, "define %s studio", FIXTURE_STUDIO));
    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    wait_assignment(fixture, assignment, "attached");
}

static void test_detach_keeps_and_attach_goes_on(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    plug_keyboard(fixture);
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    wait_assignment(fixture, assignment, "attached");
    sd_bus_message_unref(fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Detach", ""));
    wait_assignment(fixture, assignment, "disabled");
    fixture_assert(fixture, !machine_has(fixture, FIXTURE_DESK, "046d"));
    sd_bus_message_unref(fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Attach", ""));
    wait_assignment(fixture, assignment, "attached");
}

static void test_detaching_until_the_machine_has_let_go(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *assignment = NULL;

    plug_keyboard(fixture);
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    wait_assignment(fixture, assignment, "attached");
    g_free(fixture_script(fixture, "keep %s", FIXTURE_DESK));
    release(fixture, assignment);
    wait_assignment(fixture, assignment, "detaching");
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "detaching");
    fixture_assert(fixture, machine_has(fixture, FIXTURE_DESK, ":046d:c31c"));
    g_free(fixture_script(fixture, "let-go %s", FIXTURE_DESK));
    fixture_wait_object(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, false);
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "host");
}

static void test_lost_events_heal(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    plug_keyboard(fixture);
    g_free(fixture_script(fixture, "quiet"));
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    wait_assignment(fixture, assignment, "attached");
    g_free(fixture_script(fixture, "keep %s", FIXTURE_DESK));
    release(fixture, assignment);
    wait_assignment(fixture, assignment, "detaching");
    g_free(fixture_script(fixture, "let-go %s", FIXTURE_DESK));
    fixture_wait_object(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, false);
}

static void test_a_failed_attach_is_said_and_tried_again(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    plug_keyboard(fixture);
    g_free(fixture_script(fixture, "fail %s 1000 no luck today", FIXTURE_DESK));
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Reason", "no luck today.");
    g_free(fixture_script(fixture, "fail %s 0 -", FIXTURE_DESK));
    wait_assignment(fixture, assignment, "attached");
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Error", "");
}

static bool was_attached_anew(Fixture *fixture, void *userdata)
{
    g_autofree char *counts = fixture_script(fixture, "counts");

    return strstr(counts, "attach=2 detach=1") != NULL;
}

static void test_restored_machine_gets_its_device_anew(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    g_autofree char *before = NULL;

    plug_keyboard(fixture);
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    wait_assignment(fixture, assignment, "attached");
    before = fixture_script(fixture, "counts");
    fixture_assert(fixture, strstr(before, "attach=1 detach=0"));
    /* The XML lists the device all the time, and in the guest it is dead. */
    g_free(fixture_script(fixture, "restore %s", FIXTURE_DESK));
    fixture_wait_for(fixture, was_attached_anew, NULL, "the device is taken out and put in again");
    wait_assignment(fixture, assignment, "attached");
}

static void test_hypervisor_goes_and_comes(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    g_autofree char *counts = NULL;

    plug_keyboard(fixture);
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    wait_assignment(fixture, assignment, "attached");
    g_free(fixture_script(fixture, "disconnect restarting"));
    fixture_wait(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "HypervisorState", "connecting");
    /* Stopped while nobody could see it. */
    g_free(fixture_script(fixture, "stop %s", FIXTURE_DESK));
    g_free(fixture_script(fixture, "connect"));
    wait_assignment(fixture, assignment, "waiting-machine");
    g_free(fixture_script(fixture, "start %s", FIXTURE_DESK));
    wait_assignment(fixture, assignment, "attached");
    counts = fixture_script(fixture, "counts");
    fixture_assert(fixture, strstr(counts, "attach=2 detach=0"));
}

static void restart(Fixture *fixture, int signal_number)
{
    fixture_stop_daemon(fixture, signal_number);
    fixture_start_daemon(fixture);
}

/* The script dies with the service, so the machine is given what it had by hand. */
static void test_restart_with_an_attached_device(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    g_autofree char *state_now = NULL;

    plug_keyboard(fixture);
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    wait_assignment(fixture, assignment, "attached");
    restart(fixture, SIGKILL);
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    g_free(fixture_script(fixture, "start %s", FIXTURE_DESK));
    fixture_wait_object(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, true);
    state_now = fixture_get(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State");
    assert_string_equal(state_now, "waiting-machine");
    g_free(fixture_script(fixture, "connect"));
    wait_assignment(fixture, assignment, "attached");
}

static void test_two_identical_keyboards(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *first = NULL;
    g_autofree char *second = NULL;
    g_autofree char *desk = NULL;
    g_autofree char *studio = NULL;

    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    fixture_plug(fixture, "1-1", "0627", "0001", "", "QEMU USB Keyboard");
    fixture_plug(fixture, "1-3", "0627", "0001", "", "QEMU USB Keyboard");
    {
        g_autofree char *path = fixture_device_path("1-3");
        fixture_wait_object(fixture, path, FERRY_INTERFACE_DEVICE, true);
    }
    first = fixture_assign(fixture, "1-1", FIXTURE_STUDIO);
    second = fixture_assign(fixture, "1-3", FIXTURE_DESK);
    wait_assignment(fixture, first, "attached");
    wait_assignment(fixture, second, "attached");
    /* The root hub has number 2. */
    desk = fixture_script(fixture, "show %s", FIXTURE_DESK);
    studio = fixture_script(fixture, "show %s", FIXTURE_STUDIO);
    fixture_assert(fixture, strstr(studio, "=1:3:0627:0001") && !strstr(studio, "=1:4:"));
    fixture_assert(fixture, strstr(desk, "=1:4:0627:0001") && !strstr(desk, "=1:3:"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_give_and_take),
        TEST(test_machine_starts_and_stops),
        TEST(test_detach_keeps_and_attach_goes_on),
        TEST(test_detaching_until_the_machine_has_let_go),
        TEST(test_lost_events_heal),
        TEST(test_a_failed_attach_is_said_and_tried_again),
        TEST(test_restored_machine_gets_its_device_anew),
        TEST(test_hypervisor_goes_and_comes),
        TEST(test_restart_with_an_attached_device),
        TEST(test_two_identical_keyboards),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
