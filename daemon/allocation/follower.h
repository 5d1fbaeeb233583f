/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Follower: what people are told of a device that is away, and of what came into its place. For status.c.
 * Reads the registry only. Main thread only. */

#include "daemon/allocation/deal.h"
#include "daemon/model/registry.h"

/* What is in the socket of the device that an assignment misses, or that what comes there would follow it: a
 * sentence with a space before it; "" = nothing to add. New string. */
char *follower_place_text(Registry *registry, const Assignment *assignment);

/* Whom the device of this want follows; NULL = it is the one that is meant. Borrowed. */
const char *follower_of(Registry *registry, const Want *want);
