/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A set is a matching of rules and devices. A device that fits two rules must not leave one of them empty,
 * so taking the first that fits isn't enough: a rule may ask another one to move to its next device
 * (augmenting paths). Called by deal.c; touches nothing else. */

#include "daemon/allocation/set-matching.h"

typedef struct Matching {
    const char *node;
    const GPtrArray *devices;
    GPtrArray *rules;    /* of GroupRule, the enabled ones */
    int *rule_of_device; /* -1 = free */
    bool *asked;
} Matching;

/* Finds a device for this rule, moving others where that helps. */
static bool place(Matching *matching, guint rule)
{
    const GroupRule *its = matching->rules->pdata[rule];

    for (guint i = 0; i < matching->devices->len; i++) {
        if (matching->asked[i] || !rule_matches(its->rule, matching->devices->pdata[i], matching->node))
            continue;
        matching->asked[i] = true;
        if (matching->rule_of_device[i] < 0 || place(matching, (guint)matching->rule_of_device[i])) {
            matching->rule_of_device[i] = (int)rule;
            return true;
        }
    }
    return false;
}

GPtrArray *set_matching_choose(const Group *group, const char *node, const GPtrArray *devices)
{
    g_autoptr(GPtrArray) rules = g_ptr_array_new();
    g_autofree int *rule_of_device = g_new(int, MAX(devices->len, 1));
    g_autofree bool *asked = g_new0(bool, MAX(devices->len, 1));
    Matching matching = {
        .node = node, .devices = devices, .rules = rules, .rule_of_device = rule_of_device, .asked = asked
    };
    GPtrArray *chosen;

    for (guint i = 0; i < group->rules->len; i++)
        if (((const GroupRule *)group->rules->pdata[i])->enabled)
            g_ptr_array_add(rules, group->rules->pdata[i]);
    for (guint i = 0; i < devices->len; i++)
        rule_of_device[i] = -1;
    if (rules->len == 0 || rules->len > devices->len)
        return NULL;
    for (guint i = 0; i < rules->len; i++) {
        memset(asked, 0, devices->len * sizeof *asked);
        if (!place(&matching, i))
            return NULL;
    }
    chosen = g_ptr_array_new();
    for (guint i = 0; i < devices->len; i++)
        if (rule_of_device[i] >= 0)
            g_ptr_array_add(chosen, devices->pdata[i]);
    return chosen;
}
