/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Status update: where each device, group and assignment stands, from what is desired and what is live. The
 * only place that writes their states, reports the change and logs it. */

#include "daemon/allocation/allocation.h"
#include "daemon/model/registry.h"

void status_update(Registry *registry, const Allocation *allocation);
