/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reasons that need no comparison of assignments. Of several, the first one counts. Called by deal.c,
 * allocation.c and who asks about a machine; reads the registry only. */

#include "daemon/allocation/judge.h"

#include "daemon/allocation/pci-passthrough.h"
#include "daemon/base/tuning.h"
#include "daemon/base/wake.h"
#include "daemon/guards/host-use.h"
#include "daemon/model/damage.h"

Verdict judge_assignment(Registry *registry, const Assignment *assignment)
{
    if (!assignment->wanted || assignment_is_ending(assignment))
        return VERDICT_SUSPENDED;
    if (damage_freezes(registry, assignment))
        return VERDICT_DAMAGED;
    return registry_lost_machine_of(registry, assignment) ? VERDICT_MACHINE_UNKNOWN : VERDICT_GO;
}

Verdict judge_device(Registry *registry, const Attachments *attachments, const Device *device)
{
    const Attachment *attachment = attachments_find(attachments, device);

    if (attachment_is_foreign(attachment))
        return VERDICT_FOREIGN;
    if (!attachment && attachments_number_is_foreign(attachments, device))
        return VERDICT_NUMBER_LISTED;
    if (attachments_have_controllers(attachments) && pci_passthrough_owner(registry, device->controller))
        return VERDICT_CONTROLLER_TAKEN;
    if (!attachment && !reservations_find(registry->reservations, device->sysname) &&
        damage_may_be_of(registry, device))
        return VERDICT_MAY_BE_OWNED;
    return VERDICT_GO;
}

Verdict judge_guard(Registry *registry, const Attachments *attachments, const Assignment *assignment,
                    const Device *device)
{
    /* Of most devices the host makes no use. */
    if (!host_use_find(device->host_use, HOST_USE_GUARDS & ~(1u << HOST_USE_CLAIMED)))
        return VERDICT_GO;
    return (assignment && assignment->forced) || attachments_find(attachments, device) ||
                   reservations_find(registry->reservations, device->sysname)
               ? VERDICT_GO
               : VERDICT_GUARDED;
}

Verdict judge_machine(Registry *registry, const Assignment *assignment)
{
    const Machine *machine = registry_machine_of(registry, assignment);

    if (registry->hypervisor_state != HYPERVISOR_STATE_CONNECTED || !registry->machines_known)
        return VERDICT_HYPERVISOR_AWAY;
    if (!machine)
        return VERDICT_MACHINE_UNKNOWN;
    if (!machine->inspected)
        return VERDICT_HYPERVISOR_AWAY;
    if (machine_is_active(machine))
        return VERDICT_GO;
    return machine->starting > 0 ? VERDICT_MACHINE_STARTING : VERDICT_MACHINE_OFF;
}

Verdict judge_health(const Machine *machine, const Device *device, gint64 now, gint64 *wake)
{
    if (!device_inputs(device))
        return VERDICT_GO;
    if (machine->info->trouble != MACHINE_TROUBLE_NONE || machine_hangs(machine, now))
        return VERDICT_MACHINE_UNWELL;
    if (machine->stuck)
        wake_at(wake, machine->asked_at + tuning_get(TUNING_HANG));
    return VERDICT_GO;
}

Verdict judge_ports(const Machine *machine)
{
    if (!machine->info->ports_known)
        return VERDICT_GO;
    if (!*machine->info->usb_controller)
        return VERDICT_NO_CONTROLLER;
    return machine->info->free_ports > 0 ? VERDICT_GO : VERDICT_NO_PORT;
}

Verdict judge_speed(const Machine *machine, const Device *device)
{
    const MachineInfo *info = machine ? machine->info : NULL;

    /* Without any controller that is what is told. */
    if (!info || !machine_is_active(machine) || !info->ports_known || !info->usb_speeds || !device->speeds)
        return VERDICT_GO;
    return device->speeds & info->usb_speeds ? VERDICT_GO : VERDICT_SPEED;
}

Verdict judge_bus(const Machine *machine, const Device *device)
{
    const MachineInfo *info = machine ? machine->info : NULL;

    if (!info || !machine_is_active(machine) || !info->ports_known || info->buses->len == 0)
        return VERDICT_GO;
    return usb_buses_first_free(info->buses, device->speeds) ? VERDICT_GO : VERDICT_NO_PORT;
}

static int compare_sysnames(gconstpointer a, gconstpointer b)
{
    return g_strcmp0((*(const Device *const *)a)->sysname, (*(const Device *const *)b)->sysname);
}

Verdict judge_ports_for_all(const Machine *machine, const GPtrArray *devices)
{
    g_autoptr(GPtrArray) sorted = g_ptr_array_copy((GPtrArray *)devices, NULL, NULL);
    g_autoptr(GArray) left = g_array_copy(machine->info->buses);

    if (!machine->info->ports_known)
        return VERDICT_GO;
    if (devices->len > machine->info->free_ports)
        return VERDICT_NO_PORT;
    g_ptr_array_sort(sorted, compare_sysnames);
    for (guint i = 0; left->len > 0 && i < sorted->len; i++) {
        const Device *device = sorted->pdata[i];
        UsbBus *bus = usb_buses_choose(left, device->speed, device->speeds);

        if (!bus)
            return VERDICT_NO_PORT;
        bus->free--;
    }
    return VERDICT_GO;
}
