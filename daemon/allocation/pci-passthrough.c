/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which machine has a controller, by what the machines' XML says. Called by who judges devices and says
 * where they are; reads the registry only. */

#include "daemon/allocation/pci-passthrough.h"

#include <string.h>

#define PCI_PREFIX "pci-"

static const Machine *find(Registry *registry, const char *controller, bool active)
{
    g_autoptr(GPtrArray) machines = registry_list(registry, registry->machines);

    for (guint i = 0; i < machines->len; i++) {
        const Machine *machine = machines->pdata[i];

        if (machine->info->pci->len > 0 && machine_is_active(machine) == active &&
            g_ptr_array_find_with_equal_func(machine->info->pci, controller, g_str_equal, NULL))
            return machine;
    }
    return NULL;
}

const Machine *pci_passthrough_owner(Registry *registry, const char *controller)
{
    return find(registry, controller, true);
}

const Machine *pci_passthrough_claimant(Registry *registry, const char *controller)
{
    return find(registry, controller, false);
}

char *pci_passthrough_controller_of_socket(const char *socket)
{
    const char *slash = strchr(socket, '/');

    if (!slash || !g_str_has_prefix(socket, PCI_PREFIX))
        return NULL;
    return g_strndup(socket + strlen(PCI_PREFIX), (gsize)(slash - socket) - strlen(PCI_PREFIX));
}
