/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is found, and how what isn't is refused. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "daemon/base/error.h"
#include "daemon/base/text.h"
#include "daemon/model/find.h"
#include "tests/unit/fixture.h"

/* Takes the error. Its text has this in it. */
static void assert_refused(const void *found, GError **error, FerryError code, const char *text)
{
    assert_null(found);
    assert_non_null(*error);
    if ((*error)->code != (int)code || !strstr((*error)->message, text))
        fail_msg("%s: %s", ferry_error_to_name((FerryError)(*error)->code), (*error)->message);
    g_clear_error(error);
}

static void test_devices(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    Device *hub = fixture_make_device(fixture, "1-1", 0x1d6b, 2, "");
    Device *key = fixture_make_device(fixture, "1-1.2", 0x529, 1, "KEY-1");

    hub->is_hub = true;
    fixture_plug(fixture, hub);
    fixture_plug(fixture, key);
    assert_ptr_equal(find_plugged_device(fixture->registry, "1-1", &error), hub);
    assert_ptr_equal(find_assignable_device(fixture->registry, "1-1.2", &error), key);
    assert_refused(find_assignable_device(fixture->registry, "1-1", &error), &error,
                   FERRY_ERROR_DEVICE_IS_HUB, "name the devices behind it");
    assert_refused(find_plugged_device(fixture->registry, "1-3", &error), &error, FERRY_ERROR_NO_SUCH_DEVICE,
                   "\"1-3\": no such device is plugged in");
    assert_refused(find_assignable_device(fixture->registry, "a\nb", &error), &error,
                   FERRY_ERROR_NO_SUCH_DEVICE, "\"a\uFFFDb\"");
    assert_null(find_assignable_device(fixture->registry, "1-3", NULL));
}

static void rename_machine(Fixture *fixture, const char *uuid, const char *name)
{
    text_replace(&registry_machine(fixture->registry, uuid)->info->name, name);
}

static void test_machines(void **state)
{
    Fixture *fixture = *state;
    Registry *registry = fixture->registry;
    const Machine *desk = registry_machine(registry, DESK);
    g_autoptr(GError) error = NULL;

    rename_machine(fixture, DESK, "desk");
    rename_machine(fixture, STUDIO, "abcdefab-1111-1111-1111-111111111111");
    rename_machine(fixture, LOFT, "loft");
    assert_ptr_equal(find_machine(registry, "desk", &error), desk);
    assert_ptr_equal(find_machine(registry, DESK, &error), desk);
    assert_ptr_equal(find_machine_by_uuid(registry, DESK, &error), desk);
    assert_refused(find_machine(registry, "attic", &error), &error, FERRY_ERROR_NO_SUCH_MACHINE,
                   "there are desk, abcdefab-1111-1111-1111-111111111111, loft");
    /* A name is no UUID, even if it looks like one. */
    assert_refused(find_machine_by_uuid(registry, "abcdefab-1111-1111-1111-111111111111", &error), &error,
                   FERRY_ERROR_NO_SUCH_MACHINE, "the hypervisor knows no such VM");
    assert_refused(find_machine_by_uuid(registry, "desk", &error), &error, FERRY_ERROR_NO_SUCH_MACHINE, "");
    rename_machine(fixture, LOFT, "desk");
    assert_refused(find_machine(registry, "desk", &error), &error, FERRY_ERROR_AMBIGUOUS, LOFT);
    registry->machines_known = false;
    registry->hypervisor_state = HYPERVISOR_STATE_CONNECTED;
    assert_refused(find_machine(registry, "attic", &error), &error, FERRY_ERROR_NO_SUCH_MACHINE,
                   "the VMs are not known yet");
    assert_refused(find_machine_by_uuid(registry, "attic", &error), &error, FERRY_ERROR_NO_SUCH_MACHINE,
                   "the VMs are not known yet");
    registry->hypervisor_state = HYPERVISOR_STATE_FAILED;
    assert_refused(find_machine(registry, "attic", &error), &error, FERRY_ERROR_NO_SUCH_MACHINE,
                   "the hypervisor is away");
    assert_refused(find_machine_by_uuid(registry, "attic", &error), &error, FERRY_ERROR_NO_SUCH_MACHINE,
                   "the hypervisor is away");
}

static void test_groups(void **state)
{
    Fixture *fixture = *state;
    Registry *registry = fixture->registry;
    g_autoptr(GError) error = NULL;
    Group *keys;

    assert_refused(find_group(registry, "keys", &error), &error, FERRY_ERROR_NO_SUCH_GROUP, "there is none");
    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=0529", NULL });
    fixture_add_group(fixture, "cams", (const char *const[]){ NULL });
    keys = registry_group(registry, "keys");
    assert_ptr_equal(find_group(registry, "keys", &error), keys);
    assert_ptr_equal(find_changeable_group(registry, "keys", &error), keys);
    assert_ptr_equal(find_group_to_draw_from(registry, "keys", &error), keys);
    assert_ptr_equal(find_rule(keys, 1, &error), keys->rules->pdata[0]);
    assert_refused(find_rule(keys, 2, &error), &error, FERRY_ERROR_NO_SUCH_RULE, "group keys has no rule 2");
    assert_refused(find_changeable_group(registry, "x", &error), &error, FERRY_ERROR_NO_SUCH_GROUP,
                   "there are cams, keys");

    keys->saving = true;
    assert_refused(find_changeable_group(registry, "keys", &error), &error, FERRY_ERROR_LIMIT_EXCEEDED,
                   "group keys: another change of it is still being stored, try again");
    assert_non_null(find_group_to_draw_from(registry, "keys", &error));
    keys->deleting = true;
    assert_refused(find_group_to_draw_from(registry, "keys", &error), &error, FERRY_ERROR_LIMIT_EXCEEDED,
                   "is being deleted, try again");
    keys->saving = keys->deleting = false;
    keys->file = g_strdup("/etc/usbferry/groups.d/keys.conf");
    assert_refused(find_changeable_group(registry, "keys", &error), &error, FERRY_ERROR_ALREADY_EXISTS,
                   "/etc/usbferry/groups.d/keys.conf");
}

/* A list that nobody reads to its end has one. */
static void test_many_names(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(GError) error = NULL;

    for (int i = 0; i < 21; i++) {
        g_autofree char *name = g_strdup_printf("g%02d", i);

        registry_add_group(fixture->registry, group_new(name));
    }
    assert_null(find_group(fixture->registry, "x", &error));
    assert_true(g_str_has_suffix(error->message, "g18, g19, …"));
}

static void test_grants(void **state)
{
    Fixture *fixture = *state;
    Registry *registry = fixture->registry;

    fixture_add_group(fixture, "acme/keys", (const char *const[]){ "serial=KEY-1", NULL });
    fixture_add_group(fixture, "keys", (const char *const[]){ "serial=KEY-2", NULL });
    assert_string_equal(find_grant(registry, NULL, "serial=KEY-1")->name, "acme/keys");
    assert_string_equal(find_grant(registry, "acme", "serial=KEY-1")->name, "acme/keys");
    assert_null(find_grant(registry, "globex", "serial=KEY-1"));
    assert_null(find_grant(registry, NULL, "serial=KEY-2"));
}

static void test_tenants(void **state)
{
    Fixture *fixture = *state;
    Registry *registry = fixture->registry;
    Tenant *acme = tenant_new("acme");
    g_autoptr(GError) error = NULL;

    assert_refused(find_tenant(registry, "acme", &error), &error, FERRY_ERROR_NO_SUCH_TENANT,
                   "there is none");
    registry_add_tenant(registry, acme);
    assert_ptr_equal(find_tenant(registry, "acme", &error), acme);
    assert_ptr_equal(find_changeable_tenant(registry, "acme", &error), acme);
    acme->saving = true;
    assert_ptr_equal(find_tenant(registry, "acme", &error), acme);
    assert_refused(find_changeable_tenant(registry, "acme", &error), &error, FERRY_ERROR_LIMIT_EXCEEDED,
                   "tenant acme: another change");
    assert_refused(find_changeable_tenant(registry, "globex", &error), &error, FERRY_ERROR_NO_SUCH_TENANT,
                   "there are acme");
}

static void test_assignments(void **state)
{
    Fixture *fixture = *state;
    Registry *registry = fixture->registry;
    g_autoptr(GError) error = NULL;
    Assignment *assignment;

    fixture_assign(fixture, "aaaaaaaa", DESK, NULL, "vendor=0529", "1");
    assignment = registry_assignment(registry, "aaaaaaaa");
    assert_ptr_equal(find_changeable_assignment(registry, "aaaaaaaa", &error), assignment);
    assert_refused(find_changeable_assignment(registry, "bbbbbbbb", &error), &error,
                   FERRY_ERROR_NO_SUCH_ASSIGNMENT, "\"bbbbbbbb\": no such assignment");
    assignment->saving = true;
    assert_refused(find_changeable_assignment(registry, "aaaaaaaa", &error), &error,
                   FERRY_ERROR_LIMIT_EXCEEDED, "assignment aaaaaaaa: another change");
    assignment->releasing = true;
    assert_refused(find_changeable_assignment(registry, "aaaaaaaa", &error), &error,
                   FERRY_ERROR_NO_SUCH_ASSIGNMENT, "it is ending");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_devices), TEST(test_machines), TEST(test_groups),      TEST(test_many_names),
        TEST(test_grants),  TEST(test_tenants),  TEST(test_assignments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
