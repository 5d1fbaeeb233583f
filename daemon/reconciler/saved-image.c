/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the hostdevs of a saved machine belong. Called by machine-turn.c; reads the allocation and the
 * machine. */

#include "daemon/reconciler/saved-image.h"

/* A device drawn from a group is anybody's while the machine is off. */
static const Want *find_want(const Allocation *allocation, const Machine *machine, const Hostdev *hostdev)
{
    const Assignment *assignment = registry_assignment(allocation->registry, hostdev->assignment_id);
    const GPtrArray *wants = assignment ? allocation_wants_of(allocation, assignment) : NULL;
    const Want *want = wants && wants->len == 1 ? wants->pdata[0] : NULL;

    bool waits_for_it =
        want && (want->verdict == VERDICT_MACHINE_OFF || want->verdict == VERDICT_MACHINE_STARTING);

    return waits_for_it && want->machine == machine && !allocation_attachment(allocation, want->device)
               ? want
               : NULL;
}

GPtrArray *saved_image_places(const Allocation *allocation, const Machine *machine)
{
    GPtrArray *places = hostdev_places_new();
    g_autoptr(GHashTable) placed = g_hash_table_new(NULL, NULL);

    if (!allocation->registry->enabled)
        return places;
    for (guint i = 0; i < machine->info->saved->len; i++) {
        const Hostdev *hostdev = machine->info->saved->pdata[i];
        const Want *want = find_want(allocation, machine, hostdev);

        /* Once each: libvirt starts no machine that lists a device twice. */
        if (want && g_hash_table_add(placed, want->device))
            hostdev_places_add(places, hostdev->alias, want->device->bus_number, want->device->device_number);
    }
    return places;
}

char *saved_image_describe(const Machine *machine, const GPtrArray *places)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < machine->info->saved->len; i++) {
        const Hostdev *hostdev = machine->info->saved->pdata[i];
        const HostdevPlace *place = hostdev_places_find(places, hostdev->alias);

        g_string_append_printf(text, "%s %u:%u %d %u:%u\n", hostdev->alias, hostdev->bus_number,
                               hostdev->device_number, hostdev->optional, place ? place->bus_number : 0,
                               place ? place->device_number : 0);
    }
    return g_string_free(text, FALSE);
}

bool saved_image_fits(const Machine *machine, const GPtrArray *places)
{
    for (guint i = 0; i < machine->info->saved->len; i++)
        if (!hostdev_places_fit(places, machine->info->saved->pdata[i]))
            return false;
    return true;
}
