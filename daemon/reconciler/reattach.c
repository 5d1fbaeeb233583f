/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When a reattach ends. */

#include "daemon/reconciler/reattach.h"

#include "daemon/base/wake.h"

/* How long a device that was taken out is kept for its way back in. */
#define REATTACH_US (30 * G_USEC_PER_SEC)

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

void reattach_begin(Registry *registry, const char *sysname, const char *assignment_id)
{
    if (!reservations_find(registry->reservations, sysname))
        reservations_set(registry->reservations, sysname, assignment_id, RESERVATION_REATTACH);
}

bool reattach_end_all(Registry *registry, const Allocation *allocation, gint64 now, gint64 *wake)
{
    g_autoptr(GPtrArray) reservations = reservations_sorted(registry->reservations);
    bool any = false;

    for (guint i = 0; i < reservations->len; i++) {
        Reservation *reservation = reservations->pdata[i];

        if (reservation->kind != RESERVATION_REATTACH)
            continue;
        if (is_over(reservation, allocation, now)) {
            reservations_end(registry->reservations, reservation->sysname);
            any = true;
        } else {
            wake_at(wake, reservation->until);
        }
    }
    return any;
}
