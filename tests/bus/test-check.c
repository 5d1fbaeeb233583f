/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What CheckAssign and CheckRelease say beforehand is what happens then, in every case that there is; and
 * what AssignMany does is done as a whole. What they say of rights is compared in test-matrix.c. */

#include "tests/bus/cmocka-include.h"

#include <string.h>

#include "tests/bus/agent.h"
#include "tests/bus/memory-folder.h"
#include "tests/bus/open-call.h"
#include "tests/bus/tenant-calls.h"

#define ASSIGNMENT FERRY_INTERFACE_ASSIGNMENT
#define MANAGER    FERRY_INTERFACE_MANAGER
#define KEYBOARD   "046d:c31c"
#define DONGLE     "0529:0001"

/* ------------------------------------------------------------------ what is said */

/* "yes; taken DeviceBusy; machine-off": the answer, and code and error of each obstacle. New string. */
static char *read_check(sd_bus_message *reply)
{
    GString *said = g_string_new(NULL);
    const char *answer = NULL;

    assert_true(sd_bus_message_read(reply, "s", &answer) >= 0);
    g_string_append(said, answer);
    assert_true(sd_bus_message_enter_container(reply, 'a', "a{sv}") >= 0);
    while (sd_bus_message_enter_container(reply, 'a', "{sv}") > 0) {
        const char *code = NULL, *error = NULL, *text = NULL, *key, *value;

        while (sd_bus_message_enter_container(reply, 'e', "sv") > 0) {
            assert_true(sd_bus_message_read(reply, "s", &key) >= 0);
            assert_true(sd_bus_message_read(reply, "v", strcmp(key, "Subject") == 0 ? "o" : "s", &value) >=
                        0);
            if (strcmp(key, "Code") == 0)
                code = value;
            if (strcmp(key, "Error") == 0)
                error = value;
            if (strcmp(key, "Text") == 0)
                text = value;
            assert_true(sd_bus_message_exit_container(reply) >= 0);
        }
        assert_true(sd_bus_message_exit_container(reply) >= 0);
        assert_true(g_str_has_suffix(text, "."));
        g_string_append_printf(said, "; %s%s%s", code, *error ? " " : "",
                               *error ? error + strlen(FERRY_ERROR_PREFIX) : "");
    }
    return g_string_free(said, FALSE);
}

static char *check_assign(Fixture *fixture, const char *source, const char *uuid)
{
    g_autofree char *machine = fixture_machine_path(uuid);
    sd_bus_message *reply =
        fixture_call_ok(fixture, FERRY_PATH_ROOT, MANAGER, "CheckAssign", "aooa{sv}", 1, source, machine, 0);
    char *said = read_check(reply);

    sd_bus_message_unref(reply);
    return said;
}

static char *check_release(Fixture *fixture, const char *assignment, const char *device)
{
    sd_bus_message *reply =
        fixture_call_ok(fixture, FERRY_PATH_ROOT, MANAGER, "CheckRelease", "ooa{sv}", assignment, device, 0);
    char *said = read_check(reply);

    sd_bus_message_unref(reply);
    return said;
}

static bool desk_is_known(Fixture *fixture, void *device)
{
    g_autofree char *said = check_assign(fixture, device, FIXTURE_DESK);

    return strcmp(said, "yes") == 0;
}

/* What it says, and then what Assign does: refused by the error that was told, or made, and then it is where
 * the obstacle said, or arrives when there is none. */
static void compare(Fixture *fixture, const char *source, const char *uuid, const char *expected)
{
    g_autofree char *machine = fixture_machine_path(uuid);
    g_autofree char *said = check_assign(fixture, source, uuid), *outcome = NULL;
    g_auto(GStrv) first = NULL;
    sd_bus_message *reply = NULL;
    const char *assignment = NULL;

    assert_string_equal(said, expected);
    assert_true(g_str_has_prefix(said, "yes"));
    first = g_strsplit(strlen(said) > strlen("yes; ") ? said + strlen("yes; ") : "", " ", 2);
    outcome =
        call_as(fixture->bus, FERRY_PATH_ROOT, MANAGER, "Assign", &reply, "ooa{sv}", source, machine, 0);
    if (first[0] && first[1]) {
        assert_string_equal(outcome ? outcome : "success", first[1]);
        return;
    }
    assert_null(outcome);
    assert_true(sd_bus_message_read(reply, "o", &assignment) >= 0);
    if (first[0]) {
        fixture_wait(fixture, assignment, ASSIGNMENT, "ReasonCode", first[0]);
    } else {
        fixture_wait(fixture, assignment, ASSIGNMENT, "State", "attached");
    }
    sd_bus_message_unref(fixture_call_ok(fixture, assignment, ASSIGNMENT, "Release", "a{sv}", 0));
    fixture_wait_object(fixture, assignment, ASSIGNMENT, false);
    sd_bus_message_unref(reply);
}

/* New string: a device's path. */
static char *plug(Fixture *fixture, const char *sysname, const char *ids)
{
    groups_plug(fixture, sysname, ids, sysname);
    return fixture_device_path(sysname);
}

/* ------------------------------------------------------------------ every obstacle */

static void test_of_a_device(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = plug(fixture, "1-1", KEYBOARD), *taken = plug(fixture, "1-2", KEYBOARD);
    g_autofree char *owned = plug(fixture, "1-3", KEYBOARD), *hub = fixture_device_path("1-4");
    g_autofree char *desk = fixture_machine_path(FIXTURE_DESK), *other = NULL, *tenant = NULL;

    fixture_plug_hub(fixture, "1-4");
    fixture_wait_object(fixture, hub, FERRY_INTERFACE_DEVICE, true);
    compare(fixture, device, FIXTURE_DESK, "yes");
    compare(fixture, device, FIXTURE_STUDIO, "yes; machine-off");
    compare(fixture, hub, FIXTURE_DESK, "yes; hub DeviceIsHub");

    other = fixture_assign(fixture, "1-2", FIXTURE_STUDIO);
    compare(fixture, taken, FIXTURE_DESK, "yes; taken DeviceBusy");
    compare(fixture, taken, FIXTURE_STUDIO, "yes; already-assigned AlreadyExists");
    tenant = tenant_create(fixture, "acme", NULL);
    g_free(tenant_grant(fixture, tenant, "1-3", "keys"));
    compare(fixture, owned, FIXTURE_DESK, "yes; not-owned NotOwned");

    g_free(fixture_script(fixture, "ports %s 0", FIXTURE_DESK));
    fixture_wait(fixture, desk, FERRY_INTERFACE_MACHINE, "FreePorts", "0");
    compare(fixture, device, FIXTURE_DESK, "yes; no-controller");
    g_free(fixture_script(fixture, "ports %s 15", FIXTURE_DESK));
    fixture_wait(fixture, desk, FERRY_INTERFACE_MACHINE, "FreePorts", "15");

    sd_bus_message_unref(fixture_call_ok(fixture, FERRY_PATH_ROOT, MANAGER, "SetEnabled", "b", 0));
    compare(fixture, device, FIXTURE_DESK, "yes; switched-off");
    sd_bus_message_unref(fixture_call_ok(fixture, FERRY_PATH_ROOT, MANAGER, "SetEnabled", "b", 1));

    g_free(fixture_script(fixture, "disconnect restarting"));
    fixture_wait(fixture, FERRY_PATH_ROOT, MANAGER, "HypervisorState", "connecting");
    {
        g_autofree char *said = check_assign(fixture, device, FIXTURE_DESK);

        assert_string_equal(said, "yes; hypervisor-away");
    }
    g_free(fixture_script(fixture, "connect"));
    fixture_wait(fixture, FERRY_PATH_ROOT, MANAGER, "HypervisorState", "connected");
    fixture_wait_for(fixture, desk_is_known, device, "VM \"desk\" to be known again");
    compare(fixture, device, FIXTURE_DESK, "yes");
}

static void test_of_a_group(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_create_with(fixture, "dongles", "vendor=0529");
    g_autofree char *machine = fixture_machine_path(FIXTURE_DESK), *said = NULL, *path = NULL;
    sd_bus_message *reply;

    compare(fixture, group, FIXTURE_DESK, "yes; none-plugged-in");
    path = plug(fixture, "1-1", DONGLE);
    compare(fixture, group, FIXTURE_DESK, "yes");
    compare(fixture, group, FIXTURE_STUDIO, "yes; machine-off");
    reply = fixture_call_ok(fixture, FERRY_PATH_ROOT, MANAGER, "CheckAssign", "aooa{sv}", 1, group, machine,
                            1, "Quantity", "s", "2");
    said = read_check(reply);
    sd_bus_message_unref(reply);
    assert_string_equal(said, "yes; none-free");
    group_call(fixture, group, "Update", "a{sv}", 1, "Enabled", "b", 0);
    compare(fixture, group, FIXTURE_DESK, "yes; group-disabled");
}

/* Asked for together, they stand in each other's way as they will. */
static void test_of_several(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *one = plug(fixture, "1-1", KEYBOARD), *two = plug(fixture, "1-2", KEYBOARD);
    g_autofree char *three = plug(fixture, "1-3", KEYBOARD), *desk = fixture_machine_path(FIXTURE_DESK);
    g_autofree char *said = NULL;
    sd_bus_message *reply;

    g_free(fixture_script(fixture, "ports %s 2", FIXTURE_DESK));
    fixture_wait(fixture, desk, FERRY_INTERFACE_MACHINE, "FreePorts", "2");
    reply = fixture_call_ok(fixture, FERRY_PATH_ROOT, MANAGER, "CheckAssign", "aooa{sv}", 3, one, two, three,
                            desk, 0);
    said = read_check(reply);
    sd_bus_message_unref(reply);
    assert_string_equal(said, "yes; no-port");
}

static void test_of_a_release(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = plug(fixture, "1-1", KEYBOARD);
    g_autofree char *assignment = fixture_assign(fixture, "1-1", FIXTURE_DESK);
    g_autofree char *whole = NULL, *alone = NULL, *stuck = NULL, *again = NULL;

    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "attached");
    whole = check_release(fixture, assignment, "/");
    assert_string_equal(whole, "yes");
    alone = check_release(fixture, assignment, device);
    assert_string_equal(alone, "yes");
    g_free(fixture_script(fixture, "disconnect restarting"));
    fixture_wait(fixture, FERRY_PATH_ROOT, MANAGER, "HypervisorState", "connecting");
    stuck = check_release(fixture, assignment, "/");
    assert_string_equal(stuck, "yes; hypervisor-away");

    /* It is released, and a second time while it is on its way. */
    for (int i = 0; i < 2; i++)
        sd_bus_message_unref(fixture_call_ok(fixture, assignment, ASSIGNMENT, "Release", "a{sv}", 0));
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "detaching");
    again = check_release(fixture, assignment, "/");
    assert_string_equal(again, "yes; hypervisor-away");
    g_free(fixture_script(fixture, "connect"));
    fixture_wait_object(fixture, assignment, ASSIGNMENT, false);
}

/* ------------------------------------------------------------------ several at a time */

static void test_all_or_nothing(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *one = plug(fixture, "1-1", KEYBOARD), *two = plug(fixture, "1-2", KEYBOARD);
    g_autofree char *group = group_create_with(fixture, "dongles", "vendor=0529");
    g_autofree char *dongle = plug(fixture, "1-3", DONGLE), *desk = fixture_machine_path(FIXTURE_DESK);
    g_autofree char *studio = fixture_machine_path(FIXTURE_STUDIO), *busy = NULL, *made = NULL;
    sd_bus_message *reply;
    g_auto(GStrv) ids = NULL;

    busy = fixture_assign(fixture, "1-2", FIXTURE_STUDIO);
    g_free(fixture_call_error(fixture, "DeviceBusy", FERRY_PATH_ROOT, MANAGER, "AssignMany", "aooa{sv}", 3,
                              one, two, group, desk, 0));
    wait_list(fixture, desk, FERRY_INTERFACE_MACHINE, "Assignments", "");
    sd_bus_message_unref(fixture_call_ok(fixture, busy, ASSIGNMENT, "Release", "a{sv}", 0));
    fixture_wait_object(fixture, busy, ASSIGNMENT, false);

    fixture_break_disk(fixture);
    g_free(fixture_call_error(fixture, "Storage", FERRY_PATH_ROOT, MANAGER, "AssignMany", "aooa{sv}", 3, one,
                              two, group, desk, 0));
    wait_list(fixture, desk, FERRY_INTERFACE_MACHINE, "Assignments", "");
    fixture_mend_disk(fixture);

    reply = fixture_call_ok(fixture, FERRY_PATH_ROOT, MANAGER, "AssignMany", "aooa{sv}", 3, one, two, group,
                            desk, 0);
    made = read_list(reply);
    sd_bus_message_unref(reply);
    ids = g_strsplit(made, "; ", -1);
    assert_int_equal(g_strv_length(ids), 3);
    for (char **id = ids; *id; id++) {
        char *path = NULL;

        assert_true(sd_bus_path_encode(FERRY_PATH_ASSIGNMENT_PREFIX, *id, &path) >= 0);
        fixture_wait(fixture, path, ASSIGNMENT, "State", "attached");
        if (id == ids)
            fixture_wait(fixture, path, ASSIGNMENT, "Name", "Device 046d:c31c to desk");
        if (id == ids + 1)
            fixture_wait(fixture, path, ASSIGNMENT, "Name", "Device 046d:c31c to desk (2)");
        if (id == ids + 2)
            fixture_wait(fixture, path, ASSIGNMENT, "DeviceLabel", "dongles");
        free(path);
    }
    g_free(fixture_call_error(fixture, "AlreadyExists", FERRY_PATH_ROOT, MANAGER, "AssignMany", "aooa{sv}", 2,
                              one, group, desk, 0));
}

#define RULE(condition, result) \
    "polkit.addRule(function (action) { if (" condition ") return polkit.Result." result "; });\n"

static void set_rules(Fixture *fixture, const char *rules)
{
    fixture_stop_polkit(fixture);
    fixture_start_polkit(fixture, rules);
}

static void test_one_question_for_all(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *one = plug(fixture, "1-1", KEYBOARD), *two = plug(fixture, "1-2", KEYBOARD);
    g_autofree char *desk = fixture_machine_path(FIXTURE_DESK);
    Agent agent = {};
    OpenCall call;

    set_rules(fixture, RULE("action.id == 'org.usbferry1.assign'", "AUTH_SELF"));
    agent_register(fixture, &agent, FIXTURE_STRANGER);
    open_call(fixture, &call, FIXTURE_STRANGER, FERRY_PATH_ROOT, MANAGER, "AssignMany", true, "aooa{sv}", 2,
              one, two, desk, 0);
    agent_wait_asked(fixture, &agent, 1);
    assert_says(agent.text, "(1-1), " KEYBOARD);
    assert_says(agent.text, "(1-2)");
    agent_say_yes(fixture, &agent);
    g_free(open_call_finish(fixture, &call, OPEN_CALL_OK));
    assert_int_equal(agent.asked, 1);
    agent_close(&agent);
}

/* Who may have each may have all; who may not have one alone doesn't get it among others, whatever the rules
 * say of several. */
static void test_rules_for_one_hold_for_several(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *one = plug(fixture, "1-1", KEYBOARD), *two = plug(fixture, "1-2", KEYBOARD);
    g_autofree char *desk = fixture_machine_path(FIXTURE_DESK);
    sd_bus *bus = fixture_connect(fixture, FIXTURE_STRANGER);
    const struct {
        const char *rules, *check, *assign;
    } cases[] = {
        { RULE("action.lookup('serial') == '1-2'", "NO") RULE("true", "YES"), "no",
          "org.freedesktop.DBus.Error.AccessDenied" },
        { RULE("action.lookup('serial') == '1-2'", "AUTH_ADMIN") RULE("true", "YES"), "challenge",
          "org.freedesktop.DBus.Error.AccessDenied" },
        { RULE("action.lookup('serial') == '1-2'", "AUTH_ADMIN")
              RULE("action.lookup('serial') == '1-1'", "YES"),
          "challenge", "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired" },
        { RULE("action.lookup('serial') != ''", "YES"), "yes", NULL },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        sd_bus_message *reply = NULL;
        g_autofree char *outcome = NULL, *said = NULL;

        set_rules(fixture, cases[i].rules);
        outcome =
            call_as(bus, FERRY_PATH_ROOT, MANAGER, "CheckAssign", &reply, "aooa{sv}", 2, one, two, desk, 0);
        assert_null(outcome);
        said = read_check(reply);
        assert_string_equal(said, cases[i].check);
        sd_bus_message_unref(reply);
        assert_call_as(fixture, bus, cases[i].assign, FERRY_PATH_ROOT, MANAGER, "AssignMany", "aooa{sv}", 2,
                       one, two, desk, 0);
    }
    sd_bus_flush_close_unref(bus);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, groups_setup, groups_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_of_a_device),
        TEST(test_of_a_group),
        TEST(test_of_several),
        TEST(test_of_a_release),
        TEST(test_all_or_nothing),
        TEST(test_one_question_for_all),
        TEST(test_rules_for_one_hold_for_several),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
