/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads the list of machines in a worker and takes it into the registry. Called by the reconciler, in each
 * turn and for hints. */

#include "daemon/reconciler/machine-list.h"

#include <string.h>

#include "daemon/base/backoff.h"
#include "daemon/base/error.h"
#include "daemon/base/log.h"
#include "daemon/base/wake.h"
#include "daemon/model/machine-update.h"

#define LIST_QUEUE "machines"

/* A healthy libvirt answers in milliseconds. */
#define LIST_DEADLINE_MS 10000

/* Reading that failed is repeated after 1, 2, 4, 8, 16 s, then every 30 s. */
static const Backoff retry = { .first_us = G_USEC_PER_SEC, .steps = 5, .slow_us = 30 * G_USEC_PER_SEC };

struct MachineList {
    Registry *registry;
    WorkerPool *pool;
    Hypervisor *hypervisor;
    void (*changed)(void *userdata);
    void *userdata;

    bool wanted;
    bool busy; /* until its queue is idle when it was late */
    bool late;
    bool outdated; /* what comes back is of an older connection */
    gint64 retry_at;
    unsigned failures; /* one after the other */
    char *failure;
};

static gpointer run_list(gpointer input, GError **error)
{
    Hypervisor *hypervisor = input;

    return hypervisor->ops->list(hypervisor, error);
}

static void free_list(gpointer list)
{
    g_ptr_array_unref(list);
}

static void take_list(MachineList *self, GPtrArray *list)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GPtrArray) known = registry_list(self->registry, self->registry->machines);

    for (guint i = 0; i < list->len; i++) {
        MachineInfo *info = list->pdata[i];
        Machine *machine = registry_machine(self->registry, info->uuid);

        g_hash_table_add(seen, info->uuid);
        if (!machine) {
            machine = machine_new(machine_info_copy_brief(info));
            registry_add_machine(self->registry, machine);
        }
        machine->stale = true;
        machine->retry_at = 0;
    }
    for (guint i = 0; i < known->len; i++) {
        Machine *machine = known->pdata[i];

        /* One that is busy answers for itself: it may have been defined after the list was made. */
        if (!g_hash_table_contains(seen, machine->info->uuid) && !machine->busy)
            machine->stale = true;
    }
    self->registry->machines_known = true;
}

static void set_failure(MachineList *self, const char *what, const GError *error)
{
    g_free(self->failure);
    self->failure = g_strdup_printf("%s: %s", what, error->message);
    log_warning("%s", self->failure);
}

static void take_answer(MachineList *self, GPtrArray *list, const GError *error)
{
    bool outdated = self->outdated;

    if (g_error_matches(error, FERRY_ERROR, FERRY_ERROR_TIMEOUT)) {
        set_failure(self, "it does not list its VMs", error);
        self->late = true;
        return;
    }
    self->busy = self->outdated = false;
    if (outdated)
        return;
    if (!list) {
        set_failure(self, "its VMs cannot be listed", error);
        self->wanted = true;
        self->retry_at = g_get_monotonic_time() + backoff_delay(&retry, self->failures++);
        return;
    }
    self->failures = 0;
    g_clear_pointer(&self->failure, g_free);
    take_list(self, list);
}

static void list_done(gpointer output, const GError *error, void *userdata)
{
    g_autoptr(GPtrArray) list = output;
    MachineList *self = userdata;

    take_answer(self, list, error);
    self->changed(self->userdata);
}

void machine_list_turn(MachineList *self, gint64 now, gint64 *wake)
{
    if (!self->wanted || self->busy)
        return;
    if (!wake_is_due(wake, self->retry_at, now))
        return;
    self->wanted = false;
    self->busy = true;
    worker_pool_push(self->pool, &(WorkerJob){ .queue = LIST_QUEUE,
                                               .deadline_ms = LIST_DEADLINE_MS,
                                               .run = run_list,
                                               .input = self->hypervisor,
                                               .free_output = free_list,
                                               .done = list_done,
                                               .userdata = self });
}

void machine_list_forget(MachineList *self)
{
    self->outdated = self->busy;
    self->failures = 0;
    /* One that hangs is still in the way. */
    if (!self->late)
        g_clear_pointer(&self->failure, g_free);
    machine_list_want(self);
}

void machine_list_want(MachineList *self)
{
    self->wanted = true;
    self->retry_at = 0;
}

const char *machine_list_failure(const MachineList *self)
{
    return self->failure;
}

bool machine_list_queue_idle(MachineList *self, const char *queue)
{
    if (strcmp(queue, LIST_QUEUE) != 0)
        return false;
    self->busy = self->late = self->outdated = false;
    self->wanted = true;
    return true;
}

MachineList *machine_list_new(Registry *registry, WorkerPool *pool, Hypervisor *hypervisor,
                              void (*changed)(void *userdata), void *userdata)
{
    MachineList *self = g_new0(MachineList, 1);

    self->registry = registry;
    self->pool = pool;
    self->hypervisor = hypervisor;
    self->changed = changed;
    self->userdata = userdata;
    return self;
}

MachineList *machine_list_free(MachineList *self)
{
    if (!self)
        return NULL;
    g_free(self->failure);
    g_free(self);
    return NULL;
}
