/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Stored tenants: tenants on their way to and from the disk. A change is made in a copy, stored, and only
 * then put into the registry. For the files of this folder. Main thread only. */

#include <stdbool.h>

#include "daemon/manager/decision.h"
#include "daemon/model/tenant.h"

/* For the start. */
/* STORAGE when one cannot be read. */
bool stored_tenants_load(Manager *manager, GError **error);

/* Takes next; done()'s id is its name. */
void stored_tenants_save(Manager *manager, Tenant *next, ManagerDone done, void *userdata);
/* Everything that it has been granted is revoked already. */
void stored_tenants_delete(Manager *manager, Tenant *tenant, ManagerDone done, void *userdata);

/* Also by one that is on its way to the disk. */
bool stored_tenants_is_taken(Manager *manager, const char *name);
