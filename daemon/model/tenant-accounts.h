/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Members of tenants: from names of users and groups to their numbers. A directory service can take seconds
 * for that, so a worker asks. Main thread only. */

#include "daemon/model/registry.h"
#include "daemon/base/worker.h"

/* Looks the members of this tenant (NULL = of every one) up. What is found replaces what was known, reports
 * included; what can't be found out now (the directory doesn't answer) stays as it was. The registry must
 * live until the pool is freed, or the main loop has stopped. */
void tenant_accounts_look_up(WorkerPool *pool, Registry *registry, const char *tenant);
