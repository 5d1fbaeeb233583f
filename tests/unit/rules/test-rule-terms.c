/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The terms of a rule: their order, no doubles, and the text that a pattern stands for. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/rules/rule-terms.h"
#include "daemon/rules/rule.h"

static void test_names_go_both_ways(void **state)
{
    for (int key = 0; key < _RULE_KEY_MAX; key++)
        assert_int_equal(rule_key_from_string(rule_key_to_string((RuleKey)key)), key);
    assert_int_equal(rule_key_from_string("Vendor"), _RULE_KEY_INVALID);
    assert_int_equal(rule_key_from_string(NULL), _RULE_KEY_INVALID);
    assert_null(rule_key_to_string(_RULE_KEY_INVALID));
    assert_null(rule_key_to_string(_RULE_KEY_MAX));
}

static void test_order_and_doubles(void **state)
{
    g_autoptr(Rule) rule = rule_new();
    g_autofree char *text = NULL;

    rule_add(rule, RULE_KEY_SERIAL, true, g_strdup("b"));
    rule_add(rule, RULE_KEY_SERIAL, false, g_strdup("b"));
    rule_add(rule, RULE_KEY_VENDOR, false, g_strdup("046d"));
    rule_add(rule, RULE_KEY_SERIAL, false, g_strdup("a"));
    rule_add(rule, RULE_KEY_VENDOR, false, g_strdup("046d"));
    rule_settle(rule);
    text = rule_print(rule);
    assert_string_equal(text, "vendor=046d serial=a serial=b serial!=b");
}

static void test_literals(void **state)
{
    static const struct {
        const char *value, *literal;
    } cases[] = { { "a", "a" }, { "", "" }, { "a*", NULL }, { "?", NULL }, { "\\*\\?\\\\", "*?\\" } };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Rule) rule = rule_new();

        rule_add(rule, RULE_KEY_SERIAL, false, g_strdup(cases[i].value));
        if (g_strcmp0(g_array_index(rule->terms, RuleTerm, 0).literal, cases[i].literal) != 0)
            fail_msg("%s", cases[i].value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_go_both_ways),
        cmocka_unit_test(test_order_and_doubles),
        cmocka_unit_test(test_literals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
