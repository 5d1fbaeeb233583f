/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An assignment moves to another machine in one step, by the right to both; and is found by its name. */

#include "tests/bus/cmocka-include.h"

#include <string.h>

#include "tests/bus/memory-folder.h"
#include "tests/bus/tenant-calls.h"

#define ASSIGNMENT FERRY_INTERFACE_ASSIGNMENT
#define MANAGER    FERRY_INTERFACE_MANAGER

static void assert_is(Fixture *fixture, const char *path, const char *property, const char *expected)
{
    g_autofree char *value = fixture_get(fixture, path, ASSIGNMENT, property);

    assert_string_equal(value, expected);
}

/* New string. */
static char *give(Fixture *fixture, const char *sysname)
{
    char *assignment;

    groups_plug(fixture, sysname, "046d:c31c", sysname);
    assignment = fixture_assign(fixture, sysname, FIXTURE_DESK);
    tenant_wait_state(fixture, assignment, "attached");
    return assignment;
}

static void test_it_moves(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = give(fixture, "1-1"), *studio = fixture_machine_path(FIXTURE_STUDIO);
    g_autofree char *device = fixture_device_path("1-1"), *desk = fixture_machine_path(FIXTURE_DESK);

    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    fixture_wait(fixture, studio, FERRY_INTERFACE_MACHINE, "State", "running");
    sd_bus_message_unref(
        fixture_call_ok(fixture, assignment, ASSIGNMENT, "Update", "a{sv}", 1, "Machine", "o", studio));
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "Machine", studio);
    tenant_wait_state(fixture, assignment, "attached");
    assert_is(fixture, assignment, "Machine", studio);
    assert_is(fixture, assignment, "MachineName", "studio");
    assert_is(fixture, assignment, "Name", "Device 046d:c31c to studio");
    wait_list(fixture, desk, FERRY_INTERFACE_MACHINE, "Devices", "");
    wait_list(fixture, desk, FERRY_INTERFACE_MACHINE, "Assignments", "");

    /* with a name of its own, and back; where it is already it stays */
    sd_bus_message_unref(fixture_call_ok(fixture, assignment, ASSIGNMENT, "Update", "a{sv}", 2, "Machine",
                                         "o", desk, "Name", "s", "mine"));
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "Machine", desk);
    tenant_wait_state(fixture, assignment, "attached");
    sd_bus_message_unref(
        fixture_call_ok(fixture, assignment, ASSIGNMENT, "Update", "a{sv}", 1, "Machine", "o", desk));
    assert_is(fixture, assignment, "Name", "mine");
}

static void test_what_cannot_move(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_create_with(fixture, "dongles", "vendor=0529");
    g_autofree char *one = group_assign(fixture, group, FIXTURE_DESK, "1", NULL);
    g_autofree char *two = group_assign(fixture, group, FIXTURE_STUDIO, "1", NULL);
    g_autofree char *desk = fixture_machine_path(FIXTURE_DESK),
                    *studio = fixture_machine_path(FIXTURE_STUDIO);
    g_autofree char *device = NULL, *tenant = NULL, *keys = NULL, *owned = NULL;

    g_free(fixture_call_error(fixture, "AlreadyExists", two, ASSIGNMENT, "Update", "a{sv}", 1, "Machine", "o",
                              desk));
    assert_is(fixture, two, "Machine", studio);
    assert_is(fixture, one, "Machine", desk);

    groups_plug(fixture, "1-1", "046d:c31c", "KBD");
    device = fixture_device_path("1-1");
    tenant = tenant_create_with(fixture, "acme", NULL, FIXTURE_DESK);
    keys = tenant_grant(fixture, tenant, "1-1", "keys");
    owned = fixture_assign(fixture, "1-1", FIXTURE_DESK);
    g_free(fixture_call_error(fixture, "NotOwned", owned, ASSIGNMENT, "Update", "a{sv}", 1, "Machine", "o",
                              studio));
    tenant_wait_state(fixture, owned, "attached");
}

#define RULE(condition, result) \
    "polkit.addRule(function (action) { if (" condition ") return polkit.Result." result "; });\n"

static void assert_moves(Fixture *fixture, const char *rules, const char *assignment, const char *uuid,
                         const char *expected)
{
    g_autofree char *machine = fixture_machine_path(uuid);
    sd_bus *bus = fixture_connect(fixture, FIXTURE_STRANGER);

    fixture_stop_polkit(fixture);
    fixture_start_polkit(fixture, rules);
    assert_call_as(fixture, bus, expected, assignment, ASSIGNMENT, "Update", "a{sv}", 1, "Machine", "o",
                   machine);
    sd_bus_flush_close_unref(bus);
}

static void test_both_machines_count(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = give(fixture, "1-1");

    assert_moves(fixture, RULE("action.lookup('machine') == 'studio'", "NO") RULE("true", "YES"), assignment,
                 FIXTURE_STUDIO, "org.freedesktop.DBus.Error.AccessDenied");
    assert_moves(fixture, RULE("action.lookup('machine') == 'desk'", "NO") RULE("true", "YES"), assignment,
                 FIXTURE_STUDIO, "org.freedesktop.DBus.Error.AccessDenied");
    assert_moves(fixture, RULE("action.lookup('machine') == 'studio'", "YES"), assignment, FIXTURE_STUDIO,
                 "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired");
    tenant_wait_state(fixture, assignment, "attached");
    assert_moves(fixture, RULE("action.lookup('machine') != ''", "YES"), assignment, FIXTURE_STUDIO, NULL);
    tenant_wait_state(fixture, assignment, "waiting-machine");
}

static void test_found_by_name(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = give(fixture, "1-1"),
                    *group = group_create_with(fixture, "dongles", "vendor=0529");
    g_autofree char *id = NULL, *desk = fixture_machine_path(FIXTURE_DESK), *studio = NULL;
    const char *const names[] = { "Device 046d:c31c to desk", NULL };
    const char *path = NULL;
    sd_bus_message *reply;

    for (int i = 0; i < 2; i++) {
        reply = fixture_call_ok(fixture, FERRY_PATH_ROOT, MANAGER, "GetAssignment", "s",
                                names[i] ? names[i] : id);
        assert_true(sd_bus_message_read(reply, "o", &path) >= 0);
        assert_string_equal(path, assignment);
        sd_bus_message_unref(reply);
        if (!id)
            assert_true(sd_bus_path_decode(assignment, FERRY_PATH_ASSIGNMENT_PREFIX, &id) > 0);
    }
    studio = fixture_machine_path(FIXTURE_STUDIO);
    sd_bus_message_unref(
        fixture_call_ok(fixture, assignment, ASSIGNMENT, "Update", "a{sv}", 1, "Name", "s", "same"));
    sd_bus_message_unref(fixture_call_ok(fixture, FERRY_PATH_ROOT, MANAGER, "Assign", "ooa{sv}", group,
                                         studio, 1, "Name", "s", "same"));
    g_free(fixture_call_error(fixture, "Ambiguous", FERRY_PATH_ROOT, MANAGER, "GetAssignment", "s", "same"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, groups_setup, groups_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_it_moves),
        TEST(test_what_cannot_move),
        TEST(test_both_machines_count),
        TEST(test_found_by_name),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
