/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From what a turn saw to the assignments' files. Writes what is new and nothing else: a device that comes
 * back to its socket costs no write. The name of a machine is such a fact as well. */

#include "daemon/manager/homes.h"

#include "daemon/allocation/pinned.h"
#include "daemon/base/log.h"
#include "daemon/base/text.h"
#include "daemon/manager/internal.h"
#include "daemon/manager/stored-assignments.h"

/* A write that failed is tried again after this time. */
#define HOMES_RETRY_S 30

/* The one device that it has, once the machine really has it; NULL = none. */
static const Device *used_device(const Allocation *allocation, const Assignment *assignment)
{
    const GPtrArray *wants = allocation_wants_of(allocation, assignment);
    const Device *device = !assignment->group && wants->len > 0 ? ((Want *)wants->pdata[0])->device : NULL;

    /* What only follows it says nothing of where it is. */
    return device && rule_matches(assignment->rule, device, allocation->registry->node) &&
                   allocation_is_attached(allocation, device)
               ? device
               : NULL;
}

/* What is being stored of it, or is not decided at all, is looked at when that is over. */
static bool may_change(const Assignment *assignment)
{
    return assignment->stored && !assignment->saving && !assignment->releasing && !assignment->damage;
}

static void see(const Allocation *allocation, Assignment *assignment)
{
    const Device *used = used_device(allocation, assignment);
    const Machine *machine = registry_machine_of(allocation->registry, assignment);

    /* What it was called last: so it is found again when it is made anew. */
    if (machine && *machine->info->name && g_strcmp0(machine->info->name, assignment->machine_name) != 0) {
        text_replace(&assignment->machine_name, machine->info->name);
        assignment->unsaved = true;
    }

    if (used && g_strcmp0(used->socket, assignment->home_socket) != 0) {
        g_autofree char *what = device_describe(used);

        log_object(G_LOG_LEVEL_MESSAGE, used->sysname, assignment->machine_uuid, assignment->id,
                   "assignment %s: its device is in the socket %s now", assignment->id, used->socket);
        text_replace(&assignment->home_socket, used->socket);
        text_replace(&assignment->device_text, what);
        assignment->unsaved = true;
    }
    if (!assignment->twins && pinned_has_twins(allocation->candidates, assignment)) {
        log_object(
            G_LOG_LEVEL_MESSAGE, NULL, assignment->machine_uuid, assignment->id,
            "assignment %s: several devices match %s; from now on it is for the one in its socket only",
            assignment->id, assignment->selector);
        assignment->twins = assignment->unsaved = true;
    }
}

typedef struct Saving {
    Manager *manager;
    GPtrArray *ids;
} Saving;

static void saving_free(gpointer data)
{
    Saving *saving = data;

    g_ptr_array_unref(saving->ids);
    g_free(saving);
}

static gboolean try_again(gpointer userdata)
{
    Manager *self = userdata;

    self->homes_retry = 0;
    reconciler_kick(self->reconciler);
    return G_SOURCE_REMOVE;
}

static bool is_any_unsaved(const Manager *self)
{
    GHashTableIter iter;
    gpointer assignment;

    g_hash_table_iter_init(&iter, self->registry->assignments);
    while (g_hash_table_iter_next(&iter, NULL, &assignment))
        if (((const Assignment *)assignment)->unsaved)
            return true;
    return false;
}

/* What could not be stored is tried again with the next turn, and when nothing makes one, by itself. */
static void saved(const GError *error, void *userdata)
{
    Saving *saving = userdata;
    Manager *self = saving->manager;

    for (guint i = 0; error && i < saving->ids->len; i++) {
        Assignment *assignment = registry_assignment(self->registry, saving->ids->pdata[i]);

        if (assignment)
            assignment->unsaved = true;
    }
    if (error && !self->homes_failed)
        log_warning("where devices were seen cannot be stored, it is tried again: %s", error->message);
    if (error && !self->homes_retry)
        self->homes_retry = g_timeout_add_seconds(HOMES_RETRY_S, try_again, self);
    self->homes_failed = error != NULL;
    self->homes_saving = false;
    if (!error && is_any_unsaved(self)) /* by now */
        reconciler_kick(self->reconciler);
    saving_free(saving);
}

void homes_look(const Allocation *allocation, void *userdata)
{
    Manager *self = userdata;
    g_autoptr(GPtrArray) assignments = registry_list(self->registry, self->registry->assignments);
    g_autoptr(StoreBatch) batch = store_batch_new();
    g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
    Saving *saving;

    for (guint i = 0; i < assignments->len; i++) {
        Assignment *assignment = assignments->pdata[i];

        if (!may_change(assignment))
            continue;
        see(allocation, assignment);
        if (!assignment->unsaved || self->homes_saving)
            continue;
        stored_assignments_put_seen(batch, assignment);
        assignment->unsaved = false;
        g_ptr_array_add(ids, g_strdup(assignment->id));
    }
    if (ids->len == 0)
        return;
    saving = g_new(Saving, 1);
    *saving = (Saving){ .manager = self, .ids = g_steal_pointer(&ids) };
    self->homes_saving = true;
    store_commit(self->store, g_steal_pointer(&batch), saved, saving, saving_free);
}
