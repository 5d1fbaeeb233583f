/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was granted to tenants comes back: revoking, and deleting a tenant, take several steps, each of them
 * stored before the next. */

#include "daemon/manager/revocations.h"

#include <string.h>

#include "daemon/allocation/allocation.h"
#include "daemon/base/error.h"
#include "daemon/manager/assignments.h"
#include "daemon/manager/internal.h"
#include "daemon/manager/stored-groups.h"
#include "daemon/manager/stored-tenants.h"
#include "daemon/model/damage.h"
#include "daemon/model/find.h"

/* What is under way for one tenant, which is marked as saving for so long. */
typedef struct Revocation {
    Manager *manager;
    char *tenant;
    ManagerDone done;
    void *userdata;

    GPtrArray *assignments; /* of char *: ids that end first */
    GHashTable *rules;      /* group name → GArray of uint32_t: what goes then */
    bool delete_tenant;
    bool holding; /* the groups are marked as saving, though nothing of them is being stored yet */
    guint open;   /* answers of this step that aren't there yet */
    GError *error;
} Revocation;

static void unref_rules(gpointer rules)
{
    g_array_unref(rules);
}

static Revocation *revocation_new(Manager *self, Tenant *tenant, ManagerDone done, void *userdata)
{
    Revocation *revocation = g_new0(Revocation, 1);

    revocation->manager = self;
    revocation->tenant = g_strdup(tenant->name);
    revocation->done = done;
    revocation->userdata = userdata;
    revocation->assignments = g_ptr_array_new_with_free_func(g_free);
    revocation->rules = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, unref_rules);
    tenant->saving = true;
    g_hash_table_add(self->revocations, revocation);
    return revocation;
}

static void revocation_free(gpointer data)
{
    Revocation *revocation = data;

    g_ptr_array_unref(revocation->assignments);
    g_hash_table_unref(revocation->rules);
    g_clear_error(&revocation->error);
    g_free(revocation->tenant);
    g_free(revocation);
}

GHashTable *revocations_new(void)
{
    return g_hash_table_new_full(NULL, NULL, revocation_free, NULL);
}

/* Nobody changes the groups between the steps. The last step stores the groups, which keeps others out by
 * itself. */
static void hold_groups(Revocation *revocation, bool hold)
{
    GHashTableIter iter;
    gpointer name;

    revocation->holding = hold;
    g_hash_table_iter_init(&iter, revocation->rules);
    while (g_hash_table_iter_next(&iter, &name, NULL))
        stored_groups_hold(revocation->manager, name, hold);
}

static void revocation_end(Revocation *revocation, const char *id, const GError *error)
{
    Manager *self = revocation->manager;
    Tenant *tenant = registry_tenant(self->registry, revocation->tenant);

    if (revocation->holding)
        hold_groups(revocation, false);
    if (tenant)
        tenant->saving = false;
    revocation->done(error ? NULL : id, error, revocation->userdata);
    g_hash_table_remove(self->revocations, revocation);
}

/* ------------------------------------------------------------------ what */

static void add_rule(GHashTable *rules, const char *group, uint32_t id)
{
    GArray *ids = g_hash_table_lookup(rules, group);

    if (!ids) {
        ids = g_array_new(FALSE, FALSE, sizeof(uint32_t));
        g_hash_table_insert(rules, g_strdup(group), ids);
    }
    for (guint i = 0; i < ids->len; i++)
        if (g_array_index(ids, uint32_t, i) == id)
            return;
    g_array_append_val(ids, id);
}

static void add_all_rules(GHashTable *rules, const Group *group)
{
    for (guint i = 0; i < group->rules->len; i++)
        add_rule(rules, group->name, ((const GroupRule *)group->rules->pdata[i])->id);
    /* one that was emptied by hand, in its file, is to go too */
    if (group->rules->len == 0)
        g_hash_table_insert(rules, g_strdup(group->name), g_array_new(FALSE, FALSE, sizeof(uint32_t)));
}

static bool collect_device(Manager *self, const char *tenant, const char *sysname, GHashTable *rules,
                           GError **error)
{
    g_autoptr(GError) find_error = NULL;
    const Device *device = find_plugged_device(self->registry, sysname, &find_error);
    g_autofree char *what = device ? device_describe(device) : NULL;

    if (!device) {
        g_set_error(error, FERRY_ERROR, find_error->code, "%s; revoke what is away by its group and rule",
                    find_error->message);
        return false;
    }
    if (g_strcmp0(device->tenant, tenant) != 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_OWNED, "%s belongs to %s%s, not to tenant %s", what,
                    device->tenant ? "tenant " : "nobody", device->tenant ? device->tenant : "", tenant);
        return false;
    }
    for (guint i = 0; i < device->memberships->len; i++) {
        const Membership *membership = device->memberships->pdata[i];

        if (!damage_check_group(membership->group, error))
            return false;
        for (guint k = 0; k < membership->rule_ids->len; k++)
            add_rule(rules, membership->group->name, g_array_index(membership->rule_ids, uint32_t, k));
    }
    return true;
}

static bool collect_group(Manager *self, const RevokeRequest *request, GHashTable *rules, GError **error)
{
    g_autofree char *inside = g_strconcat(request->tenant, "/", request->group, NULL);
    const Group *group = registry_group(self->registry, inside);

    if (!group)
        group = find_group(self->registry, request->group, error);
    if (!group)
        return false;
    if (g_strcmp0(group->tenant, request->tenant) != 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_OWNED, "group %s does not belong to tenant %s",
                    group->name, request->tenant);
        return false;
    }
    if (!request->rule) {
        add_all_rules(rules, group);
        return true;
    }
    if (!find_rule(group, *request->rule, error) || !damage_check_group(group, error))
        return false;
    add_rule(rules, group->name, *request->rule);
    return true;
}

static bool collect_rules(Manager *self, const RevokeRequest *request, GHashTable *rules, GError **error)
{
    if ((*request->devices != NULL) == (request->group != NULL) || (request->rule && !request->group)) {
        g_set_error_literal(error, FERRY_ERROR, FERRY_ERROR_INVALID_OPTION,
                            "name devices, or a Group and perhaps a Rule of it");
        return false;
    }
    if (request->group)
        return collect_group(self, request, rules, error);
    for (const char *const *sysname = request->devices; *sysname; sysname++)
        if (!collect_device(self, request->tenant, *sysname, rules, error))
            return false;
    return true;
}

static bool goes(const Group *group, const GArray *ids)
{
    return ids->len == group->rules->len;
}

static bool contains(const GArray *ids, uint32_t id)
{
    for (guint i = 0; ids && i < ids->len; i++)
        if (g_array_index(ids, uint32_t, i) == id)
            return true;
    return false;
}

/* One of the tenant's, of one device. Where that is there, it says which grant the assignment is on. While it
 * is away, it ends with a rule of the same text, and when all that it can be on go. */
static bool pinned_ends(Manager *self, const Allocation *allocation, const Assignment *assignment,
                        GHashTable *rules)
{
    const Device *device = allocation_pinned(allocation, assignment);
    bool may_go = false, may_stay = false;
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, self->registry->groups);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Group *group = value;
        const GArray *going = g_hash_table_lookup(rules, group->name);

        for (guint i = 0; i < group->rules->len; i++) {
            const GroupRule *rule = group->rules->pdata[i];
            bool is_going = contains(going, rule->id);

            if (g_strcmp0(group->tenant, assignment->tenant) != 0)
                continue;
            if (is_going && (strcmp(assignment->selector, rule->text) == 0 ||
                             (device && rule_matches(rule->rule, device, self->registry->node))))
                return true;
            if (rule_may_meet(assignment->rule, rule->rule))
                *(is_going ? &may_go : &may_stay) = true;
        }
    }
    return !device && may_go && !may_stay;
}

static bool ends_with(Manager *self, const Allocation *allocation, const Assignment *assignment,
                      GHashTable *rules)
{
    const GArray *going = assignment->group ? g_hash_table_lookup(rules, assignment->group) : NULL;

    if (!assignment->group)
        return pinned_ends(self, allocation, assignment, rules);
    return going && goes(registry_group(self->registry, assignment->group), going);
}

/* The ids of the assignments that end with these rules, or with the whole tenant. */
static GPtrArray *collect_assignments(Manager *self, const Tenant *tenant, GHashTable *rules, bool all)
{
    g_autoptr(GPtrArray) assignments = registry_sorted(self->registry->assignments);
    g_autoptr(Allocation) allocation = allocation_new(self->registry, g_get_monotonic_time());
    GPtrArray *ids = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < assignments->len; i++) {
        const Assignment *assignment = assignments->pdata[i];

        if (!assignment->releasing && g_strcmp0(assignment->tenant, tenant->name) == 0 &&
            (all || ends_with(self, allocation, assignment, rules)))
            g_ptr_array_add(ids, g_strdup(assignment->id));
    }
    return ids;
}

/* Nothing of it is on its way to the disk. */
static bool check_quiet(Manager *self, GHashTable *rules, const GPtrArray *assignments, GError **error)
{
    GHashTableIter iter;
    gpointer name;

    for (guint i = 0; i < assignments->len; i++)
        if (!find_releasable_assignment(self->registry, assignments->pdata[i], error))
            return false;
    g_hash_table_iter_init(&iter, rules);
    while (g_hash_table_iter_next(&iter, &name, NULL))
        if (!find_removable_group(self->registry, name, error))
            return false;
    return true;
}

/* ------------------------------------------------------------------ the steps */

static void step_done(Revocation *revocation, const GError *error, void (*next)(Revocation *revocation))
{
    if (error && !revocation->error)
        revocation->error = g_error_copy(error);
    if (--revocation->open > 0)
        return;
    if (revocation->error)
        revocation_end(revocation, NULL, revocation->error);
    else
        next(revocation);
}

static void tenant_erased(const char *id, const GError *error, void *userdata)
{
    Revocation *revocation = userdata;

    revocation_end(revocation, revocation->tenant, error);
}

static void delete_step(Revocation *revocation)
{
    if (revocation->delete_tenant)
        stored_tenants_delete(revocation->manager,
                              registry_tenant(revocation->manager->registry, revocation->tenant),
                              tenant_erased, revocation);
    else
        revocation_end(revocation, revocation->tenant, NULL);
}

static void group_changed(const char *id, const GError *error, void *userdata)
{
    step_done(userdata, error, delete_step);
}

static void rules_step(Revocation *revocation)
{
    Manager *self = revocation->manager;
    GHashTableIter iter;
    gpointer name, ids;

    hold_groups(revocation, false);
    revocation->open = 1; /* for this loop: some may be done at once */
    g_hash_table_iter_init(&iter, revocation->rules);
    while (g_hash_table_iter_next(&iter, &name, &ids)) {
        Group *group = registry_group(self->registry, name);
        const GArray *numbers = ids;
        g_autoptr(GError) error = NULL;
        Group *next;

        revocation->open++;
        if (!find_removable_group(self->registry, name, &error)) {
            group_changed(NULL, error, revocation);
        } else if (goes(group, numbers)) {
            stored_groups_delete(self, group, group_changed, revocation);
        } else {
            next = group_copy(group);
            for (guint i = 0; i < numbers->len; i++)
                group_remove_rule(next, g_array_index(numbers, uint32_t, i));
            stored_groups_save(self, next, NULL, group_changed, revocation);
        }
    }
    step_done(revocation, NULL, delete_step);
}

static void released(const char *id, const GError *error, void *userdata)
{
    step_done(userdata, error, rules_step);
}

static void release_step(Revocation *revocation)
{
    hold_groups(revocation, true);
    revocation->open = 1; /* for this loop: some may be done at once */
    for (guint i = 0; i < revocation->assignments->len; i++) {
        revocation->open++;
        manager_release(revocation->manager, revocation->assignments->pdata[i], released, revocation);
    }
    step_done(revocation, NULL, rules_step);
}

/* Of the group that loses rules, if it is one; else NULL. */
static char *only_group(GHashTable *rules)
{
    GHashTableIter iter;
    gpointer name;

    g_hash_table_iter_init(&iter, rules);
    return g_hash_table_size(rules) == 1 && g_hash_table_iter_next(&iter, &name, NULL) ? g_strdup(name)
                                                                                       : NULL;
}

bool manager_check_revoke(Manager *self, const RevokeRequest *request, char **ret_group, GError **error)
{
    const Tenant *tenant = find_changeable_tenant(self->registry, request->tenant, error);
    g_autoptr(GHashTable) rules = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, unref_rules);
    g_autoptr(GPtrArray) assignments = NULL;

    if (!tenant || !collect_rules(self, request, rules, error))
        return false;
    assignments = collect_assignments(self, tenant, rules, false);
    if (!check_quiet(self, rules, assignments, error))
        return false;
    *ret_group = only_group(rules);
    return true;
}

void manager_revoke(Manager *self, const RevokeRequest *request, ManagerDone done, void *userdata)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *group = NULL;
    Tenant *tenant;
    Revocation *revocation;

    if (!manager_check_revoke(self, request, &group, &error)) {
        done(NULL, error, userdata);
        return;
    }
    tenant = registry_tenant(self->registry, request->tenant);
    revocation = revocation_new(self, tenant, done, userdata);
    (void)collect_rules(self, request, revocation->rules, NULL);
    g_ptr_array_unref(revocation->assignments);
    revocation->assignments = collect_assignments(self, tenant, revocation->rules, false);
    release_step(revocation);
}

/* ------------------------------------------------------------------ the whole tenant */

static void collect_groups(Manager *self, const char *tenant, GHashTable *rules)
{
    GHashTableIter iter;
    gpointer group;

    g_hash_table_iter_init(&iter, self->registry->groups);
    while (g_hash_table_iter_next(&iter, NULL, &group))
        if (g_strcmp0(((const Group *)group)->tenant, tenant) == 0)
            add_all_rules(rules, group);
}

bool manager_check_delete_tenant(Manager *self, const char *name, bool force, GError **error)
{
    const Tenant *tenant = find_changeable_tenant(self->registry, name, error);
    g_autoptr(GHashTable) rules = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, unref_rules);
    g_autoptr(GPtrArray) assignments = NULL;

    if (!tenant)
        return false;
    collect_groups(self, name, rules);
    if (!force && g_hash_table_size(rules) > 0) {
        g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(rules), (GCompareFunc)strcmp);

        g_set_error(error, FERRY_ERROR, FERRY_ERROR_GROUP_IN_USE,
                    "tenant %s: devices are granted to it (group %s); revoke them first, or force it", name,
                    (const char *)names->data);
        return false;
    }
    assignments = collect_assignments(self, tenant, rules, true);
    return check_quiet(self, rules, assignments, error);
}

void manager_delete_tenant(Manager *self, const char *name, bool force, ManagerDone done, void *userdata)
{
    g_autoptr(GError) error = NULL;
    Tenant *tenant;
    Revocation *revocation;

    if (!manager_check_delete_tenant(self, name, force, &error)) {
        done(NULL, error, userdata);
        return;
    }
    tenant = registry_tenant(self->registry, name);
    revocation = revocation_new(self, tenant, done, userdata);
    revocation->delete_tenant = true;
    collect_groups(self, name, revocation->rules);
    g_ptr_array_unref(revocation->assignments);
    revocation->assignments = collect_assignments(self, tenant, revocation->rules, true);
    release_step(revocation);
}
