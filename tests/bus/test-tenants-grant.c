/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tenants, and what was assigned before the grant: it is the tenant's with the device, idle, unplugged or in
 * use. */

#include "tests/bus/cmocka-include.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bus/memory-folder.h"
#include "tests/bus/tenant-calls.h"

#define DONGLE      "0529:0001"
#define CREATOR_UID FIXTURE_MEMBER /* bin: may assign */
#define MEMBER_UID  FIXTURE_OTHER  /* daemon: of acme */

#define REQUIRED "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"

/* As with active sessions: what is one's own is granted, and to one of them assigning. */
#define RULES                                                                                          \
    "polkit.addRule(function (asked, subject) { if (asked.id == 'org.usbferry1.assign-own' || "        \
    "(asked.id == 'org.usbferry1.assign' && subject.user == 'bin' && !asked.lookup('owner'))) return " \
    "polkit.Result.YES; });\n"

static void start_polkit(Fixture *fixture, const char *rules)
{
    fixture_stop_polkit(fixture);
    fixture_start_polkit(fixture, rules);
}

static char *assign_as(Fixture *fixture, sd_bus *bus, const char *sysname, const char *uuid)
{
    g_autofree char *device = fixture_device_path(sysname), *machine = fixture_machine_path(uuid);
    g_autofree char *outcome = NULL;
    sd_bus_message *reply = NULL;
    const char *path = NULL;
    char *copy;

    outcome = call_as(bus, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign", &reply, "ooa{sv}", device,
                      machine, 0);
    fixture_assert(fixture, !outcome);
    assert_true(sd_bus_message_read(reply, "o", &path) >= 0);
    copy = g_strdup(path);
    sd_bus_message_unref(reply);
    return copy;
}

static void apply(Fixture *fixture, const char *text, bool prune)
{
    sd_bus_message_unref(fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Apply",
                                         "ssa{sv}", text, "host.conf", 1, "Prune", "b", (int)prune));
}

static bool is_exported(Fixture *fixture)
{
    sd_bus_message *reply =
        fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Export", "a{sv}", 0);
    const char *text = NULL;
    bool found;

    assert_true(sd_bus_message_read(reply, "s", &text) >= 0);
    found = strstr(text, "[Assignment]");
    sd_bus_message_unref(reply);
    return found;
}

/* The only one of the machine. New string: its path. */
static char *only_assignment(Fixture *fixture, const char *uuid)
{
    g_autofree char *machine = fixture_machine_path(uuid);
    g_autofree char *id = get_list(fixture, machine, FERRY_INTERFACE_MACHINE, "Assignments");

    char *encoded = NULL, *path;

    assert_true(*id && !strchr(id, ';'));
    assert_true(sd_bus_path_encode(FERRY_PATH_ASSIGNMENT_PREFIX, id, &encoded) >= 0);
    path = g_strdup(encoded);
    free(encoded);
    return path;
}

static void unplug(Fixture *fixture, const char *sysname)
{
    g_autofree char *device = fixture_device_path(sysname);

    fixture_unplug(fixture, sysname);
    fixture_wait_object(fixture, device, FERRY_INTERFACE_DEVICE, false);
}

static void restart(Fixture *fixture)
{
    g_autofree char *desk = fixture_machine_path(FIXTURE_DESK);

    fixture_start_daemon(fixture);
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    g_free(fixture_script(fixture, "start %s", FIXTURE_DESK));
    g_free(fixture_script(fixture, "connect"));
    fixture_wait_object(fixture, desk, FERRY_INTERFACE_MACHINE, true);
}

static void revoke_rule(Fixture *fixture, const char *tenant, const char *group, uint32_t rule)
{
    sd_bus_message_unref(fixture_call_ok(fixture, tenant, FERRY_INTERFACE_TENANT, "Revoke", "aoa{sv}", 0, 2,
                                         "Group", "s", group, "Rule", "u", rule));
}

/* ------------------------------------------------------------------ whose it is */

static void assert_is_the_tenants(Fixture *fixture, const char *assignment, sd_bus *creator, sd_bus *stranger)
{
    sd_bus *others[] = { creator, stranger };

    for (gsize i = 0; i < G_N_ELEMENTS(others); i++) {
        assert_call_as(fixture, others[i], REQUIRED, assignment, FERRY_INTERFACE_ASSIGNMENT, "Release",
                       "a{sv}", 0);
        assert_call_as(fixture, others[i], REQUIRED, assignment, FERRY_INTERFACE_ASSIGNMENT, "Detach", "");
        assert_call_as(fixture, others[i], REQUIRED, assignment, FERRY_INTERFACE_ASSIGNMENT, "Update",
                       "a{sv}", 1, "Description", "s", "mine");
    }
    assert_false(is_exported(fixture));
    /* nothing of it is in the text, and nothing of it goes */
    apply(fixture, "[Group]\nName=other\n", true);
    fixture_wait_object(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, true);
}

static void test_pinned_before_the_grant(void **state)
{
    Fixture *fixture = *state;
    sd_bus *creator = fixture_connect(fixture, CREATOR_UID);
    sd_bus *member = fixture_connect(fixture, MEMBER_UID);
    sd_bus *stranger = fixture_connect(fixture, FIXTURE_STRANGER);
    g_autofree char *acme = tenant_create_with(fixture, "acme", "user:daemon", FIXTURE_DESK);
    g_autofree char *assignment = NULL;

    start_polkit(fixture, RULES);
    wait_list(fixture, acme, FERRY_INTERFACE_TENANT, "UnknownMembers", "");
    groups_plug(fixture, "1-1", DONGLE, "KEY-0001");
    assignment = assign_as(fixture, creator, "1-1", FIXTURE_DESK);
    tenant_wait_state(fixture, assignment, "attached");
    assert_call_as(fixture, creator, NULL, assignment, FERRY_INTERFACE_ASSIGNMENT, "Update", "a{sv}", 1,
                   "Description", "s", "mine");
    assert_call_as(fixture, member, REQUIRED, assignment, FERRY_INTERFACE_ASSIGNMENT, "Update", "a{sv}", 1,
                   "Description", "s", "ours");
    assert_true(is_exported(fixture));

    g_free(tenant_grant(fixture, acme, "1-1", "keys"));
    tenant_wait_state(fixture, assignment, "attached");
    assert_is_the_tenants(fixture, assignment, creator, stranger);
    unplug(fixture, "1-1");
    assert_is_the_tenants(fixture, assignment, creator, stranger);
    fixture_stop_daemon(fixture, SIGKILL);
    restart(fixture);
    wait_list(fixture, acme, FERRY_INTERFACE_TENANT, "UnknownMembers", "");
    assert_is_the_tenants(fixture, assignment, creator, stranger);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Description", "mine");

    groups_plug(fixture, "1-1", DONGLE, "KEY-0001");
    tenant_wait_state(fixture, assignment, "attached");
    unplug(fixture, "1-1");
    assert_call_as(fixture, member, NULL, assignment, FERRY_INTERFACE_ASSIGNMENT, "Update", "a{sv}", 1,
                   "Description", "s", "ours");
    assert_call_as(fixture, member, NULL, assignment, FERRY_INTERFACE_ASSIGNMENT, "Release", "a{sv}", 0);
    fixture_wait_object(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, false);
    sd_bus_flush_close_unref(creator);
    sd_bus_flush_close_unref(member);
    sd_bus_flush_close_unref(stranger);
}

/* By a rule that isn't the grant's, and at home, and it ends with the last that it can be on. */
static void test_rule_text_before_the_grant(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *acme = tenant_create_with(fixture, "acme", NULL, FIXTURE_DESK);
    g_autofree char *assignment = NULL, *pinned = NULL;

    groups_plug(fixture, "1-1", DONGLE, "KEY-0001");
    apply(fixture, "[Assignment]\nName=wide\nMachine=desk\nSelector=vendor=0529\nEnabled=false\n", false);
    assignment = only_assignment(fixture, FIXTURE_DESK);
    tenant_wait_state(fixture, assignment, "disabled");
    g_free(tenant_grant(fixture, acme, "1-1", "keys"));
    groups_plug(fixture, "1-2", DONGLE, "KEY-0002");
    g_free(tenant_grant(fixture, acme, "1-2", "keys"));
    pinned = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    unplug(fixture, "1-1");
    unplug(fixture, "1-2");
    /* nothing but what was stored says so now */
    fixture_stop_daemon(fixture, SIGKILL);
    restart(fixture);
    assert_false(is_exported(fixture));
    apply(fixture, "[Group]\nName=other\n", true);
    revoke_rule(fixture, acme, "keys", 1);
    fixture_wait_object(fixture, pinned, FERRY_INTERFACE_ASSIGNMENT, true);
    fixture_wait_object(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, true);
    revoke_rule(fixture, acme, "keys", 2);
    fixture_wait_object(fixture, pinned, FERRY_INTERFACE_ASSIGNMENT, false);
    fixture_wait_object(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, false);
}

/* While both could be meant, what is there tells which one it is on. */
static void test_revoke_what_another_stands_for(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *acme = tenant_create_with(fixture, "acme", NULL, FIXTURE_DESK);
    g_autofree char *assignment = NULL;

    groups_plug(fixture, "1-1", DONGLE, "KEY-0001");
    apply(fixture, "[Assignment]\nName=wide\nMachine=desk\nSelector=vendor=0529\n", false);
    assignment = only_assignment(fixture, FIXTURE_DESK);
    groups_plug(fixture, "1-2", DONGLE, "KEY-0002");
    tenant_wait_state(fixture, assignment, "attached");
    g_free(tenant_grant(fixture, acme, "1-1", "keys"));
    g_free(tenant_grant(fixture, acme, "1-2", "keys"));
    tenant_revoke(fixture, acme, "1-2");
    tenant_wait_state(fixture, assignment, "attached");
    tenant_wait_device(fixture, "1-1", "State", "attached");
    tenant_revoke(fixture, acme, "1-1");
    fixture_wait_object(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, false);
}

/* ------------------------------------------------------------------ the disk */

typedef struct Answer {
    bool done;
    char *error; /* NULL = it worked */
} Answer;

static int on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    Answer *answer = userdata;
    const sd_bus_error *its = sd_bus_message_get_error(reply);

    answer->done = true;
    answer->error = its ? g_strdup(its->name) : NULL;
    return 0;
}

static bool is_answered(Fixture *fixture, void *userdata)
{
    while (sd_bus_process(fixture->bus, NULL) > 0)
        ;
    return ((const Answer *)userdata)->done;
}

/* The change would be stored behind the grant, and without the tenant. */
static void test_nobody_changes_it_meanwhile(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *acme = tenant_create_with(fixture, "acme", NULL, FIXTURE_DESK);
    g_autofree char *device = fixture_device_path("1-1");
    g_autofree char *assignment = NULL;
    Answer granted = {};

    groups_plug(fixture, "1-1", DONGLE, "KEY-0001");
    assignment = fixture_assign(fixture, "1-1", FIXTURE_DESK);
    tenant_wait_state(fixture, assignment, "attached");
    disk_script_hold(fixture->disk, true);
    sd_bus_call_method_async(fixture->bus, NULL, FERRY_BUS_NAME, acme, FERRY_INTERFACE_TENANT, "Grant",
                             on_answer, &granted, "aosa{sv}", 1, device, "keys", 0);
    g_free(fixture_call_error(fixture, "LimitExceeded", assignment, FERRY_INTERFACE_ASSIGNMENT, "Update",
                              "a{sv}", 1, "Description", "s", "x"));
    assert_false(granted.done);
    disk_script_hold(fixture->disk, false);
    fixture_wait_for(fixture, is_answered, &granted, "the grant is answered");
    assert_null(granted.error);
    assert_tenant_of_device(fixture, "1-1", acme);
    sd_bus_message_unref(fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Update", "a{sv}",
                                         1, "Description", "s", "x"));
    assert_false(is_exported(fixture));
}

static void test_what_cannot_be_stored_is_not_done(void **state)
{
    Fixture *fixture = *state;
    sd_bus *creator = fixture_connect(fixture, CREATOR_UID);
    g_autofree char *acme = tenant_create_with(fixture, "acme", NULL, FIXTURE_DESK);
    g_autofree char *group = group_path("acme/keys");
    g_autofree char *assignment = NULL;

    start_polkit(fixture, RULES);
    groups_plug(fixture, "1-1", DONGLE, "KEY-0001");
    assignment = assign_as(fixture, creator, "1-1", FIXTURE_DESK);
    tenant_wait_state(fixture, assignment, "attached");
    fixture_break_disk(fixture);
    g_free(tenant_grant_error(fixture, "Storage", acme, "1-1", "keys"));
    fixture_mend_disk(fixture);

    fixture_wait_object(fixture, group, FERRY_INTERFACE_GROUP, false);
    assert_tenant_of_device(fixture, "1-1", NULL);
    tenant_wait_state(fixture, assignment, "attached");
    assert_true(is_exported(fixture));
    assert_call_as(fixture, creator, NULL, assignment, FERRY_INTERFACE_ASSIGNMENT, "Update", "a{sv}", 1,
                   "Description", "s", "still mine");
    g_free(tenant_grant(fixture, acme, "1-1", "keys"));
    assert_false(is_exported(fixture));
    sd_bus_flush_close_unref(creator);
}

/* From a service that didn't write it into the assignment. */
static void test_state_of_before(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *acme = tenant_create_with(fixture, "acme", NULL, FIXTURE_DESK);
    g_autofree char *path = NULL, *file = NULL, *text = NULL, *name = NULL;
    char *id = NULL, *line;

    groups_plug(fixture, "1-1", DONGLE, "KEY-0001");
    path = fixture_assign(fixture, "1-1", FIXTURE_DESK);
    g_free(tenant_grant(fixture, acme, "1-1", "keys"));
    unplug(fixture, "1-1");
    assert_true(sd_bus_path_decode(path, FERRY_PATH_ASSIGNMENT_PREFIX, &id) > 0);
    name = g_strconcat("assignments/", id, NULL);
    free(id);
    file = fixture_state_path(fixture, name);
    for (int round = 0; round < 2; round++) {
        fixture_stop_daemon(fixture, SIGTERM);
        g_clear_pointer(&text, g_free);
        assert_true(g_file_get_contents(file, &text, NULL, NULL));
        line = strstr(text, "Tenant=acme\n");
        assert_non_null(line); /* it is written again */
        memmove(line, line + strlen("Tenant=acme\n"), strlen(line + strlen("Tenant=acme\n")) + 1);
        assert_true(g_file_set_contents(file, text, -1, NULL));
        restart(fixture);
        assert_false(is_exported(fixture));
        /* what is stored after that is behind it */
        g_free(group_create(fixture, round ? "b" : "a"));
    }
}

/* ------------------------------------------------------------------ what can't be */

/* It would be taken out of a running guest. */
static void test_drawn_from_a_pool(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *acme = tenant_create_with(fixture, "acme", NULL, FIXTURE_DESK);
    g_autofree char *pool = group_create_with(fixture, "dongles", "vendor=0529");
    g_autofree char *drawn = NULL, *text = NULL, *own = NULL, *group = NULL;

    groups_plug(fixture, "1-1", DONGLE, "KEY-0001");
    drawn = group_assign(fixture, pool, FIXTURE_DESK, NULL, NULL);
    tenant_wait_state(fixture, drawn, "attached");
    text = tenant_grant_error(fixture, "DeviceBusy", acme, "1-1", "keys");
    assert_says(text, "is in VM \"desk\" from group dongles, which does not belong to tenant acme");
    tenant_wait_state(fixture, drawn, "attached");
    sd_bus_message_unref(fixture_call_ok(fixture, drawn, FERRY_INTERFACE_ASSIGNMENT, "Detach", ""));
    tenant_wait_device(fixture, "1-1", "State", "host");
    group = tenant_grant(fixture, acme, "1-1", "keys");
    sd_bus_message_unref(fixture_call_ok(fixture, drawn, FERRY_INTERFACE_ASSIGNMENT, "Attach", ""));
    tenant_wait_state(fixture, drawn, "waiting-device");
    /* Drawn from its own group it may be put into another one of the tenant's. */
    own = group_assign(fixture, group, FIXTURE_DESK, NULL, NULL);
    tenant_wait_state(fixture, own, "attached");
    g_free(tenant_grant(fixture, acme, "1-1", "more"));
    tenant_wait_state(fixture, own, "attached");
}

/* Nor can it be told, before the machines have been seen. */
static void test_perhaps_drawn_from_a_pool(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *acme = tenant_create_with(fixture, "acme", NULL, FIXTURE_DESK);
    g_autofree char *pool = group_create_with(fixture, "dongles", "vendor=0529");
    g_autofree char *drawn = NULL, *text = NULL, *shown = NULL,
                    *studio = fixture_machine_path(FIXTURE_STUDIO);
    const char *hostdev;

    groups_plug(fixture, "1-1", DONGLE, "KEY-0001");
    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    drawn = group_assign(fixture, pool, FIXTURE_STUDIO, NULL, NULL);
    tenant_wait_state(fixture, drawn, "attached");
    shown = fixture_script(fixture, "show %s", FIXTURE_STUDIO);
    hostdev = strstr(shown, "ua-usbferry-");
    fixture_stop_daemon(fixture, SIGTERM);
    fixture_start_daemon(fixture);
    g_free(fixture_script(fixture, "define %s studio", FIXTURE_STUDIO));
    g_free(fixture_script(fixture, "carry-on %s 1 %s", FIXTURE_STUDIO, hostdev));
    text = tenant_grant_error(fixture, "Hypervisor", acme, "1-1", "keys");
    assert_says(text, "may be in VM \"studio\" from group dongles");
    g_free(fixture_script(fixture, "connect"));
    fixture_wait_object(fixture, studio, FERRY_INTERFACE_MACHINE, true);
    tenant_wait_state(fixture, drawn, "attached");
    g_free(tenant_grant_error(fixture, "DeviceBusy", acme, "1-1", "keys"));
}

/* Also when it isn't the one that comes first. */
static void test_meant_for_another_machine_too(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *acme = tenant_create_with(fixture, "acme", NULL, FIXTURE_DESK);
    g_autofree char *text = NULL;

    groups_plug(fixture, "1-1", DONGLE, "KEY-0001");
    apply(fixture,
          "[Assignment]\nName=a\nMachine=desk\nSelector=vendor=0529\nPriority=1\n"
          "[Assignment]\nName=b\nMachine=studio\nSelector=product=0001\n",
          false);
    tenant_wait_device(fixture, "1-1", "State", "attached");
    text = tenant_grant_error(fixture, "DeviceBusy", acme, "1-1", "keys");
    assert_says(text, "is assigned to VM \"studio\", which does not belong to tenant acme");
    tenant_set_machine(fixture, acme, FIXTURE_STUDIO, true);
    g_free(tenant_grant(fixture, acme, "1-1", "keys"));
    tenant_wait_device(fixture, "1-1", "State", "attached");
    assert_false(is_exported(fixture));
}

/* A text doesn't get at it while it is away. */
static void test_a_text_while_it_is_away(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *acme = tenant_create_with(fixture, "acme", NULL, FIXTURE_DESK);
    g_autofree char *assignment = NULL, *text = NULL, *reason = NULL;

    groups_plug(fixture, "1-1", DONGLE, "KEY-0001");
    g_free(tenant_grant(fixture, acme, "1-1", "keys"));
    unplug(fixture, "1-1");
    text = fixture_call_error(
        fixture, "NotOwned", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Apply", "ssa{sv}",
        "[Assignment]\nName=x\nMachine=desk\nSelector=serial=KEY-0001 vendor=529 product=1\n", "host.conf",
        0);
    assert_says(text, "host.conf:1");
    assert_says(text, "a rule of group acme/keys, which is tenant acme's");
    apply(fixture, "[Assignment]\nName=x\nMachine=desk\nSelector=vendor=0529\n", false);
    assignment = only_assignment(fixture, FIXTURE_DESK);
    groups_plug(fixture, "1-1", DONGLE, "KEY-0001");
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Error", FERRY_ERROR_PREFIX "NotOwned");
    reason = fixture_get(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Reason");
    assert_says(reason, "belongs to tenant acme, and assignment ");
    assert_says(reason, "does not: release it");
    assert_true(is_exported(fixture));
    tenant_wait_device(fixture, "1-1", "State", "host");
}

/* ------------------------------------------------------------------ what polkit is told */

static void test_the_group_is_told_by_its_full_name(void **state)
{
    Fixture *fixture = *state;
    sd_bus *bus = fixture_connect(fixture, FIXTURE_STRANGER);
    g_autofree char *acme = tenant_create(fixture, "acme", NULL);
    g_autofree char *first = fixture_device_path("1-1"), *second = fixture_device_path("1-2");
    g_autofree char *third = fixture_device_path("1-3");

    start_polkit(fixture,
                 "polkit.addRule(function (asked) { if (asked.id == 'org.usbferry1.manage-tenants' && "
                 "['acme/keys', 'acme/devices-1'].indexOf(asked.lookup('group')) >= 0) return "
                 "polkit.Result.YES; });\n");
    groups_plug(fixture, "1-1", DONGLE, "KEY-0001");
    groups_plug(fixture, "1-2", DONGLE, "KEY-0002");
    groups_plug(fixture, "1-3", DONGLE, "KEY-0003");
#define GRANT(expected, device, group)                                                                   \
    assert_call_as(fixture, bus, expected, acme, FERRY_INTERFACE_TENANT, "Grant", "aosa{sv}", 1, device, \
                   group, 0)
#define REVOKE(expected, ...) \
    assert_call_as(fixture, bus, expected, acme, FERRY_INTERFACE_TENANT, "Revoke", __VA_ARGS__)
    GRANT(REQUIRED, first, "pool");
    GRANT(NULL, first, "keys");
    GRANT(NULL, second, "");
    GRANT(REQUIRED, third, ""); /* devices-2 */
    g_free(tenant_grant(fixture, acme, "1-3", "pool"));

    REVOKE(REQUIRED, "aoa{sv}", 0, 1, "Group", "s", "pool");
    REVOKE(REQUIRED, "aoa{sv}", 1, third, 0);
    REVOKE(REQUIRED, "aoa{sv}", 2, first, second, 0); /* of several groups: "" */
    REVOKE(NULL, "aoa{sv}", 0, 1, "Group", "s", "keys");
    REVOKE(NULL, "aoa{sv}", 1, second, 0);
    assert_tenant_of_device(fixture, "1-1", NULL);
    assert_tenant_of_device(fixture, "1-2", NULL);
    assert_tenant_of_device(fixture, "1-3", acme);
    sd_bus_flush_close_unref(bus);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, groups_setup, groups_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_pinned_before_the_grant),
        TEST(test_rule_text_before_the_grant),
        TEST(test_revoke_what_another_stands_for),
        TEST(test_nobody_changes_it_meanwhile),
        TEST(test_what_cannot_be_stored_is_not_done),
        TEST(test_state_of_before),
        TEST(test_drawn_from_a_pool),
        TEST(test_perhaps_drawn_from_a_pool),
        TEST(test_meant_for_another_machine_too),
        TEST(test_a_text_while_it_is_away),
        TEST(test_the_group_is_told_by_its_full_name),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
