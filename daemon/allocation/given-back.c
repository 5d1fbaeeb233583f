/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is left of a device that was given back alone, from where it and the others of its assignment are.
 * Called by status-update.c; reads the registry only. */

#include "daemon/allocation/given-back.h"

#include "daemon/allocation/judge.h"

static bool has_all_it_needs(const Allocation *allocation, const Assignment *assignment)
{
    const GPtrArray *wants = allocation_wants_of(allocation, assignment);
    guint n_attached = 0;

    for (guint i = 0; i < wants->len; i++)
        n_attached += allocation_is_attached(allocation, ((const Want *)wants->pdata[i])->device);
    return n_attached >= assignment->quantity;
}

static bool is_still_in(const Allocation *allocation, const Assignment *assignment, uint64_t instance)
{
    for (guint i = 0; i < assignment->claims->len; i++) {
        const Claim *claim = assignment->claims->pdata[i];
        const Device *device = registry_device(allocation->registry, claim->sysname);

        if (device && claim->instance == instance && device_is_instance(device, instance) &&
            attachment_is_of(allocation_attachment(allocation, device), assignment))
            return true;
    }
    return false;
}

bool given_back_is_over(const Allocation *allocation, const Assignment *assignment, uint64_t instance)
{
    Verdict machine = judge_machine(allocation->registry, assignment);

    if (!assignment->wanted)
        return true;
    /* After a start it isn't known yet what it has. */
    if (machine == VERDICT_HYPERVISOR_AWAY || is_still_in(allocation, assignment, instance))
        return false;
    /* At the machine's next start it draws as if it had never had any. */
    return machine != VERDICT_GO || has_all_it_needs(allocation, assignment);
}
