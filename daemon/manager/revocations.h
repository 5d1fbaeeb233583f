/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Revocations: what was granted to a tenant comes back, and a tenant ends. done()'s id is the tenant's name.
 * See daemon/manager/decision.h. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/manager/decision.h"

/* Devices that are plugged in, or what a group of the tenant has: all of it, or one of its rules. */
typedef struct RevokeRequest {
    const char *tenant;
    const char *const *devices; /* sysnames, NULL-terminated; may be empty */
    const char *group;          /* the name inside the tenant, or with it; NULL = by devices */
    const uint32_t *rule;       /* NULL = all */
} RevokeRequest;

/* First the tenant's assignments on these devices end, then the rules go, and a group with
 * its last rule. NO_SUCH_TENANT, NO_SUCH_DEVICE, NOT_OWNED (not this tenant's), NO_SUCH_GROUP, NO_SUCH_RULE,
 * INVALID_OPTION, LIMIT_EXCEEDED. After an error of the store, what was done until then stays done.
 * ret_group: the group that loses rules, new string; NULL when there are several. */
bool manager_check_revoke(Manager *manager, const RevokeRequest *request, char **ret_group, GError **error);
void manager_revoke(Manager *manager, const RevokeRequest *request, ManagerDone done, void *userdata);

/* GROUP_IN_USE while devices are granted to it, unless force: then they are revoked first. What was assigned
 * as the tenant's ends. */
bool manager_check_delete_tenant(Manager *manager, const char *name, bool force, GError **error);
void manager_delete_tenant(Manager *manager, const char *name, bool force, ManagerDone done, void *userdata);

/* An empty table for the manager: of those that are under way. Freed with them. */
GHashTable *revocations_new(void);
