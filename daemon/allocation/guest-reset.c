/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two settings of an assignment, and what libvirt is told of them. Called by the reconciler, by status.c and
 * by who shows the settings; changes nothing. */

#include "daemon/allocation/guest-reset.h"

#include "daemon/model/damage.h"

static bool choose(Choice own, const Group *group, bool of_group)
{
    return own == CHOICE_OPEN ? group && of_group : own == CHOICE_YES;
}

bool guest_resets_all_allowed(Registry *registry, const Assignment *assignment)
{
    const Group *group = registry_group_of(registry, assignment);

    return choose(assignment->own_guest_resets_all, group, group && group->allow_guest_resets_all);
}

bool guest_reset_allowed(Registry *registry, const Assignment *assignment)
{
    const Group *group = registry_group_of(registry, assignment);

    return choose(assignment->own_guest_reset, group, group && group->allow_guest_reset) ||
           guest_resets_all_allowed(registry, assignment);
}

GuestReset guest_reset_wanted(Registry *registry, const Assignment *assignment)
{
    if (guest_resets_all_allowed(registry, assignment))
        return GUEST_RESET_ON;
    return guest_reset_allowed(registry, assignment) ? GUEST_RESET_UNINITIALIZED : GUEST_RESET_OFF;
}

bool guest_reset_differs(Registry *registry, const Hostdev *hostdev, const Assignment *assignment)
{
    return hostdev->guest_reset != GUEST_RESET_DEFAULT && !damage_freezes(registry, assignment) &&
           hostdev->guest_reset != guest_reset_wanted(registry, assignment);
}
