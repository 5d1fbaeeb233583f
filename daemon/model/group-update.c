/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Field by field from the decided groups into those in the registry. A new field of struct Group that people
 * decide has its line here. Between the old rules and the new ones all memberships are worked out anew. */

#include "daemon/model/group-update.h"

#include <string.h>

#include "daemon/model/take.h"

/* Whether two lists of rules say the same. */
static bool same_rules(const GPtrArray *a, const GPtrArray *b)
{
    bool same = a->len == b->len;

    for (guint i = 0; same && i < a->len; i++) {
        const GroupRule *left = a->pdata[i], *right = b->pdata[i];

        same = left->id == right->id && left->enabled == right->enabled &&
               strcmp(left->text, right->text) == 0 && strcmp(left->origin, right->origin) == 0;
    }
    return same;
}

/* next keeps the old rules: memberships refer to them until these are worked out anew. */
static unsigned take_over(Group *group, Group *next)
{
    GPtrArray *old_rules = group->rules;
    unsigned fields = same_rules(group->rules, next->rules) ? 0 : GROUP_FIELD_RULES;

    if (take_text(&group->description, &next->description))
        fields |= GROUP_FIELD_DESCRIPTION;
    if (TAKE_VALUE(group->class_value, next->class_value))
        fields |= GROUP_FIELD_CLASS;
    if (TAKE_VALUE(group->enabled, next->enabled))
        fields |= GROUP_FIELD_ENABLED;
    if (TAKE_VALUE(group->allow_guest_reset, next->allow_guest_reset))
        fields |= GROUP_FIELD_ALLOW_GUEST_RESET;
    if (TAKE_VALUE(group->allow_guest_resets_all, next->allow_guest_resets_all))
        fields |= GROUP_FIELD_ALLOW_GUEST_RESETS_ALL;
    if (TAKE_VALUE(group->priority, next->priority))
        fields |= GROUP_FIELD_PRIORITY;

    group->rules = next->rules;
    next->rules = old_rules;
    group->next_rule_id = next->next_rule_id;
    take_text(&group->file, &next->file); /* every rule's origin names it, too */
    return fields;
}

/* A rule may read differently and match the same devices by the same number. */
static void report_rules_of_members(Registry *registry, const Group *group)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, registry->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (membership_find(value, group->name))
            registry_report(registry, OBJECT_DEVICE, ((const Device *)value)->sysname, DEVICE_FIELD_GROUPS);
}

static void destroy_group(gpointer group)
{
    group_free(group);
}

static void unref_array(gpointer array)
{
    g_ptr_array_unref(array);
}

/* ret_fields: of each in next, 0 for a new one. */
static void update(Registry *registry, Memberships *memberships, GPtrArray *next, GPtrArray *gone,
                   unsigned *ret_fields)
{
    /* The old rules live until nothing refers to them, which is after the rebuild. */
    g_autoptr(GPtrArray) old_groups = g_ptr_array_new_with_free_func(destroy_group);
    g_autoptr(GPtrArray) old_rules = g_ptr_array_new_with_free_func(unref_array);
    g_autoptr(GPtrArray) groups = g_ptr_array_new();

    for (guint i = 0; i < next->len; i++) {
        Group *one = next->pdata[i];
        Group *group = registry_group(registry, one->name);

        ret_fields[i] = group ? take_over(group, one) : 0;
        g_ptr_array_add(groups, group ? group : one);
        if (group)
            g_ptr_array_add(old_groups, one);
        else
            registry_add_group(registry, one);
    }
    for (guint i = 0; gone && i < gone->len; i++) {
        Group *group = gone->pdata[i];

        g_ptr_array_add(old_rules, group->rules);
        group->rules = g_ptr_array_new();
    }
    memberships_rebuild(memberships);

    for (guint i = 0; i < groups->len; i++) {
        const Group *group = groups->pdata[i];

        if (ret_fields[i] & GROUP_FIELD_RULES)
            report_rules_of_members(registry, group);
        registry_report(registry, OBJECT_GROUP, group->name, ret_fields[i]);
    }
    for (guint i = 0; gone && i < gone->len; i++)
        registry_remove_group(registry, gone->pdata[i]);
}

void group_update_many(Registry *registry, Memberships *memberships, GPtrArray *next, GPtrArray *gone)
{
    g_autofree unsigned *fields = g_new0(unsigned, next->len + 1);

    update(registry, memberships, next, gone, fields);
}

unsigned group_update(Registry *registry, Memberships *memberships, Group *next)
{
    g_autoptr(GPtrArray) groups = g_ptr_array_new();
    unsigned fields = 0;

    g_ptr_array_add(groups, next);
    update(registry, memberships, groups, NULL, &fields);
    return fields;
}

void group_update_remove(Registry *registry, Memberships *memberships, Group *group)
{
    g_autoptr(GPtrArray) none = g_ptr_array_new(), gone = g_ptr_array_new();

    g_ptr_array_add(gone, group);
    group_update_many(registry, memberships, none, gone);
}
