/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Deal: every device goes to the assignment that comes first for it, or to nobody. What assignments have and
 * may still have stays; then sets (one device per rule, all or nothing) are filled, first those that have
 * something; then devices are dealt out one by one. daemon/allocation/allocation.h asks for it and judges the
 * result. Borrows from the registry, and changes nothing in it. Main thread only. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/allocation/attachment.h"
#include "daemon/allocation/candidates.h"
#include "daemon/allocation/want.h"
#include "daemon/model/registry.h"

typedef struct Deal Deal;

/* Valid until the registry changes, and no longer than the attachments and candidates. */
Deal *deal_new(Registry *registry, const Attachments *attachments, const Candidates *candidates, gint64 now);
Deal *deal_free(Deal *deal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Deal, deal_free)

/* Of Want, sorted by sysname: all, and those of one assignment. Never NULL. */
const GPtrArray *deal_wants(const Deal *deal);
const GPtrArray *deal_wants_of(const Deal *deal, const Assignment *assignment);
/* Sorted by sysname. NULL = none. Borrowed. */
const GPtrArray *deal_wants_of_machine(const Deal *deal, const Machine *machine);
/* NULL = nobody wants it. */
Want *deal_want(const Deal *deal, const Device *device);
/* A machine that could draw the device is still being read: nobody draws it before. */
bool deal_is_undecided(const Deal *deal, const Device *device);
/* Its machine runs and has no USB port for what it would draw; of a set, for all of it. */
bool deal_lacks_ports(const Deal *deal, const Assignment *assignment);
/* It would be drawn if it weren't for a quarantine: what a group has besides it comes first. */
bool deal_is_held_back(const Deal *deal, const Device *device);
/* Which last one the device would have been when it wasn't drawn for that; NULL = it wasn't for that. */
const char *deal_guard(const Deal *deal, const Device *device);
/* A device of the assignment is being reset, and not plugged in for a moment. */
bool deal_is_returning(const Deal *deal, const Assignment *assignment);
