/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Groups: names, classes, and the numbers of rules. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/base/text.h"
#include "daemon/config/group-text.h"
#include "daemon/model/group.h"

#define PATH "/etc/usbferry/groups.d/dongles.conf"

static Group *read_text(const char *text, bool from_drop_in)
{
    g_autoptr(GError) error = NULL;
    Group *group = group_from_text(text, PATH, from_drop_in, &error);

    if (!group)
        fail_msg("%s\n%s", error->message, text);
    assert_null(error);
    return group;
}

/* In a file and back. */
static Group *through_text(const Group *group)
{
    g_autofree char *text = group_to_text(group), *again = NULL;
    Group *read = read_text(text, false);

    again = group_to_text(read);
    assert_string_equal(text, again);
    return read;
}

static void test_names(void **state)
{
    static const char *const valid[] = { "a", "licence-dongles", "A.b_c-9", "-", "...", ".a", "0" };
    static const char *const invalid[] = { "", ".", "..", "a b", "a/b", "ä", "a\n", "a*", "a\"", "a:b" };
    g_autofree char *longest = g_strnfill(GROUP_NAME_MAX, 'x');
    g_autofree char *too_long = g_strnfill(GROUP_NAME_MAX + 1, 'x');

    for (gsize i = 0; i < G_N_ELEMENTS(valid); i++)
        assert_true(group_name_is_valid(valid[i]));
    for (gsize i = 0; i < G_N_ELEMENTS(invalid); i++)
        assert_false(group_name_is_valid(invalid[i]));
    assert_true(group_name_is_valid(longest));
    assert_false(group_name_is_valid(too_long));
    assert_false(group_name_is_valid(NULL));
}

/* A tenant's group has two names, and comes from no drop-in. */
static void test_names_of_tenants(void **state)
{
    static const char *const invalid[] = {
        "", "a", "/", "a/", "/a", "a//b", "a/b/c", "./a", "a/..", "a/b c"
    };
    g_autoptr(Group) group = group_new("acme/v1.0"), read = NULL;
    g_autofree char *text = group_to_text(group), *tenant = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(invalid); i++)
        assert_false(group_name_is_tenants(invalid[i], NULL));
    assert_false(group_name_is_tenants(NULL, NULL));
    assert_true(group_name_is_tenants("acme/v1.0", &tenant));
    assert_string_equal(tenant, "acme");
    assert_string_equal(group->tenant, "acme");
    read = through_text(group);
    assert_string_equal(read->name, "acme/v1.0");
    assert_string_equal(read->tenant, "acme");
    assert_null(group_from_text(text, PATH, true, NULL));
}

static void test_classes(void **state)
{
    for (int i = 0; i < _GROUP_CLASS_MAX; i++) {
        const char *name = group_class_to_string((GroupClass)i);
        g_autofree char *upper = g_ascii_strup(name, -1);

        assert_int_equal(group_class_from_string(name), i);
        assert_int_equal(group_class_from_string(upper), i);
        assert_non_null(group_class_icon((GroupClass)i));
    }
    assert_int_equal(group_class_from_string("toaster"), _GROUP_CLASS_INVALID);
    assert_int_equal(group_class_from_string(""), _GROUP_CLASS_INVALID);
    assert_int_equal(group_class_from_string(NULL), _GROUP_CLASS_INVALID);
    assert_null(group_class_to_string(_GROUP_CLASS_MAX));
    assert_null(group_class_to_string(_GROUP_CLASS_INVALID));
}

static void test_rules(void **state)
{
    g_autoptr(Group) group = group_new("dongles");
    GroupRule *first, *second, *third;

    first = group_add_rule(group, rule_parse("vendor=529", NULL), "auto:3-1");
    second = group_add_rule(group, rule_parse("class=hid", NULL), GROUP_ORIGIN_ADMIN);
    assert_int_equal(first->id, 1);
    assert_int_equal(second->id, 2);
    assert_true(first->enabled);
    assert_string_equal(first->text, "vendor=0529");
    assert_string_equal(first->origin, "auto:3-1");
    assert_ptr_equal(group_find_rule(group, 2), second);
    assert_null(group_find_rule(group, 0));
    assert_null(group_find_rule(group, 3));

    /* a number is never used again, also not after a restart */
    assert_true(group_remove_rule(group, 2));
    assert_false(group_remove_rule(group, 2));
    assert_int_equal(group->rules->len, 1);
    {
        g_autoptr(Group) later = through_text(group);

        third = group_add_rule(later, rule_parse("class=hid", NULL), GROUP_ORIGIN_ADMIN);
        assert_int_equal(third->id, 3);
    }

    for (guint i = group->rules->len; i < GROUP_RULES_MAX; i++)
        assert_non_null(group_add_rule(group, rule_parse("vendor=*", NULL), GROUP_ORIGIN_ADMIN));
    assert_null(group_add_rule(group, rule_parse("vendor=*", NULL), GROUP_ORIGIN_ADMIN));
    {
        g_autoptr(Group) full = through_text(group);

        assert_int_equal(full->rules->len, GROUP_RULES_MAX);
    }
}

static void test_rule_numbers_run_out(void **state)
{
    g_autoptr(Group) group = read_text("[Group]\nName=a\n[Rule 2147483646]\nMatch=vendor=*\n", false);
    GroupRule *last = group_add_rule(group, rule_parse("vendor=1", NULL), GROUP_ORIGIN_ADMIN);
    g_autoptr(Group) again = through_text(group);

    assert_int_equal(last->id, GROUP_RULE_ID_MAX);
    assert_null(group_add_rule(again, rule_parse("vendor=1", NULL), GROUP_ORIGIN_ADMIN));
    /* not even when the last one is gone */
    assert_true(group_remove_rule(again, GROUP_RULE_ID_MAX));
    {
        g_autoptr(Group) later = through_text(again);

        assert_null(group_add_rule(later, rule_parse("vendor=1", NULL), GROUP_ORIGIN_ADMIN));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_names_of_tenants),
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_rule_numbers_run_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
