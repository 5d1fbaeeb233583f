/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Terms: tries and leases begin when the machine has the device, and end assignments when they are over; and
 * what a person pulls and plugs three times is held. For manager.c, which calls it in every turn and frees
 * it. Both are facts of the moment, so they hold at once; the store follows, and is tried again until it
 * takes them. Main thread only. */

#include "daemon/allocation/allocation.h"
#include "daemon/manager/decision.h"

/* Those that came out of the store and are over by now get nothing any more. */
void terms_restore(Manager *manager);
/* Begins and ends, and sets the one timer to the next end. Before homes_look(), which stores what began. */
void terms_look(const Allocation *allocation, Manager *manager);
void terms_clear(Manager *manager);
