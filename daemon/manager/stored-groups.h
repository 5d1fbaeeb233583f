/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Stored groups: groups on their way to and from the disk. A change is made in a copy, stored, and only then
 * put into the registry. For the files of this folder: groups, grants, revocations and apply change groups.
 * Main thread only. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/manager/decision.h"
#include "daemon/model/group.h"
#include "daemon/store/store.h"

/* For the start. */
bool stored_groups_load(Manager *manager, GError **error);

/* Takes next; done()'s id is its name, or answer where that isn't NULL. */
void stored_groups_save(Manager *manager, Group *next, const char *answer, ManagerDone done, void *userdata);
/* Nothing may begin to draw from it from here on. */
void stored_groups_delete(Manager *manager, Group *group, ManagerDone done, void *userdata);

/* The same as parts of a larger change. Between the two calls of hold, with true and false, no other change
 * of the group begins, be it there or not. */
void stored_groups_put(StoreBatch *batch, const Group *next);
void stored_groups_put_deleted(StoreBatch *batch, const char *name);
void stored_groups_hold(Manager *manager, const char *name, bool holds);
bool stored_groups_is_held(Manager *manager, const char *name);

/* Also by one that is on its way to the disk. */
bool stored_groups_is_taken(Manager *manager, const char *name);
/* Whether there is room for the group of this name, if it is a new one, and for more rules in it (of Rule;
 * NULL = none). LIMIT_EXCEEDED: too many groups or rules, or too much of everything (object-bytes.h). */
bool stored_groups_check_room(Manager *manager, const char *name, const GPtrArray *rules, GError **error);
