/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Group update: the one way for groups to become what was decided, and who is in them with them. The manager
 * calls it once the decision is durable, or read from a drop-in. Main thread only. */

#include "daemon/model/membership.h"
#include "daemon/model/registry.h"

/* next: of Group, each taken (the array isn't): new in the registry or what the one of its name becomes,
 * which stays the same object. gone: of Group, of the registry; NULL = none. Reports what differs of groups
 * and devices. Many at once cost as much as one. */
void group_update_many(Registry *registry, Memberships *memberships, GPtrArray *next, GPtrArray *gone);

/* The same for one. Returns what differs (GROUP_FIELD_…); 0 for a new one. */
unsigned group_update(Registry *registry, Memberships *memberships, Group *next);
void group_update_remove(Registry *registry, Memberships *memberships, Group *group);
