/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Saved image: a machine that is off and saved must start whatever became of the devices that it had. What it
 * has of ours is optional therefore, and looked for where it is plugged in now. machine-turn.c asks, in every
 * turn: the answer is another one when a device gets another number, comes or goes. Pure. Main thread only.
 */

#include <glib.h>
#include <stdbool.h>

#include "daemon/allocation/allocation.h"

/* Where what it saved is to be looked for (HostdevPlace). Only what would go to this machine if it started
 * now has a place: libvirt starts no machine for a device that another one has. */
GPtrArray *saved_image_places(const Allocation *allocation, const Machine *machine);

/* What its image is like, and how it is to be, for comparisons. New string. */
char *saved_image_describe(const Machine *machine, const GPtrArray *places);

/* Whether its image is like that, or it has none. */
bool saved_image_fits(const Machine *machine, const GPtrArray *places);
