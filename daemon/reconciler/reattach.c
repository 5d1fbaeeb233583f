/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When a reattach begins, and when it is over. Called by machine-turn.c and reconciler.c; touches the
 * registry's reservations and quarantines only. */

#include "daemon/reconciler/reattach.h"

#include "daemon/allocation/judge.h"
#include "daemon/base/log.h"
#include "daemon/base/wake.h"

/* How long a device that was taken out is kept for its way back in, once nothing is in that way any more. */
#define REATTACH_US (30 * G_USEC_PER_SEC)

/* What the host takes back again and again is quarantined. */
static void note_loss(Registry *registry, const Want *want, const char *why, gint64 now)
{
    g_autofree char *what = device_describe(want->device);

    log_object(G_LOG_LEVEL_MESSAGE, want->device->sysname, want->assignment->machine_uuid,
               want->assignment->id, "%s is taken out and put in again, because %s", what, why);
    quarantines_strike(registry->quarantines, want->device, QUARANTINE_LOST, why, now);
}

/* It is taken out only for now. */
static bool comes_back(Verdict verdict)
{
    return verdict == VERDICT_GO || verdict == VERDICT_QUARANTINED || verdict == VERDICT_HELD_HOME;
}

void reattach_begin(const Allocation *allocation, const Hostdev *hostdev, gint64 now)
{
    Reservations *reservations = allocation->registry->reservations;
    const Want *want = allocation_want_of_hostdev(allocation, hostdev);
    const Machine *machine = want ? allocation_attachment(allocation, want->device)->machine : NULL;
    const char *why = want ? possession_loss_text(allocation_possession(allocation, want->device)) : NULL;

    /* Once for each time that it is taken out, and not when it is to go somewhere else. */
    if (why && want->machine == machine && !g_hash_table_contains(machine->removals, hostdev->alias))
        note_loss(allocation->registry, want, why, now);
    if (want && comes_back(want->verdict) && !reservations_find(reservations, want->device->sysname))
        reservations_set(reservations, want->device->sysname, want->assignment->id, RESERVATION_REATTACH);
}

/* A damaged one's own verdict is that it gets nothing; what it had comes back all the same. */
static Verdict judge(const Allocation *allocation, const Assignment *assignment, const Device *device)
{
    const Want *want = allocation_want(allocation, device);

    return want && want->assignment == assignment ? want->verdict
                                                  : allocation_judge(allocation, assignment, device);
}

/* Nobody has to decide, plug or start anything first. */
static bool passes(Verdict verdict)
{
    return verdict_comes_by_itself(verdict) || verdict == VERDICT_HELD_HOME || verdict == VERDICT_IN_USE;
}

/* Kept for it alone: who has nothing but what it had gets that, or nothing. */
static bool is_sought_by_others(Registry *registry, const Assignment *assignment)
{
    return registry->enabled && judge_assignment(registry, assignment) != VERDICT_DAMAGED;
}

/* The time begins when it is out and may go in, and begins anew whenever something comes in between. */
static void measure(Reservation *reservation, Registry *registry, const Assignment *assignment,
                    Verdict verdict, gint64 now)
{
    reservation->out = true;
    if (verdict != VERDICT_GO || !is_sought_by_others(registry, assignment))
        reservation->until = 0;
    else if (!reservation->until)
        reservation->until = now + REATTACH_US;
}

static bool is_over(Reservation *reservation, const Allocation *allocation, gint64 now)
{
    Registry *registry = allocation->registry;
    const Device *device = registry_device(registry, reservation->sysname);
    const Assignment *assignment = registry_assignment(registry, reservation->assignment_id);
    Verdict verdict, machine;

    if (!device || !assignment)
        return true;
    verdict = judge(allocation, assignment, device);
    machine = judge_machine(registry, assignment);
    if (!passes(verdict) || !passes(machine))
        return true;
    if (allocation_is_attached(allocation, device))
        return reservation->out;
    measure(reservation, registry, assignment, verdict, now);
    return reservation->until && now >= reservation->until;
}

bool reattach_end_all(const Allocation *allocation, gint64 now, gint64 *wake)
{
    Reservations *table = allocation->registry->reservations;
    g_autoptr(GPtrArray) reservations = reservations_sorted(table);
    bool any = false;

    for (guint i = 0; i < reservations->len; i++) {
        Reservation *reservation = reservations->pdata[i];

        if (reservation->kind != RESERVATION_REATTACH)
            continue;
        if (is_over(reservation, allocation, now)) {
            reservations_end(table, reservation->sysname);
            any = true;
        } else {
            wake_at(wake, reservation->until);
        }
    }
    return any;
}
