/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is wrong with the machine, in a sentence. Called by verdict.c; reads the registry only. */

#include "daemon/allocation/machine-text.h"

/* Another machine by the name of the one that is gone; NULL = none. */
static const Machine *find_namesake(Registry *registry, const Assignment *assignment)
{
    g_autoptr(GPtrArray) machines = registry_sorted(registry->machines);

    for (guint i = 0; i < machines->len; i++) {
        const Machine *machine = machines->pdata[i];

        if (*assignment->machine_name && g_str_equal(machine->info->name, assignment->machine_name))
            return machine;
    }
    return NULL;
}

char *machine_text_unknown(Registry *registry, const Assignment *assignment, const char *machine)
{
    const Machine *namesake = find_namesake(registry, assignment);

    if (namesake)
        return g_strdup_printf("the %s of assignment %s (%s) is gone, and a new one has its name (%s); give "
                               "that one the same again, or apply the assignment again",
                               machine, assignment->id, assignment->machine_uuid, namesake->info->uuid);
    return g_strdup_printf("the hypervisor knows no %s (%s); assignment %s holds nothing until it is there "
                           "again",
                           machine, assignment->machine_uuid, assignment->id);
}

char *machine_text_unwell(const Machine *machine, const char *name, const Device *device)
{
    g_autofree char *what = device_describe(device);
    MachineTrouble trouble = machine ? machine->info->trouble : MACHINE_TROUBLE_NONE;

    return g_strdup_printf("%s %s, so %s is with the host, and goes back when the VM goes on", name,
                           trouble == MACHINE_TROUBLE_IO_ERROR  ? "is paused by an I/O error"
                           : trouble == MACHINE_TROUBLE_CRASHED ? "crashed"
                                                                : "does not answer",
                           what);
}
