/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is granted to tenants: rules in groups of theirs, and the assignments that stand for the devices. All
 * of it is one change. What goes back is manager-revoke.c. */

#include "daemon/manager/internal.h"

#include <string.h>

#include "daemon/allocation/allocation.h"
#include "daemon/base/error.h"
#include "daemon/base/log.h"
#include "daemon/base/text.h"
#include "daemon/allocation/judge.h"

#define GENERATED_NAME "devices"

/* What is on its way to the disk. */
typedef struct Grant {
    Group *group; /* what it is to be */
    char **devices;
    GPtrArray *assignments; /* of char *: ids of those that become the tenant's */
} Grant;

static void grant_free(gpointer data)
{
    Grant *grant = data;

    group_free(grant->group);
    g_strfreev(grant->devices);
    g_ptr_array_unref(grant->assignments);
    g_free(grant);
}

/* ------------------------------------------------------------------ may it be */

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

static bool stands_for(const Allocation *allocation, const Assignment *assignment, const Device *device)
{
    return !assignment->releasing && (allocation_owner(allocation, device) == assignment ||
                                      allocation_pinned(allocation, assignment) == device);
}

/* An assignment that stands for the device and can't be the tenant's: of somebody else's machine, or one that
 * drew it from a pool that it leaves now. NULL = none. */
static const Assignment *find_other_taker(Manager *self, const Tenant *tenant, const Allocation *allocation,
                                          const Device *device)
{
    g_autoptr(GPtrArray) assignments = registry_sorted(self->registry->assignments);

    for (guint i = 0; i < assignments->len; i++) {
        const Assignment *assignment = assignments->pdata[i];
        bool is_pool = assignment->group && g_strcmp0(assignment->tenant, tenant->name) != 0;

        if (stands_for(allocation, assignment, device) &&
            (is_pool || !tenant_has_machine(tenant, assignment->machine_uuid)))
            return assignment;
    }
    return NULL;
}

/* An assignment that may have drawn the device from a pool that it leaves now: nobody knows, as long as its
 * machine wasn't seen. NULL = none. */
static const Assignment *find_unseen_taker(Manager *self, const Tenant *tenant, const Allocation *allocation,
                                           const Device *device)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, self->registry->assignments);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Assignment *assignment = value;

        if (assignment->group && g_strcmp0(assignment->tenant, tenant->name) != 0 && assignment->wanted &&
            !assignment->releasing && candidates_include(allocation->candidates, assignment, device) &&
            judge_machine(self->registry, assignment) == VERDICT_HYPERVISOR_AWAY)
            return assignment;
    }
    return NULL;
}

static bool check_seen(Manager *self, const Tenant *tenant, const Allocation *allocation,
                       const Device *device, GError **error)
{
    const Assignment *taker = allocation_attachment(allocation, device)
                                  ? NULL
                                  : find_unseen_taker(self, tenant, allocation, device);
    const Machine *machine = taker ? registry_machine(self->registry, taker->machine_uuid) : NULL;
    g_autofree char *what = NULL, *quoted = NULL, *why = NULL;

    if (!taker)
        return true;
    what = device_describe(device);
    quoted = text_quote(taker->machine_name);
    why = verdict_hypervisor_text(self->registry, machine);
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_HYPERVISOR,
                "%s may be in machine %s from group %s, and can't be granted then: %s; try again when the "
                "machine can be seen, or release assignment %s",
                what, quoted, taker->group, why, taker->id);
    return false;
}

static bool check_unused(Manager *self, const Tenant *tenant, const Allocation *allocation,
                         const Device *device, GError **error)
{
    const Attachment *attachment = allocation_attachment(allocation, device);
    const char *attached_uuid = attachment ? attachment->machine->info->uuid : NULL;
    bool is_outside = attachment && !tenant_has_machine(tenant, attached_uuid);
    const Assignment *taker = is_outside ? NULL : find_other_taker(self, tenant, allocation, device);
    const char *uuid = is_outside ? attached_uuid : taker ? taker->machine_uuid : NULL;
    const Machine *machine = registry_machine(self->registry, uuid);
    g_autofree char *what = device_describe(device);
    g_autofree char *quoted = NULL, *from = NULL;

    if (!uuid)
        return check_seen(self, tenant, allocation, device, error);
    quoted = text_quote(machine ? machine->info->name : taker->machine_name);
    from = taker && tenant_has_machine(tenant, uuid) ? g_strdup_printf(" from group %s", taker->group)
                                                     : g_strdup("");
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_DEVICE_BUSY,
                "%s is %s machine %s%s, which does not belong to tenant %s; take it home first", what,
                g_strcmp0(attached_uuid, uuid) == 0 ? "in" : "assigned to", quoted, from, tenant->name);
    return false;
}

static bool check_grantable(Manager *self, const Tenant *tenant, const Allocation *allocation,
                            const char *sysname, GError **error)
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
    return check_unused(self, tenant, allocation, device, error);
}

/* The assignments that become the tenant's: those that stand for one of the devices. Of its machines, as
 * everybody else's were refused. */
static GPtrArray *collect_assignments(Manager *self, const Allocation *allocation, const char *const *devices)
{
    g_autoptr(GPtrArray) assignments = registry_sorted(self->registry->assignments);
    GPtrArray *ids = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < assignments->len; i++) {
        const Assignment *assignment = assignments->pdata[i];
        bool is_meant = false;

        for (const char *const *sysname = devices; !is_meant && *sysname; sysname++)
            is_meant = stands_for(allocation, assignment, registry_device(self->registry, *sysname));
        if (is_meant && !assignment->tenant)
            g_ptr_array_add(ids, g_strdup(assignment->id));
    }
    return ids;
}

/* A request that may be, worked out. */
static Grant *plan(Manager *self, const GrantRequest *request, GError **error)
{
    const Tenant *tenant = manager_find_changeable_tenant(self, request->tenant, error);
    g_autofree char *name = tenant ? full_name(self, tenant->name, request->group, error) : NULL;
    g_autoptr(Allocation) allocation = NULL;
    g_autoptr(GPtrArray) assignments = NULL;
    const Group *group;
    Grant *grant;

    if (!name)
        return NULL;
    group = registry_group(self->registry, name);
    if ((group && !manager_find_changeable_group(self, name, error)) ||
        !manager_check_group_choices(&request->choices, error))
        return NULL;
    allocation = allocation_new(self->registry, g_get_monotonic_time());
    for (const char *const *sysname = request->devices; *sysname; sysname++)
        if (!check_grantable(self, tenant, allocation, *sysname, error))
            return NULL;
    if (!manager_check_group_room(self, group, g_strv_length((char **)request->devices), error))
        return NULL;
    assignments = collect_assignments(self, allocation, request->devices);
    for (guint i = 0; i < assignments->len; i++)
        if (!manager_check_change(self, assignments->pdata[i], error))
            return NULL;
    grant = g_new0(Grant, 1);
    grant->group = group ? group_copy(group) : group_new(name);
    if (!group)
        manager_apply_group_choices(grant->group, &request->choices);
    grant->devices = g_strdupv((char **)request->devices);
    grant->assignments = g_steal_pointer(&assignments);
    return grant;
}

bool manager_check_grant(Manager *self, const GrantRequest *request, char **ret_group, GError **error)
{
    Grant *grant = plan(self, request, error);

    if (!grant)
        return false;
    *ret_group = g_strdup(grant->group->name);
    grant_free(grant);
    return true;
}

/* ------------------------------------------------------------------ the change */

static void set_tenant(Assignment *assignment, const char *tenant)
{
    g_free(assignment->tenant);
    assignment->tenant = g_strdup(tenant);
}

static void put_assignment(StoreBatch *batch, const Assignment *assignment, const char *tenant)
{
    g_autoptr(Assignment) next = manager_copy_assignment(assignment);
    g_autoptr(GKeyFile) file = NULL;

    set_tenant(next, tenant);
    file = assignment_to_key_file(next);
    store_batch_save(batch, manager_assignment_area(assignment), STORE_KIND_ASSIGNMENTS, assignment->id,
                     file);
}

/* Nobody changes any of it while it is being stored. */
static void hold(Manager *self, const Grant *grant, bool holds)
{
    const char *tenant = grant->group->tenant;
    Group *group = registry_group(self->registry, grant->group->name);

    registry_tenant(self->registry, tenant)->saving = holds;
    if (group)
        group->saving = holds;
    else if (holds)
        g_hash_table_add(self->creating, g_strdup(grant->group->name));
    else
        g_hash_table_remove(self->creating, grant->group->name);
    for (char **sysname = grant->devices; *sysname; sysname++)
        if (holds)
            g_hash_table_replace(self->granting, g_strdup(*sysname), g_strdup(tenant));
        else
            g_hash_table_remove(self->granting, *sysname);
    for (guint i = 0; i < grant->assignments->len; i++)
        registry_assignment(self->registry, grant->assignments->pdata[i])->saving = holds;
}

static void grant_settled(Manager *self, const Pending *pending, bool ok)
{
    Grant *grant = pending->payload;
    const char *tenant = grant->group->tenant;

    hold(self, grant, false);
    if (!ok)
        return;
    for (guint i = 0; i < grant->assignments->len; i++)
        set_tenant(registry_assignment(self->registry, grant->assignments->pdata[i]), tenant);
    for (char **sysname = grant->devices; *sysname; sysname++)
        log_object(G_LOG_LEVEL_MESSAGE, *sysname, NULL, NULL, "%s is granted to tenant %s (group %s)",
                   *sysname, tenant, grant->group->name);
    manager_take_over_group(self, g_steal_pointer(&grant->group));
}

static void add_rules(Manager *self, const Grant *grant)
{
    for (char **sysname = grant->devices; *sysname; sysname++) {
        const Device *device = registry_device(self->registry, *sysname);
        g_autofree char *origin = g_strdup_printf("auto:%s", *sysname);
        g_autoptr(Rule) rule = rule_for_device(device, manager_serial_is_unique(self, device));
        g_autofree char *text = rule_print(rule);

        if (!manager_group_has_rule(grant->group, text))
            group_add_rule(grant->group, g_steal_pointer(&rule), origin);
    }
}

void manager_grant(Manager *self, const GrantRequest *request, ManagerDone done, void *userdata)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(StoreBatch) batch = store_batch_new();
    Grant *grant = plan(self, request, &error);
    Pending *pending;

    if (!grant) {
        done(NULL, error, userdata);
        return;
    }
    add_rules(self, grant);
    manager_put_group(batch, grant->group);
    for (guint i = 0; i < grant->assignments->len; i++)
        put_assignment(batch, registry_assignment(self->registry, grant->assignments->pdata[i]),
                       grant->group->tenant);
    hold(self, grant, true);
    pending = pending_new(self, grant->group->name, grant_settled, done, userdata);
    pending->payload = grant;
    pending->free_payload = grant_free;
    store_commit(self->store, g_steal_pointer(&batch), pending_stored, pending, pending_free);
}

/* ------------------------------------------------------------------ what was granted */

const Group *manager_find_grant(Manager *self, const char *tenant, const char *rule)
{
    g_autoptr(GPtrArray) groups = registry_sorted(self->registry->groups);

    for (guint i = 0; i < groups->len; i++) {
        const Group *group = groups->pdata[i];

        if (group->tenant && (!tenant || strcmp(group->tenant, tenant) == 0) &&
            manager_group_has_rule(group, rule))
            return group;
    }
    return NULL;
}

static void filled_in(const GError *error, void *userdata)
{
    if (error)
        log_warning("whose some assignments are cannot be stored, it is worked out at each start: %s",
                    error->message);
}

void manager_fill_in_tenants(Manager *self)
{
    g_autoptr(StoreBatch) batch = store_batch_new();
    GHashTableIter iter;
    gpointer value;
    bool any = false;

    g_hash_table_iter_init(&iter, self->registry->assignments);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Assignment *assignment = value;
        const Tenant *tenant = registry_machine_tenant(self->registry, assignment->machine_uuid);

        if (assignment->tenant || assignment->group || !tenant ||
            !manager_find_grant(self, tenant->name, assignment->selector))
            continue;
        put_assignment(batch, assignment, tenant->name);
        set_tenant(assignment, tenant->name);
        any = true;
    }
    if (any)
        store_commit(self->store, g_steal_pointer(&batch), filled_in, NULL, NULL);
}
