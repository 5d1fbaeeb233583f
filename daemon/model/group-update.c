/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Groups that were decided anew, on their way into the registry. */

#include "daemon/manager/internal.h"

#include <string.h>

/* Whether two lists of rules say the same. */
static bool same_rules(const Group *a, const Group *b)
{
    bool same = a->rules->len == b->rules->len;

    for (guint i = 0; same && i < a->rules->len; i++) {
        const GroupRule *left = a->rules->pdata[i], *right = b->rules->pdata[i];

        same = left->id == right->id && left->enabled == right->enabled &&
               strcmp(left->text, right->text) == 0 && strcmp(left->origin, right->origin) == 0;
    }
    return same;
}

static unsigned compare(const Group *a, const Group *b)
{
    unsigned fields = 0;

    if (strcmp(a->description, b->description) != 0)
        fields |= GROUP_FIELD_DESCRIPTION;
    if (a->class_value != b->class_value)
        fields |= GROUP_FIELD_CLASS;
    if (a->enabled != b->enabled)
        fields |= GROUP_FIELD_ENABLED;
    if (a->allow_guest_reset != b->allow_guest_reset)
        fields |= GROUP_FIELD_ALLOW_GUEST_RESET;
    if (a->allow_guest_resets_all != b->allow_guest_resets_all)
        fields |= GROUP_FIELD_ALLOW_GUEST_RESETS_ALL;
    if (a->priority != b->priority)
        fields |= GROUP_FIELD_PRIORITY;
    return fields | (same_rules(a, b) ? 0 : GROUP_FIELD_RULES);
}

/* A rule may read differently and match the same devices by the same number. */
static void report_rules_of_members(Manager *self, const Group *group)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, self->registry->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (membership_find(value, group->name))
            registry_report(self->registry, OBJECT_DEVICE, ((const Device *)value)->sysname,
                            DEVICE_FIELD_GROUPS);
}

/* Swaps what was decided. The Group that is in the registry stays the same object: others hold it. */
static void swap(Group *group, Group *next)
{
    Group old = *group;

    group->description = next->description;
    group->class_value = next->class_value;
    group->enabled = next->enabled;
    group->allow_guest_reset = next->allow_guest_reset;
    group->allow_guest_resets_all = next->allow_guest_resets_all;
    group->priority = next->priority;
    group->rules = next->rules;
    group->next_rule_id = next->next_rule_id;
    group->file = next->file;
    next->description = old.description;
    next->rules = old.rules;
    next->file = old.file;
}

static void destroy_group(gpointer group)
{
    group_free(group);
}

static void unref_array(gpointer array)
{
    g_ptr_array_unref(array);
}

void manager_take_over_groups(Manager *self, GPtrArray *next, GPtrArray *gone)
{
    /* The old rules live until nothing refers to them, which is after the rebuild. */
    g_autoptr(GPtrArray) old_groups = g_ptr_array_new_with_free_func(destroy_group);
    g_autoptr(GPtrArray) old_rules = g_ptr_array_new_with_free_func(unref_array);
    g_autoptr(GPtrArray) changed = g_ptr_array_new();
    g_autofree unsigned *fields = g_new0(unsigned, next->len + 1);

    for (guint i = 0; i < next->len; i++) {
        Group *one = next->pdata[i];
        Group *group = registry_group(self->registry, one->name);

        if (!group) {
            registry_add_group(self->registry, one);
            continue;
        }
        fields[changed->len] = compare(group, one);
        g_ptr_array_add(changed, group);
        swap(group, one);
        g_ptr_array_add(old_groups, one);
    }
    for (guint i = 0; gone && i < gone->len; i++) {
        Group *group = gone->pdata[i];

        g_ptr_array_add(old_rules, group->rules);
        group->rules = g_ptr_array_new();
    }
    memberships_rebuild(self->memberships);

    for (guint i = 0; i < changed->len; i++) {
        const Group *group = changed->pdata[i];

        if (fields[i] & GROUP_FIELD_RULES)
            report_rules_of_members(self, group);
        registry_report(self->registry, OBJECT_GROUP, group->name, fields[i]);
    }
    for (guint i = 0; gone && i < gone->len; i++)
        registry_remove_group(self->registry, gone->pdata[i]);
}

void manager_take_over_group(Manager *self, Group *next)
{
    g_autoptr(GPtrArray) groups = g_ptr_array_new();

    g_ptr_array_add(groups, next);
    manager_take_over_groups(self, groups, NULL);
}

void manager_drop_group(Manager *self, Group *group)
{
    g_autoptr(GPtrArray) none = g_ptr_array_new(), gone = g_ptr_array_new();

    g_ptr_array_add(gone, group);
    manager_take_over_groups(self, none, gone);
}
