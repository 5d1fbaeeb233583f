/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tenants: what is granted is the tenant's whatever happens, and nobody else's until it is revoked. */

#include "tests/bus/cmocka-include.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

#include "tests/bus/memory-folder.h"
#include "tests/bus/tenant-calls.h"

#define DONGLE  "0529:0001"
#define NOWHERE "33333333-3333-3333-3333-333333333333"

static void assert_no_assignments(Fixture *fixture, const char *uuid)
{
    g_autofree char *machine = fixture_machine_path(uuid);
    g_autofree char *list = get_list(fixture, machine, FERRY_INTERFACE_MACHINE, "Assignments");

    assert_string_equal(list, "");
}

/* ------------------------------------------------------------------ what it is */

static void test_grant_shows_everywhere(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *acme = tenant_create(fixture, "acme", "user:daemon");
    g_autofree char *machine = fixture_machine_path(FIXTURE_DESK);
    g_autofree char *named = NULL, *made = NULL, *again = NULL;
    sd_bus_message *reply;
    const char *path = NULL;

    fixture_wait(fixture, machine, FERRY_INTERFACE_MACHINE, "Tenant", "/");
    tenant_set_machine(fixture, acme, FIXTURE_DESK, true);
    fixture_wait(fixture, machine, FERRY_INTERFACE_MACHINE, "Tenant", acme);
    groups_plug(fixture, "1-1", DONGLE, "KEY-0001");
    groups_plug(fixture, "1-2", DONGLE, "");
    assert_tenant_of_device(fixture, "1-1", NULL);

    named = tenant_grant(fixture, acme, "1-1", "keys");
    assert_tenant_of_device(fixture, "1-1", acme);
    fixture_wait(fixture, named, FERRY_INTERFACE_GROUP, "Name", "acme/keys");
    fixture_wait(fixture, named, FERRY_INTERFACE_GROUP, "Tenant", acme);
    wait_list(fixture, named, FERRY_INTERFACE_GROUP, "Rules",
              "1 true vendor=0529 product=0001 serial=KEY-0001 auto:1-1");
    /* Without a serial it is the socket; without a name one is made up. */
    made = tenant_grant(fixture, acme, "1-2", "");
    fixture_wait(fixture, made, FERRY_INTERFACE_GROUP, "Name", "acme/devices-1");
    wait_list(fixture, made, FERRY_INTERFACE_GROUP, "Rules",
              "1 true vendor=0529 product=0001 port=pci-0000:00:14.0/2 auto:1-2");
    wait_list(fixture, acme, FERRY_INTERFACE_TENANT, "Devices", "1-1; 1-2");
    wait_list(fixture, acme, FERRY_INTERFACE_TENANT, "Groups", "acme/devices-1; acme/keys");
    wait_list(fixture, acme, FERRY_INTERFACE_TENANT, "Machines", FIXTURE_DESK);
    wait_list(fixture, acme, FERRY_INTERFACE_TENANT, "Members", "user:daemon");

    /* Into a group that is there, and a device that it has: no second rule. */
    again = tenant_grant(fixture, acme, "1-1", "keys");
    assert_string_equal(again, named);
    wait_list(fixture, named, FERRY_INTERFACE_GROUP, "Rules",
              "1 true vendor=0529 product=0001 serial=KEY-0001 auto:1-1");

    reply = fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "GetTenant", "s", "acme");
    assert_true(sd_bus_message_read(reply, "o", &path) >= 0);
    assert_string_equal(path, acme);
    sd_bus_message_unref(reply);
    g_free(fixture_call_error(fixture, "NoSuchTenant", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "GetTenant",
                              "s", "globex"));
}

static void test_it_leaves_the_pools(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *pool = group_create_with(fixture, "dongles", "vendor=0529");
    g_autofree char *acme = tenant_create_with(fixture, "acme", NULL, FIXTURE_STUDIO);
    g_autofree char *device = fixture_device_path("1-1");
    g_autofree char *group = NULL, *assignment = NULL, *text = NULL;
    sd_bus_message *reply;
    const char *key, *value;
    GString *explained = g_string_new(NULL);

    groups_plug(fixture, "1-1", DONGLE, "KEY-0001");
    groups_plug(fixture, "1-2", DONGLE, "KEY-0002");
    fixture_wait(fixture, pool, FERRY_INTERFACE_GROUP, "Total", "2");
    group = tenant_grant(fixture, acme, "1-1", "keys");
    fixture_wait(fixture, pool, FERRY_INTERFACE_GROUP, "Total", "1");
    wait_list(fixture, device, FERRY_INTERFACE_DEVICE, "Groups", "acme/keys");

    /* A pool that wants all gets what is nobody's. */
    assignment = group_assign(fixture, pool, FIXTURE_DESK, "all", NULL);
    wait_list(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Devices", "1-2 attached");
    fixture_unplug(fixture, "1-1");
    fixture_wait_object(fixture, device, FERRY_INTERFACE_DEVICE, false);
    groups_plug(fixture, "1-1", DONGLE, "KEY-0001");
    fixture_wait(fixture, group, FERRY_INTERFACE_GROUP, "Total", "1");
    fixture_wait(fixture, pool, FERRY_INTERFACE_GROUP, "Total", "1");
    tenant_wait_device(fixture, "1-1", "State", "host");

    reply = fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Explain", "o", device);
    assert_true(sd_bus_message_enter_container(reply, 'a', "a{sv}") > 0);
    while (sd_bus_message_enter_container(reply, 'a', "{sv}") > 0) {
        while (sd_bus_message_enter_container(reply, 'e', "sv") > 0) {
            assert_true(sd_bus_message_read(reply, "s", &key) > 0);
            if (strcmp(key, "Text") == 0) {
                assert_true(sd_bus_message_read(reply, "v", "s", &value) > 0);
                g_string_append_printf(explained, "%s\n", value);
            } else {
                assert_true(sd_bus_message_skip(reply, "v") > 0);
            }
            assert_true(sd_bus_message_exit_container(reply) > 0);
        }
        assert_true(sd_bus_message_exit_container(reply) > 0);
    }
    sd_bus_message_unref(reply);
    text = g_string_free(explained, FALSE);
    assert_says(text, "it belongs to tenant acme: only that tenant's VMs can have it.");
    assert_says(text, "it belongs to tenant acme, so it is not in group dongles.");
    assert_says(text, "belongs to tenant acme, and VM \"desk\" does not.");

    /* Nor by a rule that is written for it. */
    g_free(fixture_call_error(fixture, "NotOwned", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER,
                              "MakePassthrough", "aosa{sv}", 1, device, "mine", 0));

    /* Nobody's again: the pool has it. */
    tenant_revoke(fixture, acme, "1-1");
    assert_tenant_of_device(fixture, "1-1", NULL);
    wait_list(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Devices", "1-1 attached; 1-2 attached");
    fixture_wait_object(fixture, group, FERRY_INTERFACE_GROUP, false);
}

static void test_even_an_administrator_is_refused(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *acme = tenant_create_with(fixture, "acme", NULL, FIXTURE_DESK);
    g_autofree char *globex = tenant_create_with(fixture, "globex", NULL, FIXTURE_STUDIO);
    g_autofree char *group = NULL, *text = NULL, *other = NULL, *assignment = NULL;

    groups_plug(fixture, "1-1", DONGLE, "KEY-0001");
    group = tenant_grant(fixture, acme, "1-1", "keys");
    text = tenant_assign_error(fixture, "NotOwned", "1-1", FIXTURE_STUDIO);
    assert_says(text, "belongs to tenant acme, and VM \"studio\" does not; revoke it");
    g_free(tenant_assign_error(fixture, "NotOwned", group, FIXTURE_STUDIO));
    other = tenant_grant_error(fixture, "NotOwned", globex, "1-1", "keys");
    assert_says(other, "belongs to tenant acme");
    assert_no_assignments(fixture, FIXTURE_STUDIO);
    tenant_wait_device(fixture, "1-1", "State", "host");
    wait_list(fixture, globex, FERRY_INTERFACE_TENANT, "Groups", "");

    /* Also while the tenant uses it: whose it is comes before who has it. */
    assignment = fixture_assign(fixture, "1-1", FIXTURE_DESK);
    tenant_wait_state(fixture, assignment, "attached");
    g_free(tenant_assign_error(fixture, "NotOwned", "1-1", FIXTURE_STUDIO));

    /* The rules are the grant's. */
    g_free(fixture_call_error(fixture, "NotOwned", group, FERRY_INTERFACE_GROUP, "AddRule", "sa{sv}",
                              "vendor=*", 0));
    g_free(fixture_call_error(fixture, "NotOwned", group, FERRY_INTERFACE_GROUP, "UpdateRule", "usa{sv}", 1,
                              "", 1, "Enabled", "b", 0));
    g_free(fixture_call_error(fixture, "NotOwned", group, FERRY_INTERFACE_GROUP, "RemoveRule", "u", 1));
    g_free(fixture_call_error(fixture, "NotOwned", group, FERRY_INTERFACE_GROUP, "Delete", "a{sv}", 1,
                              "Force", "b", 1));
    group_call(fixture, group, "Update", "a{sv}", 1, "AllowGuestReset", "b", 1);
    fixture_wait(fixture, group, FERRY_INTERFACE_GROUP, "AllowGuestReset", "true");
    assert_tenant_of_device(fixture, "1-1", acme);
}

/* What is nobody's goes to a tenant's machine as to any other. */
static void test_a_tenants_machine_takes_from_the_administrator(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *acme = tenant_create_with(fixture, "acme", NULL, FIXTURE_DESK);
    g_autofree char *assignment = NULL, *group = NULL;

    groups_plug(fixture, "1-1", DONGLE, "KEY-0001");
    assignment = fixture_assign(fixture, "1-1", FIXTURE_DESK);
    tenant_wait_state(fixture, assignment, "attached");
    /* Inside the tenant already, so it can be granted; and nothing moves. */
    group = tenant_grant(fixture, acme, "1-1", "keys");
    assert_tenant_of_device(fixture, "1-1", acme);
    tenant_wait_state(fixture, assignment, "attached");
    tenant_wait_device(fixture, "1-1", "State", "attached");
}

/* ------------------------------------------------------------------ what can't be granted */

static void test_what_others_use_cannot_be_granted(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *acme = tenant_create_with(fixture, "acme", NULL, FIXTURE_STUDIO);
    g_autofree char *pool = group_create_with(fixture, "dongles", "product=0002");
    g_autofree char *third = fixture_device_path("1-3");
    g_autofree char *assignment = NULL, *text = NULL, *drawn = NULL, *number = NULL;

    groups_plug(fixture, "1-1", DONGLE, "KEY-0001");
    groups_plug(fixture, "1-2", "0529:0002", "KEY-0002");
    groups_plug(fixture, "1-3", "0529:0003", "KEY-0003");
    assignment = fixture_assign(fixture, "1-1", FIXTURE_DESK);
    tenant_wait_state(fixture, assignment, "attached");
    text = tenant_grant_error(fixture, "DeviceBusy", acme, "1-1", "keys");
    assert_says(text, "is in VM \"desk\", which does not belong to tenant acme");
    sd_bus_message_unref(fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Detach", ""));
    tenant_wait_device(fixture, "1-1", "State", "host");
    /* At home, and promised all the same. */
    g_free(tenant_grant_error(fixture, "DeviceBusy", acme, "1-1", "keys"));
    drawn = group_assign(fixture, pool, FIXTURE_DESK, NULL, NULL);
    tenant_wait_state(fixture, drawn, "attached");
    g_free(tenant_grant_error(fixture, "DeviceBusy", acme, "1-2", "keys"));
    number = fixture_get(fixture, third, FERRY_INTERFACE_DEVICE, "DeviceNumber");
    g_free(fixture_script(fixture, "foreign %s 1 %s 0529 0003", FIXTURE_DESK, number));
    tenant_wait_device(fixture, "1-3", "State", "foreign");
    g_free(tenant_grant_error(fixture, "DeviceBusy", acme, "1-3", "keys"));

    wait_list(fixture, acme, FERRY_INTERFACE_TENANT, "Groups", "");
    assert_tenant_of_device(fixture, "1-1", NULL);
    assert_tenant_of_device(fixture, "1-2", NULL);
    tenant_wait_state(fixture, drawn, "attached");
    sd_bus_message_unref(
        fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Release", "a{sv}", 0));
    fixture_wait_object(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, false);
    g_free(tenant_grant(fixture, acme, "1-1", "keys"));
}

typedef struct Answers {
    unsigned n;
    unsigned good;
    char *error; /* the last one's name */
} Answers;

static int take_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    Answers *answers = userdata;

    answers->n++;
    if (sd_bus_message_is_method_error(reply, NULL)) {
        g_free(answers->error);
        answers->error = g_strdup(sd_bus_message_get_error(reply)->name + strlen(FERRY_ERROR_PREFIX));
    } else {
        answers->good++;
    }
    return 1;
}

static bool are_answered(Fixture *fixture, void *userdata)
{
    return ((const Answers *)userdata)->n == 2;
}

/* The second call comes before the first one is on the disk. */
static void test_two_at_once(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *acme = tenant_create_with(fixture, "acme", NULL, FIXTURE_DESK);
    g_autofree char *globex = tenant_create(fixture, "globex", NULL);
    g_autofree char *studio = fixture_machine_path(FIXTURE_STUDIO);

    for (int round = 0; round < 10; round++) {
        g_autofree char *sysname = g_strdup_printf("1-%d", round + 1);
        g_autofree char *serial = g_strdup_printf("KEY-%04d", round);
        g_autofree char *device = fixture_device_path(sysname);
        Answers answers = { .n = 0 };

        groups_plug(fixture, sysname, DONGLE, serial);
        assert_true(sd_bus_call_method_async(fixture->bus, NULL, FERRY_BUS_NAME, acme, FERRY_INTERFACE_TENANT,
                                             "Grant", take_answer, &answers, "aosa{sv}", 1, device, "",
                                             0) >= 0);
        if (round % 2)
            assert_true(sd_bus_call_method_async(fixture->bus, NULL, FERRY_BUS_NAME, globex,
                                                 FERRY_INTERFACE_TENANT, "Grant", take_answer, &answers,
                                                 "aosa{sv}", 1, device, "", 0) >= 0);
        else
            assert_true(sd_bus_call_method_async(fixture->bus, NULL, FERRY_BUS_NAME, FERRY_PATH_ROOT,
                                                 FERRY_INTERFACE_MANAGER, "Assign", take_answer, &answers,
                                                 "ooa{sv}", device, studio, 0) >= 0);
        fixture_wait_for(fixture, are_answered, &answers, "both calls are answered");
        assert_int_equal(answers.good, 1);
        assert_true(strcmp(answers.error, "NotOwned") == 0 || strcmp(answers.error, "DeviceBusy") == 0);
        g_free(answers.error);
        assert_tenant_of_device(fixture, sysname, acme);
    }
    assert_no_assignments(fixture, FIXTURE_STUDIO);
    wait_list(fixture, globex, FERRY_INTERFACE_TENANT, "Devices", "");
}

static void test_bad_input(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *acme = tenant_create_with(fixture, "acme", NULL, FIXTURE_DESK);
    g_autofree char *nowhere = fixture_machine_path(NOWHERE);
    g_autofree char *hub = fixture_device_path("1-3"), *key = fixture_device_path("1-1");
    static const char *const names[] = { "", ".", "..", "a/b", "a b", "ä", "a\n" };
    static const char *const members[] = { "", "anna", "user:", "uid:1", "user:a:b", "user:a\nb", "user: a" };
    g_autofree char *long_name = g_strnfill(65, 'a');

    fixture_plug_hub(fixture, "1-3");
    groups_plug(fixture, "1-1", DONGLE, "KEY-0001");
    fixture_wait_object(fixture, hub, FERRY_INTERFACE_DEVICE, true);
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_free(fixture_call_error(fixture, "InvalidName", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER,
                                  "CreateTenant", "sa{sv}", names[i], 0));
        if (*names[i])
            g_free(tenant_grant_error(fixture, "InvalidName", acme, "1-1", names[i]));
    }
    g_free(fixture_call_error(fixture, "InvalidName", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER,
                              "CreateTenant", "sa{sv}", long_name, 0));
    g_free(tenant_grant_error(fixture, "InvalidName", acme, "1-1", long_name));
    for (gsize i = 0; i < G_N_ELEMENTS(members); i++)
        g_free(fixture_call_error(fixture, "InvalidOption", acme, FERRY_INTERFACE_TENANT, "Update", "a{sv}",
                                  1, "Members", "as", 1, members[i]));
    g_free(fixture_call_error(fixture, "InvalidOption", acme, FERRY_INTERFACE_TENANT, "Update", "a{sv}", 1,
                              "Members", "s", "user:daemon"));
    g_free(fixture_call_error(fixture, "InvalidOption", acme, FERRY_INTERFACE_TENANT, "Update", "a{sv}", 1,
                              "Colour", "s", "red"));
    g_free(fixture_call_error(fixture, "InvalidName", acme, FERRY_INTERFACE_TENANT, "Update", "a{sv}", 1,
                              "Description", "s", "two\nlines"));
    g_free(fixture_call_error(fixture, "AlreadyExists", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER,
                              "CreateTenant", "sa{sv}", "acme", 0));
    /* No way around granting. */
    g_free(fixture_call_error(fixture, "InvalidName", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "CreateGroup",
                              "sa{sv}", "acme/keys", 0));
    g_free(fixture_call_error(fixture, "InvalidName", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER,
                              "MakePassthrough", "aosa{sv}", 1, key, "acme/keys", 0));

    g_free(fixture_call_error(fixture, "DeviceIsHub", acme, FERRY_INTERFACE_TENANT, "Grant", "aosa{sv}", 1,
                              hub, "keys", 0));
    g_free(tenant_grant_error(fixture, "NoSuchDevice", acme, "1-9", "keys"));
    g_free(fixture_call_error(fixture, "NoSuchDevice", acme, FERRY_INTERFACE_TENANT, "Grant", "aosa{sv}", 0,
                              "keys", 0));
    g_free(fixture_call_error(fixture, "InvalidOption", acme, FERRY_INTERFACE_TENANT, "Grant", "aosa{sv}", 1,
                              key, "keys", 1, "Class", "s", "tractor"));
    g_free(fixture_call_error(fixture, "NotOwned", acme, FERRY_INTERFACE_TENANT, "Revoke", "aoa{sv}", 1, key,
                              0));
    g_free(fixture_call_error(fixture, "InvalidOption", acme, FERRY_INTERFACE_TENANT, "Revoke", "aoa{sv}", 0,
                              0));
    g_free(fixture_call_error(fixture, "InvalidOption", acme, FERRY_INTERFACE_TENANT, "Revoke", "aoa{sv}", 0,
                              1, "Rule", "u", 1));
    g_free(fixture_call_error(fixture, "NoSuchGroup", acme, FERRY_INTERFACE_TENANT, "Revoke", "aoa{sv}", 0, 1,
                              "Group", "s", "keys"));
    g_free(fixture_call_error(fixture, "NoSuchMachine", acme, FERRY_INTERFACE_TENANT, "AddMachine", "o",
                              nowhere));
    g_free(fixture_call_error(fixture, "NoSuchMachine", acme, FERRY_INTERFACE_TENANT, "RemoveMachine", "o",
                              nowhere));
    g_free(fixture_call_error(fixture, "NoSuchTenant", "/org/usbferry1/tenant/globex", FERRY_INTERFACE_TENANT,
                              "Update", "a{sv}", 0));
    wait_list(fixture, acme, FERRY_INTERFACE_TENANT, "Groups", "");
    assert_tenant_of_device(fixture, "1-1", NULL);
}

/* ------------------------------------------------------------------ whatever happens */

static void assert_still_granted(Fixture *fixture, const char *acme, const char *assignment)
{
    assert_tenant_of_device(fixture, "1-1", acme);
    tenant_wait_state(fixture, assignment, "attached");
    wait_list(fixture, acme, FERRY_INTERFACE_TENANT, "Devices", "1-1");
    g_free(tenant_assign_error(fixture, "NotOwned", "1-1", FIXTURE_STUDIO));
}

static void test_unplug_restart_kill(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *acme = tenant_create_with(fixture, "acme", "user:daemon", FIXTURE_DESK);
    g_autofree char *device = fixture_device_path("1-1");
    g_autofree char *group = NULL, *assignment = NULL;
    static const int signals[] = { SIGTERM, SIGKILL };

    sd_bus_message_unref(fixture_call_ok(fixture, acme, FERRY_INTERFACE_TENANT, "Update", "a{sv}", 1,
                                         "Description", "s", "ACME; \"Ltd\" #1"));
    groups_plug(fixture, "1-1", DONGLE, "KEY-0001");
    group = tenant_grant(fixture, acme, "1-1", "v1.0");
    assignment = fixture_assign(fixture, "1-1", FIXTURE_DESK);
    assert_still_granted(fixture, acme, assignment);
    fixture_unplug(fixture, "1-1");
    fixture_wait_object(fixture, device, FERRY_INTERFACE_DEVICE, false);
    /* In another socket: by its serial. */
    groups_plug(fixture, "1-4", DONGLE, "KEY-0001");
    assert_tenant_of_device(fixture, "1-4", acme);
    g_free(tenant_assign_error(fixture, "NotOwned", "1-4", FIXTURE_STUDIO));
    fixture_unplug(fixture, "1-4");
    groups_plug(fixture, "1-1", DONGLE, "KEY-0001");
    assert_still_granted(fixture, acme, assignment);
    for (gsize i = 0; i < G_N_ELEMENTS(signals); i++) {
        fixture_stop_daemon(fixture, signals[i]);
        fixture_start_daemon(fixture);
        g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
        g_free(fixture_script(fixture, "define %s studio", FIXTURE_STUDIO));
        g_free(fixture_script(fixture, "start %s", FIXTURE_DESK));
        g_free(fixture_script(fixture, "connect"));
        fixture_wait_object(fixture, device, FERRY_INTERFACE_DEVICE, true);
        assert_still_granted(fixture, acme, assignment);
        fixture_wait(fixture, acme, FERRY_INTERFACE_TENANT, "Description", "ACME; \"Ltd\" #1");
        wait_list(fixture, acme, FERRY_INTERFACE_TENANT, "Members", "user:daemon");
        wait_list(fixture, acme, FERRY_INTERFACE_TENANT, "UnknownMembers", "");
        wait_list(fixture, acme, FERRY_INTERFACE_TENANT, "Groups", "acme/v1.0");
    }
}

/* The tenant's own file is lost: what was granted is still not everybody's. */
static void test_damaged_tenant_still_owns(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *acme = tenant_create_with(fixture, "acme", NULL, FIXTURE_DESK);
    g_autofree char *file = fixture_state_path(fixture, "tenants/acme");
    g_autofree char *device = fixture_device_path("1-1"), *desk = fixture_machine_path(FIXTURE_DESK);
    g_autofree char *group = NULL;

    groups_plug(fixture, "1-1", DONGLE, "KEY-0001");
    group = tenant_grant(fixture, acme, "1-1", "keys");
    fixture_stop_daemon(fixture, SIGTERM);
    assert_true(g_file_set_contents(file, "[Tenant]\nName=acme\nColour=red\n", -1, NULL));
    fixture_start_daemon(fixture);
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    g_free(fixture_script(fixture, "start %s", FIXTURE_DESK));
    g_free(fixture_script(fixture, "connect"));
    fixture_wait_object(fixture, device, FERRY_INTERFACE_DEVICE, true);
    fixture_wait_object(fixture, acme, FERRY_INTERFACE_TENANT, false);
    assert_true(g_file_test(file, G_FILE_TEST_EXISTS));
    assert_tenant_of_device(fixture, "1-1", acme);
    fixture_wait(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "HypervisorState", "connected");
    fixture_wait_object(fixture, desk, FERRY_INTERFACE_MACHINE, true);
    g_free(tenant_assign_error(fixture, "NotOwned", "1-1", FIXTURE_DESK));
    g_free(fixture_call_error(fixture, "NotOwned", group, FERRY_INTERFACE_GROUP, "AddRule", "sa{sv}",
                              "vendor=*", 0));
    /* Made anew, it has its groups again. */
    g_free(tenant_create_with(fixture, "acme", NULL, FIXTURE_DESK));
    wait_list(fixture, acme, FERRY_INTERFACE_TENANT, "Groups", "acme/keys");
    g_free(fixture_assign(fixture, "1-1", FIXTURE_DESK));
}

static void test_what_cannot_be_stored_is_not_done(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *acme = tenant_create_with(fixture, "acme", NULL, FIXTURE_DESK);
    g_autofree char *globex = tenant_path("globex");
    g_autofree char *studio = fixture_machine_path(FIXTURE_STUDIO), *device = fixture_device_path("1-1");
    g_autofree char *group = NULL;

    groups_plug(fixture, "1-1", DONGLE, "KEY-0001");
    fixture_break_disk(fixture);
    g_free(fixture_call_error(fixture, "Storage", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "CreateTenant",
                              "sa{sv}", "globex", 0));
    g_free(fixture_call_error(fixture, "Storage", acme, FERRY_INTERFACE_TENANT, "AddMachine", "o", studio));
    g_free(fixture_call_error(fixture, "Storage", acme, FERRY_INTERFACE_TENANT, "Update", "a{sv}", 1,
                              "Members", "as", 1, "user:daemon"));
    g_free(fixture_call_error(fixture, "Storage", acme, FERRY_INTERFACE_TENANT, "Delete", "a{sv}", 0));
    fixture_wait_object(fixture, globex, FERRY_INTERFACE_TENANT, false);
    fixture_wait(fixture, studio, FERRY_INTERFACE_MACHINE, "Tenant", "/");
    wait_list(fixture, acme, FERRY_INTERFACE_TENANT, "Members", "");
    g_free(tenant_grant_error(fixture, "Storage", acme, "1-1", "keys"));
    assert_tenant_of_device(fixture, "1-1", NULL);
    fixture_mend_disk(fixture);
    group = tenant_grant(fixture, acme, "1-1", "keys");
    fixture_break_disk(fixture);
    g_free(fixture_call_error(fixture, "Storage", acme, FERRY_INTERFACE_TENANT, "Revoke", "aoa{sv}", 1,
                              device, 0));
    assert_tenant_of_device(fixture, "1-1", acme);
    g_free(tenant_assign_error(fixture, "NotOwned", "1-1", FIXTURE_STUDIO));
    fixture_mend_disk(fixture);
    tenant_revoke(fixture, acme, "1-1");
    assert_tenant_of_device(fixture, "1-1", NULL);
}

/* Neither in the tenant's machine nor in another one. */
static void test_a_text_gives_nothing_of_a_tenants(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *tenant = tenant_create_with(fixture, "acme", "user:daemon", FIXTURE_DESK);
    const char *const machines[] = { "desk", "studio" };

    groups_plug(fixture, "1-1", "0529:0001", "KEY-1");
    groups_plug(fixture, "1-2", "0529:0001", "KEY-2");
    g_free(tenant_grant(fixture, tenant, "1-1", "keys"));
    for (gsize i = 0; i < G_N_ELEMENTS(machines); i++) {
        g_autofree char *theirs =
            g_strdup_printf("[Assignment]\nName=x\nMachine=%s\nSelector=serial=KEY-1\n", machines[i]);
        g_autofree char *text =
            fixture_call_error(fixture, "NotOwned", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Apply",
                               "ssa{sv}", theirs, "site.conf", 0);

        assert_says(text, "site.conf:1");
        assert_says(text, "acme");
    }
    sd_bus_message_unref(
        fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Apply", "ssa{sv}",
                        "[Assignment]\nName=x\nMachine=desk\nSelector=serial=KEY-2\n", "site.conf", 0));
    tenant_wait_device(fixture, "1-2", "State", "attached");
    tenant_wait_device(fixture, "1-1", "State", "host");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, groups_setup, groups_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_text_gives_nothing_of_a_tenants),
        TEST(test_grant_shows_everywhere),
        TEST(test_it_leaves_the_pools),
        TEST(test_even_an_administrator_is_refused),
        TEST(test_a_tenants_machine_takes_from_the_administrator),
        TEST(test_what_others_use_cannot_be_granted),
        TEST(test_two_at_once),
        TEST(test_bad_input),
        TEST(test_unplug_restart_kill),
        TEST(test_damaged_tenant_still_owns),
        TEST(test_what_cannot_be_stored_is_not_done),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
