/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From one look at a machine to the next: what differs, which removals are seen now, and which of its
 * hostdevs are dead. Writes the machine, and reports through the registry. */

#include "daemon/model/machine-update.h"

#include "daemon/base/log.h"

/* The foreign hostdevs in one comparable text. */
static char *foreign_key(const MachineInfo *info)
{
    GString *key = g_string_new(NULL);

    for (guint i = 0; i < info->hostdevs->len; i++) {
        const Hostdev *hostdev = info->hostdevs->pdata[i];

        if (!hostdev->assignment_id)
            g_string_append_printf(key, "%u:%u:%04x:%04x ", hostdev->bus_number, hostdev->device_number,
                                   hostdev->vendor_id, hostdev->product_id);
    }
    return g_string_free(key, FALSE);
}

static unsigned compare(const MachineInfo *old, const MachineInfo *new)
{
    g_autofree char *old_foreign = foreign_key(old);
    g_autofree char *new_foreign = foreign_key(new);
    unsigned fields = 0;

    if (g_strcmp0(old->name, new->name) != 0)
        fields |= MACHINE_FIELD_NAME;
    if (g_strcmp0(old->title, new->title) != 0)
        fields |= MACHINE_FIELD_TITLE;
    if (old->state != new->state)
        fields |= MACHINE_FIELD_STATE;
    if (g_strcmp0(old_foreign, new_foreign) != 0)
        fields |= MACHINE_FIELD_FOREIGN_DEVICES;
    if (g_strcmp0(old->usb_controller, new->usb_controller) != 0)
        fields |= MACHINE_FIELD_USB_CONTROLLER;
    if (g_strcmp0(old->pending_controller, new->pending_controller) != 0)
        fields |= MACHINE_FIELD_PENDING_CONTROLLER;
    if (old->free_ports != new->free_ports)
        fields |= MACHINE_FIELD_FREE_PORTS;
    return fields;
}

static gboolean is_not_live(gpointer alias, gpointer value, gpointer userdata)
{
    const MachineInfo *info = userdata;

    for (guint i = 0; i < info->hostdevs->len; i++)
        if (g_strcmp0(((const Hostdev *)info->hostdevs->pdata[i])->alias, alias) == 0)
            return FALSE;
    return TRUE;
}

/* What was attached in another life came along with a saved state. A life that began since the last look is
 * new to everybody, whatever its id: nothing can have been attached in it. */
static void find_dead(Machine *machine, bool began)
{
    const MachineInfo *info = machine->info;

    for (guint i = 0; i < info->hostdevs->len; i++) {
        const Hostdev *hostdev = info->hostdevs->pdata[i];

        if (!hostdev->assignment_id ||
            (!began && (!hostdev->domain_id || hostdev->domain_id == info->domain_id)))
            continue;
        if (g_hash_table_add(machine->dead_aliases, g_strdup(hostdev->alias)))
            log_object(G_LOG_LEVEL_MESSAGE, NULL, info->uuid, hostdev->assignment_id,
                       "VM \"%s\" came with a dead %s out of another life", info->name, hostdev->alias);
    }
}

/* Since when each of ours is listed; what is known of one goes with it. */
static void note_presences(Machine *machine, gint64 now)
{
    const MachineInfo *info = machine->info;

    g_hash_table_foreach_remove(machine->presences, is_not_live, (gpointer)info);
    for (guint i = 0; i < info->hostdevs->len; i++) {
        const Hostdev *hostdev = info->hostdevs->pdata[i];
        Presence *presence;

        if (!hostdev->assignment_id || g_hash_table_contains(machine->presences, hostdev->alias))
            continue;
        presence = g_new0(Presence, 1);
        presence->since = now;
        g_hash_table_insert(machine->presences, g_strdup(hostdev->alias), presence);
    }
}

void machine_update(Registry *registry, Machine *machine, MachineInfo *info)
{
    unsigned fields = compare(machine->info, info);
    bool began = info->domain_id != machine->info->domain_id;
    bool woke =
        info->state == MACHINE_STATE_RUNNING && (began || machine->info->state != MACHINE_STATE_RUNNING);
    gint64 now = g_get_monotonic_time();
    g_autofree char *key = NULL;

    /* The registry's key is the old info's uuid, so that string stays. */
    g_assert(g_strcmp0(machine->info->uuid, info->uuid) == 0);
    key = info->uuid;
    info->uuid = g_steal_pointer(&machine->info->uuid);
    machine_info_free(machine->info);
    machine->info = info;

    g_hash_table_foreach_remove(machine->removals, is_not_live, info);
    g_hash_table_foreach_remove(machine->dead_aliases, is_not_live, info);
    find_dead(machine, began);
    note_presences(machine, now);
    if (woke)
        machine->woke_at = now;
    if (machine_is_active(machine))
        g_clear_pointer(&machine->start_error, g_free);
    registry_report(registry, OBJECT_MACHINE, info->uuid, fields);
}
