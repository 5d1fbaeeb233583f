/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One turn of the loop: desired → orders → outlook. */

#include "daemon/reconciler.h"

#include <string.h>

#include "daemon/desired.h"
#include "daemon/error.h"
#include "daemon/log.h"
#include "daemon/machine-update.h"
#include "daemon/order.h"
#include "daemon/outlook.h"

#define LIST_QUEUE "machines"

/* A healthy libvirt answers in milliseconds; these say when a machine counts as stuck. */
#define LIST_DEADLINE_MS    10000
#define INSPECT_DEADLINE_MS 10000
#define CHANGE_DEADLINE_MS  15000

/* Tries that failed are repeated after 0.5, 1, 2, 4, 8 s, then every 30 s: long enough for udev or a guest to
 * get ready, and not for ever silent. */
#define RETRY_FIRST_US  (G_USEC_PER_SEC / 2)
#define RETRY_DOUBLINGS 5
#define RETRY_SLOW_US   (30 * G_USEC_PER_SEC)

/* A look at a machine or at the list of machines that failed is repeated after this. */
#define LOOK_AGAIN_US (2 * G_USEC_PER_SEC)

/* A removal that no event has confirmed by then is looked at again. */
#define REMOVAL_US (2 * G_USEC_PER_SEC)

/* Everything is looked at once in this time, in case an event was lost. */
#define SAFETY_US (60 * G_USEC_PER_SEC)

struct Reconciler {
    Registry *registry;
    WorkerPool *pool;
    Hypervisor *hypervisor;

    guint turn_source;
    guint timer_source;
    gint64 timer_at;
    gint64 safety_at;

    bool list_wanted; /* the set of machines may have changed */
    bool list_busy;
    bool list_stuck;
    gint64 list_retry_at;
    GHashTable *replaced_early; /* uuids whose memory was replaced before the list told of them */
};

/* What an order was about, for when its result comes back. Copies only: anything may be gone by then. */
typedef struct Ticket {
    Reconciler *reconciler;
    OrderKind kind;
    char *uuid;
    char *assignment_id; /* ATTACH */
    char *sysname;
    uint64_t instance;
    char *alias; /* DETACH */
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

static void wake_at(gint64 *wake, gint64 at)
{
    if (at && (!*wake || at < *wake))
        *wake = at;
}

/* ------------------------------------------------------------------ results */

static Claim *claim_of(Registry *registry, const Ticket *ticket)
{
    Assignment *assignment = registry_assignment(registry, ticket->assignment_id);

    for (guint i = 0; assignment && i < assignment->claims->len; i++) {
        Claim *one = assignment->claims->pdata[i];

        if (one->instance == ticket->instance && g_strcmp0(one->sysname, ticket->sysname) == 0)
            return one;
    }
    return NULL;
}

static void note_failure(Registry *registry, const Ticket *ticket, const GError *error)
{
    Claim *one = claim_of(registry, ticket);
    gint64 delay;

    log_object(G_LOG_LEVEL_WARNING, ticket->sysname, ticket->uuid, ticket->assignment_id,
               "attach of %s for assignment %s failed: %s", ticket->sysname, ticket->assignment_id,
               error->message);
    if (!one)
        return;
    delay = one->failures < RETRY_DOUBLINGS ? RETRY_FIRST_US << one->failures : RETRY_SLOW_US;
    one->failures++;
    one->next_at = g_get_monotonic_time() + delay;
    g_clear_error(&one->error);
    one->error = g_error_copy(error);
}

static void forget_failures(Registry *registry, const char *uuid)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, registry->assignments);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Assignment *assignment = value;

        if (g_strcmp0(assignment->machine_uuid, uuid) != 0)
            continue;
        for (guint i = 0; i < assignment->claims->len; i++) {
            Claim *one = assignment->claims->pdata[i];

            one->failures = 0;
            one->next_at = 0;
            g_clear_error(&one->error);
        }
    }
}

static void take_info(Reconciler *self, Machine *machine, MachineInfo *info)
{
    bool was_active = machine_is_active(machine);

    machine_update(self->registry, machine, info);
    machine->inspected = true;
    if (was_active != machine_is_active(machine)) {
        log_object(G_LOG_LEVEL_MESSAGE, NULL, machine->info->uuid, NULL, "machine \"%s\" is %s",
                   machine->info->name, machine_state_to_string(machine->info->state));
        forget_failures(self->registry, machine->info->uuid);
    }
}

static void order_done(gpointer output, const GError *pool_error, void *userdata)
{
    g_autoptr(Ticket) ticket = userdata;
    Reconciler *self = ticket->reconciler;
    OrderResult *result = output;
    Machine *machine = registry_machine(self->registry, ticket->uuid);

    reconciler_kick(self);
    if (!machine) {
        g_clear_pointer(&result, order_result_free);
        return;
    }
    if (!result) {
        /* The order is still in libvirt's hands: nobody knows how it ends, so the machine is looked at when
         * its queue is free again. Until then it is stuck, and only it. */
        log_object(G_LOG_LEVEL_WARNING, ticket->sysname, ticket->uuid, ticket->assignment_id,
                   "machine \"%s\" does not answer (%s): %s", machine->info->name,
                   order_kind_to_string(ticket->kind), pool_error->message);
        machine->stuck = true;
        machine->stale = true;
        return;
    }
    machine->busy = false;
    if (ticket->kind == ORDER_ATTACH && result->change_error)
        note_failure(self->registry, ticket, result->change_error);
    if (ticket->kind == ORDER_DETACH && result->change_error)
        log_object(G_LOG_LEVEL_WARNING, NULL, ticket->uuid, NULL, "detach of %s failed: %s", ticket->alias,
                   result->change_error->message);
    if (result->info) {
        take_info(self, machine, g_steal_pointer(&result->info));
        if (ticket->kind == ORDER_ATTACH && !result->change_error) {
            Claim *one = claim_of(self->registry, ticket);

            if (one)
                g_clear_error(&one->error);
        }
    } else if (g_error_matches(result->info_error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_MACHINE)) {
        log_object(G_LOG_LEVEL_MESSAGE, NULL, ticket->uuid, NULL, "machine \"%s\" is gone",
                   machine->info->name);
        registry_remove_machine(self->registry, machine);
    } else {
        machine->stale = true;
        machine->retry_at = g_get_monotonic_time() + LOOK_AGAIN_US;
    }
    order_result_free(result);
}

/* ------------------------------------------------------------------ orders */

static void give_order(Reconciler *self, Machine *machine, Order *order, Ticket *ticket)
{
    ticket->reconciler = self;
    ticket->kind = order->kind;
    ticket->uuid = g_strdup(order->uuid);
    machine->busy = true;
    /* Whatever touches the machine from here on makes it stale again, whether this order sees it or not. */
    machine->stale = false;
    worker_pool_push(
        self->pool,
        &(WorkerJob){ .queue = machine->info->uuid,
                      .deadline_ms = order->kind == ORDER_INSPECT ? INSPECT_DEADLINE_MS : CHANGE_DEADLINE_MS,
                      .run = order_run,
                      .input = order,
                      .free_input = order_free,
                      .free_output = order_result_free,
                      .done = order_done,
                      .userdata = ticket,
                      .free_userdata = ticket_free });
}

static void order_inspect(Reconciler *self, Machine *machine)
{
    give_order(self, machine, order_new(ORDER_INSPECT, self->hypervisor, machine->info->uuid),
               g_new0(Ticket, 1));
}

static void order_detach(Reconciler *self, Machine *machine, const Hostdev *hostdev, gint64 now)
{
    Order *order = order_new(ORDER_DETACH, self->hypervisor, machine->info->uuid);
    Ticket *ticket = g_new0(Ticket, 1);

    order->alias = g_strdup(hostdev->alias);
    ticket->alias = g_strdup(hostdev->alias);
    ticket->assignment_id = g_strdup(hostdev->assignment_id);
    g_hash_table_replace(machine->leaving, g_strdup(hostdev->alias),
                         g_memdup2(&(gint64){ now + REMOVAL_US }, sizeof(gint64)));
    log_object(G_LOG_LEVEL_DEBUG, NULL, machine->info->uuid, hostdev->assignment_id,
               "detaching %s from \"%s\"", hostdev->alias, machine->info->name);
    give_order(self, machine, order, ticket);
}

static void order_attach(Reconciler *self, Machine *machine, const Want *want)
{
    Order *order = order_new(ORDER_ATTACH, self->hypervisor, machine->info->uuid);
    Ticket *ticket = g_new0(Ticket, 1);
    const Device *device = want->device;

    order->spec = g_new0(HostdevSpec, 1);
    order->spec->alias = hostdev_alias_format(want->assignment->id, device->instance);
    order->spec->bus_number = device->bus_number;
    order->spec->device_number = device->device_number;
    order->spec->vendor_id = device->vendor_id;
    order->spec->product_id = device->product_id;
    ticket->assignment_id = g_strdup(want->assignment->id);
    ticket->sysname = g_strdup(device->sysname);
    ticket->instance = device->instance;
    log_object(G_LOG_LEVEL_DEBUG, device->sysname, machine->info->uuid, want->assignment->id,
               "attaching %s to \"%s\"", device->sysname, machine->info->name);
    give_order(self, machine, order, ticket);
}

static bool is_wanted(const Desired *desired, Registry *registry, const Machine *machine,
                      const Hostdev *hostdev)
{
    GHashTableIter iter;
    gpointer value;

    if (g_hash_table_contains(machine->dead_aliases, hostdev->alias))
        return false;
    g_hash_table_iter_init(&iter, desired->wants);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Want *want = value;
        const Live *live = desired_live(desired, want->device);

        /* An unsteady device has only just come: a hostdev of its enumeration is not older than that. */
        if (live && live->hostdev == hostdev && want->machine == machine &&
            g_strcmp0(want->assignment->id, hostdev->assignment_id) == 0)
            return true;
    }
    return false;
}

/* Ours, and nobody wants it there any more. Returns true when an order was given. */
static bool detach_unwanted(Reconciler *self, const Desired *desired, Machine *machine, gint64 now,
                            gint64 *wake)
{
    for (guint i = 0; i < machine->info->hostdevs->len; i++) {
        const Hostdev *hostdev = machine->info->hostdevs->pdata[i];
        const gint64 *look_at;

        if (!hostdev->assignment_id || is_wanted(desired, self->registry, machine, hostdev))
            continue;
        look_at = g_hash_table_lookup(machine->leaving, hostdev->alias);
        if (!look_at) {
            order_detach(self, machine, hostdev, now);
            return true;
        }
        if (*look_at <= now) {
            /* No event, no change: look, and order it again if it is still there. */
            g_hash_table_remove(machine->leaving, hostdev->alias);
            order_inspect(self, machine);
            return true;
        }
        wake_at(wake, *look_at);
    }
    return false;
}

/* libvirt refuses a device number that any machine still lists, even when it belongs to a device that is long
 * gone. */
static bool number_is_taken(Registry *registry, const Device *device)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, registry->machines);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Machine *machine = value;

        for (guint i = 0; !machine->stuck && i < machine->info->hostdevs->len; i++) {
            const Hostdev *hostdev = machine->info->hostdevs->pdata[i];

            if (hostdev->assignment_id && hostdev->bus_number == device->bus_number &&
                hostdev->device_number == device->device_number)
                return true;
        }
    }
    return false;
}

static void attach_wanted(Reconciler *self, const Desired *desired, Machine *machine, gint64 now,
                          gint64 *wake)
{
    g_autoptr(GPtrArray) wants = registry_sorted(desired->wants);

    for (guint i = 0; i < wants->len; i++) {
        const Want *want = wants->pdata[i];
        Claim *one;

        if (want->machine != machine || want->verdict != VERDICT_GO || desired_live(desired, want->device) ||
            number_is_taken(self->registry, want->device))
            continue;
        one = claim_of(self->registry, &(Ticket){ .assignment_id = want->assignment->id,
                                                  .sysname = want->device->sysname,
                                                  .instance = want->device->instance });
        if (one && one->next_at > now) {
            wake_at(wake, one->next_at);
            continue;
        }
        order_attach(self, machine, want);
        return;
    }
}

static void look_after_machine(Reconciler *self, const Desired *desired, Machine *machine, gint64 now,
                               gint64 *wake)
{
    if (machine->busy)
        return;
    if (machine->stale) {
        if (machine->retry_at > now)
            wake_at(wake, machine->retry_at);
        else
            order_inspect(self, machine);
        return;
    }
    if (!machine_is_active(machine) || detach_unwanted(self, desired, machine, now, wake))
        return;
    attach_wanted(self, desired, machine, now, wake);
}

/* ------------------------------------------------------------------ the list of machines */

static gpointer run_list(gpointer input, GError **error)
{
    Hypervisor *hypervisor = input;

    return hypervisor->ops->list(hypervisor, error);
}

static void free_list(gpointer list)
{
    g_ptr_array_unref(list);
}

static void take_list(Reconciler *self, GPtrArray *list)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GPtrArray) known = registry_sorted(self->registry->machines);

    for (guint i = 0; i < list->len; i++) {
        MachineInfo *info = list->pdata[i];
        Machine *machine = registry_machine(self->registry, info->uuid);

        g_hash_table_add(seen, info->uuid);
        if (!machine) {
            machine = machine_new(machine_info_copy_brief(info));
            machine->memory_replaced = g_hash_table_remove(self->replaced_early, info->uuid);
            registry_add_machine(self->registry, machine);
        }
        machine->stale = true;
        machine->retry_at = 0;
    }
    g_hash_table_remove_all(self->replaced_early);
    for (guint i = 0; i < known->len; i++) {
        Machine *machine = known->pdata[i];

        /* One that is busy answers for itself: it may have been defined after the list was made. */
        if (!g_hash_table_contains(seen, machine->info->uuid) && !machine->busy)
            machine->stale = true;
    }
    self->registry->machines_known = true;
}

static void list_done(gpointer output, const GError *error, void *userdata)
{
    Reconciler *self = userdata;
    GPtrArray *list = output;

    reconciler_kick(self);
    if (g_error_matches(error, FERRY_ERROR, FERRY_ERROR_TIMEOUT)) {
        self->list_stuck = true;
        return;
    }
    self->list_busy = false;
    if (!list) {
        log_warning("the machines cannot be listed: %s", error->message);
        self->list_wanted = true;
        self->list_retry_at = g_get_monotonic_time() + LOOK_AGAIN_US;
        return;
    }
    take_list(self, list);
    g_ptr_array_unref(list);
}

static void look_after_list(Reconciler *self, gint64 now, gint64 *wake)
{
    if (!self->list_wanted || self->list_busy)
        return;
    if (self->list_retry_at > now) {
        wake_at(wake, self->list_retry_at);
        return;
    }
    self->list_wanted = false;
    self->list_busy = true;
    worker_pool_push(self->pool, &(WorkerJob){ .queue = LIST_QUEUE,
                                               .deadline_ms = LIST_DEADLINE_MS,
                                               .run = run_list,
                                               .input = self->hypervisor,
                                               .free_output = free_list,
                                               .done = list_done,
                                               .userdata = self });
}

/* ------------------------------------------------------------------ the turn */

/* A released assignment is over when no machine has anything of it, as far as that can be known. */
static void finish_releases(Reconciler *self)
{
    Registry *registry = self->registry;
    g_autoptr(GPtrArray) assignments = registry_sorted(registry->assignments);

    for (guint i = 0; i < assignments->len; i++) {
        Assignment *assignment = assignments->pdata[i];
        const Machine *machine = registry_machine(registry, assignment->machine_uuid);

        if (!assignment->releasing || assignment->saving ||
            outlook_has_live_hostdev(registry, assignment, NULL))
            continue;
        if (!registry->machines_known ||
            (machine && (machine->stale || machine->busy || !machine->inspected)))
            continue;
        log_object(G_LOG_LEVEL_MESSAGE, NULL, assignment->machine_uuid, assignment->id,
                   "assignment %s is over", assignment->id);
        {
            g_autofree char *uuid = g_strdup(assignment->machine_uuid);

            registry_remove_assignment(registry, assignment);
            registry_report(registry, OBJECT_MACHINE, uuid, MACHINE_FIELD_ASSIGNMENTS);
        }
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
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Machine *machine = value;

        if (!machine->inspected && !machine->stuck)
            return false;
    }
    return true;
}

static void mark_all_stale(Reconciler *self)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, self->registry->machines);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        ((Machine *)value)->stale = true;
    self->list_wanted = true;
}

static void arm_timer(Reconciler *self, gint64 now, gint64 wake);

static gboolean take_turn(gpointer userdata)
{
    Reconciler *self = userdata;
    Registry *registry = self->registry;
    g_autoptr(Desired) desired = NULL;
    gint64 now = g_get_monotonic_time();
    gint64 wake = 0;

    self->turn_source = 0;
    desired = desired_new(registry, now);
    if (registry->hypervisor_state == HYPERVISOR_STATE_CONNECTED) {
        g_autoptr(GPtrArray) machines = registry_sorted(registry->machines);

        if (now >= self->safety_at) {
            self->safety_at = now + SAFETY_US;
            mark_all_stale(self);
        }
        wake_at(&wake, self->safety_at);
        look_after_list(self, now, &wake);
        for (guint i = 0; registry->machines_known && i < machines->len; i++)
            look_after_machine(self, desired, machines->pdata[i], now, &wake);
    }
    wake_at(&wake, desired->next_at);
    outlook_update(registry, desired);
    finish_releases(self);
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
    self->list_wanted = true;
    self->list_retry_at = 0;
    g_hash_table_iter_init(&iter, self->registry->machines);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Machine *machine = value;

        /* Removals that were ordered over the old connection may never be confirmed over the new one. */
        g_hash_table_remove_all(machine->leaving);
        machine->inspected = false;
        machine->stale = true;
        machine->retry_at = 0;
    }
}

void reconciler_hypervisor_changed(Reconciler *self)
{
    Registry *registry = self->registry;
    HypervisorState state = self->hypervisor->state;
    bool was_connected = registry->hypervisor_state == HYPERVISOR_STATE_CONNECTED;

    if (state == HYPERVISOR_STATE_CONNECTED || was_connected)
        forget_what_was_known(self);
    g_free(registry->hypervisor_text);
    registry->hypervisor_text = g_strdup(self->hypervisor->state_text);
    if (state != registry->hypervisor_state) {
        registry->hypervisor_state = state;
        log_notice("hypervisor %s: %s%s%s", self->hypervisor->uri, hypervisor_state_to_string(state),
                   registry->hypervisor_text ? ": " : "",
                   registry->hypervisor_text ? registry->hypervisor_text : "");
        registry_report(registry, OBJECT_MANAGER, "", MANAGER_FIELD_HYPERVISOR_STATE);
    }
    reconciler_kick(self);
}

void reconciler_machine_touched(Reconciler *self, const char *uuid, bool memory_replaced)
{
    Machine *machine = registry_machine(self->registry, uuid);

    if (!machine) {
        if (memory_replaced)
            g_hash_table_add(self->replaced_early, g_strdup(uuid));
        self->list_wanted = true;
    } else {
        machine->stale = true;
        machine->retry_at = 0;
        machine->memory_replaced |= memory_replaced;
    }
    reconciler_kick(self);
}

void reconciler_queue_idle(Reconciler *self, const char *queue)
{
    Machine *machine = registry_machine(self->registry, queue);

    if (strcmp(queue, LIST_QUEUE) == 0) {
        self->list_busy = self->list_stuck = false;
        self->list_wanted = true;
    } else if (machine && machine->stuck) {
        log_object(G_LOG_LEVEL_MESSAGE, NULL, queue, NULL, "machine \"%s\" answers again",
                   machine->info->name);
        machine->busy = machine->stuck = false;
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

Reconciler *reconciler_new(Registry *registry, WorkerPool *pool, Hypervisor *hypervisor)
{
    Reconciler *self = g_new0(Reconciler, 1);

    self->registry = registry;
    self->pool = pool;
    self->hypervisor = hypervisor;
    self->safety_at = g_get_monotonic_time() + SAFETY_US;
    self->replaced_early = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    registry->settling = true;
    return self;
}

Reconciler *reconciler_free(Reconciler *self)
{
    if (!self)
        return NULL;
    g_clear_handle_id(&self->turn_source, g_source_remove);
    g_clear_handle_id(&self->timer_source, g_source_remove);
    g_hash_table_unref(self->replaced_early);
    g_free(self);
    return NULL;
}
