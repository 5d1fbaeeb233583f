/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices that come and go: every arrival is another enumeration, and only the right one goes to the machine.
 */

#include "tests/bus/cmocka-include.h"

#include <string.h>

#include "tests/bus/memory-folder.h"
#include "tests/bus/reset-calls.h"

static void plug(Fixture *fixture, const char *sysname, const char *serial)
{
    g_autofree char *path = fixture_device_path(sysname);

    fixture_plug(fixture, sysname, "0529", "0001", serial, "HASP dongle");
    fixture_wait_object(fixture, path, FERRY_INTERFACE_DEVICE, true);
}

static void unplug(Fixture *fixture, const char *sysname)
{
    g_autofree char *path = fixture_device_path(sysname);

    fixture_unplug(fixture, sysname);
    fixture_wait_object(fixture, path, FERRY_INTERFACE_DEVICE, false);
}

static void wait_assignment(Fixture *fixture, const char *path, const char *state)
{
    fixture_wait(fixture, path, FERRY_INTERFACE_ASSIGNMENT, "State", state);
}

static void test_replug(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    g_autofree char *shown = NULL;

    plug(fixture, "1-2", "A-4711");
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    wait_assignment(fixture, assignment, "attached");
    unplug(fixture, "1-2");
    wait_assignment(fixture, assignment, "waiting-device");
    /* No stale entry keeps the number of the device that is gone. */
    reset_wait_machine(fixture, FIXTURE_DESK, "0529", false);
    plug(fixture, "1-2", "A-4711");
    wait_assignment(fixture, assignment, "attached");
    shown = fixture_script(fixture, "show %s", FIXTURE_DESK);
    fixture_assert(fixture, strstr(shown, "=1:4:0529:0001"));
}

static bool is_prepared(Fixture *fixture, void *userdata)
{
    g_free(fixture->last_seen);
    fixture->last_seen = fixture_script(fixture, "counts");
    return !g_str_has_suffix(fixture->last_seen, "prepared=0");
}

/* While the kernel is still busy with one that somebody waits for, what the call for it takes is got ready.
 */
static void test_what_takes_time_is_done_before(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    plug(fixture, "1-2", "A-4711");
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    wait_assignment(fixture, assignment, "attached");
    plug(fixture, "1-3", "A-4712");
    fixture_assert(fixture, !is_prepared(fixture, NULL)); /* nobody waited */
    unplug(fixture, "1-2");
    wait_assignment(fixture, assignment, "waiting-device");
    plug(fixture, "1-2", "A-4711");
    fixture_wait_for(fixture, is_prepared, NULL, "the hypervisor is prepared");
    wait_assignment(fixture, assignment, "attached");
}

static void test_serial_is_followed_to_another_port(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    plug(fixture, "1-2", "A-4711");
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    wait_assignment(fixture, assignment, "attached");
    unplug(fixture, "1-2");
    wait_assignment(fixture, assignment, "waiting-device");
    plug(fixture, "1-5", "A-4711");
    wait_assignment(fixture, assignment, "attached");
}

static void test_device_without_serial_stays_with_its_port(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-5");
    g_autofree char *assignment = NULL;
    g_autofree char *counts = NULL;

    plug(fixture, "1-2", "");
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    wait_assignment(fixture, assignment, "attached");
    unplug(fixture, "1-2");
    plug(fixture, "1-5", "");
    wait_assignment(fixture, assignment, "waiting-device");
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "host");
    counts = fixture_script(fixture, "counts");
    fixture_assert(fixture, strstr(counts, "attach=1 "));
}

static void test_the_right_twin_or_none(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    g_autofree char *shown = NULL;

    plug(fixture, "1-2", "A-4711");
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    wait_assignment(fixture, assignment, "attached");
    /* A clone with the same serial elsewhere changes nothing for the one at home … */
    plug(fixture, "1-5", "A-4711");
    wait_assignment(fixture, assignment, "attached");
    shown = fixture_script(fixture, "show %s", FIXTURE_DESK);
    fixture_assert(fixture, strstr(shown, "=1:3:0529:0001") && !strstr(shown, "=1:4:"));
    /* … and two strangers to its port are one too many to choose from. */
    plug(fixture, "1-6", "A-4711");
    unplug(fixture, "1-2");
    wait_assignment(fixture, assignment, "waiting-device");
}

static void test_another_device_in_the_same_port(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *path = fixture_device_path("1-2");
    g_autofree char *assignment = NULL;

    plug(fixture, "1-2", "");
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    wait_assignment(fixture, assignment, "attached");
    unplug(fixture, "1-2");
    fixture_plug(fixture, "1-2", "dead", "beef", "", "Another");
    fixture_wait(fixture, path, FERRY_INTERFACE_DEVICE, "State", "host");
    wait_assignment(fixture, assignment, "waiting-device");
}

static void test_foreign_device_is_shown_and_left_alone(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *path = fixture_device_path("1-2");
    g_autofree char *desk = fixture_machine_path(FIXTURE_DESK);
    g_autofree char *counts = NULL;
    g_autofree char *at = NULL;

    plug(fixture, "1-2", "A-4711");
    g_free(fixture_script(fixture, "foreign %s 1 3 0529 0001", FIXTURE_DESK));
    fixture_wait(fixture, path, FERRY_INTERFACE_DEVICE, "State", "foreign");
    at = fixture_get(fixture, path, FERRY_INTERFACE_DEVICE, "Machine");
    assert_string_equal(at, desk);
    counts = fixture_script(fixture, "counts");
    fixture_assert(fixture, strstr(counts, "detach=0"));
    g_free(fixture_script(fixture, "unforeign %s", FIXTURE_DESK));
    fixture_wait(fixture, path, FERRY_INTERFACE_DEVICE, "State", "host");
}

static void test_behind_a_hub(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *hub = fixture_device_path("1-3");
    g_autofree char *device = fixture_device_path("1-3.1");
    g_autofree char *parent = NULL;
    g_autofree char *assignment = NULL;

    fixture_plug_hub(fixture, "1-3");
    plug(fixture, "1-3.1", "");
    parent = fixture_get(fixture, device, FERRY_INTERFACE_DEVICE, "Hub");
    assert_string_equal(parent, hub);
    assignment = fixture_assign(fixture, "1-3.1", FIXTURE_DESK);
    wait_assignment(fixture, assignment, "attached");
}

/* One text that is no UTF-8 would break every reading of all objects. */
static void test_hostile_texts(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *path = fixture_device_path("1-2");
    g_autofree char *name = NULL;

    plug(fixture, "1-2", "'/><x a=\"");
    fixture_change(fixture, "1-2", "product", "Evil\377\033]0;pwned\007 \xe2\x80\xaestick\n");
    fixture_wait(fixture, path, FERRY_INTERFACE_DEVICE, "Product", "Evil\xef\xbf\xbd ]0;pwned stick");
    sd_bus_message_unref(fixture_call_ok(fixture, FERRY_PATH_ROOT, "org.freedesktop.DBus.ObjectManager",
                                         "GetManagedObjects", ""));
    name = fixture_get(fixture, path, FERRY_INTERFACE_DEVICE, "Serial");
    assert_string_equal(name, "'/><x a=\"");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_replug),
        TEST(test_what_takes_time_is_done_before),
        TEST(test_serial_is_followed_to_another_port),
        TEST(test_device_without_serial_stays_with_its_port),
        TEST(test_the_right_twin_or_none),
        TEST(test_another_device_in_the_same_port),
        TEST(test_foreign_device_is_shown_and_left_alone),
        TEST(test_behind_a_hub),
        TEST(test_hostile_texts),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
