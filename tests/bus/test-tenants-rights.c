/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tenants and people: members have the tenant's devices and machines, and nothing else; others have nothing
 * of it. */

#include "tests/bus/cmocka-include.h"

#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>

#include "tests/bus/agent.h"
#include "tests/bus/memory-folder.h"
#include "tests/bus/open-call.h"
#include "tests/bus/tenant-calls.h"

#define DONGLE "0529:0001"

/* Users and a group that every system has. */
#define MEMBER_UID   1 /* daemon, of acme */
#define OTHER_UID    2 /* bin, of globex */
#define GROUP_GID    3 /* sys */
#define STRANGER_UID FIXTURE_STRANGER

#define REQUIRED "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"

/* Everybody has an active session, as it were: what is one's own is granted, everything else asked for. */
#define OWN_IS_GRANTED                                                                                         \
    "polkit.addRule(function (asked) { if (asked.id == 'org.usbferry1.assign-own') return polkit.Result.YES; " \
    "});\n"

typedef struct People {
    Fixture *fixture;
    sd_bus *member;
    sd_bus *other;
    sd_bus *stranger;
    char *acme;   /* has desk */
    char *globex; /* has studio */
    char *device; /* 1-1, granted to acme */
    char *group;  /* with it */
    char *desk;
    char *studio;
} People;

static int people_setup(void **state)
{
    People *people = g_new0(People, 1);
    g_autofree char *member = NULL, *other = NULL;
    void *fixture;
    int r = groups_setup(&fixture);

    people->fixture = fixture;
    *state = people;
    if (r != 0)
        return r;
    fixture_stop_polkit(fixture);
    fixture_start_polkit(fixture, OWN_IS_GRANTED);
    member = g_strdup_printf("user:%s", getpwuid(MEMBER_UID)->pw_name);
    other = g_strdup_printf("user:%s", getpwuid(OTHER_UID)->pw_name);
    people->acme = tenant_create_with(fixture, "acme", member, FIXTURE_DESK);
    people->globex = tenant_create_with(fixture, "globex", other, FIXTURE_STUDIO);
    people->member = fixture_connect(fixture, MEMBER_UID);
    people->other = fixture_connect(fixture, OTHER_UID);
    people->stranger = fixture_connect(fixture, STRANGER_UID);
    groups_plug(fixture, "1-1", DONGLE, "KEY-0001");
    people->group = tenant_grant(fixture, people->acme, "1-1", "keys");
    people->device = fixture_device_path("1-1");
    people->desk = fixture_machine_path(FIXTURE_DESK);
    people->studio = fixture_machine_path(FIXTURE_STUDIO);
    /* The names were looked up. */
    wait_list(fixture, people->acme, FERRY_INTERFACE_TENANT, "UnknownMembers", "");
    wait_list(fixture, people->globex, FERRY_INTERFACE_TENANT, "UnknownMembers", "");
    return 0;
}

static int people_teardown(void **state)
{
    People *people = *state;
    void *fixture = people->fixture;
    int r;

    sd_bus_flush_close_unref(people->member);
    sd_bus_flush_close_unref(people->other);
    sd_bus_flush_close_unref(people->stranger);
    r = groups_teardown(&fixture);
    g_free(people->acme);
    g_free(people->globex);
    g_free(people->device);
    g_free(people->group);
    g_free(people->desk);
    g_free(people->studio);
    g_free(people);
    return r;
}

static void assert_assign(const People *people, sd_bus *bus, const char *expected, const char *source,
                          const char *machine)
{
    assert_call_as(people->fixture, bus, expected, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign",
                   "ooa{sv}", source, machine, 0);
}

/* The assignment. New string. */
static char *assign_as(const People *people, sd_bus *bus, const char *source, const char *machine)
{
    sd_bus_message *reply = NULL;
    const char *path = NULL;
    g_autofree char *outcome = call_as(bus, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign", &reply,
                                       "ooa{sv}", source, machine, 0);
    char *copy;

    if (outcome) {
        fixture_print_log(people->fixture);
        fail_msg("Assign: %s", outcome);
    }
    assert_true(sd_bus_message_read(reply, "o", &path) >= 0);
    copy = g_strdup(path);
    sd_bus_message_unref(reply);
    return copy;
}

static void wait_state(const People *people, const char *assignment, const char *value)
{
    fixture_wait(people->fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", value);
}

static void assert_member(const People *people, sd_bus *bus, const char *expected, const char *assignment,
                          const char *member)
{
    if (strcmp(member, "Release") == 0)
        assert_call_as(people->fixture, bus, expected, assignment, FERRY_INTERFACE_ASSIGNMENT, member,
                       "a{sv}", 0);
    else
        assert_call_as(people->fixture, bus, expected, assignment, FERRY_INTERFACE_ASSIGNMENT, member, "");
}

/* Nothing was assigned and nothing moved. */
static void assert_untouched(const People *people)
{
    g_autofree char *where = fixture_get(people->fixture, people->device, FERRY_INTERFACE_DEVICE, "State");
    const char *const machines[] = { people->desk, people->studio };

    assert_string_equal(where, "host");
    for (gsize i = 0; i < G_N_ELEMENTS(machines); i++) {
        g_autofree char *list =
            get_list(people->fixture, machines[i], FERRY_INTERFACE_MACHINE, "Assignments");

        assert_string_equal(list, "");
    }
}

/* From the grant to the device in the machine, by a member, and back. */
static void test_member_gives_and_takes(void **state)
{
    const People *people = *state;
    g_autofree char *assignment = assign_as(people, people->member, people->device, people->desk);
    g_autofree char *drawn = NULL;
    g_autofree char *owner = NULL;

    wait_state(people, assignment, "attached");
    owner = fixture_get(people->fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Owner");
    assert_string_equal(owner, G_STRINGIFY(MEMBER_UID));
    assert_member(people, people->member, NULL, assignment, "Detach");
    wait_state(people, assignment, "disabled");
    assert_member(people, people->member, NULL, assignment, "Attach");
    wait_state(people, assignment, "attached");
    assert_member(people, people->member, NULL, assignment, "Release");
    fixture_wait_object(people->fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, false);

    drawn = assign_as(people, people->member, people->group, people->desk);
    wait_state(people, drawn, "attached");
    assert_member(people, people->member, NULL, drawn, "Release");
}

/* Who gave it doesn't matter: it is the tenant's. */
static void test_what_an_administrator_gave_is_the_members(void **state)
{
    const People *people = *state;
    g_autofree char *assignment = fixture_assign(people->fixture, "1-1", FIXTURE_DESK);

    wait_state(people, assignment, "attached");
    assert_member(people, people->stranger, REQUIRED, assignment, "Detach");
    assert_member(people, people->other, REQUIRED, assignment, "Release");
    wait_state(people, assignment, "attached");
    assert_member(people, people->member, NULL, assignment, "Detach");
    wait_state(people, assignment, "disabled");
    assert_member(people, people->other, REQUIRED, assignment, "Attach");
    wait_state(people, assignment, "disabled");
}

static void test_others_are_refused(void **state)
{
    const People *people = *state;

    assert_assign(people, people->stranger, REQUIRED, people->device, people->desk);
    assert_assign(people, people->stranger, REQUIRED, people->group, people->desk);
    assert_assign(people, people->stranger, "NotOwned", people->device, people->studio);
    assert_assign(people, people->other, REQUIRED, people->device, people->desk);
    assert_assign(people, people->other, "NotOwned", people->device, people->studio);
    assert_assign(people, people->other, "NotOwned", people->group, people->studio);
    assert_assign(people, people->fixture->bus, "NotOwned", people->device, people->studio);
    assert_assign(people, people->fixture->bus, "NotOwned", people->group, people->studio);
    assert_untouched(people);
}

/* Not elsewhere, nothing else, and nothing of the tenant itself. */
static void test_a_member_is_no_administrator(void **state)
{
    const People *people = *state;
    Fixture *fixture = people->fixture;
    g_autofree char *second = fixture_device_path("1-2");
    g_autofree char *pool = group_create_with(fixture, "dongles", "vendor=*");
    g_autofree char *assignment = NULL;
    sd_bus *bus = people->member;

    groups_plug(fixture, "1-2", DONGLE, "KEY-0002");
    assert_assign(people, bus, "NotOwned", people->device, people->studio);
    assert_assign(people, bus, REQUIRED, second, people->desk);
    assert_assign(people, bus, REQUIRED, pool, people->desk);
    assert_call_as(fixture, bus, REQUIRED, people->group, FERRY_INTERFACE_GROUP, "Update", "a{sv}", 1,
                   "AllowGuestReset", "b", 1);
    assert_call_as(fixture, bus, "NotOwned", people->group, FERRY_INTERFACE_GROUP, "AddRule", "sa{sv}",
                   "vendor=*", 0);
    assert_call_as(fixture, bus, REQUIRED, people->acme, FERRY_INTERFACE_TENANT, "Grant", "aosa{sv}", 1,
                   second, "keys", 0);
    assert_call_as(fixture, bus, REQUIRED, people->acme, FERRY_INTERFACE_TENANT, "Revoke", "aoa{sv}", 1,
                   people->device, 0);
    assert_call_as(fixture, bus, REQUIRED, people->acme, FERRY_INTERFACE_TENANT, "RemoveMachine", "o",
                   people->desk);
    assert_call_as(fixture, bus, REQUIRED, people->acme, FERRY_INTERFACE_TENANT, "Update", "a{sv}", 1,
                   "Members", "as", 1, "user:nobody");
    assert_call_as(fixture, bus, REQUIRED, people->acme, FERRY_INTERFACE_TENANT, "Delete", "a{sv}", 1,
                   "Force", "b", 1);
    assert_call_as(fixture, bus, REQUIRED, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "CreateTenant", "sa{sv}",
                   "mine", 0);
    tenant_set_machine(fixture, people->globex, FIXTURE_STUDIO, false);
    assert_call_as(fixture, bus, REQUIRED, people->acme, FERRY_INTERFACE_TENANT, "AddMachine", "o",
                   people->studio);
    assert_untouched(people);
    assert_tenant_of_device(fixture, "1-1", people->acme);
    assert_tenant_of_device(fixture, "1-2", NULL);
    wait_list(fixture, people->acme, FERRY_INTERFACE_TENANT, "Machines", FIXTURE_DESK);

    /* What the administrator gave of his own to the tenant's machine stays his. */
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    wait_state(people, assignment, "attached");
    assert_member(people, bus, REQUIRED, assignment, "Detach");
    assert_member(people, bus, REQUIRED, assignment, "Release");
    wait_state(people, assignment, "attached");
    /* Granted, it is the tenant's like the rest. */
    g_free(tenant_grant(fixture, people->acme, "1-2", "keys"));
    assert_member(people, people->other, REQUIRED, assignment, "Detach");
    assert_member(people, bus, NULL, assignment, "Detach");
    wait_state(people, assignment, "disabled");
}

/* What the administrator has forbidden, and who comes first, no member says. */
static void test_a_member_lifts_nothing(void **state)
{
    const People *people = *state;
    Fixture *fixture = people->fixture;
    const char *const keys[] = { "AllowGuestReset", "AllowGuestResetsAll" };
    sd_bus *bus = people->member;
    g_autofree char *assignment = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++)
        assert_call_as(fixture, bus, REQUIRED, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign", "ooa{sv}",
                       people->device, people->desk, 1, keys[i], "b", 1);
    assert_call_as(fixture, bus, REQUIRED, people->group, FERRY_INTERFACE_GROUP, "Assign", "oa{sv}",
                   people->desk, 1, "AllowGuestReset", "b", 1);
    assert_call_as(fixture, bus, REQUIRED, people->group, FERRY_INTERFACE_GROUP, "Assign", "oa{sv}",
                   people->desk, 1, "Priority", "i", 0);
    assert_untouched(people);
    /* less than he may have */
    assert_call_as(fixture, bus, NULL, people->group, FERRY_INTERFACE_GROUP, "Assign", "oa{sv}", people->desk,
                   2, "AllowGuestReset", "b", 0, "AllowGuestResetsAll", "b", 0);

    groups_plug(fixture, "1-2", DONGLE, "KEY-0002");
    g_free(tenant_grant(fixture, people->acme, "1-2", "more"));
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    wait_state(people, assignment, "attached");
    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
        sd_bus_message_unref(fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Update",
                                             "a{sv}", 1, keys[i], "b", 0));
        assert_call_as(fixture, bus, REQUIRED, assignment, FERRY_INTERFACE_ASSIGNMENT, "Update", "a{sv}", 1,
                       keys[i], "b", 1);
        assert_call_as(fixture, bus, REQUIRED, assignment, FERRY_INTERFACE_ASSIGNMENT, "Update", "a{sv}", 2,
                       "Name", "s", "mine", keys[i], "b", 1);
    }
    assert_call_as(fixture, bus, REQUIRED, assignment, FERRY_INTERFACE_ASSIGNMENT, "Update", "a{sv}", 1,
                   "Priority", "i", 0);
    assert_call_as(fixture, bus, NULL, assignment, FERRY_INTERFACE_ASSIGNMENT, "Update", "a{sv}", 2, "Name",
                   "s", "mine", "Description", "s", "the second key");
}

/* Who leaves the tenant keeps no hold on what he gave. */
static void test_a_member_no_longer(void **state)
{
    const People *people = *state;
    g_autofree char *assignment = assign_as(people, people->member, people->device, people->desk);

    wait_state(people, assignment, "attached");
    sd_bus_message_unref(fixture_call_ok(people->fixture, people->acme, FERRY_INTERFACE_TENANT, "Update",
                                         "a{sv}", 1, "Members", "as", 0));
    assert_member(people, people->member, REQUIRED, assignment, "Detach");
    assert_member(people, people->member, REQUIRED, assignment, "Release");
    assert_assign(people, people->member, "AlreadyExists", people->device, people->desk);
    wait_state(people, assignment, "attached");
    sd_bus_message_unref(
        fixture_call_ok(people->fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Release", "a{sv}", 0));
    fixture_wait_object(people->fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, false);
    assert_assign(people, people->member, REQUIRED, people->device, people->desk);
}

/* A group of the host is a member; a name that nobody has is shown, and nobody. */
static void test_groups_and_unknown_names(void **state)
{
    const People *people = *state;
    Fixture *fixture = people->fixture;
    g_autofree char *group = g_strdup_printf("group:%s", getgrgid(GROUP_GID)->gr_name);
    g_autofree char *expected = g_strdup_printf("user:ferry-nobody; %s; group:ferry-none", group);
    const gid_t groups[] = { GROUP_GID }, none[] = { 0 };
    sd_bus *stranger;

    sd_bus_message_unref(fixture_call_ok(fixture, people->acme, FERRY_INTERFACE_TENANT, "Update", "a{sv}", 1,
                                         "Members", "as", 4, "user:ferry-nobody", group, "group:ferry-none",
                                         group));
    wait_list(fixture, people->acme, FERRY_INTERFACE_TENANT, "Members", expected);
    wait_list(fixture, people->acme, FERRY_INTERFACE_TENANT, "UnknownMembers",
              "user:ferry-nobody; group:ferry-none");
    assert_assign(people, people->stranger, REQUIRED, people->device, people->desk);
    assert_int_equal(setgroups(G_N_ELEMENTS(groups), groups), 0);
    stranger = fixture_connect(fixture, STRANGER_UID);
    assert_int_equal(setgroups(G_N_ELEMENTS(none), none), 0);
    assert_assign(people, stranger, NULL, people->device, people->desk);
    sd_bus_flush_close_unref(stranger);
}

/* Who is a member is known again after a restart, and after a reload. */
static void test_members_after_restart_and_reload(void **state)
{
    const People *people = *state;
    Fixture *fixture = people->fixture;
    g_autofree char *first = NULL, *second = NULL;

    fixture_stop_daemon(fixture, SIGKILL);
    fixture_start_daemon(fixture);
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    g_free(fixture_script(fixture, "start %s", FIXTURE_DESK));
    g_free(fixture_script(fixture, "connect"));
    fixture_wait_object(fixture, people->device, FERRY_INTERFACE_DEVICE, true);
    fixture_wait_object(fixture, people->desk, FERRY_INTERFACE_MACHINE, true);
    wait_list(fixture, people->acme, FERRY_INTERFACE_TENANT, "UnknownMembers", "");
    first = assign_as(people, people->member, people->device, people->desk);
    assert_member(people, people->member, NULL, first, "Release");
    fixture_wait_object(fixture, first, FERRY_INTERFACE_ASSIGNMENT, false);
    kill(fixture->daemon_pid, SIGHUP);
    second = assign_as(people, people->member, people->device, people->desk);
    wait_state(people, second, "attached");
    wait_list(fixture, people->acme, FERRY_INTERFACE_TENANT, "UnknownMembers", "");
}

/* ------------------------------------------------------------------ from elsewhere, with his own password */

#define OWN    "org.usbferry1.assign-own"
#define ASSIGN "org.usbferry1.assign"

static void member_gives(const People *people, OpenCall *open, bool interactive)
{
    open_call(people->fixture, open, MEMBER_UID, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign",
              interactive, "ooa{sv}", people->device, people->desk, 0);
}

/* Here nobody has a session at the host, and the policy decides. */
static void test_a_member_types_his_own_password(void **state)
{
    const People *people = *state;
    Fixture *fixture = people->fixture;
    g_autofree char *text = NULL, *dismissed = NULL;
    Agent agent;
    OpenCall open;

    fixture_stop_polkit(fixture);
    fixture_start_polkit(fixture, "");
    member_gives(people, &open, false);
    text = open_call_finish(fixture, &open, REQUIRED);
    assert_says(text, "needs the right " OWN ",");

    agent_register(fixture, &agent, MEMBER_UID);
    member_gives(people, &open, true);
    agent_wait_asked(fixture, &agent, 1);
    assert_string_equal(agent.action, OWN);
    assert_int_equal(agent.identity, MEMBER_UID);
    agent_dismiss(&agent);
    dismissed = open_call_finish(fixture, &open, "org.freedesktop.DBus.Error.AccessDenied");
    assert_says(dismissed, "needs the right " OWN ",");
    assert_untouched(people);

    member_gives(people, &open, true);
    agent_wait_asked(fixture, &agent, 2);
    agent_say_yes(fixture, &agent);
    g_free(open_call_finish(fixture, &open, OPEN_CALL_OK));
    assert_int_equal(agent.asked, 2);
    agent_close(&agent);
}

/* A right that needs no password comes before one that does. */
static void test_a_member_with_a_right_types_nothing(void **state)
{
    const People *people = *state;
    Fixture *fixture = people->fixture;
    Agent agent;
    OpenCall open;

    fixture_stop_polkit(fixture);
    fixture_start_polkit(fixture, "polkit.addRule(function (asked) { if (asked.id == '" ASSIGN
                                  "') return polkit.Result.YES; });\n");
    agent_register(fixture, &agent, MEMBER_UID);
    member_gives(people, &open, true);
    g_free(open_call_finish(fixture, &open, OPEN_CALL_OK));
    assert_int_equal(agent.asked, 0);
    agent_close(&agent);
}

/* A rule that takes the right to one's own away leaves what everybody may ask for. */
static void test_a_member_whose_own_is_denied_is_anybody(void **state)
{
    const People *people = *state;
    Fixture *fixture = people->fixture;
    Agent agent;
    OpenCall open;

    fixture_stop_polkit(fixture);
    fixture_start_polkit(fixture, "polkit.addRule(function (asked) { if (asked.id == '" OWN
                                  "') return polkit.Result.NO; });\n");
    agent_register(fixture, &agent, MEMBER_UID);
    member_gives(people, &open, true);
    agent_wait_asked(fixture, &agent, 1);
    assert_string_equal(agent.action, ASSIGN);
    assert_int_equal(agent.identity, 0);
    agent_say_yes(fixture, &agent);
    g_free(open_call_finish(fixture, &open, OPEN_CALL_OK));
    agent_close(&agent);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, people_setup, people_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_member_gives_and_takes),
        TEST(test_what_an_administrator_gave_is_the_members),
        TEST(test_others_are_refused),
        TEST(test_a_member_is_no_administrator),
        TEST(test_a_member_lifts_nothing),
        TEST(test_a_member_no_longer),
        TEST(test_groups_and_unknown_names),
        TEST(test_members_after_restart_and_reload),
        TEST(test_a_member_types_his_own_password),
        TEST(test_a_member_with_a_right_types_nothing),
        TEST(test_a_member_whose_own_is_denied_is_anybody),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
