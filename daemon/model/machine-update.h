/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Takes a fresh look at a machine into the registry and reports what differs. For the reconciler, which makes
 * the looks. Main thread only. */

#include "daemon/model/registry.h"

/* Takes the info, which must be of this machine. */
void machine_update(Registry *registry, Machine *machine, MachineInfo *info);
