/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts and their wiring, and what users can ask for. */

#include "daemon/manager.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "daemon/arrivals.h"
#include "daemon/desired.h"
#include "daemon/error.h"
#include "daemon/log.h"
#include "daemon/reconciler.h"
#include "daemon/store.h"
#include "daemon/text.h"

#define STORE_KIND "assignments"

/* More than any host has ports for; keeps a caller from filling memory and disk. */
#define ASSIGNMENTS_MAX 1024

/* The longest name and description, in bytes. */
#define NAME_MAX_BYTES        128
#define DESCRIPTION_MAX_BYTES 1024

struct Manager {
    Registry *registry;
    Hypervisor *hypervisor;
    Store *store;
    Reconciler *reconciler;
    Arrivals *arrivals;
};

/* ------------------------------------------------------------------ the hypervisor's hints */

static void hypervisor_changed(Hypervisor *hypervisor, void *userdata)
{
    Manager *self = userdata;

    reconciler_hypervisor_changed(self->reconciler);
}

static void machine_touched(Hypervisor *hypervisor, const char *uuid, bool memory_replaced, void *userdata)
{
    Manager *self = userdata;

    reconciler_machine_touched(self->reconciler, uuid, memory_replaced);
}

static const HypervisorEvents hypervisor_events = {
    .state_changed = hypervisor_changed,
    .machine_touched = machine_touched,
};

void manager_queue_idle(const char *queue, Manager *self)
{
    reconciler_queue_idle(self->reconciler, queue);
}

/* ------------------------------------------------------------------ storing */

static StoreArea area_of(const Assignment *assignment)
{
    return assignment->persistent ? STORE_AREA_STATE : STORE_AREA_RUNTIME;
}

/* What to tell, and what to do first, when a change is on disk or couldn't be put there. */
typedef struct Pending {
    Manager *manager;
    char *id;
    void (*settle)(Manager *self, Assignment *assignment, const struct Pending *pending, bool stored);
    ManagerDone done;
    void *userdata;
    Assignment *before; /* the stored part as it was, for an update that failed */
} Pending;

static void pending_free(gpointer data)
{
    Pending *pending = data;

    g_free(pending->id);
    assignment_free(pending->before);
    g_free(pending);
}

static Pending *pending_new(Manager *self, const Assignment *assignment, ManagerDone done, void *userdata)
{
    Pending *pending = g_new0(Pending, 1);

    pending->manager = self;
    pending->id = g_strdup(assignment->id);
    pending->done = done;
    pending->userdata = userdata;
    return pending;
}

static void stored(const GError *error, void *userdata)
{
    Pending *pending = userdata;
    Manager *self = pending->manager;
    Assignment *assignment = registry_assignment(self->registry, pending->id);

    if (error)
        log_object(G_LOG_LEVEL_WARNING, NULL, NULL, pending->id, "assignment %s cannot be stored: %s",
                   pending->id, error->message);
    if (assignment) {
        assignment->saving = false;
        pending->settle(self, assignment, pending, !error);
    }
    pending->done(error ? NULL : pending->id, error, pending->userdata);
    reconciler_kick(self->reconciler);
    pending_free(pending);
}

static void save(Manager *self, Assignment *assignment, Pending *pending)
{
    g_autoptr(GKeyFile) file = assignment_to_key_file(assignment);

    store_save(self->store, area_of(assignment), STORE_KIND, assignment->id, file, stored, pending);
}

/* ------------------------------------------------------------------ assign */

static void report_machine_assignments(Manager *self, const char *machine_uuid)
{
    if (registry_machine(self->registry, machine_uuid))
        registry_report(self->registry, OBJECT_MACHINE, machine_uuid, MACHINE_FIELD_ASSIGNMENTS);
}

static void drop_assignment(Manager *self, Assignment *assignment)
{
    g_autofree char *machine_uuid = g_strdup(assignment->machine_uuid);

    registry_remove_assignment(self->registry, assignment);
    report_machine_assignments(self, machine_uuid);
}

static bool check_text(const char *what, const char *text, gsize max, GError **error)
{
    if (!text || (strlen(text) <= max && text_is_clean(text)))
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID_NAME,
                "%s: at most %" G_GSIZE_FORMAT " bytes of valid UTF-8 without control characters", what, max);
    return false;
}

static char *quote_machine(Manager *self, const char *uuid, const char *fallback)
{
    const Machine *machine = registry_machine(self->registry, uuid);

    return text_quote(machine ? machine->info->name : fallback);
}

static bool check_free(Manager *self, const Device *device, const AssignRequest *request, GError **error)
{
    g_autofree char *what = device_describe(device);
    g_autoptr(Desired) desired = desired_new(self->registry, g_get_monotonic_time());
    const Assignment *other = desired_owner(desired, device);

    if (device->state == DEVICE_STATE_FOREIGN) {
        g_autofree char *owner = quote_machine(self, device->machine_uuid, "?");

        g_set_error(error, FERRY_ERROR, FERRY_ERROR_DEVICE_BUSY,
                    "%s was attached to machine %s by another program; detach it there first", what, owner);
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

bool manager_check_assign(Manager *self, const AssignRequest *request, GError **error)
{
    const Device *device = registry_device(self->registry, request->device);

    if (!device) {
        g_autofree char *quoted = text_quote(request->device);

        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_DEVICE, "%s: no such device is plugged in",
                    quoted);
        return false;
    }
    if (!registry_machine(self->registry, request->machine_uuid)) {
        g_autofree char *quoted = text_quote(request->machine_uuid);

        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_MACHINE,
                    "%s: the hypervisor knows no such machine", quoted);
        return false;
    }
    if (device->is_hub) {
        g_autofree char *what = device_describe(device);

        g_set_error(error, FERRY_ERROR, FERRY_ERROR_DEVICE_IS_HUB,
                    "%s is a hub; hubs are never handed out, assign the devices behind it", what);
        return false;
    }
    if (!check_text("Name", request->name, NAME_MAX_BYTES, error) ||
        !check_text("Description", request->description, DESCRIPTION_MAX_BYTES, error) ||
        !check_free(self, device, request, error))
        return false;
    if (g_hash_table_size(self->registry->assignments) >= ASSIGNMENTS_MAX) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_LIMIT_EXCEEDED,
                    "there are %d assignments, release some first", ASSIGNMENTS_MAX);
        return false;
    }
    return true;
}

static bool serial_is_unique(Manager *self, const Device *device)
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

static char *make_id(Manager *self)
{
    char *id = assignment_make_id();

    while (registry_assignment(self->registry, id)) {
        g_free(id);
        id = assignment_make_id();
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
static char *make_name(Manager *self, const Device *device, const Machine *machine)
{
    const char *what = *device->product ? device->product : device->class_name;
    char *name = g_strdup_printf("%s to %s", what, machine->info->name);

    for (unsigned n = 2; name_is_taken(self, name); n++) {
        g_free(name);
        name = g_strdup_printf("%s to %s (%u)", what, machine->info->name, n);
    }
    return name;
}

static Assignment *make_assignment(Manager *self, const AssignRequest *request)
{
    const Device *device = registry_device(self->registry, request->device);
    const Machine *machine = registry_machine(self->registry, request->machine_uuid);
    g_autofree char *id = make_id(self);
    Assignment *assignment = assignment_new(id);

    g_free(assignment->name);
    assignment->name =
        request->name && *request->name ? g_strdup(request->name) : make_name(self, device, machine);
    g_free(assignment->description);
    assignment->description = g_strdup(request->description ? request->description : "");
    assignment->machine_uuid = g_strdup(machine->info->uuid);
    g_free(assignment->machine_name);
    assignment->machine_name = g_strdup(machine->info->name);
    assignment->rule = rule_for_device(device, serial_is_unique(self, device));
    assignment->selector = rule_print(assignment->rule);
    g_free(assignment->home_socket);
    assignment->home_socket = g_strdup(device->socket);
    g_free(assignment->device_text);
    assignment->device_text = device_describe(device);
    assignment->persistent = request->persistent;
    assignment->priority = request->priority;
    assignment->owner = request->owner;
    assignment->created = assignment->since = g_get_real_time();
    assignment->saving = true;
    g_free(assignment->reason);
    assignment->reason = g_strdup("The assignment is being stored.");
    return assignment;
}

static void assign_settled(Manager *self, Assignment *assignment, const Pending *pending, bool ok)
{
    assignment->stored = ok;
    if (ok)
        log_object(G_LOG_LEVEL_MESSAGE, NULL, assignment->machine_uuid, assignment->id,
                   "assignment %s: %s to machine \"%s\" by uid %u", assignment->id, assignment->device_text,
                   assignment->machine_name, assignment->owner);
    else
        drop_assignment(self, assignment);
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
    pending = pending_new(self, assignment, done, userdata);
    pending->settle = assign_settled;
    registry_add_assignment(self->registry, assignment);
    report_machine_assignments(self, assignment->machine_uuid);
    save(self, assignment, pending);
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
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_TIMEOUT,
                    "assignment %s: another change of it is still being stored, try again", id);
        return NULL;
    }
    return assignment;
}

static void release_settled(Manager *self, Assignment *assignment, const Pending *pending, bool ok)
{
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
    pending = pending_new(self, assignment, done, userdata);
    pending->settle = release_settled;
    store_delete(self->store, area_of(assignment), STORE_KIND, id, stored, pending);
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
    to->wanted = from->wanted;
    return fields;
}

static void update_settled(Manager *self, Assignment *assignment, const Pending *pending, bool ok)
{
    if (!ok)
        registry_report(self->registry, OBJECT_ASSIGNMENT, assignment->id,
                        copy_choices(assignment, pending->before));
}

/* Applies the choices of next, and stores them. */
static void change(Manager *self, Assignment *assignment, const Assignment *next, ManagerDone done,
                   void *userdata)
{
    Pending *pending = pending_new(self, assignment, done, userdata);

    pending->settle = update_settled;
    pending->before = assignment_new(assignment->id);
    copy_choices(pending->before, assignment);
    assignment->saving = true;
    registry_report(self->registry, OBJECT_ASSIGNMENT, assignment->id, copy_choices(assignment, next));
    save(self, assignment, pending);
}

void manager_set_wanted(Manager *self, const char *id, bool wanted, ManagerDone done, void *userdata)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Assignment) next = NULL;
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
    next = assignment_new(id);
    copy_choices(next, assignment);
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
    return check_text("Name", update->name, NAME_MAX_BYTES, error) &&
           check_text("Description", update->description, DESCRIPTION_MAX_BYTES, error);
}

void manager_update(Manager *self, const char *id, const AssignmentUpdate *update, ManagerDone done,
                    void *userdata)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Assignment) next = NULL;
    Assignment *assignment;

    if (!manager_check_update(self, id, update, &error)) {
        done(NULL, error, userdata);
        return;
    }
    assignment = registry_assignment(self->registry, id);
    next = assignment_new(id);
    copy_choices(next, assignment);
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
    change(self, assignment, next, done, userdata);
}

bool manager_rescan(Manager *self, unsigned *ret_added, unsigned *ret_removed, GError **error)
{
    return arrivals_rescan(self->arrivals, ret_added, ret_removed, error);
}

/* ------------------------------------------------------------------ begin and end */

static bool take_stored(StoreArea area, const char *id, GKeyFile *file, void *userdata, GError **error)
{
    Manager *self = userdata;
    Assignment *assignment;

    if (registry_assignment(self->registry, id)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_STORAGE, "assignment %s is there twice", id);
        return false;
    }
    assignment = assignment_from_key_file(id, file, error);
    if (!assignment)
        return false;
    assignment->persistent = area == STORE_AREA_STATE;
    assignment->stored = true;
    registry_add_assignment(self->registry, assignment);
    return true;
}

Manager *manager_new(const ManagerConfig *config, WorkerPool *pool, Hypervisor *hypervisor, GError **error)
{
    g_autoptr(Manager) self = g_new0(Manager, 1);
    char node[HOST_NAME_MAX + 1] = "";
    g_autofree char *clean_node = NULL;

    (void)gethostname(node, sizeof node - 1);
    clean_node = text_sanitize(node, HOST_NAME_MAX);
    self->registry = registry_new(clean_node);
    self->hypervisor = hypervisor;
    self->reconciler = reconciler_new(self->registry, pool, hypervisor);
    self->store = store_new(config->state_dir, config->runtime_dir, pool, error);
    if (!self->store)
        return NULL;
    hypervisor->events = &hypervisor_events;
    hypervisor->events_userdata = self;
    return g_steal_pointer(&self);
}

Manager *manager_free(Manager *self)
{
    if (!self)
        return NULL;
    if (self->hypervisor)
        self->hypervisor->events = NULL;
    arrivals_free(self->arrivals);
    reconciler_free(self->reconciler);
    store_free(self->store);
    registry_free(self->registry);
    g_free(self);
    return NULL;
}

static void look_again(void *userdata)
{
    Manager *self = userdata;

    reconciler_kick(self->reconciler);
}

bool manager_start(Manager *self, GError **error)
{
    store_load(self->store, STORE_KIND, take_stored, self);
    self->arrivals = arrivals_new(self->registry, look_again, self, error);
    if (!self->arrivals || !arrivals_rescan(self->arrivals, NULL, NULL, error))
        return false;
    self->hypervisor->ops->start(self->hypervisor);
    reconciler_kick(self->reconciler);
    return true;
}

Registry *manager_registry(Manager *self)
{
    return self->registry;
}

const char *manager_hypervisor_uri(Manager *self)
{
    return self->hypervisor->uri;
}

bool manager_settling(Manager *self)
{
    return self->registry->settling;
}
