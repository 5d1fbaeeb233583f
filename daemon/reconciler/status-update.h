/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Status update: where each device, group, tenant and assignment stands. The only place that writes their
 * states, reports the change and has it logged (status-log.h). For reconciler.c. Main thread only. */

#include "daemon/allocation/allocation.h"
#include "daemon/model/registry.h"

void status_update(Registry *registry, const Allocation *allocation);
