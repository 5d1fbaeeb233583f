/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Machines that are gone, and those that were made anew under a name: another UUID is another machine. What
 * nobody is there for holds nothing, and comes to the new one when somebody says so. */

#include "tests/bus/cmocka-include.h"

#include <string.h>

#include "tests/bus/apply-calls.h"
#include "tests/bus/memory-folder.h"
#include "tests/bus/reset-calls.h"

#define ANEW "33333333-3333-3333-3333-333333333333"
#define TEXT "[Assignment]\nName=x\nMachine=desk\nSelector=vendor=046d product=c31c\n"

/* undefine desk; define it again, without a UUID. */
static void make_anew(Fixture *fixture)
{
    g_autofree char *old = fixture_machine_path(FIXTURE_DESK), *new = fixture_machine_path(ANEW);

    g_free(fixture_script(fixture, "stop %s", FIXTURE_DESK));
    g_free(fixture_script(fixture, "undefine %s", FIXTURE_DESK));
    fixture_wait_object(fixture, old, FERRY_INTERFACE_MACHINE, false);
    g_free(fixture_script(fixture, "define %s desk", ANEW));
    g_free(fixture_script(fixture, "start %s", ANEW));
    fixture_wait(fixture, new, FERRY_INTERFACE_MACHINE, "State", "running");
}

static void wait_device(Fixture *fixture, const char *sysname, const char *state)
{
    g_autofree char *path = fixture_device_path(sysname);

    fixture_wait(fixture, path, FERRY_INTERFACE_DEVICE, "State", state);
}

typedef struct Expected {
    const char *assignment;
    const char *text;
} Expected;

static bool has_reason(Fixture *fixture, void *userdata)
{
    const Expected *expected = userdata;

    g_free(fixture->last_seen);
    fixture->last_seen = fixture_get(fixture, expected->assignment, FERRY_INTERFACE_ASSIGNMENT, "Reason");
    return strstr(fixture->last_seen, expected->text);
}

/* Its Machine may be told, and its State, before the next look at who wants what. */
static void wait_reason(Fixture *fixture, const char *assignment, const char *text)
{
    Expected expected = { assignment, text };

    fixture_wait_for(fixture, has_reason, &expected, text);
}

static bool explains(Fixture *fixture, const char *sysname, const char *text)
{
    g_autofree char *path = fixture_device_path(sysname);
    sd_bus_message *reply =
        fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Explain", "o", path);
    bool found = false;
    const char *key, *value;

    assert_true(sd_bus_message_enter_container(reply, 'a', "a{sv}") > 0);
    while (sd_bus_message_enter_container(reply, 'a', "{sv}") > 0) {
        while (sd_bus_message_enter_container(reply, 'e', "sv") > 0) {
            assert_true(sd_bus_message_read(reply, "s", &key) > 0);
            if (strcmp(key, "Text") == 0 && sd_bus_message_read(reply, "v", "s", &value) > 0)
                found |= strstr(value, text) != NULL;
            else if (strcmp(key, "Text") != 0)
                assert_true(sd_bus_message_skip(reply, "v") >= 0);
            assert_true(sd_bus_message_exit_container(reply) >= 0);
        }
        assert_true(sd_bus_message_exit_container(reply) >= 0);
    }
    sd_bus_message_unref(reply);
    return found;
}

static void test_applied_again(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *first = apply(fixture, TEXT);
    g_autofree char *assignment = NULL, *machine = NULL, *second = NULL, *third = NULL;
    g_autofree char *device = fixture_device_path("1-2"), *anew = fixture_machine_path(ANEW);

    reset_plug(fixture, "1-2", "KBD-0001");
    wait_device(fixture, "1-2", "attached");
    assignment = fixture_get(fixture, device, FERRY_INTERFACE_DEVICE, "Assignment");
    make_anew(fixture);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "waiting-machine");
    wait_device(fixture, "1-2", "host");
    second = apply(fixture, TEXT);
    fixture_assert(fixture, strstr(second, "changed assignment x"));
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    machine = fixture_get(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Machine");
    assert_string_equal(machine, anew);
    third = apply(fixture, TEXT);
    assert_string_equal(third, "");
}

static void test_given_again_by_hand(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL, *error = NULL, *again = NULL, *name = NULL;
    g_autofree char *device = fixture_device_path("1-2"), *anew = fixture_machine_path(ANEW);

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = reset_give(fixture, "1-2", FIXTURE_DESK);
    make_anew(fixture);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Error",
                 "org.usbferry1.Error.NoSuchMachine");
    wait_reason(fixture, assignment, "(" FIXTURE_DESK ") is gone, and a new one has its name (" ANEW ")");
    wait_reason(fixture, assignment, "give that one the same again, or apply the assignment again.");
    fixture_assert(fixture, explains(fixture, "1-2", "is gone, and a new one has its name (" ANEW ")"));
    /* All of it or nothing: a disk that takes nothing ends nothing. */
    fixture_break_disk(fixture);
    error = fixture_call_error(fixture, "Storage", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign",
                               "ooa{sv}", device, anew, 0);
    fixture_mend_disk(fixture);
    wait_reason(fixture, assignment, "a new one has its name");
    /* It takes the place of the one that is left behind, its name included. */
    again = reset_give(fixture, "1-2", ANEW);
    fixture_wait_object(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, false);
    name = fixture_get(fixture, again, FERRY_INTERFACE_ASSIGNMENT, "Name");
    assert_string_equal(name, "Keyboard K120 to desk");
}

/* A dead UUID's claim keeps nothing from others; when the machine comes back after that, it waits its turn.
 */
static void test_the_dead_hold_nothing(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *of_desk = NULL, *of_studio = NULL;

    reset_plug(fixture, "1-2", "KBD-0001");
    of_desk = reset_give(fixture, "1-2", FIXTURE_DESK);
    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    g_free(fixture_script(fixture, "stop %s", FIXTURE_DESK));
    g_free(fixture_script(fixture, "undefine %s", FIXTURE_DESK));
    fixture_wait(fixture, of_desk, FERRY_INTERFACE_ASSIGNMENT, "State", "waiting-machine");
    wait_reason(fixture, of_desk, "holds nothing until it is there again");
    wait_device(fixture, "1-2", "host");
    of_studio = reset_give(fixture, "1-2", FIXTURE_STUDIO);
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    g_free(fixture_script(fixture, "start %s", FIXTURE_DESK));
    fixture_wait(fixture, of_desk, FERRY_INTERFACE_ASSIGNMENT, "Error", "org.usbferry1.Error.DeviceBusy");
    fixture_wait(fixture, of_studio, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
}

/* Who can't be seen is not gone. */
static void test_away_is_not_gone(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL, *studio = fixture_machine_path(FIXTURE_STUDIO);
    g_autofree char *device = fixture_device_path("1-2"), *error = NULL;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = reset_give(fixture, "1-2", FIXTURE_DESK);
    g_free(fixture_script(fixture, "disconnect restarting"));
    fixture_wait(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "HypervisorState", "connecting");
    error = fixture_call_error(fixture, "DeviceBusy", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign",
                               "ooa{sv}", device, studio, 0);
    fixture_assert(fixture, strstr(error, "take it home first"));
    /* Nor is one whose list can't be read. */
    g_free(fixture_script(fixture, "list it hiccups"));
    g_free(fixture_script(fixture, "connect"));
    fixture_wait(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "HypervisorState", "failed");
    g_free(error);
    error = fixture_call_error(fixture, "DeviceBusy", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign",
                               "ooa{sv}", device, studio, 0);
    fixture_assert(fixture, strstr(error, "take it home first"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_applied_again),
        TEST(test_given_again_by_hand),
        TEST(test_the_dead_hold_nothing),
        TEST(test_away_is_not_gone),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
