/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A machine that doesn't answer delays nobody but itself. */

#include "tests/bus/cmocka-include.h"

#include <signal.h>
#include <string.h>

#include "tests/bus/group-calls.h"
#include "tests/bus/memory-folder.h"

static void wait_assignment(Fixture *fixture, const char *path, const char *state)
{
    fixture_wait(fixture, path, FERRY_INTERFACE_ASSIGNMENT, "State", state);
}

static void plug(Fixture *fixture, const char *sysname, const char *serial)
{
    g_autofree char *path = fixture_device_path(sysname);

    fixture_plug(fixture, sysname, "0529", "0001", serial, "HASP dongle");
    fixture_wait_object(fixture, path, FERRY_INTERFACE_DEVICE, true);
}

static void test_others_go_on(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *stuck = NULL;
    g_autofree char *moving = NULL;
    g_autofree char *reason = NULL;

    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    plug(fixture, "1-2", "AAAA-1");
    plug(fixture, "1-3", "BBBB-2");
    g_free(fixture_script(fixture, "hang %s", FIXTURE_DESK));
    stuck = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    wait_assignment(fixture, stuck, "attaching");

    /* While that call hangs, another machine gets, loses and gets its device, and everything can be read. */
    moving = fixture_assign(fixture, "1-3", FIXTURE_STUDIO);
    wait_assignment(fixture, moving, "attached");
    sd_bus_message_unref(fixture_call_ok(fixture, moving, FERRY_INTERFACE_ASSIGNMENT, "Detach", ""));
    wait_assignment(fixture, moving, "disabled");
    sd_bus_message_unref(fixture_call_ok(fixture, moving, FERRY_INTERFACE_ASSIGNMENT, "Attach", ""));
    wait_assignment(fixture, moving, "attached");
    sd_bus_message_unref(fixture_call_ok(fixture, FERRY_PATH_ROOT, "org.freedesktop.DBus.ObjectManager",
                                         "GetManagedObjects", ""));

    /* Past its deadline the stuck one is said to be so, and not before. */
    wait_assignment(fixture, stuck, "failed");
    fixture_wait(fixture, stuck, FERRY_INTERFACE_ASSIGNMENT, "Error", FERRY_ERROR_PREFIX "Timeout");
    reason = fixture_get(fixture, stuck, FERRY_INTERFACE_ASSIGNMENT, "Reason");
    assert_non_null(strstr(reason, "VM \"desk\""));

    g_free(fixture_script(fixture, "resume %s", FIXTURE_DESK));
    wait_assignment(fixture, stuck, "attached");
}

static void test_release_during_a_hang(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    g_autofree char *shown = NULL;

    plug(fixture, "1-2", "AAAA-1");
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    wait_assignment(fixture, assignment, "attached");
    g_free(fixture_script(fixture, "hang %s", FIXTURE_DESK));
    /* The answer comes at once: the decision is stored, the device follows when it can. */
    sd_bus_message_unref(
        fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Release", "a{sv}", 0));
    wait_assignment(fixture, assignment, "detaching");
    g_free(fixture_script(fixture, "resume %s", FIXTURE_DESK));
    fixture_wait_object(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, false);
    shown = fixture_script(fixture, "show %s", FIXTURE_DESK);
    fixture_assert(fixture, !strstr(shown, "0529"));
}

/* One machine that can't be read doesn't keep the service from being ready, nor the others from their
 * devices.
 */
static void test_a_machine_that_cannot_be_read(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *assignment = NULL;

    fixture_stop_daemon(fixture, SIGTERM);
    fixture_start_daemon(fixture);
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    g_free(fixture_script(fixture, "start %s", FIXTURE_DESK));
    g_free(fixture_script(fixture, "define %s studio", FIXTURE_STUDIO));
    g_free(fixture_script(fixture, "unreadable %s", FIXTURE_STUDIO));
    g_free(fixture_script(fixture, "connect"));
    fixture_wait(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Settling", "false");

    fixture_plug(fixture, "1-2", "046d", "c31c", "KBD-0001", "Keyboard K120");
    fixture_wait_object(fixture, device, FERRY_INTERFACE_DEVICE, true);
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
}

/* A machine that doesn't answer doesn't sit on what others could have. */
static void test_a_hanging_machine_draws_nothing(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_create_with(fixture, "pool", "vendor=046d");
    g_autofree char *first = NULL, *second = NULL, *pinned = NULL;

    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    first = group_assign(fixture, group, FIXTURE_STUDIO, "1", NULL);
    fixture_wait(fixture, first, FERRY_INTERFACE_ASSIGNMENT, "State", "waiting-device");
    second = group_assign(fixture, group, FIXTURE_DESK, "1", NULL);
    g_free(fixture_script(fixture, "hang %s", FIXTURE_STUDIO));
    groups_plug(fixture, "1-3", "1234:0001", "OTHER");
    pinned = fixture_assign(fixture, "1-3", FIXTURE_STUDIO);
    fixture_wait(fixture, first, FERRY_INTERFACE_ASSIGNMENT, "State", "waiting-machine");
    groups_plug(fixture, "1-2", "046d:c31c", "KBD-0001");
    fixture_wait(fixture, second, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
}

static void wait_hypervisor(Fixture *fixture, const char *state)
{
    fixture_wait(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "HypervisorState", state);
}

static unsigned count_lists(Fixture *fixture)
{
    g_autofree char *counts = fixture_script(fixture, "counts");

    return (unsigned)g_ascii_strtoull(strstr(counts, "list=") + strlen("list="), NULL, 10);
}

static bool has_listed(Fixture *fixture, void *before)
{
    return count_lists(fixture) > *(const unsigned *)before + 1;
}

/* A hypervisor that is there and doesn't say which machines there are is said to be no good, and asked again.
 */
static void test_machines_that_cannot_be_listed(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *machine = fixture_machine_path(FIXTURE_STUDIO);
    g_autofree char *assignment = NULL;
    g_autofree char *reason = NULL;
    unsigned lists;

    plug(fixture, "1-2", "AAAA-1");
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    wait_assignment(fixture, assignment, "attached");
    fixture_stop_daemon(fixture, SIGTERM);
    fixture_start_daemon(fixture);
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    g_free(fixture_script(fixture, "start %s", FIXTURE_DESK));
    g_free(fixture_script(fixture, "list no luck today"));
    g_free(fixture_script(fixture, "connect"));
    fixture_wait(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Settling", "false");
    wait_hypervisor(fixture, "failed");
    reason = fixture_get(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Reason");
    fixture_assert(fixture, strstr(reason, "its VMs cannot be listed: no luck today"));

    g_free(fixture_script(fixture, "list"));
    wait_hypervisor(fixture, "connected");
    wait_assignment(fixture, assignment, "attached");

    /* What is known stays known; a machine that comes meanwhile is found by itself later. */
    lists = count_lists(fixture);
    g_free(fixture_script(fixture, "list no luck either"));
    g_free(fixture_script(fixture, "define %s studio", FIXTURE_STUDIO));
    fixture_wait_for(fixture, has_listed, &lists, "the list to be asked for");
    wait_hypervisor(fixture, "connected");
    wait_assignment(fixture, assignment, "attached");
    g_free(fixture_script(fixture, "list"));
    fixture_wait_object(fixture, machine, FERRY_INTERFACE_MACHINE, true);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_others_go_on),
        TEST(test_release_during_a_hang),
        TEST(test_a_machine_that_cannot_be_read),
        TEST(test_a_hanging_machine_draws_nothing),
        TEST(test_machines_that_cannot_be_listed),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
