/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was answered is on disk, and what is on disk is found again. */

#include "tests/bus/cmocka-include.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/bus/fixture.h"
#include "tests/bus/memory-folder.h"

static void plug(Fixture *fixture)
{
    g_autofree char *path = fixture_device_path("1-2");

    fixture_plug(fixture, "1-2", "046d", "c31c", "KBD-0001", "Keyboard K120");
    fixture_wait_object(fixture, path, FERRY_INTERFACE_DEVICE, true);
}

static void restart_after_kill(Fixture *fixture)
{
    fixture_stop_daemon(fixture, SIGKILL);
    fixture_start_daemon(fixture);
}

static void test_answered_means_stored(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    g_autofree char *selector = NULL;
    g_autofree char *name = NULL;

    plug(fixture);
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    sd_bus_message_unref(fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Update", "a{sv}",
                                         2, "Name", "s", "my \"keys\"; [x]=y # z", "Priority", "i", 7));
    restart_after_kill(fixture);
    fixture_wait_object(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, true);
    name = fixture_get(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Name");
    assert_string_equal(name, "my \"keys\"; [x]=y # z");
    selector = fixture_get(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Selector");
    assert_string_equal(selector, "vendor=046d product=c31c serial=KBD-0001");
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Priority", "7");

    sd_bus_message_unref(
        fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Release", "a{sv}", 0));
    restart_after_kill(fixture);
    fixture_wait_object(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, true);
    fixture_wait_object(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, false);
}

static void test_detach_is_remembered(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    plug(fixture);
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    sd_bus_message_unref(fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Detach", ""));
    restart_after_kill(fixture);
    fixture_wait_object(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, true);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "disabled");
}

static void test_temporary_ones_live_in_run(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *desk = fixture_machine_path(FIXTURE_DESK);
    g_autofree char *folder = fixture_state_path(fixture, "assignments");
    g_autoptr(GDir) dir = NULL;

    plug(fixture);
    sd_bus_message_unref(fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign",
                                         "ooa{sv}", device, desk, 1, "Persistent", "b", 0));
    dir = g_dir_open(folder, 0, NULL);
    assert_null(g_dir_read_name(dir));
}

/* It stays, is shown, and keeps nothing else from loading. */
static void test_damaged_files_stay(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    g_autofree char *bad = fixture_state_path(fixture, "assignments/aaaaaaaa");
    g_autofree char *unknown = fixture_state_path(fixture, "assignments/bbbbbbbb");
    g_autofree char *none = fixture_state_path(fixture, "assignments/notes");

    plug(fixture);
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    fixture_stop_daemon(fixture, SIGTERM);
    assert_true(g_file_set_contents(bad, "\x01\x02 rubbish", -1, NULL));
    assert_true(g_file_set_contents(none, "\x01\x02 rubbish", -1, NULL));
    assert_true(g_file_set_contents(
        unknown, "[Assignment]\nName=x\nMachine=" FIXTURE_DESK "\nSelector=vendor=1\nColour=red\n", -1,
        NULL));
    fixture_start_daemon(fixture);
    fixture_wait_object(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, true);
    fixture_wait(fixture, FERRY_PATH_ASSIGNMENT_PREFIX "/aaaaaaaa", FERRY_INTERFACE_ASSIGNMENT, "Name",
                 "damaged");
    fixture_wait(fixture, FERRY_PATH_ASSIGNMENT_PREFIX "/bbbbbbbb", FERRY_INTERFACE_ASSIGNMENT, "Name", "x");
    assert_true(g_file_test(bad, G_FILE_TEST_EXISTS));
    assert_true(g_file_test(unknown, G_FILE_TEST_EXISTS));
    assert_true(g_file_test(none, G_FILE_TEST_EXISTS));
}

/* It ended every start once. */
static void test_an_empty_selector(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *bad = fixture_state_path(fixture, "assignments/aaaaaaaa");

    fixture_stop_daemon(fixture, SIGTERM);
    assert_true(g_file_set_contents(
        bad, "[Assignment]\nName=x\nMachine=" FIXTURE_DESK "\nSelector=\nDescription=a\\q\n", -1, NULL));
    fixture_start_daemon(fixture);
    plug(fixture);
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    g_free(fixture_script(fixture, "connect"));
    fixture_wait(fixture, FERRY_PATH_ASSIGNMENT_PREFIX "/aaaaaaaa", FERRY_INTERFACE_ASSIGNMENT, "Error",
                 FERRY_ERROR_PREFIX "Storage");
}

static void test_what_cannot_be_stored_is_not_done(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *desk = fixture_machine_path(FIXTURE_DESK);
    g_autofree char *counts = NULL;

    plug(fixture);
    fixture_break_disk(fixture);
    g_free(fixture_call_error(fixture, "Storage", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign",
                              "ooa{sv}", device, desk, 0));
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "host");
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "Assignment", "/");
    counts = fixture_script(fixture, "counts");
    fixture_assert(fixture, strstr(counts, "attach=0"));
    fixture_mend_disk(fixture);
    g_free(fixture_assign(fixture, "1-2", FIXTURE_DESK));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_answered_means_stored),      TEST(test_detach_is_remembered),
        TEST(test_temporary_ones_live_in_run), TEST(test_damaged_files_stay),
        TEST(test_an_empty_selector),          TEST(test_what_cannot_be_stored_is_not_done),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
