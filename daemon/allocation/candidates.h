/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Candidates: which devices could go to which assignment, by rules, groups and tenants alone, whoever has
 * them now. daemon/allocation/allocation.h begins with it. Borrows from the registry, and changes nothing in
 * it. Main thread only. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/model/registry.h"

typedef struct Candidates Candidates;

/* Assignments that draw from the same group, whatever they are for: without a rule of their own, and with the
 * same right to its devices. They share one list of these, so that many that draw from a group of many cost
 * no more than both numbers together. */
typedef struct Pool Pool;

/* devices: of Device, in the order that the lists are to have. Valid until the registry changes. */
Candidates *candidates_new(Registry *registry, const GPtrArray *devices);
Candidates *candidates_free(Candidates *candidates);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Candidates, candidates_free)

/* Of Device, never NULL. The same list for all assignments of a pool. */
const GPtrArray *candidates_of(const Candidates *candidates, const Assignment *assignment);
bool candidates_include(const Candidates *candidates, const Assignment *assignment, const Device *device);

/* A device that the assignment names and the tenants keep from it; NULL = none. */
const Device *candidates_withheld(const Candidates *candidates, const Assignment *assignment);

/* The pool that the assignment is in; NULL = its list is its own. */
const Pool *candidates_pool(const Candidates *candidates, const Assignment *assignment);
/* Of Pool: those of this group; NULL = none. Borrowed. */
const GPtrArray *candidates_pools(const Candidates *candidates, const char *group);
/* Whether a device of the pool's group is in its list. */
bool pool_has(const Pool *pool, const Device *device);
