/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Takes a fresh look at a machine into the registry and reports what differs. */

#include "daemon/model/registry.h"

/* Takes the info. */
void machine_update(Registry *registry, Machine *machine, MachineInfo *info);

/* A copy without hostdevs, for a machine that was only listed. */
MachineInfo *machine_info_copy_brief(const MachineInfo *info);
