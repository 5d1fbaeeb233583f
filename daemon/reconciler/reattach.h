/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reattach: a device is taken out of its machine only to be put in again, and nobody else gets it meanwhile.
 * machine-turn.c begins them, reconciler.c ends them; the reservations are the registry's. Main thread only.
 */

#include <glib.h>
#include <stdbool.h>

#include "daemon/allocation/allocation.h"

/* The hostdev is about to be taken out. Its device is reserved when it is to come back, and isn't reserved
 * already. What its machine lost is a strike for daemon/model/quarantine.h. */
void reattach_begin(const Allocation *allocation, const Hostdev *hostdev, gint64 now);

/* Ends those that are over: the device is in its machine again, it isn't to go there any more, or it doesn't
 * get there in time while others could have it. A quarantine, a program of the host and everything's being
 * held home are waited for, however long they last. True when any was: who is to have what has to be worked
 * out anew. */
bool reattach_end_all(const Allocation *allocation, gint64 now, gint64 *wake);
