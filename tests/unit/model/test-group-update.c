/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What groups become, who is in them then, and what is reported of both. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/base/text.h"
#include "daemon/config/group-text.h"
#include "daemon/model/group-update.h"
#include "tests/unit/fixture.h"

static int setup(void **state)
{
    Fixture *fixture;

    fixture_setup(state);
    fixture = *state;
    fixture_plug(fixture, fixture_make_device(fixture, "1-1", 0x529, 1, "KEY-1"));
    fixture_plug(fixture, fixture_make_device(fixture, "1-2", 0x1234, 1, "CAM-1"));
    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=0529", NULL });
    fixture_record(fixture);
    return 0;
}

static unsigned update(Fixture *fixture, Group *next)
{
    return group_update(fixture->registry, fixture->memberships, next);
}

static Group *make_next(Fixture *fixture)
{
    return group_copy(registry_group(fixture->registry, "keys"));
}

static void assert_in(Fixture *fixture, const char *sysname, const char *group, bool is_in)
{
    if ((membership_find(registry_device(fixture->registry, sysname), group) != NULL) != is_in)
        fail_msg("%s is %sin %s", sysname, is_in ? "not " : "", group);
}

static void test_a_new_one(void **state)
{
    Fixture *fixture = *state;
    Group *next = group_new("cams");

    group_add_rule(next, rule_parse("vendor=1234", NULL), GROUP_ORIGIN_ADMIN);
    assert_int_equal(update(fixture, next), 0);
    assert_ptr_equal(registry_group(fixture->registry, "cams"), next);
    assert_int_equal(fixture_reported(fixture, OBJECT_GROUP, "cams"), FIXTURE_ADDED);
    assert_int_equal(fixture_reported(fixture, OBJECT_DEVICE, "1-2"), DEVICE_FIELD_GROUPS);
    assert_int_equal(fixture_reported(fixture, OBJECT_DEVICE, "1-1"), 0);
    assert_in(fixture, "1-2", "cams", true);
}

static void test_nothing_differs(void **state)
{
    Fixture *fixture = *state;

    assert_int_equal(update(fixture, make_next(fixture)), 0);
    assert_int_equal(fixture_reported(fixture, OBJECT_GROUP, "keys"), 0);
    assert_int_equal(fixture_reported(fixture, OBJECT_DEVICE, "1-1"), 0);
    assert_in(fixture, "1-1", "keys", true);
}

/* Everything at once: the same object, and nothing is left behind. */
static void test_everything(void **state)
{
    Fixture *fixture = *state;
    const Group *group = registry_group(fixture->registry, "keys");
    Group *next = make_next(fixture);
    g_autofree char *expected = NULL, *after = NULL;
    unsigned fields;

    text_replace(&next->description, "dongles");
    next->class_value = GROUP_CLASS_SMARTCARD;
    next->enabled = false;
    next->allow_guest_reset = next->allow_guest_resets_all = true;
    next->priority = 3;
    next->file = g_strdup("/etc/usbferry/groups.d/keys.conf");
    group_remove_rule(next, 1);
    group_add_rule(next, rule_parse("vendor=1234", NULL), GROUP_ORIGIN_ADMIN);
    expected = group_to_text(next);

    fields = update(fixture, next);
    after = group_to_text(group);
    assert_string_equal(after, expected);
    assert_string_equal(group->file, "/etc/usbferry/groups.d/keys.conf");
    assert_int_equal(group->next_rule_id, 3);
    assert_int_equal(fields, GROUP_FIELD_DESCRIPTION | GROUP_FIELD_CLASS | GROUP_FIELD_ENABLED |
                                 GROUP_FIELD_ALLOW_GUEST_RESET | GROUP_FIELD_ALLOW_GUEST_RESETS_ALL |
                                 GROUP_FIELD_PRIORITY | GROUP_FIELD_RULES);
    assert_int_equal(fixture_reported(fixture, OBJECT_GROUP, "keys"), fields);
    assert_in(fixture, "1-1", "keys", false);
    assert_in(fixture, "1-2", "keys", true);
}

/* The numbers are the same, and the text is another one: the devices show it. */
static void test_a_rule_reads_differently(void **state)
{
    Fixture *fixture = *state;
    Group *next = make_next(fixture);
    GroupRule *rule = next->rules->pdata[0];

    rule_unref(rule->rule);
    rule->rule = rule_parse("serial=KEY-1", NULL);
    text_replace(&rule->text, "serial=KEY-1");
    assert_int_equal(update(fixture, next), GROUP_FIELD_RULES);
    assert_int_equal(fixture_reported(fixture, OBJECT_DEVICE, "1-1"), DEVICE_FIELD_GROUPS);
    assert_int_equal(fixture_reported(fixture, OBJECT_DEVICE, "1-2"), 0);
}

static void test_it_goes(void **state)
{
    Fixture *fixture = *state;

    group_update_remove(fixture->registry, fixture->memberships, registry_group(fixture->registry, "keys"));
    assert_null(registry_group(fixture->registry, "keys"));
    assert_int_equal(fixture_reported(fixture, OBJECT_GROUP, "keys"), FIXTURE_REMOVED);
    assert_int_equal(fixture_reported(fixture, OBJECT_DEVICE, "1-1"), DEVICE_FIELD_GROUPS);
    assert_in(fixture, "1-1", "keys", false);
}

/* One comes, one changes, one goes, and a device moves between them. */
static void test_many(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(GPtrArray) next = g_ptr_array_new(), gone = g_ptr_array_new();
    Group *others = group_new("others");

    fixture_add_group(fixture, "cams", (const char *const[]){ "vendor=1234", NULL });
    fixture_record(fixture);
    group_add_rule(others, rule_parse("vendor=1234", NULL), GROUP_ORIGIN_ADMIN);
    g_ptr_array_add(next, others);
    g_ptr_array_add(next, make_next(fixture));
    ((Group *)next->pdata[1])->priority = 9;
    g_ptr_array_add(gone, registry_group(fixture->registry, "cams"));
    group_update_many(fixture->registry, fixture->memberships, next, gone);
    assert_int_equal(fixture_reported(fixture, OBJECT_GROUP, "others"), FIXTURE_ADDED);
    assert_int_equal(fixture_reported(fixture, OBJECT_GROUP, "keys"), GROUP_FIELD_PRIORITY);
    assert_int_equal(fixture_reported(fixture, OBJECT_GROUP, "cams"), FIXTURE_REMOVED);
    assert_int_equal(fixture_reported(fixture, OBJECT_DEVICE, "1-2"), DEVICE_FIELD_GROUPS);
    assert_in(fixture, "1-2", "others", true);
    assert_in(fixture, "1-2", "cams", false);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_new_one),  TEST(test_nothing_differs),
        TEST(test_everything), TEST(test_a_rule_reads_differently),
        TEST(test_it_goes),    TEST(test_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
