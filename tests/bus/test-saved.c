/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A machine that was saved, or goes back to a snapshot, starts whatever became of its devices meanwhile, and
 * gets those that are there. */

#include "tests/bus/cmocka-include.h"

#include <signal.h>
#include <string.h>

#include "tests/bus/group-calls.h"
#include "tests/bus/memory-folder.h"
#include "tests/bus/reset-calls.h"
#include "tests/bus/run-client.h"

#define NOWHERE "=255:255:optional"

typedef struct Wanted {
    const char *command;
    const char *text;
} Wanted;

static bool is_shown(Fixture *fixture, void *userdata)
{
    const Wanted *wanted = userdata;

    g_free(fixture->last_seen);
    fixture->last_seen = fixture_script(fixture, "%s %s", wanted->command, FIXTURE_DESK);
    return strstr(fixture->last_seen, wanted->text) && !strstr(fixture->last_seen, "mandatory");
}

static void wait_saved(Fixture *fixture, const char *text)
{
    fixture_wait_for(fixture, is_shown, &(Wanted){ "saved", text }, text);
}

static void wait_snapshots(Fixture *fixture, const char *text)
{
    fixture_wait_for(fixture, is_shown, &(Wanted){ "snapshots", text }, text);
}

static char *repairs(Fixture *fixture)
{
    g_autofree char *shown = fixture_script(fixture, "saved %s", FIXTURE_DESK);

    return g_strndup(shown, strcspn(shown, " "));
}

/* In every test: desk has the keyboard with the serial KBD-0001. */
static char *give_keyboard(Fixture *fixture)
{
    reset_plug(fixture, "1-2", "KBD-0001");
    return reset_give(fixture, "1-2", FIXTURE_DESK);
}

static void save(Fixture *fixture, const char *assignment)
{
    g_free(fixture_script(fixture, "save %s", FIXTURE_DESK));
    reset_wait_state(fixture, assignment, "waiting-machine");
}

static void unplug(Fixture *fixture, const char *sysname)
{
    g_autofree char *path = fixture_device_path(sysname);

    fixture_unplug(fixture, sysname);
    fixture_wait_object(fixture, path, FERRY_INTERFACE_DEVICE, false);
}

static void test_saved_and_started(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = give_keyboard(fixture);

    save(fixture, assignment);
    wait_saved(fixture, "repairs=1 ua-usbferry-");
    wait_saved(fixture, "=1:3:optional");
    g_free(fixture_script(fixture, "wake %s", FIXTURE_DESK));
    reset_wait_machine(fixture, FIXTURE_DESK, "-2=1:3:046d:c31c", true);
    reset_wait_state(fixture, assignment, "attached");
}

/* Each time it gets another number, the image follows: it could be started at any time. */
static void test_renumbered_while_saved(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = give_keyboard(fixture);

    save(fixture, assignment);
    wait_saved(fixture, "=1:3:optional");
    unplug(fixture, "1-2");
    wait_saved(fixture, NOWHERE);
    reset_plug(fixture, "1-2", "KBD-0001");
    wait_saved(fixture, "=1:4:optional");
    unplug(fixture, "1-2");
    reset_plug(fixture, "1-5", "KBD-0001");
    wait_saved(fixture, "=1:5:optional");
    g_free(fixture_script(fixture, "wake %s", FIXTURE_DESK));
    reset_wait_machine(fixture, FIXTURE_DESK, "-2=1:5:046d:c31c", true);
    reset_wait_state(fixture, assignment, "attached");
}

static void test_gone_while_saved(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = give_keyboard(fixture);

    save(fixture, assignment);
    unplug(fixture, "1-2");
    wait_saved(fixture, NOWHERE);
    g_free(fixture_script(fixture, "wake %s", FIXTURE_DESK));
    reset_wait_state(fixture, assignment, "waiting-device");
    /* The placeholder is taken out, and the device goes in when it comes. */
    reset_wait_machine(fixture, FIXTURE_DESK, "=255:255:", false);
    reset_plug(fixture, "1-2", "KBD-0001");
    reset_wait_state(fixture, assignment, "attached");
}

/* What the machine would not get has no place in it: libvirt starts no machine whose device another one has.
 */
static void test_only_what_it_would_get_has_a_place(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = give_keyboard(fixture);

    save(fixture, assignment);
    wait_saved(fixture, "=1:3:optional");
    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    g_free(fixture_script(fixture, "foreign %s 1 3 046d c31c", FIXTURE_STUDIO));
    wait_saved(fixture, NOWHERE);
    g_free(fixture_script(fixture, "unforeign %s", FIXTURE_STUDIO));
    wait_saved(fixture, "=1:3:optional");
    sd_bus_message_unref(
        fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "SetEnabled", "b", 0));
    wait_saved(fixture, NOWHERE);
    sd_bus_message_unref(
        fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "SetEnabled", "b", 1));
    wait_saved(fixture, "=1:3:optional");
    sd_bus_message_unref(
        fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Release", "a{sv}", 0));
    wait_saved(fixture, NOWHERE);
}

/* Others may draw it while the machine is off. */
static void test_drawn_from_a_group(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_create_with(fixture, "dongles", "vendor=0529");
    g_autofree char *assignment = NULL, *other = NULL;

    groups_plug(fixture, "1-2", "0529:0001", "A-1");
    assignment = group_assign(fixture, group, FIXTURE_DESK, "1", NULL);
    reset_wait_state(fixture, assignment, "attached");
    save(fixture, assignment);
    wait_saved(fixture, NOWHERE);
    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    other = group_assign(fixture, group, FIXTURE_STUDIO, "1", NULL);
    reset_wait_state(fixture, other, "attached");
    g_free(fixture_script(fixture, "wake %s", FIXTURE_DESK));
    reset_wait_state(fixture, assignment, "waiting-device");
    reset_wait_state(fixture, other, "attached");
}

static bool is_ours_nowhere(Fixture *fixture, void *userdata)
{
    g_autofree char *shown = fixture_script(fixture, "saved %s", FIXTURE_DESK);

    return strstr(shown, NOWHERE) != NULL;
}

static void test_foreign_devices_in_it_are_left_alone(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = give_keyboard(fixture);
    g_autofree char *shown = NULL;

    g_free(fixture_script(fixture, "foreign %s 1 99 0529 0001", FIXTURE_DESK));
    save(fixture, assignment);
    unplug(fixture, "1-2");
    fixture_wait_for(fixture, is_ours_nowhere, NULL, "our own to be nowhere");
    shown = fixture_script(fixture, "saved %s", FIXTURE_DESK);
    fixture_assert(fixture, strstr(shown, "hostdev0=1:99:mandatory"));
}

/* Saved before this process began. */
static void test_found_at_the_start(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = give_keyboard(fixture);
    g_autofree char *shown = fixture_script(fixture, "show %s", FIXTURE_DESK);
    g_auto(GStrv) words = g_strsplit(shown, " ", -1);

    fixture_stop_daemon(fixture, SIGKILL);
    fixture_start_daemon(fixture);
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    g_free(fixture_script(fixture, "carry-on %s 1 %s", FIXTURE_DESK, words[3]));
    g_free(fixture_script(fixture, "save %s", FIXTURE_DESK));
    g_free(fixture_script(fixture, "connect"));
    wait_saved(fixture, "=1:3:optional");
    reset_wait_state(fixture, assignment, "waiting-machine");
}

/* It is tried again, and the log says once what is wrong. */
static void test_what_cannot_be_repaired(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = give_keyboard(fixture);
    g_autofree char *none = NULL;

    g_free(fixture_script(fixture, "refuse-repairs %s new xml too large to fit in file", FIXTURE_DESK));
    save(fixture, assignment);
    /* Another machine isn't kept waiting by it. */
    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    reset_plug(fixture, "1-4", "KBD-0009");
    g_free(reset_give(fixture, "1-4", FIXTURE_STUDIO));
    none = repairs(fixture);
    assert_string_equal(none, "repairs=0");
    g_free(fixture_script(fixture, "refuse-repairs %s", FIXTURE_DESK));
    wait_saved(fixture, "repairs=1 ");
}

static void test_an_image_that_is_thrown_away(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = give_keyboard(fixture);

    save(fixture, assignment);
    wait_saved(fixture, "=1:3:optional");
    g_free(fixture_script(fixture, "discard %s", FIXTURE_DESK));
    g_free(fixture_script(fixture, "start %s", FIXTURE_DESK));
    reset_wait_state(fixture, assignment, "attached");
}

static void test_snapshots(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = give_keyboard(fixture);
    g_autofree char *before = NULL, *after = NULL;

    g_free(fixture_script(fixture, "snapshot %s first", FIXTURE_DESK));
    wait_snapshots(fixture, "first ua-usbferry-");
    wait_snapshots(fixture, NOWHERE);
    g_free(fixture_script(fixture, "snapshot %s second", FIXTURE_DESK));
    wait_snapshots(fixture, " second ua-usbferry-");
    before = repairs(fixture);
    assert_string_equal(before, "repairs=2");

    unplug(fixture, "1-2");
    reset_plug(fixture, "1-2", "KBD-0001");
    reset_wait_state(fixture, assignment, "attached");
    g_free(fixture_script(fixture, "revert %s first", FIXTURE_DESK));
    reset_wait_machine(fixture, FIXTURE_DESK, "=255:255:", false);
    reset_wait_machine(fixture, FIXTURE_DESK, "-2=1:4:046d:c31c", true);
    reset_wait_state(fixture, assignment, "attached");
    after = repairs(fixture);
    assert_string_equal(after, "repairs=2");
}

/* ------------------------------------------------------------------ the end of the host */

static void hold_home(Fixture *fixture, bool hold)
{
    sd_bus_message_unref(
        fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "HoldHome", "b", (int)hold));
}

static void test_everything_comes_home(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = give_keyboard(fixture);
    g_autofree char *shown = NULL, *again = NULL, *other = NULL;
    g_auto(Said) overview = { 0 }, after = { 0 };

    g_free(fixture_script(fixture, "foreign %s 1 99 0529 0001", FIXTURE_DESK));
    hold_home(fixture, true);
    /* When it answers, not some time after. */
    shown = fixture_script(fixture, "show %s", FIXTURE_DESK);
    fixture_assert(fixture, !strstr(shown, "ua-usbferry-") && strstr(shown, "hostdev0=1:99:"));
    reset_wait_state(fixture, assignment, "waiting-device");
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Error", "org.usbferry1.Error.Disabled");
    fixture_wait(
        fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Reason",
        "everything is home because usbferry-guests.service was stopped, as it is when the host shuts "
        "down; start it, and devices are given again.");

    fixture_wait(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "HeldHome", "true");
    overview = client_run(fixture, "");
    fixture_assert(fixture, strstr(overview.out, "Everything is held home"));

    /* Nothing is given: neither to a machine that starts, nor what is assigned now. */
    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    reset_plug(fixture, "1-4", "KBD-0009");
    other = fixture_assign(fixture, "1-4", FIXTURE_STUDIO);
    fixture_wait(fixture, other, FERRY_INTERFACE_ASSIGNMENT, "Error", "org.usbferry1.Error.Disabled");
    hold_home(fixture, true);
    again = fixture_script(fixture, "counts");
    fixture_assert(fixture, strstr(again, "attach=1 detach=1 "));

    hold_home(fixture, false);
    reset_wait_state(fixture, assignment, "attached");
    reset_wait_state(fixture, other, "attached");
    fixture_wait(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "HeldHome", "false");
    after = client_run(fixture, "");
    fixture_assert(fixture, !strstr(after.out, "held home"));
}

static void test_drawn_devices_come_home(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_create_with(fixture, "dongles", "vendor=0529");
    g_autofree char *assignment = group_assign(fixture, group, FIXTURE_DESK, "all", NULL);
    g_autofree char *shown = NULL;

    groups_plug(fixture, "1-2", "0529:0001", "A-1");
    groups_plug(fixture, "1-3", "0529:0001", "A-2");
    reset_wait_state(fixture, assignment, "attached");
    hold_home(fixture, true);
    shown = fixture_script(fixture, "show %s", FIXTURE_DESK);
    fixture_assert(fixture, !strstr(shown, "ua-usbferry-"));
    hold_home(fixture, false);
    wait_list(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Devices", "1-2 attached; 1-3 attached");
}

/* Switched off, nothing goes anywhere new; what was taken home for now is where it was. */
static void test_what_is_switched_off_comes_back_as_well(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = give_keyboard(fixture);
    g_autofree char *away = NULL;

    sd_bus_message_unref(
        fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "SetEnabled", "b", 0));
    hold_home(fixture, true);
    away = fixture_script(fixture, "show %s", FIXTURE_DESK);
    fixture_assert(fixture, !strstr(away, "ua-usbferry-"));
    hold_home(fixture, false);
    reset_wait_state(fixture, assignment, "attached");
}

/* What was saved before isn't looked for anywhere after a boot of the host, where everything has other
 * numbers. */
static void test_images_are_held_too(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = give_keyboard(fixture);

    save(fixture, assignment);
    wait_saved(fixture, "=1:3:optional");
    hold_home(fixture, true);
    wait_saved(fixture, NOWHERE);
    hold_home(fixture, false);
    wait_saved(fixture, "=1:3:optional");
}

/* Another process of the service gives: as after a boot. */
static void test_a_new_process_holds_nothing(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = give_keyboard(fixture);

    hold_home(fixture, true);
    fixture_stop_daemon(fixture, SIGTERM);
    fixture_start_daemon(fixture);
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    g_free(fixture_script(fixture, "start %s", FIXTURE_DESK));
    g_free(fixture_script(fixture, "connect"));
    reset_wait_state(fixture, assignment, "attached");
}

static void test_nobody_can_say(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *text = NULL;

    g_free(fixture_script(fixture, "disconnect gone"));
    fixture_wait(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "HypervisorState", "connecting");
    text = fixture_call_error(fixture, "Hypervisor", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "HoldHome",
                              "b", 1);
    assert_string_equal(text, "the hypervisor is away: gone");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_saved_and_started),
        TEST(test_renumbered_while_saved),
        TEST(test_gone_while_saved),
        TEST(test_only_what_it_would_get_has_a_place),
        cmocka_unit_test_setup_teardown(test_drawn_from_a_group, groups_setup, groups_teardown),
        TEST(test_foreign_devices_in_it_are_left_alone),
        TEST(test_found_at_the_start),
        TEST(test_what_cannot_be_repaired),
        TEST(test_an_image_that_is_thrown_away),
        TEST(test_snapshots),
        TEST(test_everything_comes_home),
        cmocka_unit_test_setup_teardown(test_drawn_devices_come_home, groups_setup, groups_teardown),
        TEST(test_what_is_switched_off_comes_back_as_well),
        TEST(test_images_are_held_too),
        TEST(test_a_new_process_holds_nothing),
        TEST(test_nobody_can_say),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
