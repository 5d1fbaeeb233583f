/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Grants: devices that become a tenant's. See daemon/manager/decision.h. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/manager/decision.h"
#include "daemon/manager/group-choices.h"

typedef struct GrantRequest {
    const char *tenant;
    const char *const *devices; /* sysnames, NULL-terminated */
    const char *group;          /* the name inside the tenant; "" = generated */
    GroupChoices choices;       /* of a new group */
} GrantRequest;

/* Puts the devices into a group of the tenant, which is made when there is none. They are the tenant's from
 * then on, and so are the assignments of the tenant's machines for one of them. ret_group: what the group
 * will be called as things are, new string. NO_SUCH_TENANT, NO_SUCH_DEVICE, DEVICE_IS_HUB, NOT_OWNED (another
 * tenant's), DEVICE_BUSY (somebody outside the tenant has it, or is to get it; or a machine of the tenant
 * does, from a group that it leaves), HYPERVISOR (that can't be told of a machine that wasn't seen),
 * INVALID_NAME, INVALID_OPTION, LIMIT_EXCEEDED. done()'s id is the group's name. */
bool manager_check_grant(Manager *manager, const GrantRequest *request, char **ret_group, GError **error);
void manager_grant(Manager *manager, const GrantRequest *request, ManagerDone done, void *userdata);
