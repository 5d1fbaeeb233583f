/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Witness: looks at what the kernel says of devices that are ours or wanted, and keeps it in Device.kernel.
 * The one place, and the one timer, for that: much of it changes without an event, so a hint brings looks at
 * once and 0.1, 0.3, 1 and 2 s later; what machines have, and what only a program of the host keeps from
 * them, is looked at every 10 s, all of it at the same time. A host that has neither isn't woken at all. What
 * it means is daemon/allocation/possession.h's. For reconciler.c. Main thread only. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/allocation/allocation.h"
#include "daemon/model/registry.h"

typedef struct Witness Witness;

/* changed: somebody has a device that hadn't, or the other way round: who is to have what has to be worked
 * out anew. */
Witness *witness_new(Registry *registry, void (*changed)(void *userdata), void *userdata);
Witness *witness_free(Witness *witness);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Witness, witness_free)

/* Something happened to the device. */
void witness_hint(Witness *witness, const char *sysname);
/* Something happened to the machine, and so perhaps to its devices. */
void witness_hint_machine(Witness *witness, const char *uuid);
/* Something happened to the whole host. */
void witness_hint_all(Witness *witness);

/* Follows what the allocation says is in machines, or wanted, and looks at once at what is new there. True
 * when that has shown anything new: the allocation has to be worked out anew. */
bool witness_turn(Witness *witness, const Allocation *allocation, gint64 now);
