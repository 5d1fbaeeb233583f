/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reattach: a device is taken out of its machine only to be put in again, and nobody else gets it meanwhile.
 * The reservation is the registry's; daemon/reconciler/reconciler.h begins and ends it. Main thread only. */

#include <stdbool.h>

#include "daemon/allocation/allocation.h"
#include "daemon/model/registry.h"

/* The device is about to be taken out. Does nothing when it is reserved already. */
void reattach_begin(Registry *registry, const char *sysname, const char *assignment_id);

/* Ends those that are over: the device is in its machine again, it isn't to go there any more, or it doesn't
 * get there in time. True when any was: who is to have what has to be worked out anew. */
bool reattach_end_all(Registry *registry, const Allocation *allocation, gint64 now, gint64 *wake);
