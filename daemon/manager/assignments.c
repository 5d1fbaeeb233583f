/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Assignments: made, changed, released. Each call works out what the assignment is to be and leaves the rest
 * to stored-assignments. */

#include "daemon/manager/assignments.h"

#include <string.h>

#include "daemon/allocation/allocation.h"
#include "daemon/allocation/guest-reset.h"
#include "daemon/base/error.h"
#include "daemon/base/log.h"
#include "daemon/base/text.h"
#include "daemon/manager/internal.h"
#include "daemon/manager/quotas.h"
#include "daemon/manager/stored-assignments.h"
#include "daemon/model/find.h"
#include "daemon/rules/pin.h"

/* ------------------------------------------------------------------ what it says */

/* The one device, by what tells it from all others. */
static void pin(Manager *self, Assignment *assignment, const Device *device)
{
    g_autofree char *what = device_describe(device);

    assignment->rule = rule_for_device(device, registry_serial_is_unique(self->registry, device));
    text_replace(&assignment->home_socket, device->socket);
    text_replace(&assignment->device_text, what);
}

static void draw_from(Assignment *assignment, const AssignRequest *request)
{
    g_autofree char *what = g_strdup_printf("group %s", request->group);

    assignment->group = g_strdup(request->group);
    quantity_parse(request->quantity ? request->quantity : "1", &assignment->quantity_kind,
                   &assignment->quantity);
    if (request->selector && *request->selector)
        assignment->rule = rule_parse(request->selector, NULL);
    text_replace(&assignment->device_text, what);
}

/* What it draws from, and how. */
static void set_source(Manager *self, Assignment *assignment, const AssignRequest *request)
{
    if (request->group)
        draw_from(assignment, request);
    else
        pin(self, assignment, registry_device(self->registry, request->device));
    if (assignment->rule) {
        g_free(assignment->selector);
        assignment->selector = rule_print(assignment->rule);
    }
}

/* ------------------------------------------------------------------ may it be */

static char *quote_machine(Manager *self, const char *uuid, const char *fallback)
{
    const Machine *machine = registry_machine(self->registry, uuid);

    return text_quote(machine ? machine->info->name : fallback);
}

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

static bool check_free(Manager *self, const Device *device, const AssignRequest *request, GError **error)
{
    g_autofree char *what = device_describe(device);
    g_autoptr(Allocation) allocation = allocation_new(self->registry, g_get_monotonic_time());
    const Assignment *other = allocation_owner(allocation, device);

    if (!allocation_check_device(allocation, device, request->force, error))
        return false;
    if (other) {
        g_autofree char *owner = quote_machine(self, other->machine_uuid, other->machine_name);
        bool same = g_strcmp0(other->machine_uuid, request->machine_uuid) == 0;

        g_set_error(error, FERRY_ERROR, same ? FERRY_ERROR_ALREADY_EXISTS : FERRY_ERROR_DEVICE_BUSY,
                    "%s is %s to VM %s%s (assignment %s)%s", what,
                    device->state == DEVICE_STATE_ATTACHED ? "attached" : "assigned", owner,
                    same ? " already" : "", other->id, same ? "" : "; take it home first");
        return false;
    }
    /* Released a moment ago and not home yet: the new assignment would only wait, so it may be made. */
    return true;
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

static bool check_follow(bool follow, GError **error)
{
    if (follow)
        g_set_error_literal(error, FERRY_ERROR, FERRY_ERROR_INVALID_OPTION,
                            "Follow: it is for one device, a group gives any that match its rules");
    return !follow;
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
    if (!check_owned(self, what, group->tenant, request, error) || !check_follow(request->follow, error) ||
        !check_force(request->force, error))
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

/* Whose the source is; NULL = nobody's. */
static const char *tenant_of(Manager *self, const AssignRequest *request)
{
    return request->group ? registry_group(self->registry, request->group)->tenant
                          : registry_device(self->registry, request->device)->tenant;
}

/* Whether it says the same of what is given, to whatever machine. */
static bool gives_the_same(const Assignment *one, const Assignment *wanted)
{
    return g_strcmp0(one->group, wanted->group) == 0 && strcmp(one->selector, wanted->selector) == 0 &&
           one->quantity_kind == wanted->quantity_kind && one->quantity == wanted->quantity;
}

/* One that says the same is there: who asks for it twice means it once. What it is called says nothing. */
static bool check_new(Manager *self, const AssignRequest *request, GError **error)
{
    g_autoptr(Assignment) wanted = assignment_new("");
    GHashTableIter iter;
    gpointer value;

    set_source(self, wanted, request);
    g_hash_table_iter_init(&iter, self->registry->assignments);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Assignment *one = value;
        g_autofree char *machine = NULL;

        if (one->releasing || strcmp(one->machine_uuid, request->machine_uuid) != 0 ||
            !gives_the_same(one, wanted))
            continue;
        machine = quote_machine(self, one->machine_uuid, one->machine_name);
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_ALREADY_EXISTS,
                    "%s is assigned to VM %s already%s (assignment %s)", wanted->device_text, machine,
                    wanted->group ? ", with this quantity and selector" : "", one->id);
        return false;
    }
    return true;
}

/* Name and machine together say which assignment is meant, in what is exported for instance. except: its own
 * id, NULL = a new one. */
static bool check_name_is_free(Manager *self, const char *name, const char *machine_uuid, const char *except,
                               GError **error)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, self->registry->assignments);
    while (name && *name && g_hash_table_iter_next(&iter, NULL, &value)) {
        const Assignment *one = value;
        g_autofree char *quoted = NULL, *machine = NULL;

        if (one->releasing || g_strcmp0(one->id, except) == 0 || strcmp(one->name, name) != 0 ||
            strcmp(one->machine_uuid, machine_uuid) != 0)
            continue;
        quoted = text_quote(name);
        machine = quote_machine(self, one->machine_uuid, one->machine_name);
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_ALREADY_EXISTS,
                    "Name: an assignment of VM %s is called %s already (%s)", machine, quoted, one->id);
        return false;
    }
    return true;
}

/* The request by itself comes first, then what is there. */
bool manager_check_assign(Manager *self, const AssignRequest *request, GError **error)
{
    const Device *device = request->group ? NULL : registry_device(self->registry, request->device);

    return (request->group ? check_group(self, request, error) : check_device(self, request, error)) &&
           find_machine_by_uuid(self->registry, request->machine_uuid, error) &&
           text_check("Name", request->name, ASSIGNMENT_NAME_MAX, error) &&
           text_check("Description", request->description, TEXT_MAX, error) &&
           (request->another || check_new(self, request, error)) &&
           check_name_is_free(self, request->name, request->machine_uuid, NULL, error) &&
           (!device || check_free(self, device, request, error)) &&
           quotas_check_assignment(self->registry, request->owner, tenant_of(self, request), error);
}

/* ------------------------------------------------------------------ a new one */

/* What the same user gave to a machine of this name that is gone, and gives again now that it was made anew:
 * the new assignment takes its place, or they would pile up. */
static bool is_replaced(Manager *self, const Assignment *one, const Assignment *wanted)
{
    return !one->releasing && !one->saving && !one->damage &&
           registry_machine_is_gone(self->registry, one->machine_uuid) && *one->machine_name &&
           g_str_equal(one->machine_name, wanted->machine_name) && gives_the_same(one, wanted) &&
           g_strcmp0(one->tenant, wanted->tenant) == 0 && (one->owner == wanted->owner || wanted->owner == 0);
}

/* Their ids. New array. */
static GPtrArray *replaced_by(Manager *self, const Assignment *wanted)
{
    GPtrArray *ids = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, self->registry->assignments);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (is_replaced(self, value, wanted))
            g_ptr_array_add(ids, g_strdup(((const Assignment *)value)->id));
    return ids;
}

static bool name_is_taken(Manager *self, const char *name, const Assignment *wanted)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, self->registry->assignments);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (g_strcmp0(((const Assignment *)value)->name, name) == 0 && !is_replaced(self, value, wanted))
            return true;
    return false;
}

/* "Keyboard K120 to win11", and "Keyboard K120 to win11 (2)" for the second one. */
static char *make_name(Manager *self, const char *what, const Assignment *wanted)
{
    enum { NUMBER_BYTES_MAX = sizeof " (1024)" };
    g_autofree char *whole = g_strdup_printf("%s to %s", what, wanted->machine_name);
    g_autofree char *base = text_sanitize(whole, ASSIGNMENT_NAME_MAX - NUMBER_BYTES_MAX);
    char *name = g_strdup(base);

    for (unsigned n = 2; name_is_taken(self, name, wanted); n++) {
        g_free(name);
        name = g_strdup_printf("%s (%u)", base, n);
    }
    return name;
}

static void set_choice(Choice *choice, const bool *value)
{
    if (value)
        *choice = *value ? CHOICE_YES : CHOICE_NO;
}

static Assignment *make_assignment(Manager *self, const AssignRequest *request)
{
    const Device *device = registry_device(self->registry, request->device);
    const Machine *machine = registry_machine(self->registry, request->machine_uuid);
    const char *what = request->group     ? request->group
                       : *device->product ? device->product
                                          : device->class_name;
    g_autofree char *id = registry_make_assignment_id(self->registry);
    g_autofree char *made_name = NULL;
    Assignment *assignment = assignment_new(id);

    text_replace(&assignment->description, request->description);
    assignment->machine_uuid = g_strdup(machine->info->uuid);
    text_replace(&assignment->machine_name, machine->info->name);
    assignment->tenant = g_strdup(tenant_of(self, request));
    set_source(self, assignment, request);
    assignment->persistent = request->persistent;
    assignment->follow = request->follow;
    assignment->forced = request->force;
    assignment->priority = request->priority;
    set_choice(&assignment->own_guest_reset, request->allow_guest_reset);
    set_choice(&assignment->own_guest_resets_all, request->allow_guest_resets_all);
    assignment->allow_guest_reset = guest_reset_allowed(self->registry, assignment);
    assignment->allow_guest_resets_all = guest_resets_all_allowed(self->registry, assignment);
    assignment->owner = request->owner;
    assignment->created = g_get_real_time();
    assignment->sequence = registry_next_sequence(self->registry);
    made_name = make_name(self, what, assignment);
    text_replace(&assignment->name, request->name && *request->name ? request->name : made_name);
    return assignment;
}

static void log_forced(Manager *self, const AssignRequest *request)
{
    const Device *device = registry_device(self->registry, request->device);
    g_autofree char *what = device_describe(device);
    g_autofree char *uses = device->host_use ? g_strjoinv(", ", device->host_use) : g_strdup("nothing now");

    log_notice("uid %" G_GUINT32_FORMAT " gives %s whatever the host uses it for: %s", request->owner, what,
               uses);
}

void manager_assign(Manager *self, const AssignRequest *request, ManagerDone done, void *userdata)
{
    g_autoptr(GError) error = NULL;
    Assignment *assignment;

    if (!manager_check_assign(self, request, &error)) {
        done(NULL, error, userdata);
        return;
    }
    assignment = make_assignment(self, request);
    if (request->force)
        log_forced(self, request);
    stored_assignments_add(self, assignment, replaced_by(self, assignment), done, userdata);
}

/* ------------------------------------------------------------------ release, attach, detach, update */

bool manager_check_change(Manager *self, const char *id, GError **error)
{
    return find_releasable_assignment(self->registry, id, error) != NULL;
}

void manager_release(Manager *self, const char *id, ManagerDone done, void *userdata)
{
    g_autoptr(GError) error = NULL;
    Assignment *assignment = find_releasable_assignment(self->registry, id, &error);

    if (assignment)
        stored_assignments_delete(self, assignment, done, userdata);
    else
        done(NULL, error, userdata);
}

void manager_set_wanted(Manager *self, const char *id, bool wanted, ManagerDone done, void *userdata)
{
    g_autoptr(GError) error = NULL;
    Assignment *assignment = find_changeable_assignment(self->registry, id, &error);
    Assignment *next;

    if (!assignment) {
        done(NULL, error, userdata);
        return;
    }
    if (assignment->wanted == wanted) {
        if (wanted)
            reconciler_retry(self->reconciler, assignment);
        done(id, NULL, userdata);
        return;
    }
    next = assignment_copy(assignment);
    next->wanted = wanted;
    stored_assignments_save(self, next, done, userdata);
}

void manager_retry(Manager *self, const char *id, ManagerDone done, void *userdata)
{
    g_autoptr(GError) error = NULL;
    Assignment *assignment = find_releasable_assignment(self->registry, id, &error);

    if (assignment && assignment->wanted)
        reconciler_retry(self->reconciler, assignment);
    done(assignment ? id : NULL, error, userdata);
}

bool manager_check_update(Manager *self, const char *id, const AssignmentUpdate *update, GError **error)
{
    const Assignment *assignment = find_changeable_assignment(self->registry, id, error);

    if (!assignment || (assignment->group && update->follow && !check_follow(*update->follow, error)))
        return false;
    if (update->name && !*update->name) {
        g_set_error_literal(error, FERRY_ERROR, FERRY_ERROR_INVALID_NAME, "Name: it must not be empty");
        return false;
    }
    return text_check("Name", update->name, ASSIGNMENT_NAME_MAX, error) &&
           check_name_is_free(self, update->name, assignment->machine_uuid, id, error) &&
           text_check("Description", update->description, TEXT_MAX, error);
}

void manager_update(Manager *self, const char *id, const AssignmentUpdate *update, ManagerDone done,
                    void *userdata)
{
    g_autoptr(GError) error = NULL;
    Assignment *next;

    if (!manager_check_update(self, id, update, &error)) {
        done(NULL, error, userdata);
        return;
    }
    next = assignment_copy(registry_assignment(self->registry, id));
    if (update->name)
        text_replace(&next->name, update->name);
    if (update->description)
        text_replace(&next->description, update->description);
    if (update->priority)
        next->priority = *update->priority;
    if (update->follow)
        next->follow = *update->follow;
    set_choice(&next->own_guest_reset, update->allow_guest_reset);
    set_choice(&next->own_guest_resets_all, update->allow_guest_resets_all);
    stored_assignments_save(self, next, done, userdata);
}
