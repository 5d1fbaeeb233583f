/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Homes: what was seen of assignments and has to be known for ever: where each device was used last, which
 * have twins, and what each machine is called. Seen, not decided: it is in the registry at once and stands in
 * nobody's way while it is being stored. The reconciler calls it after each turn, for manager.c. Main thread
 * only. */

#include "daemon/allocation/allocation.h"

/* userdata: the manager. */
void homes_look(const Allocation *allocation, void *userdata);
