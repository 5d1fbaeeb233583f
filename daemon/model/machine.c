/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Machines of the registry: made, freed, and what follows from their state alone. What one look changes is in
 * daemon/model/machine-update.c. */

#include "daemon/model/machine.h"

#include "daemon/base/tuning.h"

static void free_removal(gpointer data)
{
    Removal *removal = data;

    g_free(removal->error);
    g_free(removal);
}

Machine *machine_new(MachineInfo *info)
{
    Machine *machine = g_new0(Machine, 1);

    machine->info = info;
    machine->dead_aliases = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    machine->removals = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_removal);
    machine->presences = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    machine->snapshots = g_ptr_array_new_with_free_func(g_free);
    return machine;
}

static void repair_clear(Repair *repair)
{
    g_free(repair->about);
    g_free(repair->error);
}

Machine *machine_free(Machine *machine)
{
    if (!machine)
        return NULL;
    machine_info_free(machine->info);
    g_free(machine->read_error);
    g_hash_table_unref(machine->dead_aliases);
    g_hash_table_unref(machine->removals);
    g_hash_table_unref(machine->presences);
    hostdev_free(machine->in_flight);
    repair_clear(&machine->saved_repair);
    repair_clear(&machine->snapshot_repair);
    g_ptr_array_unref(machine->snapshots);
    g_free(machine->start_error);
    g_free(machine);
    return NULL;
}

bool machine_is_active(const Machine *machine)
{
    /* A crashed machine that libvirt keeps (on_crash=preserve) still holds its devices. */
    return machine->info->state != MACHINE_STATE_SHUTOFF;
}

bool machine_hangs(const Machine *machine, gint64 now)
{
    return machine->stuck && now - machine->asked_at >= tuning_get(TUNING_HANG);
}

bool machine_is_being_read(const Machine *machine)
{
    return !machine->inspected && !machine->stuck && !machine->retry_at;
}
