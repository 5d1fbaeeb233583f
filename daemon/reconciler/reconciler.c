/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One turn of the loop: who is to have what, what resets wait for, jobs for machines, where everything is;
 * and the hints that make it turn. Called by manager/ and by its own timer. */

#include "daemon/reconciler/reconciler.h"

#include <time.h>

#include "daemon/allocation/allocation.h"
#include "daemon/base/log.h"
#include "daemon/base/wake.h"
#include "daemon/reconciler/dispatcher.h"
#include "daemon/reconciler/follow.h"
#include "daemon/reconciler/homecoming.h"
#include "daemon/reconciler/host-jobs.h"
#include "daemon/reconciler/machine-list.h"
#include "daemon/reconciler/machine-orders.h"
#include "daemon/reconciler/machine-turn.h"
#include "daemon/reconciler/pace.h"
#include "daemon/reconciler/reattach.h"
#include "daemon/reconciler/repair.h"
#include "daemon/reconciler/retry.h"
#include "daemon/reconciler/status-update.h"
#include "daemon/reconciler/witness.h"

/* So long after something happened everything is looked at once, in case another event of it was lost. While
 * nothing happens, nothing is looked at. */
#define SAFETY_US (60 * G_USEC_PER_SEC)

struct Reconciler {
    Registry *registry;
    Hypervisor *hypervisor;
    Resets *resets;
    Dispatcher dispatcher;
    MachineList *list;
    Homecoming *homecoming;
    MachineOrders *orders;
    Witness *witness;
    HostJobs host_jobs;
    bool connected; /* to the hypervisor */
    void (*turning)(void *userdata);
    void (*turned)(const Allocation *allocation, void *userdata);
    void *userdata; /* of both */

    guint turn_source;
    gint64 asked_at; /* when the last one asked for that turn */
    Pace pace;
    guint timer_source;
    gint64 timer_at;
    gint64 safety_at; /* 0 = nothing has happened since the last one */
};

/* ------------------------------------------------------------------ the turn */

/* A released assignment is over when no machine has anything of it, as far as that can be known. */
static void finish_releases(Reconciler *self, const Allocation *allocation)
{
    Registry *registry = self->registry;
    g_autoptr(GPtrArray) assignments = registry_list(registry, registry->assignments);

    for (guint i = 0; i < assignments->len; i++) {
        Assignment *assignment = assignments->pdata[i];
        const Machine *machine = registry_machine_of(registry, assignment);

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

static void turn_soon(Reconciler *self);
static void arm_timer(Reconciler *self, gint64 now, gint64 wake);
static void show_hypervisor(Reconciler *self);

static void take_turn(Reconciler *self)
{
    Registry *registry = self->registry;
    g_autoptr(Allocation) allocation = NULL;
    gint64 now = g_get_monotonic_time();
    gint64 wake = 0;

    /* As long as the source is there, what this reports asks for no other turn. */
    self->turning(self->userdata);
    self->turn_source = 0;
    show_hypervisor(self);
    follow_turn(registry, now, &wake);
    allocation = allocation_new(registry, now);
    if (witness_turn(self->witness, allocation, now)) {
        allocation_free(allocation);
        allocation = allocation_new(registry, now);
    }
    resets_turn(self->resets, allocation, now, &wake);
    if (reattach_end_all(allocation, now, &wake))
        turn_soon(self);
    if (self->connected) {
        g_autoptr(GPtrArray) machines = registry_list(registry, registry->machines);

        if (self->safety_at && wake_is_due(&wake, self->safety_at, now)) {
            self->safety_at = 0;
            mark_all_stale(self);
        }
        machine_list_turn(self->list, now, &wake);
        for (guint i = 0; registry->machines_known && i < machines->len; i++)
            machine_turn(&self->dispatcher, allocation, machines->pdata[i], now, &wake);
    }
    host_jobs_turn(&self->host_jobs, allocation, &wake);
    wake_at(&wake, allocation->next_at);
    if (registry->settling && is_settled(self)) {
        registry->settling = false;
        registry_report(registry, OBJECT_MANAGER, "", MANAGER_FIELD_SETTLING);
    }
    status_update(registry, allocation);
    self->turned(allocation, self->userdata);
    finish_releases(self, allocation);
    homecoming_turn(self->homecoming, now, &wake);
    machine_orders_turn(self->orders, now, &wake);
    registry->starting = registry->settling;
    arm_timer(self, now, wake);
}

void reconciler_look(Reconciler *self)
{
    g_autoptr(Allocation) allocation = allocation_new(self->registry, g_get_monotonic_time());

    status_update(self->registry, allocation);
}

/* ------------------------------------------------------------------ when it turns */

/* How long this thread has worked, in µs: a turn isn't longer because others have the processor. */
static gint64 work_so_far(void)
{
    enum { NS_PER_US = 1000 };
    struct timespec time = {};

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / NS_PER_US;
}

/* For a timeout: rounded up. */
static guint to_ms(gint64 time_us)
{
    enum { US_PER_MS = 1000 };

    return (guint)(time_us / US_PER_MS + 1);
}

static void arm_turn(Reconciler *self);

static void turn(Reconciler *self)
{
    gint64 before = work_so_far();

    take_turn(self);
    pace_turned(&self->pace, work_so_far() - before, g_get_monotonic_time());
}

static gboolean turn_is_due(gpointer userdata)
{
    Reconciler *self = userdata;

    /* Events that came in the meantime have moved it. */
    if (pace_due(&self->pace, self->asked_at) > g_get_monotonic_time()) {
        arm_turn(self);
        return G_SOURCE_REMOVE;
    }
    turn(self);
    return G_SOURCE_REMOVE;
}

static void arm_turn(Reconciler *self)
{
    gint64 wait = pace_due(&self->pace, self->asked_at) - g_get_monotonic_time();

    self->turn_source = wait > 0 ? g_timeout_add(to_ms(wait), turn_is_due, self)
                                 : g_idle_add_full(G_PRIORITY_DEFAULT, turn_is_due, self, NULL);
}

/* What we found by looking ourselves is no news. */
static void turn_soon(Reconciler *self)
{
    self->asked_at = g_get_monotonic_time();
    if (!self->turn_source)
        arm_turn(self);
}

void reconciler_kick(Reconciler *self)
{
    if (!self->safety_at)
        self->safety_at = g_get_monotonic_time() + SAFETY_US;
    turn_soon(self);
}

static gboolean timer_fired(gpointer userdata)
{
    Reconciler *self = userdata;

    self->timer_source = 0;
    turn_soon(self);
    return G_SOURCE_REMOVE;
}

static void arm_timer(Reconciler *self, gint64 now, gint64 wake)
{
    if (self->timer_source && self->timer_at == wake)
        return;
    g_clear_handle_id(&self->timer_source, g_source_remove);
    self->timer_at = wake;
    if (wake)
        self->timer_source = g_timeout_add(wake > now ? to_ms(wake - now) : 0, timer_fired, self);
}

void reconciler_turn_now(Reconciler *self)
{
    guint source = self->turn_source;

    if (!source)
        return;
    turn(self);
    g_source_remove(source);
}

/* ------------------------------------------------------------------ hints */

/* What has to be read is asked for without waiting for a turn: where the answers come soon, the turn has them
 * already. */
static void read_at_once(Reconciler *self)
{
    g_autoptr(GPtrArray) machines = registry_list(self->registry, self->registry->machines);
    gint64 now = g_get_monotonic_time(), wake = 0; /* the turn finds out */

    if (!self->connected)
        return;
    machine_list_turn(self->list, now, &wake);
    for (guint i = 0; self->registry->machines_known && i < machines->len; i++)
        machine_look(&self->dispatcher, machines->pdata[i], now, &wake);
}

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
        repair_forget_failures(&machine->saved_repair);
        repair_forget_failures(&machine->snapshot_repair);
        /* What failed over the old connection may work over the new one. */
        retry_at_once(self->registry, machine->info->uuid, RETRY_LIFE);
    }
}

/* A hypervisor that is connected and doesn't say which machines there are counts as failed. Once they are
 * known, a reading that fails takes nothing away: each machine is looked at by itself. */
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
    log_event(LOG_EVENT_HYPERVISOR, NULL, NULL, NULL, "hypervisor %s: %s%s%s", self->hypervisor->uri,
              hypervisor_state_to_string(state), registry->hypervisor_text ? ": " : "",
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
    read_at_once(self);
}

void reconciler_machine_touched(Reconciler *self, const char *uuid)
{
    Machine *machine = registry_machine(self->registry, uuid);

    if (!machine) {
        machine_list_want(self->list);
    } else {
        machine->stale = true;
        machine->retry_at = 0;
        witness_hint_machine(self->witness, uuid);
    }
    reconciler_kick(self);
}

/* By a machine that could have it at once. */
static bool is_a_device_awaited(Registry *registry)
{
    g_autoptr(GPtrArray) assignments = registry_list(registry, registry->assignments);

    for (guint i = 0; i < assignments->len; i++) {
        const Assignment *assignment = assignments->pdata[i];
        const Machine *machine = registry_machine_of(registry, assignment);

        if (assignment->state == ASSIGNMENT_STATE_WAITING_DEVICE && machine && machine_is_active(machine))
            return true;
    }
    return false;
}

void reconciler_device_comes(Reconciler *self)
{
    if (self->connected && is_a_device_awaited(self->registry))
        dispatcher_prepare(&self->dispatcher);
}

void reconciler_device_touched(Reconciler *self, const char *sysname)
{
    witness_hint(self->witness, sysname);
}

void reconciler_host_sleeps(Reconciler *self, bool sleeps)
{
    Registry *registry = self->registry;

    if (sleeps == (registry->host_sleeps_at != 0))
        return;
    registry->host_sleeps_at = sleeps ? g_get_monotonic_time() : 0;
    if (!sleeps) {
        registry->host_woke_at = g_get_monotonic_time();
        witness_hint_all(self->witness);
    }
    log_notice(sleeps ? "the host goes to sleep" : "the host is awake again");
    reconciler_kick(self);
}

void reconciler_queue_idle(Reconciler *self, const char *queue)
{
    Machine *machine = registry_machine(self->registry, queue);

    if (!machine_list_queue_idle(self->list, queue) && machine && machine->stuck) {
        log_object(G_LOG_LEVEL_MESSAGE, NULL, queue, NULL, "VM \"%s\" answers again", machine->info->name);
        /* What it was to get counts as on its way until the machine has been looked at. */
        machine->busy = machine->stuck = false;
        machine->stale = true;
    }
    turn_soon(self);
}

void reconciler_retry(Reconciler *self, Assignment *assignment)
{
    g_autoptr(Allocation) allocation = allocation_new(self->registry, g_get_monotonic_time());
    g_autoptr(GPtrArray) devices = allocation_quarantined(allocation, assignment);

    for (guint i = 0; i < assignment->claims->len; i++)
        claim_forget_failures(assignment->claims->pdata[i]);
    /* Also what it would draw; what others have, or are held back from, is none of its business. */
    for (guint i = 0; i < devices->len; i++)
        quarantines_end(self->registry->quarantines, devices->pdata[i], allocation->now);
    registry_mark_pending(self->registry, assignment);
    reconciler_kick(self);
}

void reconciler_hold_home(Reconciler *self, bool hold, HomeDone done, void *userdata)
{
    if (hold != self->registry->held_home) {
        log_notice("%s", hold ? "everything comes home and stays there: usbferry-guests.service was stopped"
                              : "devices are given to VMs again");
        self->registry->held_home = hold;
        registry_report(self->registry, OBJECT_MANAGER, "", MANAGER_FIELD_HELD_HOME);
    }
    if (hold)
        homecoming_wait(self->homecoming, done, userdata);
    else
        done("", NULL, userdata);
    reconciler_kick(self);
}

void reconciler_start_machine(Reconciler *self, Machine *machine, OrderDone done, void *userdata)
{
    machine_orders_add(self->orders, MACHINE_JOB_START, machine, NULL, done, userdata);
    /* Who has just saved it or shut it down may be ahead of libvirt's event. */
    if (machine_is_active(machine)) {
        machine->stale = true;
        machine->retry_at = 0;
    }
    reconciler_look(self);
    reconciler_kick(self);
}

void reconciler_set_controller(Reconciler *self, Machine *machine, const char *model, OrderDone done,
                               void *userdata)
{
    machine_orders_add(self->orders, MACHINE_JOB_CONTROLLER, machine, model, done, userdata);
    reconciler_kick(self);
}

static void look_again(void *userdata)
{
    turn_soon(userdata);
}

static void list_changed(void *userdata)
{
    Reconciler *self = userdata;

    turn_soon(self);
    read_at_once(self);
}

Reconciler *reconciler_new(Registry *registry, WorkerPool *pool, Hypervisor *hypervisor, Resets *resets,
                           const UsbOps *usb, void (*turning)(void *userdata),
                           void (*turned)(const Allocation *allocation, void *userdata), void *userdata)
{
    Reconciler *self = g_new0(Reconciler, 1);

    self->registry = registry;
    self->hypervisor = hypervisor;
    self->resets = resets;
    self->turning = turning;
    self->turned = turned;
    self->userdata = userdata;
    self->dispatcher = (Dispatcher){
        .registry = registry, .pool = pool, .hypervisor = hypervisor, .changed = look_again, .userdata = self
    };
    self->host_jobs =
        (HostJobs){ .registry = registry, .pool = pool, .usb = usb, .changed = look_again, .userdata = self };
    self->homecoming = homecoming_new(registry);
    self->orders = self->dispatcher.orders = machine_orders_new(registry);
    self->witness = witness_new(registry, look_again, self);
    self->list = machine_list_new(registry, pool, hypervisor, list_changed, self);
    registry->settling = registry->starting = true;
    return self;
}

Reconciler *reconciler_free(Reconciler *self)
{
    if (!self)
        return NULL;
    g_clear_handle_id(&self->turn_source, g_source_remove);
    g_clear_handle_id(&self->timer_source, g_source_remove);
    machine_list_free(self->list);
    homecoming_free(self->homecoming);
    machine_orders_free(self->orders);
    witness_free(self->witness);
    g_free(self);
    return NULL;
}
