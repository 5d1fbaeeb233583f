/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Ports: which of the devices that could go to a machine now get one of its free USB ports, when these are
 * too few. For allocation.c. Main thread only. */

#include <glib.h>

#include "daemon/allocation/attachment.h"
#include "daemon/model/registry.h"

/* wants: of Want, judged without a look at ports. Those with VERDICT_GO for which there is none get
 * NO_CONTROLLER or NO_PORT. First come those on their way back into their machine, whose port is kept for
 * them; then the higher priority, then the older assignment. */
void ports_judge(Registry *registry, const Attachments *attachments, const GPtrArray *wants);
