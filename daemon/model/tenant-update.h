/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Tenant update: the one way for a tenant to become what was decided. The manager calls it once the decision
 * is durable. Main thread only. */

#include "daemon/model/registry.h"

/* Takes next: new in the registry, or what the tenant of its name becomes, which stays the same object.
 * Reports what differs, with machines that come and go, and returns it (TENANT_FIELD_…); for a new one what
 * differs from one that has nothing. After TENANT_FIELD_MEMBERS the caller has them looked up
 * (daemon/model/tenant-accounts.h). */
unsigned tenant_update(Registry *registry, Tenant *next);

/* The tenant goes, and its machines belong to nobody. */
void tenant_update_remove(Registry *registry, Tenant *tenant);
