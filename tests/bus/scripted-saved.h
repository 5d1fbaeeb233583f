/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Saved machines of the scripted hypervisor: its images and snapshots. For tests/bus/scripted-hypervisor.c,
 * which has the lock and says when a machine runs. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/hypervisor/machine-info.h"

/* Of one domain, beside the MachineInfo, whose `saved` is the image. */
typedef struct ScriptedSaved {
    GPtrArray *snapshots;
    char *refusal; /* why nothing can be repaired; NULL = it can */
    unsigned repairs;
} ScriptedSaved;

void scripted_saved_init(ScriptedSaved *saved);
void scripted_saved_clear(ScriptedSaved *saved);

/* save, discard, saved, snapshot, delete, snapshots, refuse-repairs. The answer; NULL = none of these. New
 * string. */
char *scripted_saved_command(MachineInfo *info, ScriptedSaved *saved, char **words);

/* What the machine had becomes what it has, as wake and revert have it. False when libvirt would not start
 * it. */
bool scripted_saved_wake(MachineInfo *info);
bool scripted_saved_revert(MachineInfo *info, const ScriptedSaved *saved, const char *name);

bool scripted_saved_repair(MachineInfo *info, ScriptedSaved *saved, const GPtrArray *places, GError **error);
GPtrArray *scripted_saved_repair_snapshots(ScriptedSaved *saved, GError **error);
/* Deep copies: of all, or of those that are ours. */
GPtrArray *scripted_saved_copy(const GPtrArray *hostdevs);
GPtrArray *scripted_saved_copy_ours(const GPtrArray *hostdevs);
