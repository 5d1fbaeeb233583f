/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The file by which udev is told what waits for a VM: there before the answer, gone with the last one, right
 * after every crash, and in nobody's way when it can't be written. */

#include "tests/bus/cmocka-include.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bus/fixture.h"
#include "tests/bus/settings.h"

#define STICK   "1-2"
#define PRESENT "KERNEL==\"1-2\", ATTR{idVendor}==\"0781\", ATTR{idProduct}==\"5567\", "
#define ABSENT  "ATTR{idVendor}==\"0781\", ATTR{idProduct}==\"5567\", ATTR{serial}==\"KBD-0731\", "
#define WAITING "ENV{USBFERRY_WAITS}=\"waiting\"\n"

static char *rules_path(Fixture *fixture)
{
    g_autofree char *folder = fixture_udev_rules(fixture);

    return g_build_filename(folder, "62-usbferry.rules", NULL);
}

/* "" = there is none. New string. */
static char *read_rules(Fixture *fixture)
{
    g_autofree char *path = rules_path(fixture);
    char *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) ? text : g_strdup("");
}

/* Now. wanted: a part of it, "" for no file. */
static void assert_rules(Fixture *fixture, const char *wanted)
{
    g_autofree char *text = read_rules(fixture);

    if (*wanted ? !strstr(text, wanted) : *text != '\0') {
        fixture_print_log(fixture);
        fail_msg("%s: %s expected", text, wanted);
    }
}

static bool rules_say(Fixture *fixture, void *userdata)
{
    g_autofree char *text = read_rules(fixture);
    const char *wanted = userdata;

    return *wanted ? strstr(text, wanted) != NULL : !*text;
}

static void wait_rules(Fixture *fixture, const char *wanted)
{
    fixture_wait_for(fixture, rules_say, (void *)wanted, *wanted ? wanted : "no file");
}

static bool was_announced(Fixture *fixture, void *userdata)
{
    g_autofree char *text = fixture_script(fixture, "usb announced");

    return strstr(text, userdata) != NULL;
}

static bool log_says(Fixture *fixture, void *userdata)
{
    g_autofree char *path = g_build_filename(fixture->dir, "daemon.log", NULL);
    g_autofree char *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) && strstr(text, userdata);
}

static void plug(Fixture *fixture)
{
    g_autofree char *path = fixture_device_path(STICK);

    fixture_plug(fixture, STICK, "0781", "5567", "KBD-0731", "Stick");
    fixture_wait_object(fixture, path, FERRY_INTERFACE_DEVICE, true);
}

static void release(Fixture *fixture, const char *assignment)
{
    sd_bus_message_unref(
        fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Release", "a{sv}", 0));
}

static void unplug(Fixture *fixture)
{
    g_autofree char *path = fixture_device_path(STICK);

    fixture_unplug(fixture, STICK);
    fixture_wait_object(fixture, path, FERRY_INTERFACE_DEVICE, false);
}

/* ------------------------------------------------------------------ its life */

static void test_before_the_answer(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    plug(fixture);
    assert_rules(fixture, "");
    assignment = fixture_assign(fixture, STICK, FIXTURE_STUDIO);
    assert_rules(fixture, PRESENT WAITING);
    unplug(fixture);
    wait_rules(fixture, ABSENT WAITING);
    plug(fixture);
    wait_rules(fixture, PRESENT WAITING);
    release(fixture, assignment);
    assert_rules(fixture, "");
}

/* In the VM as well: what comes home by itself goes on waiting. */
static void test_with_a_vm(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    plug(fixture);
    assignment = fixture_assign(fixture, STICK, FIXTURE_DESK);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    assert_rules(fixture, PRESENT WAITING);
    fixture_wait_for(fixture, was_announced, (void *)STICK "=waiting", "udev to be told");
    sd_bus_message_unref(fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Detach", ""));
    assert_rules(fixture, "");
    /* At home it is offered again, and udev has read that it is. */
    fixture_wait_for(fixture, was_announced, (void *)STICK "=waiting " STICK "=", "udev to be told again");
    sd_bus_message_unref(fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Attach", ""));
    assert_rules(fixture, PRESENT WAITING);
    sd_bus_message_unref(
        fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "SetEnabled", "b", 0));
    assert_rules(fixture, "");
}

static void test_kill(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL, *path = rules_path(fixture);
    g_autofree char *folder = fixture_state_path(fixture, "assignments"), *file = NULL;
    char *id = NULL;

    plug(fixture);
    assignment = fixture_assign(fixture, STICK, FIXTURE_STUDIO);
    unplug(fixture);
    wait_rules(fixture, ABSENT WAITING);
    fixture_stop_daemon(fixture, SIGKILL);
    assert_rules(fixture, ABSENT WAITING);
    /* What somebody wrote into it, or half of it was lost. */
    assert_true(g_file_set_contents(path, "KERNEL==\"1-2\"", -1, NULL));
    fixture_start_daemon(fixture);
    wait_rules(fixture, ABSENT WAITING);
    fixture_stop_daemon(fixture, SIGKILL);
    assert_true(sd_bus_path_decode(assignment, FERRY_PATH_ASSIGNMENT_PREFIX, &id) > 0);
    file = g_build_filename(folder, id, NULL);
    assert_int_equal(g_unlink(file), 0);
    free(id);
    fixture_start_daemon(fixture);
    wait_rules(fixture, "");
}

static void test_end(void **state)
{
    Fixture *fixture = *state;

    plug(fixture);
    g_free(fixture_assign(fixture, STICK, FIXTURE_STUDIO));
    assert_rules(fixture, PRESENT WAITING);
    fixture_stop_daemon(fixture, SIGTERM);
    assert_rules(fixture, "");
    fixture_start_daemon(fixture);
    wait_rules(fixture, "ATTR{idVendor}==\"0781\"");
}

/* ------------------------------------------------------------------ in nobody's way */

static void test_it_can_not_be_written(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *folder = fixture_udev_rules(fixture), *assignment = NULL;

    assert_true(g_file_set_contents(folder, "no folder", -1, NULL));
    plug(fixture);
    assignment = fixture_assign(fixture, STICK, FIXTURE_DESK);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    fixture_wait_for(fixture, log_says, (void *)"the host is not kept from using what waits for a VM",
                     "a word of it");
    /* And by itself as soon as it can. */
    assert_int_equal(g_unlink(folder), 0);
    unplug(fixture);
    wait_rules(fixture, ABSENT);
    release(fixture, assignment);
    assert_rules(fixture, "");
}

static void test_off(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL, *path = rules_path(fixture);

    plug(fixture);
    assignment = fixture_assign(fixture, STICK, FIXTURE_STUDIO);
    assert_rules(fixture, PRESENT WAITING);
    fixture_stop_daemon(fixture, SIGKILL);
    settings_write(fixture, "[HandsOff]\nWaiting=false\n");
    fixture_start_daemon(fixture);
    fixture_wait_object(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, true);
    wait_rules(fixture, "");
    assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
}

static void test_off_and_on_by_a_reload(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    plug(fixture);
    assignment = fixture_assign(fixture, STICK, FIXTURE_STUDIO);
    assert_rules(fixture, PRESENT WAITING);
    settings_reload(fixture, "[HandsOff]\nWaiting=false\n");
    wait_rules(fixture, "");
    settings_reload(fixture, "[HandsOff]\nWaiting=true\n");
    wait_rules(fixture, PRESENT WAITING);
}

/* Serials are whatever a device likes: what udev could take for something else isn't told. */
static void test_hostile_serial(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *path = fixture_device_path(STICK), *text = NULL;

    fixture_plug(fixture, STICK, "0781", "5567", "S*\", RUN+=\"/bin/touch /tmp/x", "Stick");
    fixture_wait_object(fixture, path, FERRY_INTERFACE_DEVICE, true);
    g_free(fixture_assign(fixture, STICK, FIXTURE_STUDIO));
    assert_rules(fixture, PRESENT WAITING);
    unplug(fixture);
    wait_rules(fixture, "");
    text = read_rules(fixture);
    assert_null(strstr(text, "RUN"));
    fixture_wait_for(fixture, log_says, (void *)"can't be told to udev exactly", "a word of it");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_before_the_answer),
        TEST(test_with_a_vm),
        TEST(test_kill),
        TEST(test_end),
        TEST(test_it_can_not_be_written),
        TEST(test_off),
        TEST(test_off_and_on_by_a_reload),
        TEST(test_hostile_serial),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
