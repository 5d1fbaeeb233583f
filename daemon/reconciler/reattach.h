/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Holds: devices that are kept for somebody, or from everybody, for a moment. The struct is the registry's.
 * Main thread only. */

#include <stdbool.h>

#include "daemon/allocation/allocation.h"
#include "daemon/model/registry.h"

/* assignment_id may be NULL. Instead of one that there is. */
void hold_set(Registry *registry, const char *sysname, const char *assignment_id, bool closed);

/* The device is about to be taken out of its machine only to be put in again: nobody else gets it meanwhile.
 * Nothing when it is held already. */
void hold_for_reattach(Registry *registry, const char *sysname, const char *assignment_id);

/* Ends those that have come to their end: the device is in its machine again, it isn't to go there any more,
 * or it doesn't get there in time. True when any did: who is to have what has to be worked out anew. */
bool hold_end_reattaches(Registry *registry, const Allocation *allocation, gint64 now, gint64 *wake);

/* Whether this assignment gets this device by itself, now or when something passes: a reset, a machine that
 * can't be seen. False when somebody has to decide, plug or start something first. */
bool hold_is_of_use(const Allocation *allocation, const Assignment *assignment, const Device *device);

/* The machine that is to have the device has it, for good. */
bool hold_is_attached(const Allocation *allocation, const Device *device);
