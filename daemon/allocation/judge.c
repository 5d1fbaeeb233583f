/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reasons that need no comparison of assignments. Of several, the first one counts. Called by deal.c,
 * allocation.c and who asks about a machine; reads the registry only. */

#include "daemon/allocation/judge.h"

#include "daemon/allocation/pci-passthrough.h"
#include "daemon/guards/host-use.h"
#include "daemon/model/damage.h"

Verdict judge_assignment(Registry *registry, const Assignment *assignment)
{
    if (!assignment->wanted || assignment->releasing)
        return VERDICT_SUSPENDED;
    if (damage_freezes(registry, assignment))
        return VERDICT_DAMAGED;
    return registry_machine_is_gone(registry, assignment->machine_uuid) ? VERDICT_MACHINE_UNKNOWN
                                                                        : VERDICT_GO;
}

Verdict judge_device(Registry *registry, const Attachments *attachments, const Device *device)
{
    if (attachment_is_foreign(attachments_find(attachments, device)))
        return VERDICT_FOREIGN;
    if (!attachments_find(attachments, device) && attachments_number_is_foreign(attachments, device))
        return VERDICT_NUMBER_LISTED;
    if (pci_passthrough_owner(registry, device->controller))
        return VERDICT_CONTROLLER_TAKEN;
    if (!attachments_find(attachments, device) &&
        !reservations_find(registry->reservations, device->sysname) && damage_may_be_of(registry, device))
        return VERDICT_MAY_BE_OWNED;
    return VERDICT_GO;
}

Verdict judge_guard(Registry *registry, const Attachments *attachments, const Assignment *assignment,
                    const Device *device)
{
    if ((assignment && assignment->forced) || attachments_find(attachments, device) ||
        reservations_find(registry->reservations, device->sysname))
        return VERDICT_GO;
    return host_use_find(device->host_use, HOST_USE_GUARDS & ~(1u << HOST_USE_CLAIMED)) ? VERDICT_GUARDED
                                                                                        : VERDICT_GO;
}

Verdict judge_machine(Registry *registry, const Assignment *assignment)
{
    const Machine *machine = registry_machine(registry, assignment->machine_uuid);

    if (registry->hypervisor_state != HYPERVISOR_STATE_CONNECTED || !registry->machines_known)
        return VERDICT_HYPERVISOR_AWAY;
    if (!machine)
        return VERDICT_MACHINE_UNKNOWN;
    if (!machine->inspected)
        return VERDICT_HYPERVISOR_AWAY;
    return machine_is_active(machine) ? VERDICT_GO : VERDICT_MACHINE_OFF;
}

Verdict judge_ports(const Machine *machine)
{
    if (!machine->info->ports_known)
        return VERDICT_GO;
    if (!*machine->info->usb_controller)
        return VERDICT_NO_CONTROLLER;
    return machine->info->free_ports > 0 ? VERDICT_GO : VERDICT_NO_PORT;
}
