/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The terms of a rule: made and brought into canonical order. Called by the readers and makers of rules.
 * Pure. */

#include "daemon/rules/rule-terms.h"

#include <string.h>

static const char *const key_names[_RULE_KEY_MAX] = {
    [RULE_KEY_VENDOR] = "vendor",
    [RULE_KEY_PRODUCT] = "product",
    [RULE_KEY_SERIAL] = "serial",
    [RULE_KEY_NAME] = "name",
    [RULE_KEY_MANUFACTURER] = "manufacturer",
    [RULE_KEY_CLASS] = "class",
    [RULE_KEY_PORT] = "port",
    [RULE_KEY_HUB] = "hub",
    [RULE_KEY_CONTROLLER] = "controller",
    [RULE_KEY_NODE] = "node",
    [RULE_KEY_REMOVABLE] = "removable",
    [RULE_KEY_SPEED] = "speed",
};

const char *rule_key_to_string(RuleKey key)
{
    return (int)key < 0 || key >= _RULE_KEY_MAX ? NULL : key_names[key];
}

RuleKey rule_key_from_string(const char *text)
{
    for (int key = 0; key < _RULE_KEY_MAX; key++)
        if (g_strcmp0(key_names[key], text) == 0)
            return (RuleKey)key;
    return _RULE_KEY_INVALID;
}

static void term_clear(gpointer data)
{
    RuleTerm *term = data;

    g_free(term->value);
    g_free(term->literal);
}

Rule *rule_new(void)
{
    Rule *rule = g_new0(Rule, 1);

    rule->refs = 1;
    rule->terms = g_array_new(FALSE, TRUE, sizeof(RuleTerm));
    g_array_set_clear_func(rule->terms, term_clear);
    return rule;
}

/* The text that a pattern stands for, NULL when it has wildcards. */
static char *pattern_literal(const char *pattern)
{
    g_autoptr(GString) literal = NULL;

    if (!strpbrk(pattern, "*?\\"))
        return g_strdup(pattern);
    literal = g_string_new(NULL);
    for (; *pattern; pattern++) {
        if (*pattern == '*' || *pattern == '?')
            return NULL;
        if (*pattern == '\\')
            pattern++;
        g_string_append_c(literal, *pattern);
    }
    return g_string_free(g_steal_pointer(&literal), FALSE);
}

void rule_add(Rule *rule, RuleKey key, bool negated, char *value)
{
    /* only texts have escapes, and only they, ids and class codes have wildcards at all */
    RuleTerm term = { key, negated, value, pattern_literal(value) };

    g_array_append_val(rule->terms, term);
}

static int term_compare(gconstpointer a, gconstpointer b)
{
    const RuleTerm *left = a, *right = b;

    if (left->key != right->key)
        return left->key < right->key ? -1 : 1;
    if (left->negated != right->negated)
        return left->negated ? 1 : -1;
    return strcmp(left->value, right->value);
}

void rule_settle(Rule *rule)
{
    g_array_sort(rule->terms, term_compare);
    for (guint i = rule->terms->len; i > 1; i--)
        if (term_compare(&g_array_index(rule->terms, RuleTerm, i - 1),
                         &g_array_index(rule->terms, RuleTerm, i - 2)) == 0)
            g_array_remove_index(rule->terms, i - 1);
}
