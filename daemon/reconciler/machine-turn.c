/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One machine's next step: look at it, take out what nobody wants there, put in what is wanted, or see to it
 * that it can be started when it is saved, in this order. Called by reconciler.c for each machine. */

#include "daemon/reconciler/machine-turn.h"

#include "daemon/allocation/guest-reset.h"
#include "daemon/base/wake.h"
#include "daemon/reconciler/reattach.h"
#include "daemon/reconciler/repair.h"
#include "daemon/reconciler/saved-image.h"

static bool is_wanted(const Allocation *allocation, const Machine *machine, const Hostdev *hostdev)
{
    const Want *want = allocation_want_of_hostdev(allocation, hostdev);

    return want && want->machine == machine && !verdict_takes_out(want->verdict) &&
           !possession_is_lost(allocation_possession(allocation, want->device)) &&
           !g_hash_table_contains(machine->dead_aliases, hostdev->alias) &&
           !guest_reset_differs(allocation->registry, hostdev, want->assignment);
}

/* What was ordered and is wanted again is left to itself until its time is over; then the live XML says how
 * it went. */
static bool is_under_way(const Removal *removal, gint64 now, gint64 *wake)
{
    return removal->ordered && !wake_is_due(wake, removal->next_at, now);
}

/* Ours, and nobody wants it there any more. */
static MachineStep next_detach(const Allocation *allocation, Machine *machine, gint64 now, gint64 *wake)
{
    for (guint i = 0; i < machine->info->hostdevs->len; i++) {
        const Hostdev *hostdev = machine->info->hostdevs->pdata[i];
        Removal *removal = g_hash_table_lookup(machine->removals, hostdev->alias);

        if (!hostdev->assignment_id)
            continue;
        if (is_wanted(allocation, machine, hostdev)) {
            if (!removal || is_under_way(removal, now, wake))
                continue;
            g_hash_table_remove(machine->removals, hostdev->alias);
            return (MachineStep){ .kind = MACHINE_STEP_INSPECT };
        }
        if (removal && !wake_is_due(wake, removal->next_at, now))
            continue;
        if (removal && removal->ordered) {
            /* No event, no change: look, and order it again if it is still there. */
            removal->ordered = false;
            return (MachineStep){ .kind = MACHINE_STEP_INSPECT };
        }
        return (MachineStep){ .kind = MACHINE_STEP_DETACH, .hostdev = hostdev };
    }
    return (MachineStep){ .kind = MACHINE_STEP_NONE };
}

static MachineStep next_attach(const Allocation *allocation, const Machine *machine, gint64 now, gint64 *wake)
{
    const GPtrArray *wants = deal_wants_of_machine(allocation->deal, machine);

    for (guint i = 0; wants && i < wants->len; i++) {
        const Want *want = wants->pdata[i];
        const Claim *claim;

        if (want->verdict != VERDICT_GO || allocation_attachment(allocation, want->device) ||
            attachments_number_is_taken(allocation->attachments, want->device))
            continue;
        claim = assignment_claim(want->assignment, want->device->sysname, want->device->instance);
        if (!claim || wake_is_due(wake, claim->next_at, now))
            return (MachineStep){ .kind = MACHINE_STEP_ATTACH, .want = want };
    }
    return (MachineStep){ .kind = MACHINE_STEP_NONE };
}

/* Whether it answers matters as long as people type or point into it: nothing tells when its QEMU hangs. */
static MachineStep next_ping(const Allocation *allocation, const Machine *machine, gint64 now, gint64 *wake)
{
    const GPtrArray *wants = deal_wants_of_machine(allocation->deal, machine);
    bool matters = false;

    for (guint i = 0; wants && i < wants->len && !matters; i++) {
        const Want *want = wants->pdata[i];

        matters = device_inputs(want->device) &&
                  attachment_is_settled(allocation_attachment(allocation, want->device));
    }
    return (MachineStep){ .kind = matters && wake_is_due(wake, machine->ping_at, now) ? MACHINE_STEP_PING
                                                                                      : MACHINE_STEP_NONE };
}

/* Of one that is off. */
static MachineStep next_saved_repair(const Allocation *allocation, Machine *machine, gint64 now, gint64 *wake)
{
    g_autoptr(GPtrArray) places = NULL;
    g_autofree char *about = NULL;

    if (machine->info->saved->len == 0)
        return (MachineStep){ .kind = MACHINE_STEP_NONE };
    places = saved_image_places(allocation, machine);
    if (saved_image_fits(machine, places)) {
        repair_forget_failures(&machine->saved_repair);
        return (MachineStep){ .kind = MACHINE_STEP_NONE };
    }
    about = saved_image_describe(machine, places);
    return (MachineStep){ .kind = repair_is_due(&machine->saved_repair, about, now, wake)
                                      ? MACHINE_STEP_REPAIR_SAVED
                                      : MACHINE_STEP_NONE };
}

static MachineStep next_snapshot_repair(Machine *machine, gint64 now, gint64 *wake)
{
    g_autofree char *about = g_strdup_printf("%u snapshots", machine->info->snapshots);
    bool due = machine->snapshots_due && repair_is_due(&machine->snapshot_repair, about, now, wake);

    return (MachineStep){ .kind = due ? MACHINE_STEP_REPAIR_SNAPSHOTS : MACHINE_STEP_NONE };
}

static bool is_look_due(const Machine *machine, gint64 now, gint64 *wake)
{
    return !machine->busy && machine->stale && wake_is_due(wake, machine->retry_at, now);
}

void machine_look(Dispatcher *dispatcher, Machine *machine, gint64 now, gint64 *wake)
{
    if (is_look_due(machine, now, wake))
        dispatcher_inspect(dispatcher, machine);
}

MachineStep machine_next_step(const Allocation *allocation, Machine *machine, gint64 now, gint64 *wake)
{
    MachineStep step = { .kind = MACHINE_STEP_NONE };

    if (machine->busy)
        return step;
    if (machine->stale) {
        if (is_look_due(machine, now, wake))
            step.kind = MACHINE_STEP_INSPECT;
        return step;
    }
    if (machine->info->changing)
        return step;
    if (machine_is_active(machine)) {
        step = next_detach(allocation, machine, now, wake);
        if (step.kind == MACHINE_STEP_NONE)
            step = next_attach(allocation, machine, now, wake);
        if (step.kind == MACHINE_STEP_NONE)
            step = next_ping(allocation, machine, now, wake);
    } else {
        step = next_saved_repair(allocation, machine, now, wake);
    }
    return step.kind == MACHINE_STEP_NONE ? next_snapshot_repair(machine, now, wake) : step;
}

void machine_turn(Dispatcher *dispatcher, const Allocation *allocation, Machine *machine, gint64 now,
                  gint64 *wake)
{
    MachineStep step = machine_next_step(allocation, machine, now, wake);

    switch (step.kind) {
    case MACHINE_STEP_INSPECT:
        dispatcher_inspect(dispatcher, machine);
        break;
    case MACHINE_STEP_DETACH:
        reattach_begin(allocation, step.hostdev, now);
        dispatcher_detach(dispatcher, machine, step.hostdev, now);
        break;
    case MACHINE_STEP_ATTACH:
        dispatcher_attach(dispatcher, machine, step.want);
        attachments_add(allocation->attachments, machine, machine->in_flight);
        break;
    case MACHINE_STEP_PING:
        dispatcher_ping(dispatcher, machine);
        break;
    case MACHINE_STEP_REPAIR_SAVED:
        dispatcher_repair_saved(dispatcher, machine, saved_image_places(allocation, machine), now);
        break;
    case MACHINE_STEP_REPAIR_SNAPSHOTS:
        dispatcher_repair_snapshots(dispatcher, machine, now);
        break;
    case MACHINE_STEP_NONE:
        if (!machine->busy && !machine->stale && !machine->info->changing)
            dispatcher_order(dispatcher, machine);
        break;
    }
}
