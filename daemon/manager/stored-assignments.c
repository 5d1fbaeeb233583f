/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The assignments' files, and what becomes of an assignment when its file is written or couldn't be. */

#include "daemon/manager/stored-assignments.h"

#include "daemon/allocation/verdict.h"
#include "daemon/base/error.h"
#include "daemon/base/log.h"
#include "daemon/base/text.h"
#include "daemon/config/assignment-text.h"
#include "daemon/manager/internal.h"
#include "daemon/manager/machines.h"
#include "daemon/manager/pending.h"
#include "daemon/model/assignment-update.h"
#include "daemon/model/find.h"

#define STORE_KIND_ASSIGNMENTS "assignments"

static StoreArea area_of(const Assignment *assignment)
{
    return assignment->persistent ? STORE_AREA_STATE : STORE_AREA_RUNTIME;
}

static void free_assignment(gpointer assignment)
{
    assignment_free(assignment);
}

/* No other change of it may begin, and it is pending until this one is over. */
static void begin_saving(Manager *self, Assignment *assignment)
{
    assignment->saving = true;
    registry_mark_pending(self->registry, assignment);
}

/* ------------------------------------------------------------------ new */

/* From here on everybody sees it; reconciler_look() gives it its state. */
static void show(Manager *self, Assignment *assignment)
{
    assignment->saving = true;
    assignment->since = assignment->created;
    registry_add_assignment(self->registry, assignment);
    registry_report_assignment_lists(self->registry, assignment->machine_uuid, assignment->group);
}

void stored_assignments_settle_new(Manager *self, const char *id, bool stored)
{
    Assignment *assignment = registry_assignment(self->registry, id);

    assignment->saving = false;
    assignment->stored = stored;
    if (stored)
        log_event(LOG_EVENT_ASSIGNED, NULL, assignment->machine_uuid, id,
                  "assignment %s: %s to VM \"%s\" by uid %u", id, assignment->device_text,
                  assignment->machine_name, assignment->owner);
    else
        registry_end_assignment(self->registry, assignment);
}

typedef struct Coming {
    GPtrArray *ids;
    GPtrArray *replaced; /* ids */
    char *start;         /* UUID of the machine that starts then; NULL = none */
} Coming;

static void coming_free(gpointer data)
{
    Coming *coming = data;

    g_ptr_array_unref(coming->ids);
    g_ptr_array_unref(coming->replaced);
    g_free(coming->start);
    g_free(coming);
}

static void settle_added(Manager *self, const char *id, gpointer payload, bool stored)
{
    Coming *coming = payload;

    for (guint i = 0; i < coming->ids->len; i++)
        stored_assignments_settle_new(self, coming->ids->pdata[i], stored);
    for (guint i = 0; i < coming->replaced->len; i++)
        stored_assignments_settle_deleted(self, coming->replaced->pdata[i], stored);
    if (stored && coming->start)
        machines_start_too(self, coming->start);
    coming_free(coming);
}

void stored_assignments_commit_new(Manager *self, StoreBatch *batch, GPtrArray *ids, GPtrArray *replaced,
                                   const char *start, ManagerDone done, void *userdata)
{
    g_autoptr(GString) all = g_string_new(ids->pdata[0]);
    Coming *coming = g_new(Coming, 1);

    for (guint i = 1; i < ids->len; i++)
        g_string_append_printf(all, " %s", (const char *)ids->pdata[i]);
    *coming = (Coming){ ids, replaced, g_strdup(start) };
    reconciler_look(self->reconciler);
    pending_commit(self, batch,
                   &(PendingChange){ .id = ids->pdata[0],
                                     .settle = settle_added,
                                     .payload = coming,
                                     .free_payload = coming_free,
                                     .answer = all->str,
                                     .done = done,
                                     .userdata = userdata });
}

void stored_assignments_put_new(Manager *self, StoreBatch *batch, Assignment *assignment)
{
    g_autoptr(GKeyFile) file = assignment_to_key_file(assignment);

    store_batch_save(batch, area_of(assignment), STORE_KIND_ASSIGNMENTS, assignment->id, file);
    show(self, assignment);
}

/* ------------------------------------------------------------------ changed */

/* What was decided of it. */
static void log_changed(Manager *self, const Assignment *old, const Assignment *next)
{
    g_autofree char *machine = verdict_machine_text(self->registry, next);
    const char *uuid = next->machine_uuid, *id = next->id;

    if (!g_str_equal(old->machine_uuid, next->machine_uuid))
        log_event(LOG_EVENT_CHANGED, NULL, uuid, id, "assignment %s goes to %s instead", id, machine);
    else if (old->wanted && !next->wanted)
        log_event(LOG_EVENT_CHANGED, NULL, uuid, id, "assignment %s is taken home from %s", id, machine);
    else if (!old->wanted && next->wanted)
        log_event(LOG_EVENT_CHANGED, NULL, uuid, id, "assignment %s is given to %s again", id, machine);
    else if (next->given_back->len > old->given_back->len)
        log_event(LOG_EVENT_CHANGED, NULL, uuid, id, "one device of assignment %s is given back", id);
    else
        log_event(LOG_EVENT_CHANGED, NULL, uuid, id, "assignment %s is changed", id);
}

void stored_assignments_settle_changed(Manager *self, Assignment *next, bool stored)
{
    g_autoptr(Assignment) taken = next;
    Assignment *assignment = registry_assignment(self->registry, next->id);
    bool goes_on = next->wanted && !assignment->wanted;

    assignment->saving = false;
    if (!stored)
        return;
    log_changed(self, assignment, next);
    if (assignment->wanted != next->wanted || next->given_back->len > assignment->given_back->len)
        assignment->stopped_by = history_who(self->history);
    assignment_update(self->registry, g_steal_pointer(&taken));
    if (goes_on)
        reconciler_retry(self->reconciler, assignment);
}

static void settle_saved(Manager *self, const char *id, gpointer payload, bool stored)
{
    stored_assignments_settle_changed(self, payload, stored);
}

void stored_assignments_save(Manager *self, Assignment *next, ManagerDone done, void *userdata)
{
    g_autoptr(GKeyFile) file = assignment_to_key_file(next);

    begin_saving(self, registry_assignment(self->registry, next->id));
    pending_save(self, area_of(next), STORE_KIND_ASSIGNMENTS, file,
                 &(PendingChange){ .id = next->id,
                                   .settle = settle_saved,
                                   .payload = next,
                                   .free_payload = free_assignment,
                                   .done = done,
                                   .userdata = userdata });
}

void stored_assignments_put_changed(Manager *self, StoreBatch *batch, const Assignment *next)
{
    g_autoptr(GKeyFile) file = assignment_to_key_file(next);
    Assignment *assignment = registry_assignment(self->registry, next->id);

    begin_saving(self, assignment);
    if (area_of(assignment) != area_of(next))
        store_batch_delete(batch, area_of(assignment), STORE_KIND_ASSIGNMENTS, next->id);
    store_batch_save(batch, area_of(next), STORE_KIND_ASSIGNMENTS, next->id, file);
}

void stored_assignments_put_seen(StoreBatch *batch, const Assignment *assignment)
{
    g_autoptr(GKeyFile) file = assignment_to_key_file(assignment);

    store_batch_save(batch, area_of(assignment), STORE_KIND_ASSIGNMENTS, assignment->id, file);
}

/* ------------------------------------------------------------------ released */

void stored_assignments_settle_deleted(Manager *self, const char *id, bool stored)
{
    Assignment *assignment = registry_assignment(self->registry, id);

    assignment->saving = false;
    assignment->releasing = stored;
    if (stored)
        assignment->stopped_by = history_who(self->history);
    if (stored)
        log_event(LOG_EVENT_RELEASED, NULL, assignment->machine_uuid, id,
                  "assignment %s is released: %s comes home from VM \"%s\"", id, assignment->device_text,
                  assignment->machine_name);
}

/* payload: whether its machine starts then. */
static void settle_deleted(Manager *self, const char *id, gpointer payload, bool stored)
{
    stored_assignments_settle_deleted(self, id, stored);
    if (stored && GPOINTER_TO_INT(payload))
        machines_start_too(self, registry_assignment(self->registry, id)->machine_uuid);
}

void stored_assignments_put_deleted(Manager *self, StoreBatch *batch, const char *id)
{
    Assignment *assignment = registry_assignment(self->registry, id);
    StoreArea area = area_of(assignment);

    begin_saving(self, assignment);
    store_batch_delete(batch, area, STORE_KIND_ASSIGNMENTS, id);
    /* It may be damaged by being in both. */
    if (assignment->damage)
        store_batch_delete(batch, area == STORE_AREA_STATE ? STORE_AREA_RUNTIME : STORE_AREA_STATE,
                           STORE_KIND_ASSIGNMENTS, id);
}

void stored_assignments_delete(Manager *self, Assignment *assignment, bool start, ManagerDone done,
                               void *userdata)
{
    StoreBatch *batch = store_batch_new();

    stored_assignments_put_deleted(self, batch, assignment->id);
    pending_commit(self, batch,
                   &(PendingChange){ .id = assignment->id,
                                     .settle = settle_deleted,
                                     .payload = GINT_TO_POINTER(start),
                                     .done = done,
                                     .userdata = userdata });
}

/* ------------------------------------------------------------------ the start */

static bool take_twice(Manager *self, const StoredFile *file, GError **error)
{
    Assignment *assignment = registry_assignment(self->registry, file->id);

    g_set_error(error, FERRY_ERROR, FERRY_ERROR_STORAGE, "%s: assignment %s is there twice", file->path,
                file->id);
    g_free(assignment->damage);
    assignment->damage = g_strdup((*error)->message);
    return false;
}

static bool take_stored(const StoredFile *file, void *userdata, GError **error)
{
    Manager *self = userdata;
    g_autoptr(GError) damage = NULL;
    Assignment *assignment;

    if (registry_assignment(self->registry, file->id))
        return take_twice(self, file, error);
    assignment = assignment_from_text(file->id, file->text, file->path, &damage);
    if (!assignment)
        assignment = assignment_from_damaged_text(file->id, file->text, file->path, damage->message);
    if (assignment) {
        assignment->persistent = file->area == STORE_AREA_STATE;
        assignment->stored = true;
        registry_add_assignment(self->registry, assignment);
    }
    if (damage)
        g_propagate_error(error, g_steal_pointer(&damage));
    return *error == NULL;
}

static void tenants_filled_in(const GError *error, void *userdata)
{
    if (error)
        log_warning("whose some assignments are cannot be stored, it is worked out at each start: %s",
                    error->message);
}

/* What was granted by a service that didn't write it into the assignments: those of the tenant's machines
 * whose rule is the grant's are the tenant's. */
static void fill_in_tenants(Manager *self)
{
    g_autoptr(StoreBatch) batch = store_batch_new();
    GHashTableIter iter;
    gpointer value;
    bool any = false;

    g_hash_table_iter_init(&iter, self->registry->assignments);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Assignment *assignment = value;
        const Tenant *tenant = registry_machine_tenant(self->registry, assignment->machine_uuid);
        g_autoptr(GKeyFile) file = NULL;

        if (assignment->damage || assignment->tenant || assignment->group || !tenant ||
            !find_grant(self->registry, tenant->name, assignment->selector))
            continue;
        assignment->tenant = g_strdup(tenant->name);
        file = assignment_to_key_file(assignment);
        store_batch_save(batch, area_of(assignment), STORE_KIND_ASSIGNMENTS, assignment->id, file);
        any = true;
    }
    if (any)
        store_commit(self->store, g_steal_pointer(&batch), tenants_filled_in, NULL, NULL);
}

bool stored_assignments_load(Manager *self, GError **error)
{
    if (!store_load(self->store, STORE_KIND_ASSIGNMENTS, take_stored, self, error))
        return false;
    fill_in_tenants(self);
    return true;
}
