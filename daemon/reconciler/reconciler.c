/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One turn of the loop: desired → orders → outlook. */

#include "daemon/reconciler/reconciler.h"

#include "daemon/allocation/allocation.h"
#include "daemon/reconciler/dispatcher.h"
#include "daemon/allocation/guest-reset.h"
#include "daemon/reconciler/reattach.h"
#include "daemon/base/log.h"
#include "daemon/base/wake.h"
#include "daemon/reconciler/machine-list.h"
#include "daemon/reconciler/status-update.h"
#include "daemon/allocation/status.h"

/* Everything is looked at once in this time, in case an event was lost. */
#define SAFETY_US (60 * G_USEC_PER_SEC)

struct Reconciler {
    Registry *registry;
    Hypervisor *hypervisor;
    Resets *resets;
    Dispatcher dispatcher;
    MachineList *list;
    bool connected; /* to the hypervisor */

    guint turn_source;
    guint timer_source;
    gint64 timer_at;
    gint64 safety_at;
};

static bool is_wanted(const Allocation *allocation, Registry *registry, const Machine *machine,
                      const Hostdev *hostdev)
{
    GHashTableIter iter;
    gpointer value;

    if (g_hash_table_contains(machine->dead_aliases, hostdev->alias))
        return false;
    g_hash_table_iter_init(&iter, allocation->wants);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Want *want = value;
        const Attachment *attachment = allocation_attachment(allocation, want->device);

        /* An unsteady device has only just come: a hostdev of its enumeration is not older than that. */
        if (attachment && attachment->hostdev == hostdev && want->machine == machine &&
            g_strcmp0(want->assignment->id, hostdev->assignment_id) == 0)
            return want->verdict != VERDICT_RESETTING &&
                   !guest_reset_differs(registry, hostdev, want->assignment);
    }
    return false;
}

/* Taken out only to come back with another guestReset: nobody else gets it in between. */
static void reserve_for_reattach(Reconciler *self, const Allocation *allocation, const Hostdev *hostdev)
{
    const Assignment *assignment = registry_assignment(self->registry, hostdev->assignment_id);
    const GPtrArray *wants = assignment ? allocation_wants_of(allocation, assignment) : NULL;

    for (guint i = 0; wants && i < wants->len; i++) {
        const Want *want = wants->pdata[i];
        const Attachment *attachment = allocation_attachment(allocation, want->device);

        if (attachment && attachment->hostdev == hostdev && want->verdict == VERDICT_GO)
            reattach_begin(self->registry, want->device->sysname, assignment->id);
    }
}

/* What was ordered and is wanted again is left to itself until its time is over; then the live XML says how
 * it went. */
static bool wait_for_removal(Machine *machine, const Hostdev *hostdev, gint64 now, gint64 *wake)
{
    const Removal *removal = g_hash_table_lookup(machine->removals, hostdev->alias);

    if (!removal)
        return false;
    if (removal->ordered && !wake_is_due(wake, removal->next_at, now))
        return false;
    g_hash_table_remove(machine->removals, hostdev->alias);
    return true;
}

/* Ours, and nobody wants it there any more. Returns true when an order was given. */
static bool detach_unwanted(Reconciler *self, const Allocation *allocation, Machine *machine, gint64 now,
                            gint64 *wake)
{
    for (guint i = 0; i < machine->info->hostdevs->len; i++) {
        const Hostdev *hostdev = machine->info->hostdevs->pdata[i];
        Removal *removal;

        if (!hostdev->assignment_id)
            continue;
        if (is_wanted(allocation, self->registry, machine, hostdev)) {
            if (!wait_for_removal(machine, hostdev, now, wake))
                continue;
            dispatcher_inspect(&self->dispatcher, machine);
            return true;
        }
        removal = g_hash_table_lookup(machine->removals, hostdev->alias);
        if (removal && !wake_is_due(wake, removal->next_at, now))
            continue;
        if (removal && removal->ordered) {
            /* No event, no change: look, and order it again if it is still there. */
            removal->ordered = false;
            dispatcher_inspect(&self->dispatcher, machine);
        } else {
            reserve_for_reattach(self, allocation, hostdev);
            dispatcher_detach(&self->dispatcher, machine, hostdev, now);
        }
        return true;
    }
    return false;
}

static void attach_wanted(Reconciler *self, const Allocation *allocation, Machine *machine, gint64 now,
                          gint64 *wake)
{
    g_autoptr(GPtrArray) wants = registry_sorted(allocation->wants);

    for (guint i = 0; i < wants->len; i++) {
        const Want *want = wants->pdata[i];
        Claim *one;

        if (want->machine != machine || want->verdict != VERDICT_GO ||
            allocation_attachment(allocation, want->device) ||
            attachments_number_is_taken(allocation->attachments, want->device))
            continue;
        one = assignment_claim(want->assignment, want->device->sysname, want->device->instance);
        if (one && !wake_is_due(wake, one->next_at, now))
            continue;
        dispatcher_attach(&self->dispatcher, machine, want);
        attachments_add(allocation->attachments, machine, machine->in_flight);
        return;
    }
}

static void look_after_machine(Reconciler *self, const Allocation *allocation, Machine *machine, gint64 now,
                               gint64 *wake)
{
    if (machine->busy)
        return;
    if (machine->stale) {
        if (wake_is_due(wake, machine->retry_at, now))
            dispatcher_inspect(&self->dispatcher, machine);
        return;
    }
    if (!machine_is_active(machine) || detach_unwanted(self, allocation, machine, now, wake))
        return;
    attach_wanted(self, allocation, machine, now, wake);
}

/* ------------------------------------------------------------------ the turn */

/* A released assignment is over when no machine has anything of it, as far as that can be known. */
static void finish_releases(Reconciler *self, const Allocation *allocation)
{
    Registry *registry = self->registry;
    g_autoptr(GPtrArray) assignments = registry_sorted(registry->assignments);

    for (guint i = 0; i < assignments->len; i++) {
        Assignment *assignment = assignments->pdata[i];
        const Machine *machine = registry_machine(registry, assignment->machine_uuid);

        if (!assignment->releasing || assignment->saving ||
            attachments_machine_of(allocation->attachments, assignment))
            continue;
        if (!registry->machines_known ||
            (machine && (machine->stale || machine->busy || !machine->inspected)))
            continue;
        log_object(G_LOG_LEVEL_MESSAGE, NULL, assignment->machine_uuid, assignment->id,
                   "assignment %s is over", assignment->id);
        registry_end_assignment(registry, assignment);
    }
}

/* Settled: everything that can be known at the start is known. A machine that hangs and a hypervisor that is
 * away are not waited for. */
static bool is_settled(Reconciler *self)
{
    GHashTableIter iter;
    gpointer value;

    if (self->registry->hypervisor_state == HYPERVISOR_STATE_FAILED)
        return true;
    if (!self->registry->machines_known)
        return false;
    g_hash_table_iter_init(&iter, self->registry->machines);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (machine_is_being_read(value))
            return false;
    return true;
}

static void mark_all_stale(Reconciler *self)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, self->registry->machines);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        ((Machine *)value)->stale = true;
    machine_list_want(self->list);
}

static void arm_timer(Reconciler *self, gint64 now, gint64 wake);
static void show_hypervisor(Reconciler *self);

static gboolean take_turn(gpointer userdata)
{
    Reconciler *self = userdata;
    Registry *registry = self->registry;
    g_autoptr(Allocation) allocation = NULL;
    gint64 now = g_get_monotonic_time();
    gint64 wake = 0;

    self->turn_source = 0;
    show_hypervisor(self);
    allocation = allocation_new(registry, now);
    resets_turn(self->resets, allocation, now, &wake);
    if (reattach_end_all(registry, allocation, now, &wake))
        reconciler_kick(self);
    if (self->connected) {
        g_autoptr(GPtrArray) machines = registry_sorted(registry->machines);

        if (now >= self->safety_at) {
            self->safety_at = now + SAFETY_US;
            mark_all_stale(self);
        }
        wake_at(&wake, self->safety_at);
        machine_list_turn(self->list, now, &wake);
        for (guint i = 0; registry->machines_known && i < machines->len; i++)
            look_after_machine(self, allocation, machines->pdata[i], now, &wake);
    }
    wake_at(&wake, allocation->next_at);
    status_update(registry, allocation);
    finish_releases(self, allocation);
    if (registry->settling && is_settled(self)) {
        registry->settling = false;
        registry_report(registry, OBJECT_MANAGER, "", MANAGER_FIELD_SETTLING);
    }
    arm_timer(self, now, wake);
    return G_SOURCE_REMOVE;
}

void reconciler_kick(Reconciler *self)
{
    if (!self->turn_source)
        self->turn_source = g_idle_add_full(G_PRIORITY_DEFAULT, take_turn, self, NULL);
}

static gboolean timer_fired(gpointer userdata)
{
    Reconciler *self = userdata;

    self->timer_source = 0;
    reconciler_kick(self);
    return G_SOURCE_REMOVE;
}

static void arm_timer(Reconciler *self, gint64 now, gint64 wake)
{
    enum { US_PER_MS = 1000 };

    if (self->timer_source && self->timer_at == wake)
        return;
    g_clear_handle_id(&self->timer_source, g_source_remove);
    self->timer_at = wake;
    if (wake)
        self->timer_source =
            g_timeout_add(wake > now ? (guint)((wake - now) / US_PER_MS + 1) : 0, timer_fired, self);
}

/* ------------------------------------------------------------------ hints */

static void forget_what_was_known(Reconciler *self)
{
    GHashTableIter iter;
    gpointer value;

    self->registry->machines_known = false;
    self->dispatcher.connection++;
    machine_list_forget(self->list);
    g_hash_table_iter_init(&iter, self->registry->machines);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Machine *machine = value;

        /* Removals that were ordered over the old connection may never be confirmed over the new one. */
        g_hash_table_remove_all(machine->removals);
        machine->inspected = false;
        machine->stale = true;
        machine->retry_at = 0;
    }
}

/* One that is connected and doesn't say which machines there are is as good as away. Once they are known, a
 * reading that fails takes nothing away: each machine is looked at by itself. */
static void show_hypervisor(Reconciler *self)
{
    Registry *registry = self->registry;
    const char *failure = registry->machines_known ? NULL : machine_list_failure(self->list);
    bool failed = self->connected && failure;
    HypervisorState state = failed ? HYPERVISOR_STATE_FAILED : self->hypervisor->state;

    g_free(registry->hypervisor_text);
    registry->hypervisor_text = g_strdup(failed ? failure : self->hypervisor->state_text);
    if (state == registry->hypervisor_state)
        return;
    registry->hypervisor_state = state;
    log_notice("hypervisor %s: %s%s%s", self->hypervisor->uri, hypervisor_state_to_string(state),
               registry->hypervisor_text ? ": " : "",
               registry->hypervisor_text ? registry->hypervisor_text : "");
    registry_report(registry, OBJECT_MANAGER, "", MANAGER_FIELD_HYPERVISOR_STATE);
}

void reconciler_hypervisor_changed(Reconciler *self)
{
    bool was_connected = self->connected;

    self->connected = self->hypervisor->state == HYPERVISOR_STATE_CONNECTED;
    if (self->connected || was_connected)
        forget_what_was_known(self);
    show_hypervisor(self);
    reconciler_kick(self);
}

void reconciler_machine_touched(Reconciler *self, const char *uuid)
{
    Machine *machine = registry_machine(self->registry, uuid);

    if (!machine) {
        machine_list_want(self->list);
    } else {
        machine->stale = true;
        machine->retry_at = 0;
    }
    reconciler_kick(self);
}

void reconciler_queue_idle(Reconciler *self, const char *queue)
{
    Machine *machine = registry_machine(self->registry, queue);

    if (!machine_list_queue_idle(self->list, queue) && machine && machine->stuck) {
        log_object(G_LOG_LEVEL_MESSAGE, NULL, queue, NULL, "machine \"%s\" answers again",
                   machine->info->name);
        machine->busy = machine->stuck = false;
        machine->in_flight = hostdev_free(machine->in_flight);
        machine->stale = true;
    }
    reconciler_kick(self);
}

void reconciler_retry(Reconciler *self, Assignment *assignment)
{
    for (guint i = 0; i < assignment->claims->len; i++) {
        Claim *one = assignment->claims->pdata[i];

        one->failures = 0;
        one->next_at = 0;
    }
    reconciler_kick(self);
}

static void look_again(void *userdata)
{
    reconciler_kick(userdata);
}

Reconciler *reconciler_new(Registry *registry, WorkerPool *pool, Hypervisor *hypervisor, Resets *resets)
{
    Reconciler *self = g_new0(Reconciler, 1);

    self->registry = registry;
    self->hypervisor = hypervisor;
    self->resets = resets;
    self->dispatcher = (Dispatcher){
        .registry = registry, .pool = pool, .hypervisor = hypervisor, .changed = look_again, .userdata = self
    };
    self->list = machine_list_new(registry, pool, hypervisor, look_again, self);
    self->safety_at = g_get_monotonic_time() + SAFETY_US;
    registry->settling = true;
    return self;
}

Reconciler *reconciler_free(Reconciler *self)
{
    if (!self)
        return NULL;
    g_clear_handle_id(&self->turn_source, g_source_remove);
    g_clear_handle_id(&self->timer_source, g_source_remove);
    machine_list_free(self->list);
    g_free(self);
    return NULL;
}
