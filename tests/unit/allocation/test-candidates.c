/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What could go where: by rules, groups and tenants, whoever has it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/allocation/candidates.h"
#include "tests/unit/fixture.h"

static int set_up(void **state)
{
    Fixture *fixture;

    fixture_setup(state);
    fixture = *state;
    fixture_plug(fixture, fixture_make_device(fixture, "1-1", 0x0529, 1, "AAAA-1"));
    fixture_plug(fixture, fixture_make_device(fixture, "1-2", 0x0529, 1, "BBBB-2"));
    fixture_plug(fixture, fixture_make_device(fixture, "1-3", 0x046d, 7, ""));
    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=0529", NULL });
    return 0;
}

/* "1-1 1-2" */
static void assert_could_have(Fixture *fixture, const Assignment *assignment, const char *expected)
{
    g_autoptr(GPtrArray) devices = registry_sorted(fixture->registry->devices);
    g_autoptr(Candidates) candidates = candidates_new(fixture->registry, devices);
    const GPtrArray *of = candidates_of(candidates, assignment);
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < devices->len; i++)
        if (candidates_include(candidates, assignment, devices->pdata[i]))
            g_string_append_printf(text, "%s%s", text->len ? " " : "",
                                   ((const Device *)devices->pdata[i])->sysname);
    assert_string_equal(text->str, expected);
    g_string_truncate(text, 0);
    for (guint i = 0; i < of->len; i++)
        g_string_append_printf(text, "%s%s", i ? " " : "", ((const Device *)of->pdata[i])->sysname);
    assert_string_equal(text->str, expected);
}

static const Assignment *assign(Fixture *fixture, const char *id, const char *group, const char *rule)
{
    fixture_assign(fixture, id, DESK, group, rule, "1");
    return registry_assignment(fixture->registry, id);
}

static void test_by_rule_and_group(void **state)
{
    Fixture *fixture = *state;
    const Assignment *one = assign(fixture, "aaaaaaaa", NULL, "serial=AAAA-1");
    const Assignment *any = assign(fixture, "bbbbbbbb", NULL, "vendor=*");
    const Assignment *pool = assign(fixture, "cccccccc", "keys", NULL);
    const Assignment *narrowed = assign(fixture, "dddddddd", "keys", "serial=BBBB-2");
    const Assignment *nothing = assign(fixture, "eeeeeeee", "nogroup", NULL);
    const Assignment *elsewhere = assign(fixture, "ffffffff", NULL, "vendor=0529 node=other");

    assert_could_have(fixture, one, "1-1");
    assert_could_have(fixture, any, "1-1 1-2 1-3");
    assert_could_have(fixture, pool, "1-1 1-2");
    assert_could_have(fixture, narrowed, "1-2");
    assert_could_have(fixture, nothing, "");
    assert_could_have(fixture, elsewhere, "");
}

/* Whatever the rules say. */
static void test_no_hub(void **state)
{
    Fixture *fixture = *state;
    const Assignment *any = assign(fixture, "aaaaaaaa", NULL, "vendor=*");
    const Assignment *pool = assign(fixture, "bbbbbbbb", "keys", NULL);

    registry_device(fixture->registry, "1-1")->is_hub = true;
    assert_could_have(fixture, any, "1-2 1-3");
    assert_could_have(fixture, pool, "1-2");
}

/* Who has it now, and whether the assignment is to have anything, is another matter. */
static void test_whoever_has_it(void **state)
{
    Fixture *fixture = *state;
    const Assignment *one = assign(fixture, "aaaaaaaa", NULL, "serial=AAAA-1");

    fixture_put_foreign(fixture, "1-1", LOFT);
    registry_assignment(fixture->registry, "aaaaaaaa")->wanted = false;
    assert_could_have(fixture, one, "1-1");
}

static void test_kept_by_a_tenant(void **state)
{
    Fixture *fixture = *state;
    const Assignment *one = assign(fixture, "aaaaaaaa", NULL, "serial=AAAA-1");
    const Assignment *other = assign(fixture, "bbbbbbbb", NULL, "serial=BBBB-2");
    Device *device = registry_device(fixture->registry, "1-1");
    g_autoptr(GPtrArray) devices = registry_sorted(fixture->registry->devices);
    g_autoptr(Candidates) candidates = NULL;

    registry_add_tenant(fixture->registry, tenant_new("lab"));
    device->tenant = g_strdup("lab");
    assert_could_have(fixture, one, "");
    assert_could_have(fixture, other, "1-2");
    candidates = candidates_new(fixture->registry, devices);
    assert_ptr_equal(candidates_withheld(candidates, one), device);
    assert_null(candidates_withheld(candidates, other));
}

/* Who draws from a group for whatever is in it shares the list with others of the same right. */
static void test_pools(void **state)
{
    Fixture *fixture = *state;
    const Assignment *one = assign(fixture, "aaaaaaaa", "keys", NULL);
    const Assignment *other = assign(fixture, "bbbbbbbb", "keys", NULL);
    const Assignment *narrowed = assign(fixture, "cccccccc", "keys", "vendor=0529");
    Assignment *tenants = registry_assignment(fixture->registry, "bbbbbbbb");
    g_autoptr(GPtrArray) devices = registry_sorted(fixture->registry->devices);
    g_autoptr(Candidates) shared = candidates_new(fixture->registry, devices);
    g_autoptr(Candidates) apart = NULL;
    Tenant *tenant = tenant_new("lab");

    assert_ptr_equal(candidates_of(shared, one), candidates_of(shared, other));
    assert_ptr_equal(candidates_pool(shared, one), candidates_pool(shared, other));
    assert_int_equal(candidates_pools(shared, "keys")->len, 1);
    assert_null(candidates_pools(shared, "nogroup"));
    assert_null(candidates_pool(shared, narrowed));
    assert_ptr_not_equal(candidates_of(shared, one), candidates_of(shared, narrowed));

    registry_add_tenant(fixture->registry, tenant);
    registry_device(fixture->registry, "1-2")->tenant = g_strdup("lab");
    tenants->tenant = g_strdup("lab");
    assert_could_have(fixture, one, "1-1");
    assert_could_have(fixture, other, "");
    assert_could_have(fixture, narrowed, "1-1");
    tenant_add_machine(tenant, DESK);
    assert_could_have(fixture, other, "1-2");
    apart = candidates_new(fixture->registry, devices);
    assert_int_equal(candidates_pools(apart, "keys")->len, 2);
    assert_ptr_equal(candidates_withheld(apart, one), registry_device(fixture->registry, "1-2"));
    assert_ptr_equal(candidates_withheld(apart, other), registry_device(fixture->registry, "1-1"));
}

/* More than are searched for one by one. */
static void test_a_long_list_of_its_own(void **state)
{
    Fixture *fixture = *state;
    const Assignment *any = assign(fixture, "aaaaaaaa", NULL, "class=smartcard");
    const Assignment *narrowed = assign(fixture, "bbbbbbbb", "keys", "class=smartcard");

    for (int i = 4; i < 9; i++) {
        g_autofree char *sysname = g_strdup_printf("1-%d", i);

        fixture_plug(fixture, fixture_make_device(fixture, sysname, 0x0529, 1, ""));
    }
    registry_device(fixture->registry, "1-7")->class_name = "storage";
    registry_device(fixture->registry, "1-8")->tenant = g_strdup("lab");
    assert_could_have(fixture, any, "1-1 1-2 1-3 1-4 1-5 1-6");
    assert_could_have(fixture, narrowed, "1-1 1-2 1-4 1-5 1-6");
    registry_device(fixture->registry, "1-4")->is_hub = true;
    assert_could_have(fixture, any, "1-1 1-2 1-3 1-5 1-6");
    assert_could_have(fixture, narrowed, "1-1 1-2 1-5 1-6");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_by_rule_and_group), TEST(test_no_hub), TEST(test_whoever_has_it),
        TEST(test_kept_by_a_tenant),  TEST(test_pools),  TEST(test_a_long_list_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
