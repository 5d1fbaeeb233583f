/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One resource group and its rules. Its text is daemon/config/group-text.c. */

#include "daemon/model/group.h"

#include <string.h>

static const struct {
    const char *name;
    const char *icon; /* of the icon naming specification, so that every theme has it */
} classes[_GROUP_CLASS_MAX] = {
    [GROUP_CLASS_GENERIC] = { "generic", "preferences-desktop-peripherals" },
    [GROUP_CLASS_HID] = { "hid", "input-keyboard" },
    [GROUP_CLASS_STORAGE] = { "storage", "drive-removable-media" },
    [GROUP_CLASS_MEDIA] = { "media", "camera-web" },
    [GROUP_CLASS_AUDIO] = { "audio", "audio-card" },
    [GROUP_CLASS_NETWORK] = { "network", "network-wired" },
    [GROUP_CLASS_SMARTCARD] = { "smartcard", "media-flash" },
    [GROUP_CLASS_PRINTER] = { "printer", "printer" },
    [GROUP_CLASS_SERIAL] = { "serial", "modem" },
    [GROUP_CLASS_BLUETOOTH] = { "bluetooth", "network-wireless" },
};

/* Not ENUM_TABLE_DEFINE: people write "HID" as others do. */
const char *group_class_to_string(GroupClass value)
{
    return (int)value < 0 || value >= _GROUP_CLASS_MAX ? NULL : classes[value].name;
}

GroupClass group_class_from_string(const char *text)
{
    for (int i = 0; text && i < _GROUP_CLASS_MAX; i++)
        if (g_ascii_strcasecmp(classes[i].name, text) == 0)
            return (GroupClass)i;
    return _GROUP_CLASS_INVALID;
}

const char *group_class_icon(GroupClass class_value)
{
    g_return_val_if_fail((int)class_value >= 0 && class_value < _GROUP_CLASS_MAX, NULL);

    return classes[class_value].icon;
}

GroupRule *group_rule_free(GroupRule *rule)
{
    if (!rule)
        return NULL;
    rule_unref(rule->rule);
    g_free(rule->text);
    g_free(rule->origin);
    g_free(rule);
    return NULL;
}

static void destroy_rule(gpointer rule)
{
    group_rule_free(rule);
}

Group *group_new(const char *name)
{
    Group *group = g_new0(Group, 1);

    group->name = g_strdup(name);
    (void)group_name_is_tenants(name, &group->tenant);
    group->description = g_strdup("");
    group->class_value = GROUP_CLASS_GENERIC;
    group->enabled = true;
    group->rules = g_ptr_array_new_with_free_func(destroy_rule);
    group->next_rule_id = 1;
    group->devices = g_ptr_array_new_with_free_func(g_free);
    return group;
}

Group *group_free(Group *group)
{
    if (!group)
        return NULL;
    g_free(group->name);
    g_free(group->description);
    g_ptr_array_unref(group->rules);
    g_free(group->file);
    g_free(group->tenant);
    g_free(group->damage);
    g_ptr_array_unref(group->devices);
    g_free(group);
    return NULL;
}

Group *group_copy(const Group *group)
{
    Group *copy = group_new(group->name);

    g_free(copy->description);
    copy->description = g_strdup(group->description);
    copy->class_value = group->class_value;
    copy->enabled = group->enabled;
    copy->allow_guest_reset = group->allow_guest_reset;
    copy->allow_guest_resets_all = group->allow_guest_resets_all;
    copy->priority = group->priority;
    copy->next_rule_id = group->next_rule_id;
    copy->file = g_strdup(group->file);
    for (guint i = 0; i < group->rules->len; i++) {
        const GroupRule *rule = group->rules->pdata[i];
        GroupRule *rule_copy = g_new0(GroupRule, 1);

        rule_copy->id = rule->id;
        rule_copy->enabled = rule->enabled;
        rule_copy->rule = rule_ref(rule->rule);
        rule_copy->text = g_strdup(rule->text);
        rule_copy->origin = g_strdup(rule->origin);
        g_ptr_array_add(copy->rules, rule_copy);
    }
    return copy;
}

bool group_name_is_valid(const char *name)
{
    gsize length = name ? strlen(name) : 0;

    if (length < 1 || length > GROUP_NAME_MAX || g_str_equal(name, ".") || g_str_equal(name, ".."))
        return false;
    return strspn(name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-") == length;
}

bool group_name_is_tenants(const char *name, char **ret_tenant)
{
    const char *separator = name ? strchr(name, GROUP_TENANT_SEPARATOR) : NULL;
    g_autofree char *tenant = separator ? g_strndup(name, (gsize)(separator - name)) : NULL;

    if (!separator || !group_name_is_valid(tenant) || !group_name_is_valid(separator + 1))
        return false;
    if (ret_tenant)
        *ret_tenant = g_steal_pointer(&tenant);
    return true;
}

GroupRule *group_add_rule(Group *group, Rule *rule, const char *origin)
{
    GroupRule *added;

    if (group->rules->len >= GROUP_RULES_MAX || group->next_rule_id > GROUP_RULE_ID_MAX) {
        rule_unref(rule);
        return NULL;
    }
    added = g_new0(GroupRule, 1);
    added->id = group->next_rule_id++;
    added->enabled = true;
    added->rule = rule;
    added->text = rule_print(rule);
    added->origin = g_strdup(origin);
    g_ptr_array_add(group->rules, added);
    return added;
}

GroupRule *group_find_rule(const Group *group, uint32_t id)
{
    for (guint i = 0; i < group->rules->len; i++) {
        GroupRule *rule = group->rules->pdata[i];

        if (rule->id == id)
            return rule;
    }
    return NULL;
}

bool group_has_rule(const Group *group, const char *text)
{
    for (guint i = 0; i < group->rules->len; i++)
        if (strcmp(((const GroupRule *)group->rules->pdata[i])->text, text) == 0)
            return true;
    return false;
}

bool group_remove_rule(Group *group, uint32_t id)
{
    GroupRule *rule = group_find_rule(group, id);

    return rule && g_ptr_array_remove(group->rules, rule);
}
