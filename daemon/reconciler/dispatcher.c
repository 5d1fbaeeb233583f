/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Jobs out, results in. The only place that marks machines as busy or stuck; called by machine-turn.c, and
 * by the worker pool when a result is there. */

#include "daemon/reconciler/dispatcher.h"

#include <string.h>

#include "daemon/allocation/guest-reset.h"
#include "daemon/base/backoff.h"
#include "daemon/base/error.h"
#include "daemon/base/log.h"
#include "daemon/base/tuning.h"
#include "daemon/model/machine-update.h"
#include "daemon/reconciler/machine-job.h"
#include "daemon/reconciler/repair.h"
#include "daemon/reconciler/retry.h"

/* A healthy libvirt answers in milliseconds; these say when a machine counts as stuck. */
#define INSPECT_DEADLINE_MS 10000
#define CHANGE_DEADLINE_MS  15000
#define PREPARE_DEADLINE_MS 10000
/* To start one takes long when much memory is restored. */
#define START_DEADLINE_MS 60000

/* Removals that failed are repeated after 0.5, 1, 2, 4, 8 s, then every 30 s: soon enough to recover without
 * anybody's help. When an attach is tried again says retry.h. */
static const Backoff retry = { .first_us = G_USEC_PER_SEC / 2, .steps = 5, .slow_us = 30 * G_USEC_PER_SEC };

/* A look at a machine that failed is repeated after this. */
#define LOOK_AGAIN_US (2 * G_USEC_PER_SEC)

/* A removal that no event has confirmed by then is looked at again. */
#define REMOVAL_US (2 * G_USEC_PER_SEC)

/* Not the name of a machine's, which are UUIDs. */
#define PREPARE_QUEUE "prepare"

/* What a job was about, for when its result comes back. Copies only: anything may be gone by then. */
typedef struct Ticket {
    Dispatcher *dispatcher;
    MachineJobKind kind;
    unsigned connection;
    char *uuid;
    char *assignment_id; /* ATTACH */
    char *sysname;
    uint64_t instance;
    char *alias;
    unsigned order; /* START; 0 = none */
} Ticket;

static void ticket_free(gpointer data)
{
    Ticket *ticket = data;

    g_free(ticket->uuid);
    g_free(ticket->assignment_id);
    g_free(ticket->sysname);
    g_free(ticket->alias);
    g_free(ticket);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Ticket, ticket_free)

static Claim *claim_of(Registry *registry, const Ticket *ticket)
{
    const Assignment *assignment = registry_assignment(registry, ticket->assignment_id);

    return assignment ? assignment_claim(assignment, ticket->sysname, ticket->instance) : NULL;
}

static void note_failure(Registry *registry, const Ticket *ticket, const GError *error)
{
    Claim *one = claim_of(registry, ticket);

    log_event(LOG_EVENT_ATTACH_FAILED, ticket->sysname, ticket->uuid, ticket->assignment_id,
              "attach of %s for assignment %s failed: %s", ticket->sysname, ticket->assignment_id,
              error->message);
    if (!one)
        return;
    retry_note_failure(one, error, g_get_monotonic_time());
}

static void note_refused_removal(Machine *machine, const Ticket *ticket, const GError *error)
{
    Removal *removal = g_hash_table_lookup(machine->removals, ticket->alias);

    /* Its VM ended in that moment, and has nothing any more: that is no failure. */
    if (g_error_matches(error, FERRY_ERROR, FERRY_ERROR_MACHINE_NOT_RUNNING))
        log_object(G_LOG_LEVEL_MESSAGE, NULL, ticket->uuid, ticket->assignment_id,
                   "detach of %s: its VM has ended", ticket->alias);
    else
        log_event(LOG_EVENT_DETACH_FAILED, NULL, ticket->uuid, ticket->assignment_id,
                  "detach of %s failed: %s", ticket->alias, error->message);
    if (!removal)
        return;
    removal->ordered = false;
    removal->next_at = g_get_monotonic_time() + backoff_delay(&retry, removal->tries - 1);
    g_free(removal->error);
    removal->error = g_strdup(error->message);
}

static Repair *repair_of(Machine *machine, MachineJobKind kind)
{
    return kind == MACHINE_JOB_REPAIR_SAVED       ? &machine->saved_repair
           : kind == MACHINE_JOB_REPAIR_SNAPSHOTS ? &machine->snapshot_repair
                                                  : NULL;
}

/* Told once as long as it is the same. */
static void note_repair(Machine *machine, const Ticket *ticket, MachineJobResult *result)
{
    Repair *repair = repair_of(machine, ticket->kind);
    const char *text = result->change_error ? result->change_error->message : NULL;

    if (!repair)
        return;
    if (text && g_strcmp0(repair->error, text) != 0)
        log_object(G_LOG_LEVEL_WARNING, NULL, ticket->uuid, NULL,
                   "%s of VM \"%s\" can't be changed so that it starts without its USB devices: %s",
                   ticket->kind == MACHINE_JOB_REPAIR_SAVED ? "the saved state" : "a snapshot",
                   machine->info->name, text);
    g_free(repair->error);
    repair->error = g_strdup(text);
    if (result->snapshots) {
        g_ptr_array_unref(machine->snapshots);
        machine->snapshots = g_steal_pointer(&result->snapshots);
        machine->snapshots_due = false;
        repair_forget_failures(repair);
    }
}

static void take_info(Dispatcher *self, Machine *machine, MachineInfo *info)
{
    bool was_active = machine_is_active(machine);
    unsigned helps = retry_compare(machine->info, info);

    machine_update(self->registry, machine, info);
    machine->inspected = true;
    machine->in_flight = hostdev_free(machine->in_flight);
    g_clear_pointer(&machine->read_error, g_free);
    if (was_active != machine_is_active(machine))
        log_object(G_LOG_LEVEL_MESSAGE, NULL, machine->info->uuid, NULL, "VM \"%s\" is %s",
                   machine->info->name, machine_state_to_string(machine->info->state));
    retry_at_once(self->registry, machine->info->uuid, helps);
}

/* libvirt before 8.6 drops what it doesn't know. */
static void look_for_guest_reset(const Machine *machine, const char *alias)
{
    for (guint i = 0; i < machine->info->hostdevs->len; i++) {
        const Hostdev *hostdev = machine->info->hostdevs->pdata[i];

        if (strcmp(hostdev->alias, alias) == 0 && hostdev->guest_reset == GUEST_RESET_DEFAULT)
            log_object(G_LOG_LEVEL_WARNING, NULL, machine->info->uuid, hostdev->assignment_id,
                       "the libvirt of VM \"%s\" doesn't know guestReset: AllowGuestReset has no effect",
                       machine->info->name);
    }
}

static void job_done(gpointer output, const GError *pool_error, void *userdata)
{
    g_autoptr(Ticket) ticket = userdata;
    Dispatcher *self = ticket->dispatcher;
    MachineJobResult *result = output;
    Machine *machine = registry_machine(self->registry, ticket->uuid);

    self->changed(self->userdata);
    if (ticket->order)
        machine_orders_end(self->orders, ticket->order, result ? result->change_error : pool_error);
    if (!machine) {
        g_clear_pointer(&result, machine_job_result_free);
        return;
    }
    if (!result) {
        /* The job is still in libvirt's hands: nobody knows how it ends, so the machine is looked at when
         * its queue is free again. Until then it is stuck, and only it. */
        log_object(G_LOG_LEVEL_WARNING, ticket->sysname, ticket->uuid, ticket->assignment_id,
                   "VM \"%s\" does not answer (%s): %s", machine->info->name,
                   machine_job_kind_to_string(ticket->kind), pool_error->message);
        machine->stuck = true;
        machine->stale = true;
        return;
    }
    machine->busy = false;
    if (ticket->kind == MACHINE_JOB_PING) {
        machine->ping_at = g_get_monotonic_time() + tuning_get(TUNING_PING);
        machine_job_result_free(result);
        return;
    }
    if (ticket->kind == MACHINE_JOB_ATTACH && result->change_error)
        note_failure(self->registry, ticket, result->change_error);
    if (ticket->kind == MACHINE_JOB_ATTACH)
        machine->in_flight = hostdev_free(machine->in_flight);
    if (ticket->kind == MACHINE_JOB_DETACH && result->change_error)
        note_refused_removal(machine, ticket, result->change_error);
    note_repair(machine, ticket, result);
    if (ticket->connection != self->connection) {
        machine->stale = true;
    } else if (result->info) {
        take_info(self, machine, g_steal_pointer(&result->info));
        /* Another look means that something may have happened to it. */
        if (ticket->kind == MACHINE_JOB_INSPECT)
            machine->snapshots_due = machine->info->snapshots > 0;
        if (ticket->kind == MACHINE_JOB_ATTACH && !result->change_error) {
            Claim *one = claim_of(self->registry, ticket);

            look_for_guest_reset(machine, ticket->alias);
            if (one)
                claim_forget_failures(one);
        }
    } else if (g_error_matches(result->info_error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_MACHINE)) {
        log_object(G_LOG_LEVEL_MESSAGE, NULL, ticket->uuid, NULL, "VM \"%s\" is gone", machine->info->name);
        retry_at_once(self->registry, ticket->uuid, RETRY_HOLDER);
        registry_remove_machine(self->registry, machine);
    } else {
        if (g_strcmp0(machine->read_error, result->info_error->message) != 0)
            log_event(LOG_EVENT_MACHINE_UNREADABLE, NULL, ticket->uuid, NULL, "VM \"%s\" cannot be read: %s",
                      machine->info->name, result->info_error->message);
        g_free(machine->read_error);
        machine->read_error = g_strdup(result->info_error->message);
        machine->stale = true;
        machine->retry_at = g_get_monotonic_time() + LOOK_AGAIN_US;
    }
    machine_job_result_free(result);
}

static unsigned deadline_of(MachineJobKind kind)
{
    return kind == MACHINE_JOB_INSPECT ? INSPECT_DEADLINE_MS
           : kind == MACHINE_JOB_START ? START_DEADLINE_MS
                                       : CHANGE_DEADLINE_MS;
}

static void give_job(Dispatcher *self, Machine *machine, MachineJob *job, Ticket *ticket)
{
    ticket->dispatcher = self;
    ticket->kind = job->kind;
    ticket->connection = self->connection;
    ticket->uuid = g_strdup(job->uuid);
    machine->busy = true;
    machine->asked_at = g_get_monotonic_time();
    /* Whatever touches the machine from here on makes it stale again, whether this job sees it or not. */
    machine->stale = false;
    worker_pool_push(self->pool, &(WorkerJob){ .queue = machine->info->uuid,
                                               .deadline_ms = deadline_of(job->kind),
                                               .run = machine_job_run,
                                               .input = job,
                                               .free_input = machine_job_free,
                                               .free_output = machine_job_result_free,
                                               .done = job_done,
                                               .userdata = ticket,
                                               .free_userdata = ticket_free });
}

static gpointer run_prepare(gpointer hypervisor, GError **error)
{
    ((Hypervisor *)hypervisor)->ops->prepare(hypervisor);
    return NULL;
}

static void prepare_done(gpointer output, const GError *error, void *userdata)
{
    ((Dispatcher *)userdata)->preparing = false;
}

void dispatcher_prepare(Dispatcher *self)
{
    if (self->preparing || !self->hypervisor->ops->prepare)
        return;
    self->preparing = true;
    worker_pool_push(self->pool, &(WorkerJob){ .queue = PREPARE_QUEUE,
                                               .deadline_ms = PREPARE_DEADLINE_MS,
                                               .run = run_prepare,
                                               .input = self->hypervisor,
                                               .done = prepare_done,
                                               .userdata = self });
}

void dispatcher_inspect(Dispatcher *self, Machine *machine)
{
    give_job(self, machine, machine_job_new(MACHINE_JOB_INSPECT, self->hypervisor, machine->info->uuid),
             g_new0(Ticket, 1));
}

void dispatcher_ping(Dispatcher *self, Machine *machine)
{
    give_job(self, machine, machine_job_new(MACHINE_JOB_PING, self->hypervisor, machine->info->uuid),
             g_new0(Ticket, 1));
}

void dispatcher_detach(Dispatcher *self, Machine *machine, const Hostdev *hostdev, gint64 now)
{
    MachineJob *job = machine_job_new(MACHINE_JOB_DETACH, self->hypervisor, machine->info->uuid);
    Ticket *ticket = g_new0(Ticket, 1);
    Removal *removal;

    job->alias = g_strdup(hostdev->alias);
    ticket->alias = g_strdup(hostdev->alias);
    ticket->assignment_id = g_strdup(hostdev->assignment_id);
    removal = g_hash_table_lookup(machine->removals, hostdev->alias);
    if (!removal) {
        removal = g_new0(Removal, 1);
        g_hash_table_insert(machine->removals, g_strdup(hostdev->alias), removal);
    }
    removal->ordered = true;
    removal->next_at = now + MAX(REMOVAL_US, backoff_delay(&retry, removal->tries));
    removal->tries++;
    log_object(G_LOG_LEVEL_DEBUG, NULL, machine->info->uuid, hostdev->assignment_id,
               "detaching %s from \"%s\"", hostdev->alias, machine->info->name);
    give_job(self, machine, job, ticket);
}

void dispatcher_attach(Dispatcher *self, Machine *machine, const Want *want)
{
    MachineJob *job = machine_job_new(MACHINE_JOB_ATTACH, self->hypervisor, machine->info->uuid);
    Ticket *ticket = g_new0(Ticket, 1);
    const Device *device = want->device;

    job->spec = g_new0(HostdevSpec, 1);
    job->spec->alias = hostdev_alias_format(want->assignment->id, device->instance, machine->info->domain_id);
    job->spec->bus_number = device->bus_number;
    job->spec->device_number = device->device_number;
    job->spec->vendor_id = device->vendor_id;
    job->spec->product_id = device->product_id;
    job->spec->guest_reset = guest_reset_wanted(self->registry, want->assignment);
    job->spec->on_bus = want->on_bus;
    job->spec->bus = want->bus;
    ticket->assignment_id = g_strdup(want->assignment->id);
    ticket->sysname = g_strdup(device->sysname);
    ticket->instance = device->instance;
    ticket->alias = g_strdup(job->spec->alias);
    /* A machine that was undefined and defined again can still have one of its former life. */
    hostdev_free(machine->in_flight);
    machine->in_flight = g_new0(Hostdev, 1);
    machine->in_flight->alias = g_strdup(job->spec->alias);
    machine->in_flight->assignment_id = g_strdup(want->assignment->id);
    machine->in_flight->instance = device->instance;
    machine->in_flight->domain_id = machine->info->domain_id;
    machine->in_flight->bus_number = device->bus_number;
    machine->in_flight->device_number = device->device_number;
    machine->in_flight->guest_reset = job->spec->guest_reset;
    machine->in_flight->on_bus = want->on_bus;
    machine->in_flight->bus = want->bus;
    log_object(G_LOG_LEVEL_DEBUG, device->sysname, machine->info->uuid, want->assignment->id,
               "attaching %s to \"%s\"", device->sysname, machine->info->name);
    give_job(self, machine, job, ticket);
}

static void begin_repair(Dispatcher *self, Machine *machine, MachineJob *job, gint64 now)
{
    repair_begin(repair_of(machine, job->kind), now);
    log_object(G_LOG_LEVEL_DEBUG, NULL, machine->info->uuid, NULL, "%s of \"%s\"",
               machine_job_kind_to_string(job->kind), machine->info->name);
    give_job(self, machine, job, g_new0(Ticket, 1));
}

void dispatcher_repair_saved(Dispatcher *self, Machine *machine, GPtrArray *places, gint64 now)
{
    MachineJob *job = machine_job_new(MACHINE_JOB_REPAIR_SAVED, self->hypervisor, machine->info->uuid);

    job->places = places;
    begin_repair(self, machine, job, now);
}

static gpointer copy_name(gconstpointer name, gpointer userdata)
{
    return g_strdup(name);
}

void dispatcher_repair_snapshots(Dispatcher *self, Machine *machine, gint64 now)
{
    MachineJob *job = machine_job_new(MACHINE_JOB_REPAIR_SNAPSHOTS, self->hypervisor, machine->info->uuid);

    job->known = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_extend(job->known, machine->snapshots, copy_name, NULL);
    begin_repair(self, machine, job, now);
}

void dispatcher_order(Dispatcher *self, Machine *machine)
{
    const MachineOrder *order = machine_orders_begin(self->orders, machine);
    MachineJob *job;
    Ticket *ticket;

    if (!order)
        return;
    job = machine_job_new(order->kind, self->hypervisor, machine->info->uuid);
    job->model = g_strdup(order->model);
    ticket = g_new0(Ticket, 1);
    ticket->order = order->id;
    log_object(G_LOG_LEVEL_MESSAGE, NULL, machine->info->uuid, NULL, "%s of \"%s\"",
               machine_job_kind_to_string(order->kind), machine->info->name);
    give_job(self, machine, job, ticket);
}
