/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One device of a pool goes home, and the others stay: that one and no other, over everything that happens
 * meanwhile. */

#include "tests/bus/cmocka-include.h"

#include <signal.h>
#include <string.h>

#include "tests/bus/group-calls.h"
#include "tests/bus/memory-folder.h"

#define DONGLE     "0529:0001"
#define ASSIGNMENT FERRY_INTERFACE_ASSIGNMENT
#define DEVICE     FERRY_INTERFACE_DEVICE

static void wait_devices(Fixture *fixture, const char *assignment, const char *devices)
{
    wait_list(fixture, assignment, ASSIGNMENT, "Devices", devices);
}

/* A pool of these dongles (1-1, 1-2, …), of which desk has so many. The assignment. New string. */
static char *begin(Fixture *fixture, unsigned n, const char *quantity)
{
    g_autofree char *group = group_create_with(fixture, "dongles", "vendor=0529");
    char *assignment;

    for (unsigned i = 1; i <= n; i++) {
        g_autofree char *sysname = g_strdup_printf("1-%u", i);

        groups_plug(fixture, sysname, DONGLE, sysname);
    }
    assignment = group_assign(fixture, group, FIXTURE_DESK, quantity, NULL);
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "attached");
    return assignment;
}

static void give_back(Fixture *fixture, const char *assignment, const char *sysname, bool swap)
{
    g_autofree char *device = fixture_device_path(sysname);

    sd_bus_message_unref(fixture_call_ok(fixture, assignment, ASSIGNMENT, "ReleaseDevice", "oa{sv}", device,
                                         1, "Swap", "b", (int)swap));
}

static void refuse(Fixture *fixture, const char *error, const char *assignment, const char *sysname,
                   bool swap)
{
    g_autofree char *device = fixture_device_path(sysname);

    g_free(fixture_call_error(fixture, error, assignment, ASSIGNMENT, "ReleaseDevice", "oa{sv}", device, 1,
                              "Swap", "b", (int)swap));
}

static void wait_home(Fixture *fixture, const char *sysname)
{
    g_autofree char *device = fixture_device_path(sysname);

    fixture_wait(fixture, device, DEVICE, "State", "host");
}

static void test_the_quantity_shrinks(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = begin(fixture, 3, "3");

    /* Not the last one, which would go if only the number were less. */
    give_back(fixture, assignment, "1-1", false);
    wait_devices(fixture, assignment, "1-2 attached; 1-3 attached");
    wait_home(fixture, "1-1");
    fixture_wait(fixture, assignment, ASSIGNMENT, "Quantity", "2");
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "attached");
    give_back(fixture, assignment, "1-3", false);
    wait_devices(fixture, assignment, "1-2 attached");
    /* What was given back is as good as any other now. */
    fixture_unplug(fixture, "1-2");
    wait_devices(fixture, assignment, "1-1 attached");
    give_back(fixture, assignment, "1-1", false);
    fixture_wait_object(fixture, assignment, ASSIGNMENT, false);
    wait_home(fixture, "1-1");
}

static void test_it_is_swapped(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = begin(fixture, 3, "2");

    wait_devices(fixture, assignment, "1-1 attached; 1-2 attached");
    give_back(fixture, assignment, "1-1", true);
    wait_devices(fixture, assignment, "1-2 attached; 1-3 attached");
    wait_home(fixture, "1-1");
    fixture_wait(fixture, assignment, ASSIGNMENT, "Quantity", "2");
    /* And back again. */
    give_back(fixture, assignment, "1-2", true);
    wait_devices(fixture, assignment, "1-1 attached; 1-3 attached");
    fixture_unplug(fixture, "1-2");
    refuse(fixture, "DeviceBusy", assignment, "1-1", true);
    wait_devices(fixture, assignment, "1-1 attached; 1-3 attached");
}

/* All ports are taken: the other one comes when this one has gone, and not this one again. */
static void test_it_is_swapped_in_the_last_port(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    g_free(fixture_script(fixture, "ports %s 1", FIXTURE_DESK));
    assignment = begin(fixture, 2, "1");
    wait_devices(fixture, assignment, "1-1 attached");
    give_back(fixture, assignment, "1-1", true);
    wait_devices(fixture, assignment, "1-2 attached");
    wait_home(fixture, "1-1");
}

static void test_what_has_no_number(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = begin(fixture, 2, "all");
    g_autofree char *pinned = NULL;

    refuse(fixture, "InvalidOption", assignment, "1-1", false);
    refuse(fixture, "InvalidOption", assignment, "1-1", true);
    wait_devices(fixture, assignment, "1-1 attached; 1-2 attached");

    groups_plug(fixture, "1-5", "046d:c31c", "KBD");
    pinned = fixture_assign(fixture, "1-5", FIXTURE_DESK);
    fixture_wait(fixture, pinned, ASSIGNMENT, "State", "attached");
    refuse(fixture, "NoSuchDevice", pinned, "1-1", false);
    give_back(fixture, pinned, "1-5", false);
    fixture_wait_object(fixture, pinned, ASSIGNMENT, false);
    wait_home(fixture, "1-5");
}

static void test_twice_is_once(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = begin(fixture, 3, "3");

    g_free(fixture_script(fixture, "keep %s", FIXTURE_DESK));
    give_back(fixture, assignment, "1-1", false);
    wait_devices(fixture, assignment, "1-1 detaching; 1-2 attached; 1-3 attached");
    give_back(fixture, assignment, "1-1", false);
    fixture_wait(fixture, assignment, ASSIGNMENT, "Quantity", "2");
    g_free(fixture_script(fixture, "let-go %s", FIXTURE_DESK));
    wait_devices(fixture, assignment, "1-2 attached; 1-3 attached");
    fixture_wait(fixture, assignment, ASSIGNMENT, "Quantity", "2");
}

/* Its machine doesn't let it go yet when the service starts anew: it is still this one that goes. */
static void test_over_a_restart(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = begin(fixture, 2, "2");
    g_autofree char *shown = NULL, *put = NULL;
    g_auto(GStrv) words = NULL;

    g_free(fixture_script(fixture, "keep %s", FIXTURE_DESK));
    give_back(fixture, assignment, "1-1", false);
    wait_devices(fixture, assignment, "1-1 detaching; 1-2 attached");
    shown = fixture_script(fixture, "show %s", FIXTURE_DESK);
    words = g_strsplit(shown, " ", 4);
    fixture_stop_daemon(fixture, SIGKILL);
    fixture_start_daemon(fixture);
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    g_free(fixture_script(fixture, "carry-on %s %s %s", FIXTURE_DESK, words[2], words[3]));
    g_free(fixture_script(fixture, "connect"));
    wait_devices(fixture, assignment, "1-2 attached");
    wait_home(fixture, "1-1");
    put = fixture_script(fixture, "counts");
    assert_says(put, "attach=0 detach=1");
}

static void test_what_cannot_be_stored_is_not_done(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = begin(fixture, 3, "2");

    fixture_break_disk(fixture);
    refuse(fixture, "Storage", assignment, "1-1", false);
    refuse(fixture, "Storage", assignment, "1-1", true);
    fixture_mend_disk(fixture);
    wait_devices(fixture, assignment, "1-1 attached; 1-2 attached");
    fixture_wait(fixture, assignment, ASSIGNMENT, "Quantity", "2");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, groups_setup, groups_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_quantity_shrinks),
        TEST(test_it_is_swapped),
        TEST(test_it_is_swapped_in_the_last_port),
        TEST(test_what_has_no_number),
        TEST(test_twice_is_once),
        TEST(test_over_a_restart),
        TEST(test_what_cannot_be_stored_is_not_done),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
