/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Candidates: which devices could go to which assignment, by rules, groups and tenants alone, whoever has
 * them now. daemon/allocation/allocation.h begins with it. Borrows from the registry, and changes nothing in
 * it. Main thread only. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/model/registry.h"

typedef struct Candidates Candidates;

/* devices: of Device, in the order that the lists are to have. Valid until the registry changes. */
Candidates *candidates_new(Registry *registry, const GPtrArray *devices);
Candidates *candidates_free(Candidates *candidates);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Candidates, candidates_free)

/* The other way round, of these assignments: Device → GPtrArray of Assignment, in their order. Unref. */
GHashTable *candidates_claimants(const Candidates *candidates, const GPtrArray *assignments);
/* Of Device, never NULL. */
const GPtrArray *candidates_of(const Candidates *candidates, const Assignment *assignment);
bool candidates_include(const Candidates *candidates, const Assignment *assignment, const Device *device);

/* A device that the assignment names and the tenants keep from it; NULL = none. */
const Device *candidates_withheld(const Candidates *candidates, const Assignment *assignment);
