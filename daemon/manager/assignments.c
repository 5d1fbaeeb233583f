/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Assignments: made, changed, released. */

#include "daemon/manager/internal.h"

#include <string.h>

#include "daemon/allocation/pci-passthrough.h"
#include "daemon/allocation/allocation.h"
#include "daemon/base/error.h"
#include "daemon/base/id.h"
#include "daemon/config/assignment-text.h"
#include "daemon/rules/pin.h"
#include "daemon/allocation/guest-reset.h"
#include "daemon/base/log.h"
#include "daemon/base/text.h"

StoreArea manager_assignment_area(const Assignment *assignment)
{
    return assignment->persistent ? STORE_AREA_STATE : STORE_AREA_RUNTIME;
}

static void free_assignment(gpointer assignment)
{
    assignment_free(assignment);
}

/* next: the assignment, or what it is to be. */
static void save(Manager *self, Assignment *assignment, const Assignment *next, Pending *pending)
{
    g_autoptr(GKeyFile) file = assignment_to_key_file(next);

    assignment->saving = true;
    store_save(self->store, manager_assignment_area(assignment), STORE_KIND_ASSIGNMENTS, assignment->id, file,
               pending_stored, pending, pending_free);
}

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
                    "%s belongs to tenant %s, and machine %s does not; revoke it from the tenant first", what,
                    tenant_name, quoted);
        return false;
    }
    if (tenant->saving) { /* it may be just what is being revoked */
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_LIMIT_EXCEEDED,
                    "tenant %s: a change of it is still being stored, try again", tenant_name);
        return false;
    }
    return true;
}

static bool check_free(Manager *self, const Device *device, const AssignRequest *request, GError **error)
{
    g_autofree char *what = device_describe(device);
    g_autoptr(Allocation) allocation = allocation_new(self->registry, g_get_monotonic_time());
    const Assignment *other = allocation_owner(allocation, device);
    const Machine *controller = pci_passthrough_owner(self->registry, device->controller);

    if (device->state == DEVICE_STATE_FOREIGN) {
        g_autofree char *owner = quote_machine(self, device->machine_uuid, "?");

        g_set_error(error, FERRY_ERROR, FERRY_ERROR_DEVICE_BUSY,
                    "%s was attached to machine %s by another program; detach it there first", what, owner);
        return false;
    }
    if (controller) {
        g_autofree char *owner = text_quote(controller->info->name);

        g_set_error(
            error, FERRY_ERROR, FERRY_ERROR_CONTROLLER_PASSED_THROUGH,
            "%s is on the controller %s, which machine %s has as a whole; take that away from it first", what,
            device->controller, owner);
        return false;
    }
    if (other) {
        g_autofree char *owner = quote_machine(self, other->machine_uuid, other->machine_name);
        bool same = g_strcmp0(other->machine_uuid, request->machine_uuid) == 0;

        g_set_error(error, FERRY_ERROR, same ? FERRY_ERROR_ALREADY_EXISTS : FERRY_ERROR_DEVICE_BUSY,
                    "%s is %s to machine %s%s (assignment %s)%s", what,
                    device->state == DEVICE_STATE_ATTACHED ? "attached" : "assigned", owner,
                    same ? " already" : "", other->id, same ? "" : "; take it home first");
        return false;
    }
    /* Released a moment ago and not home yet: the new assignment would only wait, so it may be made. */
    return true;
}

static bool check_device(Manager *self, const AssignRequest *request, GError **error)
{
    const Device *device = registry_device(self->registry, request->device);
    const char *granting = g_hash_table_lookup(self->granting, request->device);
    g_autofree char *text = device ? device_describe(device) : NULL;

    if (!device) {
        g_autofree char *quoted = text_quote(request->device);

        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_DEVICE, "%s: no such device is plugged in",
                    quoted);
        return false;
    }
    if (device->is_hub) {
        g_autofree char *what = device_describe(device);

        g_set_error(error, FERRY_ERROR, FERRY_ERROR_DEVICE_IS_HUB,
                    "%s is a hub; hubs are never handed out, assign the devices behind it", what);
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
    return check_owned(self, text, device->tenant, request, error) &&
           check_free(self, device, request, error);
}

static bool check_group(Manager *self, const AssignRequest *request, GError **error)
{
    const Group *group;
    g_autofree char *what = NULL;
    QuantityKind kind;
    unsigned quantity;

    group = manager_find_group(self, request->group, error);
    if (!group || !manager_check_group_stays(group, error))
        return false;
    what = g_strdup_printf("group %s", group->name);
    if (!check_owned(self, what, group->tenant, request, error))
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

bool manager_check_assign(Manager *self, const AssignRequest *request, GError **error)
{
    if (!(request->group ? check_group(self, request, error) : check_device(self, request, error)))
        return false;
    if (!registry_machine(self->registry, request->machine_uuid)) {
        g_autofree char *quoted = text_quote(request->machine_uuid);

        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_MACHINE,
                    "%s: the hypervisor knows no such machine", quoted);
        return false;
    }
    if (!manager_check_text("Name", request->name, ASSIGNMENT_NAME_MAX, error) ||
        !manager_check_text("Description", request->description, DESCRIPTION_MAX_BYTES, error))
        return false;
    if (g_hash_table_size(self->registry->assignments) >= ASSIGNMENTS_MAX) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_LIMIT_EXCEEDED,
                    "there are %d assignments, release some first", ASSIGNMENTS_MAX);
        return false;
    }
    return true;
}

bool manager_serial_is_unique(Manager *self, const Device *device)
{
    GHashTableIter iter;
    gpointer value;

    if (!rule_serial_is_sane(device->serial))
        return false;
    g_hash_table_iter_init(&iter, self->registry->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Device *other = value;

        if (other != device && other->vendor_id == device->vendor_id &&
            other->product_id == device->product_id && g_strcmp0(other->serial, device->serial) == 0)
            return false;
    }
    return true;
}

char *manager_make_assignment_id(Manager *self)
{
    char *id = id_make();

    while (registry_assignment(self->registry, id)) {
        g_free(id);
        id = id_make();
    }
    return id;
}

static bool name_is_taken(Manager *self, const char *name)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, self->registry->assignments);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (g_strcmp0(((const Assignment *)value)->name, name) == 0)
            return true;
    return false;
}

/* "Keyboard K120 to win11", and "Keyboard K120 to win11 (2)" for the second one. */
static char *make_name(Manager *self, const char *what, const Machine *machine)
{
    enum { NUMBER_BYTES_MAX = sizeof " (1024)" };
    g_autofree char *whole = g_strdup_printf("%s to %s", what, machine->info->name);
    g_autofree char *base = text_sanitize(whole, ASSIGNMENT_NAME_MAX - NUMBER_BYTES_MAX);
    char *name = g_strdup(base);

    for (unsigned n = 2; name_is_taken(self, name); n++) {
        g_free(name);
        name = g_strdup_printf("%s (%u)", base, n);
    }
    return name;
}

static void set_text(char **text, const char *value)
{
    g_free(*text);
    *text = g_strdup(value ? value : "");
}

/* The one device, by what tells it from all others. */
static void pin(Manager *self, Assignment *assignment, const Device *device)
{
    g_autofree char *what = device_describe(device);

    assignment->rule = rule_for_device(device, manager_serial_is_unique(self, device));
    set_text(&assignment->home_socket, device->socket);
    set_text(&assignment->device_text, what);
}

static void draw_from(Assignment *assignment, const AssignRequest *request)
{
    g_autofree char *what = g_strdup_printf("group %s", request->group);

    assignment->group = g_strdup(request->group);
    quantity_parse(request->quantity ? request->quantity : "1", &assignment->quantity_kind,
                   &assignment->quantity);
    if (request->selector && *request->selector)
        assignment->rule = rule_parse(request->selector, NULL);
    set_text(&assignment->device_text, what);
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
    g_autofree char *id = manager_make_assignment_id(self);
    g_autofree char *made_name = make_name(self, what, machine);
    Assignment *assignment = assignment_new(id);

    set_text(&assignment->name, request->name && *request->name ? request->name : made_name);
    set_text(&assignment->description, request->description);
    assignment->machine_uuid = g_strdup(machine->info->uuid);
    set_text(&assignment->machine_name, machine->info->name);
    assignment->tenant =
        g_strdup(request->group ? registry_group(self->registry, request->group)->tenant : device->tenant);
    if (request->group)
        draw_from(assignment, request);
    else
        pin(self, assignment, device);
    if (assignment->rule) {
        g_free(assignment->selector);
        assignment->selector = rule_print(assignment->rule);
    }
    assignment->persistent = request->persistent;
    assignment->priority = request->priority;
    set_choice(&assignment->own_guest_reset, request->allow_guest_reset);
    set_choice(&assignment->own_guest_resets_all, request->allow_guest_resets_all);
    assignment->allow_guest_reset = guest_reset_allowed(self->registry, assignment);
    assignment->allow_guest_resets_all = guest_resets_all_allowed(self->registry, assignment);
    assignment->owner = request->owner;
    assignment->created = assignment->since = g_get_real_time();
    assignment->saving = true;
    set_text(&assignment->reason, "The assignment is being stored.");
    return assignment;
}

static void assign_settled(Manager *self, const Pending *pending, bool ok)
{
    Assignment *assignment = registry_assignment(self->registry, pending->id);

    assignment->saving = false;
    assignment->stored = ok;
    if (ok)
        log_object(G_LOG_LEVEL_MESSAGE, NULL, assignment->machine_uuid, assignment->id,
                   "assignment %s: %s to machine \"%s\" by uid %u", assignment->id, assignment->device_text,
                   assignment->machine_name, assignment->owner);
    else
        registry_end_assignment(self->registry, assignment);
}

void manager_assign(Manager *self, const AssignRequest *request, ManagerDone done, void *userdata)
{
    g_autoptr(GError) error = NULL;
    Assignment *assignment;
    Pending *pending;

    if (!manager_check_assign(self, request, &error)) {
        done(NULL, error, userdata);
        return;
    }
    assignment = make_assignment(self, request);
    pending = pending_new(self, assignment->id, assign_settled, done, userdata);
    registry_add_assignment(self->registry, assignment);
    registry_report_machine_assignments(self->registry, assignment->machine_uuid);
    save(self, assignment, assignment, pending);
}

/* ------------------------------------------------------------------ release, attach, detach, update */

/* The assignment, if it can be changed now. */
static Assignment *find_changeable(Manager *self, const char *id, GError **error)
{
    Assignment *assignment = registry_assignment(self->registry, id);

    if (!assignment || assignment->releasing) {
        g_autofree char *quoted = text_quote(id);

        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_ASSIGNMENT, "%s: no such assignment%s", quoted,
                    assignment ? ", it is being released" : "");
        return NULL;
    }
    if (assignment->saving) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_LIMIT_EXCEEDED,
                    "assignment %s: another change of it is still being stored, try again", id);
        return NULL;
    }
    return assignment;
}

bool manager_check_change(Manager *self, const char *id, GError **error)
{
    return find_changeable(self, id, error) != NULL;
}

static void release_settled(Manager *self, const Pending *pending, bool ok)
{
    Assignment *assignment = registry_assignment(self->registry, pending->id);

    assignment->saving = false;
    assignment->releasing = ok;
    if (ok)
        log_object(G_LOG_LEVEL_MESSAGE, NULL, assignment->machine_uuid, assignment->id,
                   "assignment %s is released", assignment->id);
}

void manager_release(Manager *self, const char *id, ManagerDone done, void *userdata)
{
    g_autoptr(GError) error = NULL;
    Assignment *assignment = find_changeable(self, id, &error);
    Pending *pending;

    if (!assignment) {
        done(NULL, error, userdata);
        return;
    }
    assignment->saving = true;
    pending = pending_new(self, id, release_settled, done, userdata);
    store_delete(self->store, manager_assignment_area(assignment), STORE_KIND_ASSIGNMENTS, id, pending_stored,
                 pending, pending_free);
}

/* The fields that an update can change, from one assignment to another. */
static unsigned copy_choices(Assignment *to, const Assignment *from)
{
    unsigned fields = 0;

    if (g_strcmp0(to->name, from->name) != 0)
        fields |= ASSIGNMENT_FIELD_NAME;
    if (g_strcmp0(to->description, from->description) != 0)
        fields |= ASSIGNMENT_FIELD_DESCRIPTION;
    if (to->priority != from->priority)
        fields |= ASSIGNMENT_FIELD_PRIORITY;
    g_free(to->name);
    g_free(to->description);
    to->name = g_strdup(from->name);
    to->description = g_strdup(from->description);
    to->priority = from->priority;
    /* What comes of these is reported when it is worked out with the group's. */
    to->own_guest_reset = from->own_guest_reset;
    to->own_guest_resets_all = from->own_guest_resets_all;
    to->wanted = from->wanted;
    return fields;
}

static void update_settled(Manager *self, const Pending *pending, bool ok)
{
    Assignment *assignment = registry_assignment(self->registry, pending->id);

    assignment->saving = false;
    if (ok)
        registry_report(self->registry, OBJECT_ASSIGNMENT, assignment->id,
                        copy_choices(assignment, pending->payload));
}

/* Stores the choices of next, and applies them once they are durable. Takes next. */
static void change(Manager *self, Assignment *assignment, Assignment *next, ManagerDone done, void *userdata)
{
    Pending *pending = pending_new(self, assignment->id, update_settled, done, userdata);

    pending->payload = next;
    pending->free_payload = free_assignment;
    save(self, assignment, next, pending);
}

void manager_set_wanted(Manager *self, const char *id, bool wanted, ManagerDone done, void *userdata)
{
    g_autoptr(GError) error = NULL;
    Assignment *next;
    Assignment *assignment = find_changeable(self, id, &error);

    if (!assignment) {
        done(NULL, error, userdata);
        return;
    }
    if (wanted)
        reconciler_retry(self->reconciler, assignment);
    if (assignment->wanted == wanted) {
        done(id, NULL, userdata);
        return;
    }
    next = assignment_copy(assignment);
    next->wanted = wanted;
    change(self, assignment, next, done, userdata);
}

bool manager_check_update(Manager *self, const char *id, const AssignmentUpdate *update, GError **error)
{
    if (!find_changeable(self, id, error))
        return false;
    if (update->name && !*update->name) {
        g_set_error_literal(error, FERRY_ERROR, FERRY_ERROR_INVALID_NAME, "Name: it must not be empty");
        return false;
    }
    return manager_check_text("Name", update->name, ASSIGNMENT_NAME_MAX, error) &&
           manager_check_text("Description", update->description, DESCRIPTION_MAX_BYTES, error);
}

void manager_update(Manager *self, const char *id, const AssignmentUpdate *update, ManagerDone done,
                    void *userdata)
{
    g_autoptr(GError) error = NULL;
    Assignment *next;
    Assignment *assignment;

    if (!manager_check_update(self, id, update, &error)) {
        done(NULL, error, userdata);
        return;
    }
    assignment = registry_assignment(self->registry, id);
    next = assignment_copy(assignment);
    if (update->name) {
        g_free(next->name);
        next->name = g_strdup(update->name);
    }
    if (update->description) {
        g_free(next->description);
        next->description = g_strdup(update->description);
    }
    if (update->priority)
        next->priority = *update->priority;
    set_choice(&next->own_guest_reset, update->allow_guest_reset);
    set_choice(&next->own_guest_resets_all, update->allow_guest_resets_all);
    change(self, assignment, next, done, userdata);
}

/* ------------------------------------------------------------------ the start */

static bool take_stored(const StoredFile *file, void *userdata, GError **error)
{
    Manager *self = userdata;
    Assignment *assignment;

    if (registry_assignment(self->registry, file->id)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_STORAGE, "assignment %s is there twice", file->id);
        return false;
    }
    assignment = assignment_from_text(file->id, file->text, file->path, error);
    if (!assignment)
        return false;
    assignment->persistent = file->area == STORE_AREA_STATE;
    assignment->stored = true;
    registry_add_assignment(self->registry, assignment);
    return true;
}

bool manager_load_assignments(Manager *self, GError **error)
{
    return store_load(self->store, STORE_KIND_ASSIGNMENTS, take_stored, self, error);
}
