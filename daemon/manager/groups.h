/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Groups: decisions about groups and their rules. done()'s id is the group's name where nothing else is said.
 * Rules of a tenant's group are not changed here but by grants and revocations: NOT_OWNED. See
 * daemon/manager/decision.h. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/manager/decision.h"
#include "daemon/manager/group-choices.h"

/* An empty name is made by the call, after the class; the check leaves it open, as others may take it
 * meanwhile. INVALID_NAME, INVALID_OPTION, ALREADY_EXISTS, LIMIT_EXCEEDED. */
bool manager_check_create_group(Manager *manager, const char *name, const GroupChoices *choices,
                                GError **error);
void manager_create_group(Manager *manager, const char *name, const GroupChoices *choices, ManagerDone done,
                          void *userdata);

/* NO_SUCH_GROUP, INVALID_OPTION; ALREADY_EXISTS for one that a file holds (change the file). */
bool manager_check_update_group(Manager *manager, const char *name, const GroupChoices *choices,
                                GError **error);
void manager_update_group(Manager *manager, const char *name, const GroupChoices *choices, ManagerDone done,
                          void *userdata);

/* GROUP_IN_USE while assignments draw from it, unless force: then they wait, and say that the group is gone.
 */
bool manager_check_delete_group(Manager *manager, const char *name, bool force, GError **error);
void manager_delete_group(Manager *manager, const char *name, bool force, ManagerDone done, void *userdata);

typedef struct RuleChange {
    uint32_t id;         /* 0 = a new one */
    bool remove;         /* this one goes */
    const char *text;    /* NULL = as it is */
    const bool *enabled; /* NULL = as it is; a new one is enabled */
} RuleChange;

/* NO_SUCH_GROUP, NO_SUCH_RULE, INVALID_RULE, LIMIT_EXCEEDED. done()'s id is the rule's number. */
bool manager_check_change_rule(Manager *manager, const char *group, const RuleChange *change, GError **error);
void manager_change_rule(Manager *manager, const char *group, const RuleChange *change, ManagerDone done,
                         void *userdata);

/* What would be different (daemon/allocation/preview.h) after this change; also for a group that a file
 * holds. NO_SUCH_GROUP, NO_SUCH_RULE, INVALID_RULE, LIMIT_EXCEEDED. */
GPtrArray *manager_preview_rule(Manager *manager, const char *group, const RuleChange *change,
                                GError **error);

/* The devices that a rule would match now: new array of Device, borrowed. INVALID_RULE. */
GPtrArray *manager_test_rule(Manager *manager, const char *text, GError **error);

/* One rule for each device, into this group, which is made when there is none: all or nothing. choices only
 * count for a new group. A device that the group has already gets no second rule. An empty group is a new one
 * with a name made by the call, after the devices. NO_SUCH_DEVICE, DEVICE_IS_HUB, NOT_OWNED (a tenant's
 * device) and what the calls above refuse. ret_rules of the check: the rules that will be made, new array of
 * char *; may be NULL. */
bool manager_check_make_passthrough(Manager *manager, const char *const *devices, const char *group,
                                    const GroupChoices *choices, GPtrArray **ret_rules, GError **error);
void manager_make_passthrough(Manager *manager, const char *const *devices, const char *group,
                              const GroupChoices *choices, ManagerDone done, void *userdata);
