/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* HandsOff: the host leaves alone what waits for a VM, from the moment it is plugged in, and has it back at
 * once when it waits no longer. In each turn what waits is compared with what did, and when it is another
 * one, or somebody has touched the file of udev-rules.h, the file with what should be in it. The manager
 * calls it, besides before it answers that something is stored. What can't be written is told in the log, and
 * keeps no device from its VM. Main thread only. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/allocation/allocation.h"
#include "daemon/base/worker.h"
#include "daemon/usb/usb-ops.h"

typedef struct HandsOff HandsOff;

/* folder: of udev's runtime rules; NULL = nothing is written. changed: take a turn. */
HandsOff *hands_off_new(const char *folder, Registry *registry, WorkerPool *pool, const UsbOps *usb,
                        void (*changed)(void *userdata), void *userdata);
/* Nobody waits for anything any more: the file goes. */
HandsOff *hands_off_free(HandsOff *hands_off);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HandsOff, hands_off_free)

/* off: the host may do with everything what it likes. input_off: with keyboards, mice and sound cards. From
 * the next turn on. */
void hands_off_set(HandsOff *hands_off, bool off, bool input_off);

/* After each turn. */
void hands_off_turned(HandsOff *hands_off, const Allocation *allocation);
/* The file alone, at once. */
void hands_off_look(HandsOff *hands_off);
