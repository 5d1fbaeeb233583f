/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Tenants: decisions about tenants and their machines. done()'s id is the tenant's name. What they are
 * granted is daemon/manager/grants.h, what comes back, and their end, daemon/manager/revocations.h. See
 * daemon/manager/decision.h. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/manager/decision.h"

/* NULL = as it is, or empty for a new tenant. */
typedef struct TenantChoices {
    const char *description;
    const char *const *members; /* "user:NAME", "group:NAME"; NULL-terminated: the whole list */
} TenantChoices;

/* INVALID_NAME, INVALID_OPTION, ALREADY_EXISTS, LIMIT_EXCEEDED. A group of this tenant's that is there
 * already (the tenant's own file was damaged) is the tenant's again. */
bool manager_check_create_tenant(Manager *manager, const char *name, const TenantChoices *choices,
                                 GError **error);
void manager_create_tenant(Manager *manager, const char *name, const TenantChoices *choices, ManagerDone done,
                           void *userdata);

/* NO_SUCH_TENANT, INVALID_NAME, INVALID_OPTION; LIMIT_EXCEEDED while another change is being stored. */
bool manager_check_update_tenant(Manager *manager, const char *name, const TenantChoices *choices,
                                 GError **error);
void manager_update_tenant(Manager *manager, const char *name, const TenantChoices *choices, ManagerDone done,
                           void *userdata);

/* Into the tenant (belongs) or out of it. NO_SUCH_TENANT, NO_SUCH_MACHINE, ALREADY_EXISTS (it belongs to
 * this one or another one), LIMIT_EXCEEDED. One that the hypervisor doesn't know any more can go out. What
 * the tenant gave to a machine that goes out comes home; the assignments stay and say so. */
bool manager_check_tenant_machine(Manager *manager, const char *name, const char *uuid, bool belongs,
                                  GError **error);
void manager_set_tenant_machine(Manager *manager, const char *name, const char *uuid, bool belongs,
                                ManagerDone done, void *userdata);
