/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Find: the one way to look up what a caller names, and to refuse it in words that say what there is instead.
 * The manager and the objects on the bus call it. It reads the registry and changes nothing. What is returned
 * is borrowed; NULL comes with the error that stands beside the function. Main thread only. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/model/registry.h"

/* By sysname. NO_SUCH_DEVICE. */
Device *find_plugged_device(Registry *registry, const char *sysname, GError **error);
/* NO_SUCH_DEVICE; DEVICE_IS_HUB: hubs are never given to machines. */
Device *find_assignable_device(Registry *registry, const char *sysname, GError **error);

/* By UUID or name. NO_SUCH_MACHINE (names those that there are), AMBIGUOUS. */
Machine *find_machine(Registry *registry, const char *name_or_uuid, GError **error);
/* By UUID alone. NO_SUCH_MACHINE. */
Machine *find_machine_by_uuid(Registry *registry, const char *uuid, GError **error);

/* NO_SUCH_GROUP; names those that there are. */
Group *find_group(Registry *registry, const char *name, GError **error);
/* NO_SUCH_GROUP; LIMIT_EXCEEDED when it is being deleted: nothing may begin to draw from it then; STORAGE
 * when it is damaged. */
Group *find_group_to_draw_from(Registry *registry, const char *name, GError **error);
/* One that can be changed now. NO_SUCH_GROUP; ALREADY_EXISTS for a drop-in's; LIMIT_EXCEEDED; STORAGE when it
 * is damaged. */
Group *find_changeable_group(Registry *registry, const char *name, GError **error);
/* One that can go as a whole now: likewise, and damaged or not. */
Group *find_removable_group(Registry *registry, const char *name, GError **error);
/* NO_SUCH_RULE. */
GroupRule *find_rule(const Group *group, uint32_t id, GError **error);

/* NO_SUCH_TENANT; names those that there are. */
Tenant *find_tenant(Registry *registry, const char *name, GError **error);
/* One that can be changed now. NO_SUCH_TENANT, LIMIT_EXCEEDED. */
Tenant *find_changeable_tenant(Registry *registry, const char *name, GError **error);

/* One that can be changed now. NO_SUCH_ASSIGNMENT, also for one that is being released; LIMIT_EXCEEDED;
 * STORAGE when it is damaged. */
/* By id, or by name: AMBIGUOUS when several have it. NO_SUCH_ASSIGNMENT. */
Assignment *find_assignment(Registry *registry, const char *name_or_id, GError **error);
Assignment *find_changeable_assignment(Registry *registry, const char *id, GError **error);
/* One that can be released now: likewise, and damaged or not. */
Assignment *find_releasable_assignment(Registry *registry, const char *id, GError **error);

/* True unless it is saving: LIMIT_EXCEEDED, try again. For what the functions above don't find. */
bool find_check_saved(bool saving, const char *noun, const char *name, GError **error);

/* The group that grants by this rule, as rule_print() has it, to this tenant, or with NULL to any. NULL
 * without an error when there is none. */
const Group *find_grant(Registry *registry, const char *tenant, const char *rule);
