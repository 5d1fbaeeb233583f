/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tenants, the way back: what is revoked, which machines go, and the end of a tenant. */

#include "tests/bus/cmocka-include.h"

#include <signal.h>
#include <string.h>

#include "tests/bus/memory-folder.h"
#include "tests/bus/tenant-calls.h"

#define DONGLE "0529:0001"
#define LOFT   "33333333-3333-3333-3333-333333333333"

static void test_revoke_while_attached(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *acme = tenant_create_with(fixture, "acme", NULL, FIXTURE_DESK);
    g_autofree char *pinned = NULL, *drawn = NULL, *group = NULL, *elsewhere = NULL;

    tenant_start_machine(fixture, LOFT, "loft");
    groups_plug(fixture, "1-1", DONGLE, "KEY-0001");
    groups_plug(fixture, "1-2", DONGLE, "KEY-0002");
    group = tenant_grant(fixture, acme, "1-1", "keys");
    g_free(tenant_grant(fixture, acme, "1-2", "keys"));
    pinned = fixture_assign(fixture, "1-1", FIXTURE_DESK);
    tenant_wait_state(fixture, pinned, "attached");
    drawn = group_assign(fixture, group, FIXTURE_DESK, NULL, NULL);
    wait_list(fixture, drawn, FERRY_INTERFACE_ASSIGNMENT, "Devices", "1-2 attached");

    /* The guest takes its time: what has it is over for good, and the device still there. */
    g_free(fixture_script(fixture, "keep %s", FIXTURE_DESK));
    tenant_revoke(fixture, acme, "1-1");
    assert_tenant_of_device(fixture, "1-1", NULL);
    tenant_wait_state(fixture, pinned, "detaching");
    tenant_wait_device(fixture, "1-1", "State", "detaching");
    wait_list(fixture, acme, FERRY_INTERFACE_TENANT, "Devices", "1-2");
    /* Somebody else may have it now, and gets it once it is home. */
    elsewhere = fixture_assign(fixture, "1-1", LOFT);
    tenant_wait_state(fixture, elsewhere, "waiting-device");
    g_free(fixture_script(fixture, "let-go %s", FIXTURE_DESK));
    fixture_wait_object(fixture, pinned, FERRY_INTERFACE_ASSIGNMENT, false);
    tenant_wait_state(fixture, elsewhere, "attached");
    wait_list(fixture, drawn, FERRY_INTERFACE_ASSIGNMENT, "Devices", "1-2 attached");

    /* The last of the group: the group goes, and what draws from it. */
    tenant_revoke(fixture, acme, "1-2");
    fixture_wait_object(fixture, drawn, FERRY_INTERFACE_ASSIGNMENT, false);
    fixture_wait_object(fixture, group, FERRY_INTERFACE_GROUP, false);
    tenant_wait_device(fixture, "1-2", "State", "host");
    fixture_stop_daemon(fixture, SIGKILL);
    fixture_start_daemon(fixture);
    fixture_wait_object(fixture, acme, FERRY_INTERFACE_TENANT, true);
    fixture_wait_object(fixture, group, FERRY_INTERFACE_GROUP, false);
    fixture_wait_object(fixture, drawn, FERRY_INTERFACE_ASSIGNMENT, false);
}

static void test_revoke_what_is_away(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *acme = tenant_create_with(fixture, "acme", NULL, FIXTURE_DESK);
    g_autofree char *first = fixture_device_path("1-1"), *second = fixture_device_path("1-2");
    g_autofree char *group = NULL, *assignment = NULL;

    groups_plug(fixture, "1-1", DONGLE, "KEY-0001");
    groups_plug(fixture, "1-2", DONGLE, "KEY-0002");
    group = tenant_grant(fixture, acme, "1-1", "keys");
    g_free(tenant_grant(fixture, acme, "1-2", "keys"));
    assignment = fixture_assign(fixture, "1-1", FIXTURE_DESK);
    tenant_wait_state(fixture, assignment, "attached");
    fixture_unplug(fixture, "1-1");
    fixture_unplug(fixture, "1-2");
    fixture_wait_object(fixture, first, FERRY_INTERFACE_DEVICE, false);
    fixture_wait_object(fixture, second, FERRY_INTERFACE_DEVICE, false);
    g_free(fixture_call_error(fixture, "NoSuchDevice", acme, FERRY_INTERFACE_TENANT, "Revoke", "aoa{sv}", 1,
                              first, 0));
    g_free(fixture_call_error(fixture, "NoSuchRule", acme, FERRY_INTERFACE_TENANT, "Revoke", "aoa{sv}", 0, 2,
                              "Group", "s", "keys", "Rule", "u", 3));
    sd_bus_message_unref(fixture_call_ok(fixture, acme, FERRY_INTERFACE_TENANT, "Revoke", "aoa{sv}", 0, 2,
                                         "Group", "s", "keys", "Rule", "u", 1));
    fixture_wait_object(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, false);
    groups_plug(fixture, "1-1", DONGLE, "KEY-0001");
    groups_plug(fixture, "1-2", DONGLE, "KEY-0002");
    assert_tenant_of_device(fixture, "1-1", NULL);
    assert_tenant_of_device(fixture, "1-2", acme);
    tenant_wait_device(fixture, "1-1", "State", "host");
    tenant_revoke_group(fixture, acme, "acme/keys");
    fixture_wait_object(fixture, group, FERRY_INTERFACE_GROUP, false);
    assert_tenant_of_device(fixture, "1-2", NULL);
}

static void test_a_machine_has_one_tenant(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *acme = tenant_create_with(fixture, "acme", NULL, FIXTURE_DESK);
    g_autofree char *globex = tenant_create(fixture, "globex", NULL);
    g_autofree char *desk = fixture_machine_path(FIXTURE_DESK), *loft = fixture_machine_path(LOFT);
    g_autofree char *text = NULL, *assignment = NULL, *reason = NULL, *group = NULL, *drawn = NULL;

    text =
        fixture_call_error(fixture, "AlreadyExists", globex, FERRY_INTERFACE_TENANT, "AddMachine", "o", desk);
    assert_says(text, "VM \"desk\" belongs to tenant acme already");
    g_free(
        fixture_call_error(fixture, "AlreadyExists", acme, FERRY_INTERFACE_TENANT, "AddMachine", "o", desk));
    g_free(fixture_call_error(fixture, "NoSuchMachine", globex, FERRY_INTERFACE_TENANT, "RemoveMachine", "o",
                              desk));

    groups_plug(fixture, "1-1", DONGLE, "KEY-0001");
    groups_plug(fixture, "1-2", DONGLE, "KEY-0002");
    g_free(tenant_grant(fixture, acme, "1-1", "keys"));
    group = tenant_grant(fixture, acme, "1-2", "pool");
    assignment = fixture_assign(fixture, "1-1", FIXTURE_DESK);
    drawn = group_assign(fixture, group, FIXTURE_DESK, NULL, NULL);
    tenant_wait_state(fixture, assignment, "attached");
    tenant_wait_state(fixture, drawn, "attached");
    /* Out of the tenant: its devices come home, and the assignments say why. */
    tenant_set_machine(fixture, acme, FIXTURE_DESK, false);
    tenant_wait_device(fixture, "1-1", "State", "host");
    tenant_wait_device(fixture, "1-2", "State", "host");
    tenant_wait_state(fixture, assignment, "waiting-device");
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Error", FERRY_ERROR_PREFIX "NotOwned");
    reason = fixture_get(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Reason");
    assert_says(reason, "belongs to tenant acme, and VM \"desk\" does not.");
    fixture_wait(fixture, drawn, FERRY_INTERFACE_ASSIGNMENT, "Error", FERRY_ERROR_PREFIX "NotOwned");
    fixture_wait(fixture, drawn, FERRY_INTERFACE_ASSIGNMENT, "Reason",
                 "Group acme/pool belongs to tenant acme, and VM \"desk\" does not.");
    assert_tenant_of_device(fixture, "1-1", acme);
    /* Another tenant's now: nothing of the first one's arrives there. */
    tenant_set_machine(fixture, globex, FIXTURE_DESK, true);
    g_free(tenant_assign_error(fixture, "NotOwned", "1-1", FIXTURE_DESK));
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Error", FERRY_ERROR_PREFIX "NotOwned");
    tenant_set_machine(fixture, globex, FIXTURE_DESK, false);
    tenant_set_machine(fixture, acme, FIXTURE_DESK, true);
    tenant_wait_state(fixture, assignment, "attached");
    tenant_wait_state(fixture, drawn, "attached");
    /* A machine that the hypervisor has forgotten can be taken out. */
    g_free(fixture_script(fixture, "define %s loft", LOFT));
    fixture_wait_object(fixture, loft, FERRY_INTERFACE_MACHINE, true);
    tenant_set_machine(fixture, acme, LOFT, true);
    g_free(fixture_script(fixture, "undefine %s", LOFT));
    fixture_wait_object(fixture, loft, FERRY_INTERFACE_MACHINE, false);
    wait_list(fixture, acme, FERRY_INTERFACE_TENANT, "Machines", FIXTURE_DESK "; " LOFT);
    tenant_set_machine(fixture, acme, LOFT, false);
    wait_list(fixture, acme, FERRY_INTERFACE_TENANT, "Machines", FIXTURE_DESK);
}

static void test_delete(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *acme = tenant_create_with(fixture, "acme", NULL, FIXTURE_DESK);
    g_autofree char *desk = fixture_machine_path(FIXTURE_DESK);
    g_autofree char *group = NULL, *assignment = NULL, *text = NULL;

    groups_plug(fixture, "1-1", DONGLE, "KEY-0001");
    group = tenant_grant(fixture, acme, "1-1", "keys");
    assignment = group_assign(fixture, group, FIXTURE_DESK, NULL, NULL);
    tenant_wait_state(fixture, assignment, "attached");
    text = fixture_call_error(fixture, "GroupInUse", acme, FERRY_INTERFACE_TENANT, "Delete", "a{sv}", 0);
    assert_says(text, "acme/keys");
    tenant_wait_state(fixture, assignment, "attached");
    sd_bus_message_unref(
        fixture_call_ok(fixture, acme, FERRY_INTERFACE_TENANT, "Delete", "a{sv}", 1, "Force", "b", 1));
    fixture_wait_object(fixture, acme, FERRY_INTERFACE_TENANT, false);
    fixture_wait_object(fixture, group, FERRY_INTERFACE_GROUP, false);
    fixture_wait_object(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, false);
    fixture_wait(fixture, desk, FERRY_INTERFACE_MACHINE, "Tenant", "/");
    assert_tenant_of_device(fixture, "1-1", NULL);
    tenant_wait_device(fixture, "1-1", "State", "host");
    fixture_stop_daemon(fixture, SIGKILL);
    fixture_start_daemon(fixture);
    fixture_wait_object(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, true);
    fixture_wait_object(fixture, acme, FERRY_INTERFACE_TENANT, false);
}

typedef struct Answer {
    bool done;
    bool failed;
} Answer;

static int on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    Answer *answer = userdata;

    answer->done = true;
    answer->failed = sd_bus_message_is_method_error(reply, NULL) > 0;
    return 0;
}

static bool both_answered(Fixture *fixture, void *userdata)
{
    const Answer *answers = userdata;

    while (sd_bus_process(fixture->bus, NULL) > 0)
        ;
    return answers[0].done && answers[1].done;
}

/* Nobody's change of the group comes between the steps. */
static void test_revoke_while_the_group_is_changed(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *tenant = tenant_create_with(fixture, "acme", "user:daemon", FIXTURE_DESK);
    g_autofree char *device = fixture_device_path("1-1");
    g_autofree char *group = NULL, *assignment = NULL;
    Answer answers[2] = {};

    groups_plug(fixture, "1-1", "0529:0001", "KEY-1");
    group = tenant_grant(fixture, tenant, "1-1", "keys");
    assignment = fixture_assign(fixture, "1-1", FIXTURE_DESK);
    tenant_wait_state(fixture, assignment, "attached");
    sd_bus_call_method_async(fixture->bus, NULL, FERRY_BUS_NAME, tenant, FERRY_INTERFACE_TENANT, "Revoke",
                             on_answer, &answers[0], "aoa{sv}", 1, device, 0);
    sd_bus_call_method_async(fixture->bus, NULL, FERRY_BUS_NAME, group, FERRY_INTERFACE_GROUP, "Update",
                             on_answer, &answers[1], "a{sv}", 1, "Description", "s", "x");
    sd_bus_flush(fixture->bus);
    fixture_wait_for(fixture, both_answered, answers, "both answers");
    assert_false(answers[0].failed);
    assert_true(answers[1].failed);
    fixture_wait_object(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, false);
    assert_tenant_of_device(fixture, "1-1", NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, groups_setup, groups_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_revoke_while_the_group_is_changed),
        TEST(test_revoke_while_attached),
        TEST(test_revoke_what_is_away),
        TEST(test_a_machine_has_one_tenant),
        TEST(test_delete),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
