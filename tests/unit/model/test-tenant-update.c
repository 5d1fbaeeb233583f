/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a tenant becomes, and what is reported of it and of machines. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/base/text.h"
#include "daemon/model/tenant-update.h"
#include "tests/unit/fixture.h"

#define ATTIC "44444444-4444-4444-4444-444444444444"

static void set_members(Tenant *tenant, const char *first, const char *second)
{
    tenant_set_members(tenant, (const char *const[]){ first, second, NULL });
}

static int setup(void **state)
{
    Tenant *acme = tenant_new("acme");

    fixture_setup(state);
    set_members(acme, "user:anna", "group:cad");
    tenant_add_machine(acme, DESK);
    tenant_add_machine(acme, STUDIO);
    registry_add_tenant(((Fixture *)*state)->registry, acme);
    fixture_record(*state);
    return 0;
}

static Tenant *make_next(Fixture *fixture)
{
    return tenant_copy(registry_tenant(fixture->registry, "acme"));
}

static void test_a_new_one(void **state)
{
    Fixture *fixture = *state;
    Tenant *next = tenant_new("globex");

    set_members(next, "user:bert", NULL);
    tenant_add_machine(next, LOFT);
    tenant_add_machine(next, ATTIC);
    assert_int_equal(tenant_update(fixture->registry, next), TENANT_FIELD_MEMBERS | TENANT_FIELD_MACHINES);
    assert_true(registry_tenant_has(fixture->registry, "globex", ATTIC));
    assert_int_equal(registry_tenant(fixture->registry, "globex")->members->len, 1);
    assert_true(fixture_reported(fixture, OBJECT_TENANT, "globex") & FIXTURE_ADDED);
    assert_int_equal(fixture_reported(fixture, OBJECT_MACHINE, LOFT), MACHINE_FIELD_TENANT);
    /* A machine that isn't there has no property. */
    assert_int_equal(fixture_reported(fixture, OBJECT_MACHINE, ATTIC), 0);
    assert_int_equal(tenant_update(fixture->registry, tenant_new("initech")), 0);
}

static void test_nothing_differs(void **state)
{
    Fixture *fixture = *state;

    assert_int_equal(tenant_update(fixture->registry, make_next(fixture)), 0);
    assert_int_equal(fixture_reported(fixture, OBJECT_TENANT, "acme"), 0);
    assert_int_equal(fixture_reported(fixture, OBJECT_MACHINE, DESK), 0);
}

static void test_machines_come_and_go(void **state)
{
    Fixture *fixture = *state;
    const Tenant *acme = registry_tenant(fixture->registry, "acme");
    Tenant *next = make_next(fixture);

    tenant_remove_machine(next, STUDIO);
    tenant_add_machine(next, LOFT);
    text_replace(&next->description, "the anvil makers");
    assert_int_equal(tenant_update(fixture->registry, next),
                     TENANT_FIELD_MACHINES | TENANT_FIELD_DESCRIPTION);
    assert_string_equal(acme->description, "the anvil makers");
    assert_true(tenant_has_machine(acme, LOFT) && tenant_has_machine(acme, DESK));
    assert_false(tenant_has_machine(acme, STUDIO));
    assert_int_equal(fixture_reported(fixture, OBJECT_MACHINE, DESK), 0);
    assert_int_equal(fixture_reported(fixture, OBJECT_MACHINE, STUDIO), MACHINE_FIELD_TENANT);
    assert_int_equal(fixture_reported(fixture, OBJECT_MACHINE, LOFT), MACHINE_FIELD_TENANT);
    assert_int_equal(fixture_reported(fixture, OBJECT_TENANT, "acme"),
                     TENANT_FIELD_MACHINES | TENANT_FIELD_DESCRIPTION);
}

static void test_a_machine_goes(void **state)
{
    Fixture *fixture = *state;
    Tenant *next = make_next(fixture);

    tenant_remove_machine(next, STUDIO);
    assert_int_equal(tenant_update(fixture->registry, next), TENANT_FIELD_MACHINES);
    assert_false(tenant_has_machine(registry_tenant(fixture->registry, "acme"), STUDIO));
    assert_int_equal(fixture_reported(fixture, OBJECT_MACHINE, STUDIO), MACHINE_FIELD_TENANT);
}

/* Who stays keeps what was found out while the change was being stored. */
static void test_members(void **state)
{
    Fixture *fixture = *state;
    Tenant *acme = registry_tenant(fixture->registry, "acme");
    Tenant *next = make_next(fixture);
    TenantMember *anna = acme->members->pdata[0];

    set_members(next, "user:bert", "user:anna");
    anna->known = true;
    anna->id = 1000;
    assert_int_equal(tenant_update(fixture->registry, next), TENANT_FIELD_MEMBERS);
    assert_int_equal(acme->members->len, 2);
    assert_string_equal(((const TenantMember *)acme->members->pdata[0])->text, "user:bert");
    assert_true(tenant_has_member(acme, 1000, NULL, 0));

    next = make_next(fixture);
    ((TenantMember *)next->members->pdata[1])->known = false;
    assert_int_equal(tenant_update(fixture->registry, next), 0);
    assert_true(tenant_has_member(acme, 1000, NULL, 0));
}

static void test_it_goes(void **state)
{
    Fixture *fixture = *state;

    tenant_update_remove(fixture->registry, registry_tenant(fixture->registry, "acme"));
    assert_null(registry_tenant(fixture->registry, "acme"));
    assert_int_equal(fixture_reported(fixture, OBJECT_TENANT, "acme"), FIXTURE_REMOVED);
    assert_int_equal(fixture_reported(fixture, OBJECT_MACHINE, DESK), MACHINE_FIELD_TENANT);
    assert_int_equal(fixture_reported(fixture, OBJECT_MACHINE, LOFT), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_new_one),      TEST(test_nothing_differs), TEST(test_machines_come_and_go),
        TEST(test_a_machine_goes), TEST(test_members),         TEST(test_it_goes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
