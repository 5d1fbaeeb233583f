/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sentences. */

#include "daemon/allocation/verdict-text.h"

#include "daemon/allocation/pci-passthrough.h"
#include "daemon/model/membership.h"
#include "daemon/base/text.h"

char *verdict_machine_text(Registry *registry, const Assignment *assignment)
{
    const Machine *machine = registry_machine(registry, assignment->machine_uuid);
    g_autofree char *quoted = text_quote(machine ? machine->info->name : assignment->machine_name);

    return g_strconcat("machine ", quoted, NULL);
}

char *verdict_hypervisor_text(Registry *registry, const Machine *machine)
{
    if (registry->hypervisor_text)
        return g_strdup_printf("the hypervisor is away: %s", registry->hypervisor_text);
    return g_strdup(machine && machine->stuck ? "it does not answer" : "the machines are still being read");
}

char *verdict_text(Registry *registry, const Allocation *allocation, const Assignment *assignment,
                   const Device *device, Verdict verdict)
{
    g_autofree char *what = device_describe(device);
    g_autofree char *machine = verdict_machine_text(registry, assignment);

    switch (verdict) {
    case VERDICT_GO:
        return g_strdup_printf("%s goes to %s", what, machine);
    case VERDICT_SUSPENDED:
        return g_strdup_printf("assignment %s is %s", assignment->id,
                               assignment->releasing ? "being released"
                               : !assignment->stored ? "not stored yet"
                                                     : "disabled: its device was taken home");
    case VERDICT_OTHER_DEVICE:
        if (assignment->group && !membership_find(device, assignment->group))
            return g_strdup_printf("%s is not in group %s", what, assignment->group);
        return g_strdup_printf("%s does not match %s", what, assignment->selector);
    case VERDICT_HUB:
        return g_strdup_printf("%s is a hub; hubs are never handed out, the devices behind them are", what);
    case VERDICT_NOT_OWNED:
        if (device->tenant && registry_tenant_has(registry, device->tenant, assignment->machine_uuid))
            return g_strdup_printf("%s belongs to tenant %s, and assignment %s does not: release it and "
                                   "assign the device anew",
                                   what, device->tenant, assignment->id);
        if (device->tenant)
            return g_strdup_printf("%s belongs to tenant %s, and %s does not", what, device->tenant, machine);
        return g_strdup_printf("%s does not belong to tenant %s any more", what, assignment->tenant);
    case VERDICT_NOT_HOME:
        return g_strdup_printf(
            "several devices match %s, and %s is not in the socket %s of the one that was assigned",
            assignment->selector, what, assignment->home_socket);
    case VERDICT_TAKEN: {
        const Want *want = allocation_want(allocation, device);

        return g_strdup_printf("assignment %s comes first for %s", want ? want->assignment->id : "?", what);
    }
    case VERDICT_ENOUGH:
        return g_strdup_printf("assignment %s has as many devices as it is to have", assignment->id);
    case VERDICT_SET_INCOMPLETE:
        return g_strdup_printf(
            "assignment %s takes %s only together with the rest of the set, and that is not complete",
            assignment->id, what);
    case VERDICT_GROUP_DISABLED:
        return g_strdup_printf("group %s is disabled and hands nothing out", assignment->group);
    case VERDICT_SWITCHED_OFF:
        return g_strdup("usbferry is switched off and hands nothing out");
    case VERDICT_FOREIGN: {
        const Attachment *attachment = allocation_attachment(allocation, device);
        g_autofree char *owner = text_quote(attachment ? attachment->machine->info->name : "?");

        return g_strdup_printf("%s was given to machine %s by another program; take it away there", what,
                               owner);
    }
    case VERDICT_UNDECIDED:
        return g_strdup_printf("%s waits until every machine that draws from its groups has been looked at",
                               what);
    case VERDICT_HYPERVISOR_AWAY: {
        g_autofree char *why =
            verdict_hypervisor_text(registry, registry_machine(registry, assignment->machine_uuid));

        return g_strdup_printf("%s waits for %s: %s", what, machine, why);
    }
    case VERDICT_MACHINE_UNKNOWN:
        return g_strdup_printf("the hypervisor knows no %s (%s)", machine, assignment->machine_uuid);
    case VERDICT_MACHINE_OFF:
        return g_strdup_printf("%s is not running; %s goes there when it starts", machine, what);
    case VERDICT_CONTROLLER_TAKEN: {
        const Machine *owner = pci_passthrough_owner(registry, device->controller);
        g_autofree char *quoted = text_quote(owner ? owner->info->name : "?");

        return g_strdup_printf("%s is on the controller %s, which machine %s has as a whole", what,
                               device->controller, quoted);
    }
    case VERDICT_RESETTING:
        return g_strdup_printf("%s is being reset and goes back to %s then", what, machine);
    case VERDICT_UNSTEADY:
        return g_strdup_printf("%s came back a moment ago and has to be steady for a second", what);
    case _VERDICT_MAX:
        break;
    }
    g_return_val_if_reached(g_strdup(""));
}
