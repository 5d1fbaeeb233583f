/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is granted to tenants: rules in a group of theirs, and the assignments that stand for the devices. All
 * of it is one change. revocations.c takes them back. */

#include "daemon/manager/grants.h"

#include <string.h>

#include "daemon/allocation/allocation.h"
#include "daemon/allocation/judge.h"
#include "daemon/base/error.h"
#include "daemon/base/log.h"
#include "daemon/base/text.h"
#include "daemon/manager/internal.h"
#include "daemon/manager/pending.h"
#include "daemon/manager/stored-assignments.h"
#include "daemon/manager/stored-groups.h"
#include "daemon/model/damage.h"
#include "daemon/model/find.h"
#include "daemon/model/group-update.h"
#include "daemon/rules/pin.h"

#define GENERATED_NAME "devices"

/* What is on its way to the disk. */
typedef struct Grant {
    Group *group; /* what it is to be */
    char **devices;
    GPtrArray *assignments; /* of Assignment: those that become the tenant's, as they are to be */
} Grant;

static void free_assignment(gpointer assignment)
{
    assignment_free(assignment);
}

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
            !registry_machine_is_gone(self->registry, assignment->machine_uuid) &&
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
                "%s may be in VM %s from group %s, and can't be granted then: %s; try again when the "
                "VM can be seen, or release assignment %s",
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
                "%s is %s VM %s%s, which does not belong to tenant %s; take it home first", what,
                g_strcmp0(attached_uuid, uuid) == 0 ? "in" : "assigned to", quoted, from, tenant->name);
    return false;
}

static bool check_grantable(Manager *self, const Tenant *tenant, const Allocation *allocation,
                            const char *sysname, GError **error)
{
    const Device *device = find_assignable_device(self->registry, sysname, error);
    g_autofree char *what = device ? device_describe(device) : NULL;
    const char *granting = g_hash_table_lookup(self->granting, sysname);
    const char *other = device && device->tenant ? device->tenant : granting;
    const Group *possible;

    if (!device)
        return false;
    if (other && strcmp(other, tenant->name) != 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_OWNED,
                    "%s belongs to tenant %s; revoke it from that tenant first", what, other);
        return false;
    }
    possible = damage_may_be_of(self->registry, device);
    if (possible) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_OWNED,
                    "%s may belong to tenant %s, as group %s is damaged (%s); revoke that first", what,
                    possible->tenant, possible->name, possible->damage);
        return false;
    }
    return check_unused(self, tenant, allocation, device, error);
}

/* Adds the assignments that become the tenant's: those that stand for one of the devices. Of its machines, as
 * everybody else's were refused. */
static bool collect_assignments(Manager *self, const Allocation *allocation, const GrantRequest *request,
                                GPtrArray *next, GError **error)
{
    g_autoptr(GPtrArray) assignments = registry_sorted(self->registry->assignments);

    for (guint i = 0; i < assignments->len; i++) {
        const Assignment *assignment = assignments->pdata[i];
        bool is_meant = false;
        Assignment *one;

        for (const char *const *sysname = request->devices; !is_meant && *sysname; sysname++)
            is_meant = stands_for(allocation, assignment, registry_device(self->registry, *sysname));
        if (!is_meant || assignment->tenant)
            continue;
        if (!find_changeable_assignment(self->registry, assignment->id, error))
            return false;
        one = assignment_copy(assignment);
        one->tenant = g_strdup(request->tenant);
        g_ptr_array_add(next, one);
    }
    return true;
}

static void free_rule(gpointer rule)
{
    rule_unref(rule);
}

/* New array of Rule, one for each device. */
static GPtrArray *pins(Manager *self, const char *const *devices)
{
    GPtrArray *rules = g_ptr_array_new_with_free_func(free_rule);

    for (; *devices; devices++) {
        const Device *device = registry_device(self->registry, *devices);

        g_ptr_array_add(rules, rule_for_device(device, registry_serial_is_unique(self->registry, device)));
    }
    return rules;
}

/* A request that may be, worked out. */
static Grant *plan(Manager *self, const GrantRequest *request, GError **error)
{
    const Tenant *tenant = find_changeable_tenant(self->registry, request->tenant, error);
    g_autofree char *name = tenant ? full_name(self, tenant->name, request->group, error) : NULL;
    g_autoptr(GPtrArray) assignments = g_ptr_array_new_with_free_func(free_assignment);
    g_autoptr(Allocation) allocation = NULL;
    g_autoptr(GPtrArray) rules = NULL;
    const Group *group;
    Grant *grant;

    if (!name)
        return NULL;
    group = registry_group(self->registry, name);
    if ((group && !find_changeable_group(self->registry, name, error)) ||
        !group_choices_check(&request->choices, error))
        return NULL;
    allocation = allocation_new(self->registry, g_get_monotonic_time());
    for (const char *const *sysname = request->devices; *sysname; sysname++)
        if (!check_grantable(self, tenant, allocation, *sysname, error))
            return NULL;
    rules = pins(self, request->devices);
    if (!stored_groups_check_room(self, name, rules, error) ||
        !collect_assignments(self, allocation, request, assignments, error))
        return NULL;
    grant = g_new0(Grant, 1);
    grant->group = group ? group_copy(group) : group_new(name);
    if (!group)
        group_choices_apply(&request->choices, grant->group);
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

/* Nobody changes any of it while it is being stored. */
static void hold(Manager *self, const Grant *grant, bool holds)
{
    const char *tenant = grant->group->tenant;

    registry_tenant(self->registry, tenant)->saving = holds;
    stored_groups_hold(self, grant->group->name, holds);
    for (char **sysname = grant->devices; *sysname; sysname++)
        if (holds)
            g_hash_table_replace(self->granting, g_strdup(*sysname), g_strdup(tenant));
        else
            g_hash_table_remove(self->granting, *sysname);
}

static void settle(Manager *self, const char *id, gpointer payload, bool stored)
{
    Grant *grant = payload;

    hold(self, grant, false);
    for (guint i = 0; i < grant->assignments->len; i++)
        stored_assignments_settle_changed(self, g_steal_pointer(&grant->assignments->pdata[i]), stored);
    for (char **sysname = grant->devices; stored && *sysname; sysname++)
        log_object(G_LOG_LEVEL_MESSAGE, *sysname, NULL, NULL, "%s is granted to tenant %s (group %s)",
                   *sysname, grant->group->tenant, grant->group->name);
    if (stored)
        group_update(self->registry, self->memberships, g_steal_pointer(&grant->group));
    grant_free(grant);
}

static void add_rules(Manager *self, const Grant *grant)
{
    g_autoptr(GPtrArray) rules = pins(self, (const char *const *)grant->devices);

    for (guint i = 0; i < rules->len; i++) {
        g_autofree char *origin = g_strdup_printf("auto:%s", grant->devices[i]);
        g_autofree char *text = rule_print(rules->pdata[i]);

        if (!group_has_rule(grant->group, text))
            group_add_rule(grant->group, g_steal_pointer(&rules->pdata[i]), origin);
    }
}

void manager_grant(Manager *self, const GrantRequest *request, ManagerDone done, void *userdata)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(StoreBatch) batch = store_batch_new();
    Grant *grant = plan(self, request, &error);

    if (!grant) {
        done(NULL, error, userdata);
        return;
    }
    add_rules(self, grant);
    stored_groups_put(batch, grant->group);
    for (guint i = 0; i < grant->assignments->len; i++)
        stored_assignments_put_changed(self, batch, grant->assignments->pdata[i]);
    hold(self, grant, true);
    pending_commit(self, g_steal_pointer(&batch),
                   &(PendingChange){ .id = grant->group->name,
                                     .settle = settle,
                                     .payload = grant,
                                     .free_payload = grant_free,
                                     .done = done,
                                     .userdata = userdata });
}
