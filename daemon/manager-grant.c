/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is granted to tenants: rules in groups of theirs. Granting is one change of one group; revoking, and
 * deleting a tenant, take several steps, each of them stored before the next. */

#include "daemon/manager-private.h"

#include <string.h>

#include "daemon/desired.h"
#include "daemon/error.h"
#include "daemon/log.h"
#include "daemon/text.h"

#define GENERATED_NAME "devices"

/* What is under way for one tenant, which is marked as saving for so long. */
typedef struct Job {
    Manager *manager;
    char *tenant;
    ManagerDone done;
    void *userdata;

    /* granting */
    char **granting; /* sysnames */

    /* revoking and deleting */
    GPtrArray *assignments; /* of char *: ids that end first */
    GHashTable *rules;      /* group name → GArray of uint32_t: what goes then */
    bool delete_tenant;
    bool holding; /* the groups are marked as saving, though nothing of them is being stored yet */
    guint open;   /* answers of this step that aren't there yet */
    GError *error;
} Job;

static void unref_rules(gpointer rules)
{
    g_array_unref(rules);
}

static Job *job_new(Manager *self, Tenant *tenant, ManagerDone done, void *userdata)
{
    Job *job = g_new0(Job, 1);

    job->manager = self;
    job->tenant = g_strdup(tenant->name);
    job->done = done;
    job->userdata = userdata;
    job->assignments = g_ptr_array_new_with_free_func(g_free);
    job->rules = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, unref_rules);
    tenant->saving = true;
    g_hash_table_add(self->jobs, job);
    return job;
}

void manager_free_job(gpointer data)
{
    Job *job = data;

    g_strfreev(job->granting);
    g_ptr_array_unref(job->assignments);
    g_hash_table_unref(job->rules);
    g_clear_error(&job->error);
    g_free(job->tenant);
    g_free(job);
}

/* Nobody changes the groups between the steps. From the last one on they hold and let go by themselves. */
static void hold_groups(Job *job, bool hold)
{
    GHashTableIter iter;
    gpointer name;

    job->holding = hold;
    g_hash_table_iter_init(&iter, job->rules);
    while (g_hash_table_iter_next(&iter, &name, NULL)) {
        Group *group = registry_group(job->manager->registry, name);

        if (group)
            group->saving = hold;
    }
}

static void job_end(Job *job, const char *id, const GError *error)
{
    Manager *self = job->manager;
    Tenant *tenant = registry_tenant(self->registry, job->tenant);

    for (char **sysname = job->granting; sysname && *sysname; sysname++)
        g_hash_table_remove(self->granting, *sysname);
    if (job->holding)
        hold_groups(job, false);
    if (tenant)
        tenant->saving = false;
    job->done(error ? NULL : id, error, job->userdata);
    g_hash_table_remove(self->jobs, job);
}

/* ------------------------------------------------------------------ grant */

/* The name of the group that the devices go into, for the bus and the store. NULL with INVALID_NAME. */
static char *full_name(Manager *self, const char *tenant, const char *name, GError **error)
{
    g_autofree char *quoted = NULL;

    for (unsigned n = 1; !*name; n++) {
        g_autofree char *made = g_strdup_printf("%s/" GENERATED_NAME "-%u", tenant, n);

        if (!registry_group(self->registry, made))
            return g_steal_pointer(&made);
    }
    if (group_name_is_valid(name))
        return g_strconcat(tenant, "/", name, NULL);
    quoted = text_quote(name);
    g_set_error(
        error, FERRY_ERROR, FERRY_ERROR_INVALID_NAME,
        "%s: the name of a tenant's group is 1 to %d of A-Z a-z 0-9 . _ -, or nothing for one that is "
        "made up",
        quoted, GROUP_NAME_MAX);
    return NULL;
}

/* Nobody outside the tenant has it, or is to get it. */
static bool check_unused(Manager *self, const Tenant *tenant, const Desired *desired, const Device *device,
                         GError **error)
{
    const Live *live = desired_live(desired, device);
    const Assignment *owner = desired_owner(desired, device);
    const char *uuid = live ? live->machine->info->uuid : owner ? owner->machine_uuid : NULL;
    g_autofree char *what = device_describe(device);
    g_autofree char *machine = NULL;

    if (live && tenant_has_machine(tenant, uuid))
        uuid = owner ? owner->machine_uuid : NULL;
    if (!uuid || tenant_has_machine(tenant, uuid))
        return true;
    machine =
        text_quote(registry_machine(self->registry, uuid) ? registry_machine(self->registry, uuid)->info->name
                                                          : owner->machine_name);
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_DEVICE_BUSY,
                "%s is %s machine %s, which does not belong to tenant %s; take it home first", what,
                live ? "in" : "assigned to", machine, tenant->name);
    return false;
}

static bool check_grantable(Manager *self, const Tenant *tenant, const Desired *desired, const char *sysname,
                            GError **error)
{
    const Device *device = registry_device(self->registry, sysname);
    g_autofree char *what = device ? device_describe(device) : text_quote(sysname);
    const char *granting = g_hash_table_lookup(self->granting, sysname);
    const char *other = device && device->tenant ? device->tenant : granting;

    if (!device || device->is_hub) {
        g_set_error(error, FERRY_ERROR, device ? FERRY_ERROR_DEVICE_IS_HUB : FERRY_ERROR_NO_SUCH_DEVICE,
                    "%s: %s", what,
                    device ? "hubs are never handed out, name the devices behind it"
                           : "no such device is plugged in");
        return false;
    }
    if (other && strcmp(other, tenant->name) != 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_OWNED,
                    "%s belongs to tenant %s; revoke it from that tenant first", what, other);
        return false;
    }
    return check_unused(self, tenant, desired, device, error);
}

bool manager_check_grant(Manager *self, const GrantRequest *request, GError **error)
{
    const Tenant *tenant = manager_find_changeable_tenant(self, request->tenant, error);
    g_autofree char *name = tenant ? full_name(self, tenant->name, request->group, error) : NULL;
    g_autoptr(Desired) desired = NULL;
    const Group *group;

    if (!name)
        return false;
    group = registry_group(self->registry, name);
    if ((group && !manager_find_changeable_group(self, name, error)) ||
        !manager_check_group_choices(&request->choices, error))
        return false;
    desired = desired_new(self->registry, g_get_monotonic_time());
    for (const char *const *sysname = request->devices; *sysname; sysname++)
        if (!check_grantable(self, tenant, desired, *sysname, error))
            return false;
    return manager_check_group_room(self, group, g_strv_length((char **)request->devices), error);
}

static void granted(const char *id, const GError *error, void *userdata)
{
    Job *job = userdata;

    for (char **sysname = job->granting; !error && *sysname; sysname++)
        log_object(G_LOG_LEVEL_MESSAGE, *sysname, NULL, NULL, "%s is granted to tenant %s (group %s)",
                   *sysname, job->tenant, id);
    job_end(job, id, error);
}

void manager_grant(Manager *self, const GrantRequest *request, ManagerDone done, void *userdata)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *name = NULL;
    const Group *group;
    Group *next;
    Job *job;

    if (!manager_check_grant(self, request, &error)) {
        done(NULL, error, userdata);
        return;
    }
    name = full_name(self, request->tenant, request->group, NULL);
    group = registry_group(self->registry, name);
    next = group ? group_copy(group) : group_new(name);
    if (!group)
        manager_apply_group_choices(next, &request->choices);
    job = job_new(self, registry_tenant(self->registry, request->tenant), done, userdata);
    job->granting = g_strdupv((char **)request->devices);
    for (const char *const *sysname = request->devices; *sysname; sysname++) {
        const Device *device = registry_device(self->registry, *sysname);
        g_autofree char *origin = g_strdup_printf("auto:%s", *sysname);
        g_autoptr(Rule) rule = rule_for_device(device, manager_serial_is_unique(self, device));
        g_autofree char *text = rule_print(rule);

        if (!manager_group_has_rule(next, text))
            group_add_rule(next, g_steal_pointer(&rule), origin);
        g_hash_table_replace(self->granting, g_strdup(*sysname), g_strdup(request->tenant));
    }
    manager_commit_group(self, next, NULL, granted, job);
}

/* ------------------------------------------------------------------ revoke: what */

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
    const Device *device = registry_device(self->registry, sysname);
    g_autofree char *what = device ? device_describe(device) : text_quote(sysname);

    if (!device) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_DEVICE,
                    "%s: no such device is plugged in; revoke what is away by its group and rule", what);
        return false;
    }
    if (g_strcmp0(device->tenant, tenant) != 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_OWNED, "%s belongs to %s%s, not to tenant %s", what,
                    device->tenant ? "tenant " : "nobody", device->tenant ? device->tenant : "", tenant);
        return false;
    }
    for (guint i = 0; i < device->memberships->len; i++) {
        const Membership *membership = device->memberships->pdata[i];

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
        group = manager_find_group(self, request->group, error);
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
    if (!group_find_rule(group, *request->rule)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_RULE, "group %s has no rule %u", group->name,
                    *request->rule);
        return false;
    }
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

/* Whether this rule is what the assignment has of the tenant: the same text, or a device that both mean. */
static bool is_on(Manager *self, const Assignment *assignment, const GroupRule *rule)
{
    GHashTableIter iter;
    gpointer device;

    if (strcmp(assignment->selector, rule->text) == 0)
        return true;
    g_hash_table_iter_init(&iter, self->registry->devices);
    while (g_hash_table_iter_next(&iter, NULL, &device))
        if (rule_matches(rule->rule, device, self->registry->node) &&
            rule_matches(assignment->rule, device, self->registry->node))
            return true;
    return false;
}

static bool ends_with(Manager *self, const Assignment *assignment, GHashTable *rules)
{
    GHashTableIter iter;
    gpointer name, ids;

    g_hash_table_iter_init(&iter, rules);
    while (g_hash_table_iter_next(&iter, &name, &ids)) {
        const Group *group = registry_group(self->registry, name);
        const GArray *numbers = ids;

        if (assignment->group) {
            if (strcmp(assignment->group, name) == 0 && goes(group, numbers))
                return true;
            continue;
        }
        for (guint i = 0; i < numbers->len; i++)
            if (is_on(self, assignment, group_find_rule(group, g_array_index(numbers, uint32_t, i))))
                return true;
    }
    return false;
}

/* The ids of the assignments that end with these rules, or with the whole tenant. */
static GPtrArray *collect_assignments(Manager *self, const Tenant *tenant, GHashTable *rules, bool all)
{
    g_autoptr(GPtrArray) assignments = registry_sorted(self->registry->assignments);
    GPtrArray *ids = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < assignments->len; i++) {
        const Assignment *assignment = assignments->pdata[i];
        bool is_tenants = g_strcmp0(assignment->tenant, tenant->name) == 0;

        if (assignment->releasing || (!is_tenants && !tenant_has_machine(tenant, assignment->machine_uuid)))
            continue;
        if ((all && is_tenants) || ends_with(self, assignment, rules))
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
        if (!manager_check_change(self, assignments->pdata[i], error))
            return false;
    g_hash_table_iter_init(&iter, rules);
    while (g_hash_table_iter_next(&iter, &name, NULL))
        if (!manager_find_changeable_group(self, name, error))
            return false;
    return true;
}

/* ------------------------------------------------------------------ revoke: the steps */

static void step_done(Job *job, const GError *error, void (*next)(Job *job))
{
    if (error && !job->error)
        job->error = g_error_copy(error);
    if (--job->open > 0)
        return;
    if (job->error)
        job_end(job, NULL, job->error);
    else
        next(job);
}

static void tenant_erased(const char *id, const GError *error, void *userdata)
{
    Job *job = userdata;

    job_end(job, job->tenant, error);
}

static void delete_step(Job *job)
{
    if (job->delete_tenant)
        manager_erase_tenant(job->manager, registry_tenant(job->manager->registry, job->tenant),
                             tenant_erased, job);
    else
        job_end(job, job->tenant, NULL);
}

static void group_changed(const char *id, const GError *error, void *userdata)
{
    step_done(userdata, error, delete_step);
}

static void rules_step(Job *job)
{
    Manager *self = job->manager;
    GHashTableIter iter;
    gpointer name, ids;

    hold_groups(job, false);
    job->open = 1; /* for this loop: some may be done at once */
    g_hash_table_iter_init(&iter, job->rules);
    while (g_hash_table_iter_next(&iter, &name, &ids)) {
        Group *group = registry_group(self->registry, name);
        const GArray *numbers = ids;
        g_autoptr(GError) error = NULL;
        Group *next;

        job->open++;
        if (!manager_find_changeable_group(self, name, &error)) {
            group_changed(NULL, error, job);
        } else if (goes(group, numbers)) {
            manager_erase_group(self, group, group_changed, job);
        } else {
            next = group_copy(group);
            for (guint i = 0; i < numbers->len; i++)
                group_remove_rule(next, g_array_index(numbers, uint32_t, i));
            manager_commit_group(self, next, NULL, group_changed, job);
        }
    }
    step_done(job, NULL, delete_step);
}

static void released(const char *id, const GError *error, void *userdata)
{
    step_done(userdata, error, rules_step);
}

static void release_step(Job *job)
{
    hold_groups(job, true);
    job->open = 1; /* for this loop: some may be done at once */
    for (guint i = 0; i < job->assignments->len; i++) {
        job->open++;
        manager_release(job->manager, job->assignments->pdata[i], released, job);
    }
    step_done(job, NULL, rules_step);
}

bool manager_check_revoke(Manager *self, const RevokeRequest *request, GError **error)
{
    const Tenant *tenant = manager_find_changeable_tenant(self, request->tenant, error);
    g_autoptr(GHashTable) rules = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, unref_rules);
    g_autoptr(GPtrArray) assignments = NULL;

    if (!tenant || !collect_rules(self, request, rules, error))
        return false;
    assignments = collect_assignments(self, tenant, rules, false);
    return check_quiet(self, rules, assignments, error);
}

void manager_revoke(Manager *self, const RevokeRequest *request, ManagerDone done, void *userdata)
{
    g_autoptr(GError) error = NULL;
    Tenant *tenant;
    Job *job;

    if (!manager_check_revoke(self, request, &error)) {
        done(NULL, error, userdata);
        return;
    }
    tenant = registry_tenant(self->registry, request->tenant);
    job = job_new(self, tenant, done, userdata);
    (void)collect_rules(self, request, job->rules, NULL);
    g_ptr_array_unref(job->assignments);
    job->assignments = collect_assignments(self, tenant, job->rules, false);
    release_step(job);
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
    const Tenant *tenant = manager_find_changeable_tenant(self, name, error);
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
    Job *job;

    if (!manager_check_delete_tenant(self, name, force, &error)) {
        done(NULL, error, userdata);
        return;
    }
    tenant = registry_tenant(self->registry, name);
    job = job_new(self, tenant, done, userdata);
    job->delete_tenant = true;
    collect_groups(self, name, job->rules);
    g_ptr_array_unref(job->assignments);
    job->assignments = collect_assignments(self, tenant, job->rules, true);
    release_step(job);
}
