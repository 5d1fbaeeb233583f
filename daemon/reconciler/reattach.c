/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When a hold begins and ends. */

#include "daemon/reconciler/reattach.h"

#include "daemon/allocation/status.h"

/* How long a device that was taken out is kept for its way back in. */
#define REATTACH_US (30 * G_USEC_PER_SEC)

void hold_set(Registry *registry, const char *sysname, const char *assignment_id, bool closed)
{
    Hold *hold = g_new0(Hold, 1);

    hold->assignment_id = g_strdup(assignment_id);
    hold->closed = closed;
    g_hash_table_replace(registry->holds, g_strdup(sysname), hold);
}

void hold_for_reattach(Registry *registry, const char *sysname, const char *assignment_id)
{
    Hold *hold;

    if (g_hash_table_contains(registry->holds, sysname))
        return;
    hold_set(registry, sysname, assignment_id, false);
    hold = g_hash_table_lookup(registry->holds, sysname);
    hold->reattach = true;
}

bool hold_is_of_use(const Allocation *allocation, const Assignment *assignment, const Device *device)
{
    switch (allocation_judge(allocation, assignment, device)) {
    case VERDICT_GO:
    case VERDICT_UNDECIDED:
    case VERDICT_HYPERVISOR_AWAY:
    case VERDICT_RESETTING:
    case VERDICT_UNSTEADY:
        return true;
    case VERDICT_SUSPENDED:
    case VERDICT_OTHER_DEVICE:
    case VERDICT_HUB:
    case VERDICT_NOT_OWNED:
    case VERDICT_NOT_HOME:
    case VERDICT_TAKEN:
    case VERDICT_ENOUGH:
    case VERDICT_SET_INCOMPLETE:
    case VERDICT_GROUP_DISABLED:
    case VERDICT_SWITCHED_OFF:
    case VERDICT_FOREIGN:
    case VERDICT_MACHINE_UNKNOWN:
    case VERDICT_MACHINE_OFF:
    case VERDICT_CONTROLLER_TAKEN:
    case _VERDICT_MAX:
        return false;
    }
    g_return_val_if_reached(false);
}

bool hold_is_attached(const Allocation *allocation, const Device *device)
{
    const Want *want = allocation_want(allocation, device);

    return want && allocation_is_attached(want, allocation_attachment(allocation, device));
}

static bool reattach_is_over(Hold *hold, const Allocation *allocation, const char *sysname, gint64 now)
{
    const Device *device = registry_device(allocation->registry, sysname);
    const Assignment *assignment = registry_assignment(allocation->registry, hold->assignment_id);
    bool attached = device && hold_is_attached(allocation, device);

    if (!hold->until && device && !attached)
        hold->until = now + REATTACH_US;
    return !device || !assignment || !hold_is_of_use(allocation, assignment, device) ||
           (hold->until && (attached || now >= hold->until));
}

bool hold_end_reattaches(Registry *registry, const Allocation *allocation, gint64 now, gint64 *wake)
{
    GHashTableIter iter;
    gpointer sysname, value;
    bool any = false;

    g_hash_table_iter_init(&iter, registry->holds);
    while (g_hash_table_iter_next(&iter, &sysname, &value)) {
        Hold *hold = value;

        if (!hold->reattach)
            continue;
        if (reattach_is_over(hold, allocation, sysname, now)) {
            g_hash_table_iter_remove(&iter);
            any = true;
        } else if (hold->until && (!*wake || hold->until < *wake)) {
            *wake = hold->until;
        }
    }
    return any;
}
