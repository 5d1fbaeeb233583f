/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When a reattach begins, and when it is over. Called by machine-turn.c and reconciler.c; touches the
 * registry's reservations only. */

#include "daemon/reconciler/reattach.h"

#include "daemon/base/backoff.h"
#include "daemon/base/error.h"
#include "daemon/base/log.h"
#include "daemon/base/wake.h"

/* How long a device that was taken out is kept for its way back in. */
#define REATTACH_US (30 * G_USEC_PER_SEC)

/* Something that the host takes back again and again is put in after 0, 1, 2, 4 … s, in the end once a
 * minute. What stays in for so long begins anew. */
static const Backoff losses = { .first_us = G_USEC_PER_SEC, .steps = 6, .slow_us = 60 * G_USEC_PER_SEC };
#define LOSSES_FORGOTTEN_US (120 * G_USEC_PER_SEC)

static void note_loss(const Want *want, const char *why, gint64 now)
{
    Claim *claim = assignment_claim(want->assignment, want->device->sysname, want->device->instance);
    g_autofree char *what = device_describe(want->device);

    log_object(G_LOG_LEVEL_MESSAGE, want->device->sysname, want->assignment->machine_uuid,
               want->assignment->id, "%s is taken out and put in again, because %s", what, why);
    if (!claim)
        return;
    if (now - claim->lost_at > LOSSES_FORGOTTEN_US)
        claim->losses = 0;
    claim->lost_at = now;
    if (claim->losses++ == 0)
        return;
    claim->next_at = now + backoff_delay(&losses, claim->losses - 2);
    g_clear_error(&claim->error);
    claim->error =
        g_error_new(FERRY_ERROR, FERRY_ERROR_DEVICE_BUSY,
                    "%s was lost %u times one after the other, the last time because %s; it is put "
                    "in again in a while",
                    what, claim->losses, why);
}

void reattach_begin(const Allocation *allocation, const Hostdev *hostdev, gint64 now)
{
    Reservations *reservations = allocation->registry->reservations;
    const Want *want = allocation_want_of_hostdev(allocation, hostdev);
    const Machine *machine = want ? allocation_attachment(allocation, want->device)->machine : NULL;
    const char *why = want ? possession_loss_text(allocation_possession(allocation, want->device)) : NULL;

    /* Once for each time that it is taken out, and not when it is to go somewhere else. */
    if (why && want->machine == machine && !g_hash_table_contains(machine->removals, hostdev->alias))
        note_loss(want, why, now);
    if (want && want->verdict == VERDICT_GO && !reservations_find(reservations, want->device->sysname))
        reservations_set(reservations, want->device->sysname, want->assignment->id, RESERVATION_REATTACH);
}

static bool is_over(Reservation *reservation, const Allocation *allocation, gint64 now)
{
    const Device *device = registry_device(allocation->registry, reservation->sysname);
    const Assignment *assignment = registry_assignment(allocation->registry, reservation->assignment_id);
    bool attached = device && allocation_is_attached(allocation, device);

    if (!reservation->until && device && !attached)
        reservation->until = now + REATTACH_US;
    return !device || !assignment ||
           !verdict_comes_by_itself(allocation_judge(allocation, assignment, device)) ||
           (reservation->until && (attached || now >= reservation->until));
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
