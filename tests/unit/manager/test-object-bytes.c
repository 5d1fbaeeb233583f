/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much all objects are together: what is predicted of a change is never less than what comes of it, and
 * what doesn't fit is refused. tests/bus/test-quotas.c holds it against real messages. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/error.h"
#include "daemon/base/text.h"
#include "daemon/base/tuning.h"
#include "daemon/manager/object-bytes.h"
#include "daemon/manager/quotas.h"
#include "tests/unit/fixture.h"

#define KEY_VENDOR  0x0529
#define KEY_PRODUCT 0x0001

/* A rule of that many bytes. New string. */
static char *long_rule(const char *rule, gsize bytes)
{
    g_autofree char *rest = g_strnfill(bytes - strlen(rule) - strlen(" name!="), 'x');

    return g_strdup_printf("%s name!=%s", rule, rest);
}

static void plug(Fixture *fixture, unsigned n)
{
    for (unsigned i = 1; i <= n; i++) {
        g_autofree char *sysname = g_strdup_printf("1-%u", i);
        g_autofree char *serial = g_strdup_printf("KEY-%04u", i);

        fixture_plug(fixture, fixture_make_device(fixture, sysname, KEY_VENDOR, KEY_PRODUCT, serial));
    }
}

/* Adds it, and sees that it became no more than was said. */
static void assert_predicted(Fixture *fixture, const char *group_name, const char *rule_text)
{
    Group *group = registry_group(fixture->registry, group_name);
    Rule *rule = rule_parse(rule_text, NULL);
    gsize before = object_bytes_of_all(fixture->registry);
    gsize more = object_bytes_of_rule(fixture->registry, group_name, rule);
    gsize after;

    group_add_rule(group, rule, GROUP_ORIGIN_ADMIN);
    memberships_rebuild(fixture->memberships);
    after = object_bytes_of_all(fixture->registry);
    assert_true(after > before);
    assert_true(after <= before + more);
}

static void test_a_rule(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *wide = long_rule("vendor=*", RULE_TEXT_MAX);

    plug(fixture, 40);
    fixture_add_group(fixture, "keys", (const char *[]){ NULL });
    assert_predicted(fixture, "keys", "vendor=0529 product=0001 serial=KEY-0001");
    assert_predicted(fixture, "keys", "vendor=046d");
    assert_predicted(fixture, "keys", "vendor=0529");
    assert_predicted(fixture, "keys", wide);
}

static void test_a_group(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *wide = long_rule("vendor=*", RULE_TEXT_MAX);
    const char *const rules[] = { "vendor=046d", "vendor=0529 serial=KEY-000*", wide, NULL };
    gsize before, said, said_new;

    plug(fixture, 40);
    before = object_bytes_of_all(fixture->registry);
    fixture_add_group(fixture, "keys", rules);
    said = object_bytes_of_group(fixture->registry, registry_group(fixture->registry, "keys"));
    assert_true(object_bytes_of_all(fixture->registry) - before <= said);

    before = object_bytes_of_all(fixture->registry);
    said_new = object_bytes_of_new_group();
    fixture_add_group(fixture, "more", (const char *[]){ NULL });
    assert_true(object_bytes_of_all(fixture->registry) - before <= said_new);
}

static void test_a_tenant(void **state)
{
    Fixture *fixture = *state;
    const char *const members[] = { "user:anna", "group:cad", NULL };
    gsize before = object_bytes_of_all(fixture->registry), with_machine;
    Tenant *tenant = tenant_new("acme");

    tenant_set_members(tenant, members);
    assert_true(object_bytes_of_tenant(tenant) > object_bytes_of_tenants_machine());
    registry_add_tenant(fixture->registry, tenant);
    assert_int_equal(object_bytes_of_all(fixture->registry), before + object_bytes_of_tenant(tenant));
    with_machine = object_bytes_of_tenant(tenant) + object_bytes_of_tenants_machine();
    tenant_add_machine(tenant, DESK);
    assert_true(object_bytes_of_tenant(tenant) <= with_machine);
}

/* Of many rules a device tells some only. */
static void test_of_many_rules_the_first_are_told(void **state)
{
    Fixture *fixture = *state;
    gsize before, few, many;

    plug(fixture, 1);
    fixture_add_group(fixture, "keys", (const char *[]){ NULL });
    before = object_bytes_of_all(fixture->registry);
    for (unsigned i = 0; i < MEMBERSHIP_RULES_SHOWN_MAX; i++)
        assert_predicted(fixture, "keys", "vendor=0529");
    few = object_bytes_of_all(fixture->registry) - before;
    for (unsigned i = 0; i < MEMBERSHIP_RULES_SHOWN_MAX; i++)
        assert_predicted(fixture, "keys", "vendor=0529");
    many = object_bytes_of_all(fixture->registry) - before;
    assert_true(many < 2 * few);
}

static char *text_of(char c, gsize bytes)
{
    return g_strnfill(bytes, c);
}

/* Whatever is said about an assignment: its place is large enough. */
static void test_the_largest_assignment(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *rule = long_rule("vendor=0529", RULE_TEXT_MAX);
    g_autofree char *name = text_of('.', GROUP_NAME_MAX);
    g_autofree char *group = g_strconcat(name, "/", name, NULL);
    Assignment *assignment = fixture_make_assignment(fixture, "aaaaaaaa", DESK, group, rule, "all");
    gsize before = object_bytes_of_all(fixture->registry);

    g_free(assignment->name);
    g_free(assignment->description);
    g_free(assignment->reason);
    g_free(assignment->shown_machine);
    g_free(assignment->device_label);
    assignment->shown_machine = text_of('x', TEXT_MAX);
    assignment->device_label = text_of('x', ASSIGNMENT_LABEL_MAX);
    assignment->name = text_of('x', ASSIGNMENT_NAME_MAX);
    assignment->description = text_of('x', TEXT_MAX);
    assignment->reason = text_of('x', ASSIGNMENT_REASON_MAX);
    assignment->error = "ControllerPassedThrough";
    registry_add_assignment(fixture->registry, assignment);
    assert_true(object_bytes_of_all(fixture->registry) - before <= ASSIGNMENT_BYTES_MAX);
}

/* Filled to the brim, what grows is refused, and what doesn't isn't. */
static void test_the_limit(void **state)
{
    const gsize room = OBJECTS_BYTES_MAX - (gsize)ASSIGNMENTS_MAX * ASSIGNMENT_BYTES_MAX;
    Fixture *fixture = *state;
    Registry *registry = fixture->registry;
    g_autofree char *text = long_rule("vendor=046d", RULE_TEXT_MAX);
    g_autoptr(Rule) rule = rule_parse(text, NULL);
    g_autoptr(GError) error = NULL;
    Group *group;
    gsize bytes;

    fixture_add_group(fixture, "keys", (const char *[]){ NULL });
    group = registry_group(registry, "keys");
    bytes = object_bytes_of_rule(registry, "keys", rule);
    /* not looking at all of them for each */
    for (gsize n = (room - object_bytes_of_all(registry)) / bytes; n > 0; n--)
        assert_non_null(group_add_rule(group, rule_parse(text, NULL), GROUP_ORIGIN_ADMIN));
    while (object_bytes_check(registry, 0, bytes, NULL))
        assert_non_null(group_add_rule(group, rule_parse(text, NULL), GROUP_ORIGIN_ADMIN));
    assert_true(object_bytes_of_all(registry) <= room);
    assert_true(object_bytes_of_all(registry) > room - 2 * bytes);

    assert_false(object_bytes_check(registry, 0, bytes, &error));
    assert_true(g_error_matches(error, FERRY_ERROR, FERRY_ERROR_LIMIT_EXCEEDED));
    assert_true(object_bytes_check(registry, RULE_TEXT_MAX, RULE_TEXT_MAX, NULL));
    assert_true(object_bytes_check(registry, RULE_TEXT_MAX, 0, NULL));
    /* assignments have their places */
    fixture_assign(fixture, "aaaaaaaa", DESK, "keys", text, "1");
    group_remove_rule(group, 1);
    assert_true(object_bytes_check(registry, 0, bytes, NULL));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_rule),
        TEST(test_a_group),
        TEST(test_a_tenant),
        TEST(test_of_many_rules_the_first_are_told),
        TEST(test_the_largest_assignment),
        TEST(test_the_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
