/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When a reattach begins, and when it is over. Called by machine-turn.c and reconciler.c; touches the
 * registry's reservations only. */

#include "daemon/reconciler/reattach.h"

#include "daemon/base/wake.h"

/* How long a device that was taken out is kept for its way back in. */
#define REATTACH_US (30 * G_USEC_PER_SEC)

void reattach_begin(const Allocation *allocation, const Hostdev *hostdev)
{
    Reservations *reservations = allocation->registry->reservations;
    const Want *want = allocation_want_of_hostdev(allocation, hostdev);

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
