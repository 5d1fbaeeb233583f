/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks what is asked for, then makes it and stores it in one batch. Called by dbus/objects. */

#include "daemon/manager/assign.h"

#include <string.h>

#include "daemon/base/error.h"
#include "daemon/base/log.h"
#include "daemon/base/text.h"
#include "daemon/manager/assignments.h"
#include "daemon/manager/guards.h"
#include "daemon/manager/internal.h"
#include "daemon/manager/new-assignment.h"
#include "daemon/manager/quotas.h"
#include "daemon/manager/stored-assignments.h"
#include "daemon/model/find.h"

/* ------------------------------------------------------------------ may it be */

/* A tenant's device or group stays with the tenant's machines. */
static bool check_owned(Manager *self, const char *what, const char *tenant_name,
                        const AssignRequest *request, GError **error)
{
    const Tenant *tenant = registry_tenant(self->registry, tenant_name);
    const Machine *machine = registry_machine(self->registry, request->machine_uuid);
    g_autofree char *quoted = machine ? text_quote(machine->info->name) : NULL;

    if (!tenant_name || !machine)
        return true;
    if (!tenant || !tenant_has_machine(tenant, request->machine_uuid)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_OWNED,
                    "%s belongs to tenant %s, and VM %s does not; revoke it from the tenant first", what,
                    tenant_name, quoted);
        return false;
    }
    /* It may be just what is being revoked. */
    return find_check_saved(tenant->saving, "tenant", tenant_name, error);
}

static bool check_free(Manager *self, const Allocation *allocation, const Device *device,
                       const AssignRequest *request, GError **error)
{
    const Assignment *other = allocation_owner(allocation, device);
    g_autofree char *what = device_describe(device);
    g_autofree char *owner = other ? verdict_machine_text(self->registry, other) : NULL;
    bool same = other && g_strcmp0(other->machine_uuid, request->machine_uuid) == 0;

    if (!allocation_check_device(allocation, device, request->force, error))
        return false;
    /* Released a moment ago and not home yet: the new assignment would only wait, so it may be made. */
    if (!other)
        return true;
    g_set_error(error, FERRY_ERROR, same ? FERRY_ERROR_ALREADY_EXISTS : FERRY_ERROR_DEVICE_BUSY,
                "%s is %s to %s%s (assignment %s)%s", what,
                device->state == DEVICE_STATE_ATTACHED ? "attached" : "assigned", owner,
                same ? " already" : "", other->id, same ? "" : "; take it home first");
    return false;
}

static bool check_device(Manager *self, const AssignRequest *request, GError **error)
{
    const Device *device = find_assignable_device(self->registry, request->device, error);
    const char *granting = g_hash_table_lookup(self->granting, request->device);
    g_autofree char *text = device ? device_describe(device) : NULL;

    if (!device)
        return false;
    if (request->another) {
        g_set_error_literal(error, FERRY_ERROR, FERRY_ERROR_INVALID_OPTION,
                            "Another: it is for groups, a device is one by itself");
        return false;
    }
    if ((request->quantity && strcmp(request->quantity, "1") != 0) ||
        (request->selector && *request->selector)) {
        g_set_error_literal(error, FERRY_ERROR, FERRY_ERROR_INVALID_OPTION,
                            "Quantity and Selector: they are for groups, a device is one by itself");
        return false;
    }
    if (granting) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_DEVICE_BUSY, "%s is being granted to tenant %s", text,
                    granting);
        return false;
    }
    return check_owned(self, text, device->tenant, request, error);
}

static bool check_force(bool force, GError **error)
{
    if (force)
        g_set_error_literal(error, FERRY_ERROR, FERRY_ERROR_INVALID_OPTION,
                            "Force: it is for one device, of a group the next free one is drawn");
    return !force;
}

static bool check_group(Manager *self, const AssignRequest *request, GError **error)
{
    const Group *group = find_group_to_draw_from(self->registry, request->group, error);
    g_autofree char *what = NULL;
    QuantityKind kind;
    unsigned quantity;

    if (!group)
        return false;
    what = g_strdup_printf("group %s", group->name);
    if (!check_owned(self, what, group->tenant, request, error) ||
        !assignments_check_follow(request->follow, error) || !check_force(request->force, error))
        return false;
    if (request->quantity && !quantity_parse(request->quantity, &kind, &quantity)) {
        g_autofree char *quoted = text_quote(request->quantity);

        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID_OPTION, "Quantity: 1 to %d, all or set, not %s",
                    QUANTITY_MAX, quoted);
        return false;
    }
    if (request->selector && *request->selector) {
        g_autoptr(Rule) rule = rule_parse(request->selector, error);

        return rule != NULL;
    }
    return true;
}

/* One that says the same is there: who asks for it twice means it once. What it is called says nothing. */
static bool check_new(Manager *self, const AssignRequest *request, GError **error)
{
    g_autoptr(Assignment) wanted = assignment_new("");
    GHashTableIter iter;
    gpointer value;

    new_assignment_set_source(self, wanted, request);
    g_hash_table_iter_init(&iter, self->registry->assignments);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Assignment *one = value;
        g_autofree char *machine = NULL;

        if (assignment_is_ending(one) || strcmp(one->machine_uuid, request->machine_uuid) != 0 ||
            !new_assignment_gives_the_same(one, wanted))
            continue;
        machine = verdict_machine_text(self->registry, one);
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_ALREADY_EXISTS,
                    "%s is assigned to %s already%s (assignment %s)", wanted->device_text, machine,
                    wanted->group ? ", with this quantity and selector" : "", one->id);
        return false;
    }
    return true;
}

/* The request by itself comes first, then what is there. */
bool assign_check_one(Manager *self, const AssignRequest *request, guint number, const Allocation *allocation,
                      GError **error)
{
    const Device *device = request->group ? NULL : registry_device(self->registry, request->device);

    return (request->group ? check_group(self, request, error) : check_device(self, request, error)) &&
           find_machine_by_uuid(self->registry, request->machine_uuid, error) &&
           text_check("Name", request->name, ASSIGNMENT_NAME_MAX, error) &&
           text_check("Description", request->description, TEXT_MAX, error) &&
           assignments_check_seconds("TryFor", request->try_for, TRY_SECONDS_MAX, error) &&
           assignments_check_seconds("LeaseFor", request->lease_for, LEASE_SECONDS_MAX, error) &&
           (request->another || check_new(self, request, error)) &&
           assignments_check_name(self, request->name, request->machine_uuid, NULL, error) &&
           (!device || check_free(self, allocation, device, request, error)) &&
           quotas_check_assignment(self->registry, request->owner, new_assignment_tenant(self, request),
                                   number, error);
}

static bool is_named_twice(const AssignRequest *requests, gsize n)
{
    const AssignRequest *last = &requests[n - 1];

    for (gsize i = 0; i + 1 < n; i++)
        if (g_strcmp0(requests[i].device, last->device) == 0 &&
            g_strcmp0(requests[i].group, last->group) == 0)
            return true;
    return false;
}

bool assign_check_together(const AssignRequest *requests, gsize n, GError **error)
{
    if (n == 0) {
        g_set_error_literal(error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_DEVICE,
                            "no device and no group is named: name at least one");
        return false;
    }
    if (n > ASSIGN_SOURCES_MAX) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_LIMIT_EXCEEDED, "at most %d devices and groups at a time",
                    ASSIGN_SOURCES_MAX);
        return false;
    }
    if (n > 1 && requests->force) {
        g_set_error_literal(error, FERRY_ERROR, FERRY_ERROR_INVALID_OPTION,
                            "Force: it is for one device at a time");
        return false;
    }
    if (n > 1 && requests->name && *requests->name) {
        g_set_error_literal(error, FERRY_ERROR, FERRY_ERROR_INVALID_OPTION,
                            "Name: several assignments of a VM can't have the same");
        return false;
    }
    for (gsize i = 2; i <= n; i++)
        if (is_named_twice(requests, i)) {
            const AssignRequest *request = &requests[i - 1];

            g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID_OPTION, "%s %s is named twice",
                        request->group ? "group" : "device",
                        request->group ? request->group : request->device);
            return false;
        }
    return true;
}

bool manager_check_assign(Manager *self, const AssignRequest *requests, gsize n, GError **error)
{
    g_autoptr(Allocation) allocation = NULL;

    if (!assign_check_together(requests, n, error))
        return false;
    guards_glance(self->guards);
    allocation = allocation_new(self->registry, g_get_monotonic_time());
    for (gsize i = 0; i < n; i++)
        if (!assign_check_one(self, &requests[i], (guint)i, allocation, error))
            return false;
    return true;
}

/* ------------------------------------------------------------------ it is made */

static void log_forced(Manager *self, const AssignRequest *request)
{
    const Device *device = registry_device(self->registry, request->device);
    g_autofree char *what = device_describe(device);
    g_autofree char *uses = device->host_use ? g_strjoinv(", ", device->host_use) : g_strdup("nothing now");

    log_notice("uid %" G_GUINT32_FORMAT " gives %s whatever the host uses it for: %s", request->owner, what,
               uses);
}

void manager_assign(Manager *self, const AssignRequest *requests, gsize n, ManagerDone done, void *userdata)
{
    g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) replaced = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    StoreBatch *batch;

    if (!manager_check_assign(self, requests, n, &error)) {
        done(NULL, error, userdata);
        return;
    }
    batch = store_batch_new();
    for (gsize i = 0; i < n; i++) {
        Assignment *assignment = new_assignment_make(self, &requests[i]);
        g_autoptr(GPtrArray) its = new_assignment_replaces(self, assignment);

        for (guint k = 0; k < its->len; k++)
            stored_assignments_put_deleted(self, batch, its->pdata[k]);
        g_ptr_array_extend_and_steal(replaced, g_steal_pointer(&its));
        g_ptr_array_add(ids, g_strdup(assignment->id));
        if (requests[i].force)
            log_forced(self, &requests[i]);
        /* It is there now: the next one's id, name and age are others. */
        stored_assignments_put_new(self, batch, assignment);
    }
    stored_assignments_commit_new(self, batch, g_steal_pointer(&ids), g_steal_pointer(&replaced),
                                  requests->start_machine ? requests->machine_uuid : NULL, done, userdata);
}
