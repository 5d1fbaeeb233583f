/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Groups: made, changed, deleted, with their rules. Each call works out what the group is to be and leaves
 * the rest to stored-groups. */

#include "daemon/manager/groups.h"

#include <string.h>

#include "daemon/allocation/preview.h"
#include "daemon/base/error.h"
#include "daemon/base/text.h"
#include "daemon/manager/group-name.h"
#include "daemon/manager/internal.h"
#include "daemon/manager/object-bytes.h"
#include "daemon/manager/stored-groups.h"
#include "daemon/model/find.h"
#include "daemon/rules/pin.h"

/* One whose rules can be changed now: a tenant's are by granting and revoking alone. */
static Group *find_ours(Manager *self, const char *name, GError **error)
{
    Group *group = find_changeable_group(self->registry, name, error);

    if (!group || !group->tenant)
        return group;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_OWNED,
                "group %s belongs to tenant %s: grant devices to the tenant or revoke them", name,
                group->tenant);
    return NULL;
}

/* ------------------------------------------------------------------ create, update, delete */

/* The base, or with a number what nobody has. Takes the base. */
static char *make_unique(Manager *self, char *base)
{
    char *name = g_strdup(base);

    for (unsigned n = 2; stored_groups_is_taken(self, name); n++) {
        g_free(name);
        name = g_strdup_printf("%s-%u", base, n);
    }
    g_free(base);
    return name;
}

bool manager_check_create_group(Manager *self, const char *name, const GroupChoices *choices, GError **error)
{
    if (*name && !group_name_is_valid(name)) {
        g_autofree char *quoted = text_quote(name);

        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID_NAME,
                    "%s: a group's name is 1 to %d of A-Z a-z 0-9 . _ -", quoted, GROUP_NAME_MAX);
        return false;
    }
    if (stored_groups_is_taken(self, name)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_ALREADY_EXISTS, "group %s is there already", name);
        return false;
    }
    return stored_groups_check_room(self, name, NULL, error) && group_choices_check(choices, error);
}

void manager_create_group(Manager *self, const char *name, const GroupChoices *choices, ManagerDone done,
                          void *userdata)
{
    g_autoptr(GError) error = NULL;
    Group *group;

    if (!manager_check_create_group(self, name, choices, &error)) {
        done(NULL, error, userdata);
        return;
    }
    group = group_new(name);
    group_choices_apply(choices, group);
    if (!*name) {
        g_free(group->name);
        group->name = make_unique(self, g_strdup(group->class_value == GROUP_CLASS_GENERIC
                                                     ? "group"
                                                     : group_class_to_string(group->class_value)));
    }
    stored_groups_save(self, group, NULL, done, userdata);
}

bool manager_check_update_group(Manager *self, const char *name, const GroupChoices *choices, GError **error)
{
    const Group *group = find_changeable_group(self->registry, name, error);

    return group && group_choices_check(choices, error) &&
           (!choices->description || object_bytes_check(self->registry, strlen(group->description),
                                                        strlen(choices->description), error));
}

void manager_update_group(Manager *self, const char *name, const GroupChoices *choices, ManagerDone done,
                          void *userdata)
{
    g_autoptr(GError) error = NULL;
    Group *next;

    if (!manager_check_update_group(self, name, choices, &error)) {
        done(NULL, error, userdata);
        return;
    }
    next = group_copy(registry_group(self->registry, name));
    group_choices_apply(choices, next);
    stored_groups_save(self, next, NULL, done, userdata);
}

bool manager_check_delete_group(Manager *self, const char *name, bool force, GError **error)
{
    g_autoptr(GPtrArray) assignments = registry_sorted(self->registry->assignments);
    g_autofree char *tenant = NULL;

    (void)group_name_is_tenants(name, &tenant);
    /* One whose tenant isn't there (its file is damaged) can be deleted, so that its devices are free again.
     */
    if (!(registry_tenant(self->registry, tenant) ? find_ours(self, name, error)
                                                  : find_removable_group(self->registry, name, error)))
        return false;
    for (guint i = 0; !force && i < assignments->len; i++) {
        const Assignment *assignment = assignments->pdata[i];

        if (assignment->releasing || g_strcmp0(assignment->group, name) != 0)
            continue;
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_GROUP_IN_USE,
                    "group %s: assignment %s of VM \"%s\" draws from it; end that first, or force it", name,
                    assignment->id, assignment->machine_name);
        return false;
    }
    return true;
}

void manager_delete_group(Manager *self, const char *name, bool force, ManagerDone done, void *userdata)
{
    g_autoptr(GError) error = NULL;

    if (manager_check_delete_group(self, name, force, &error))
        stored_groups_delete(self, registry_group(self->registry, name), done, userdata);
    else
        done(NULL, error, userdata);
}

/* ------------------------------------------------------------------ rules */

/* A rule that is disabled matches nothing. next: what the changed one is to be. */
static bool check_growth(Manager *self, const Group *group, const RuleChange *change,
                         const GroupRule *changed, const Rule *next, GError **error)
{
    bool enabled = change->enabled ? *change->enabled : changed->enabled;
    gsize before = changed->enabled ? object_bytes_of_rule(self->registry, group->name, changed->rule) : 0;
    gsize after = enabled ? object_bytes_of_rule(self->registry, group->name, next) : 0;

    return object_bytes_check(self->registry, before, after, error);
}

static bool check_rule(Manager *self, const Group *group, const RuleChange *change, GError **error)
{
    const GroupRule *changed = change->id ? find_rule(group, change->id, error) : NULL;
    g_autoptr(GPtrArray) added = g_ptr_array_new();
    g_autoptr(Rule) rule = NULL;

    if (change->id && !changed)
        return false;
    rule = change->text ? rule_parse(change->text, error) : NULL;
    if (change->text && !rule)
        return false;
    if (!change->id) {
        g_ptr_array_add(added, rule);
        return stored_groups_check_room(self, group->name, added, error);
    }
    return change->remove || check_growth(self, group, change, changed, rule ? rule : changed->rule, error);
}

/* The one that says the same as a new one would. NULL = there is none. */
static const GroupRule *find_same(const Group *group, const RuleChange *change)
{
    g_autoptr(Rule) rule = change->id ? NULL : rule_parse(change->text, NULL);
    g_autofree char *text = rule ? rule_print(rule) : NULL;
    const GroupRule *same = NULL;

    for (guint i = 0; text && i < group->rules->len; i++) {
        const GroupRule *one = group->rules->pdata[i];

        if (g_str_equal(one->text, text) && (!same || one->enabled))
            same = one;
    }
    return same;
}

/* Asked for twice it is one rule; switching it is another thing, and may take devices out of machines. */
static bool check_same(const Group *group, const RuleChange *change, GError **error)
{
    const GroupRule *same = find_same(group, change);
    bool enabled = change->enabled ? *change->enabled : true;

    if (!same || same->enabled == enabled)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_ALREADY_EXISTS,
                "rule %u of group %s is the same, and it is %s; usbferry rule set %s %u --%s changes that",
                same->id, group->name, same->enabled ? "enabled" : "disabled", group->name, same->id,
                enabled ? "enable" : "disable");
    return false;
}

static bool check_change(Manager *self, const Group *group, const RuleChange *change, GError **error)
{
    /* there is always room for what is there */
    return (find_same(group, change) || check_rule(self, group, change, error)) &&
           check_same(group, change, error);
}

bool manager_check_change_rule(Manager *self, const char *name, const RuleChange *change, GError **error)
{
    const Group *group = find_ours(self, name, error);

    return group && check_change(self, group, change, error);
}

/* The number of the rule. */
static uint32_t apply_rule(Group *next, const RuleChange *change)
{
    const GroupRule *same = find_same(next, change);
    GroupRule *rule;

    if (same)
        return same->id;
    if (change->remove) {
        group_remove_rule(next, change->id);
        return change->id;
    }
    rule = change->id ? group_find_rule(next, change->id)
                      : group_add_rule(next, rule_parse(change->text, NULL), GROUP_ORIGIN_ADMIN);
    if (change->id && change->text) {
        rule_unref(rule->rule);
        g_free(rule->text);
        rule->rule = rule_parse(change->text, NULL);
        rule->text = rule_print(rule->rule);
    }
    if (change->enabled)
        rule->enabled = *change->enabled;
    return rule->id;
}

void manager_change_rule(Manager *self, const char *name, const RuleChange *change, ManagerDone done,
                         void *userdata)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *answer = NULL;
    Group *next;

    if (!manager_check_change_rule(self, name, change, &error)) {
        done(NULL, error, userdata);
        return;
    }
    next = group_copy(registry_group(self->registry, name));
    answer = g_strdup_printf("%u", apply_rule(next, change));
    stored_groups_save(self, next, answer, done, userdata);
}

GPtrArray *manager_preview_rule(Manager *self, const char *name, const RuleChange *change, GError **error)
{
    const Group *group = find_group(self->registry, name, error);
    g_autoptr(Group) next = NULL;

    if (!group || !check_change(self, group, change, error))
        return NULL;
    next = group_copy(group);
    apply_rule(next, change);
    return preview_group(self->registry, next);
}

GPtrArray *manager_test_rule(Manager *self, const char *text, GError **error)
{
    g_autoptr(Rule) rule = rule_parse(text, error);
    g_autoptr(GPtrArray) devices = NULL;
    GPtrArray *matching;

    if (!rule)
        return NULL;
    devices = registry_sorted(self->registry->devices);
    matching = g_ptr_array_new();
    for (guint i = 0; i < devices->len; i++) {
        Device *device = devices->pdata[i];

        if (!device->is_hub && rule_matches(rule, device, self->registry->node))
            g_ptr_array_add(matching, device);
    }
    return matching;
}

/* ------------------------------------------------------------------ passthrough */

static void free_rule(gpointer rule)
{
    rule_unref(rule);
}

bool manager_check_make_passthrough(Manager *self, const char *const *devices, const char *name,
                                    const GroupChoices *choices, GPtrArray **ret_rules, GError **error)
{
    g_autoptr(GPtrArray) rules = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) pins = g_ptr_array_new_with_free_func(free_rule);
    bool exists = registry_group(self->registry, name) != NULL;

    if (exists ? !find_ours(self, name, error) || !group_choices_check(choices, error)
               : !manager_check_create_group(self, name, choices, error))
        return false;
    for (gsize i = 0; devices[i]; i++) {
        const Device *device = find_assignable_device(self->registry, devices[i], error);
        g_autofree char *what = device ? device_describe(device) : NULL;
        Rule *rule;

        if (!device)
            return false;
        if (device->tenant) {
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_OWNED,
                        "%s belongs to tenant %s; revoke it from the tenant first", what, device->tenant);
            return false;
        }
        rule = rule_for_device(device, registry_serial_is_unique(self->registry, device));
        g_ptr_array_add(pins, rule);
        g_ptr_array_add(rules, rule_print(rule));
    }
    if (!stored_groups_check_room(self, name, pins, error))
        return false;
    if (ret_rules)
        *ret_rules = g_steal_pointer(&rules);
    return true;
}

static char *name_for_devices(Manager *self, const char *const *sysnames)
{
    g_autoptr(GPtrArray) devices = g_ptr_array_new();

    for (; *sysnames; sysnames++)
        g_ptr_array_add(devices, registry_device(self->registry, *sysnames));
    return group_name_for_devices(devices);
}

void manager_make_passthrough(Manager *self, const char *const *devices, const char *name,
                              const GroupChoices *choices, ManagerDone done, void *userdata)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) rules = NULL;
    g_autofree char *made_name = NULL;
    const Group *group = registry_group(self->registry, name);
    Group *next;

    if (!manager_check_make_passthrough(self, devices, name, choices, &rules, &error)) {
        done(NULL, error, userdata);
        return;
    }
    made_name = *name ? NULL : make_unique(self, name_for_devices(self, devices));
    next = group ? group_copy(group) : group_new(made_name ? made_name : name);
    if (!group)
        group_choices_apply(choices, next);
    for (guint i = 0; i < rules->len; i++) {
        g_autofree char *origin = g_strdup_printf("auto:%s", devices[i]);

        if (!group_has_rule(next, rules->pdata[i]))
            group_add_rule(next, rule_parse(rules->pdata[i], NULL), origin);
    }
    stored_groups_save(self, next, NULL, done, userdata);
}
