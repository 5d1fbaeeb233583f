/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Assign: what is to go to which machine, asked for one or for several at a time. See
 * daemon/manager/decision.h. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/allocation/allocation.h"
#include "daemon/manager/assign-request.h"
#include "daemon/manager/decision.h"

/* The most sources that one call may name. */
#define ASSIGN_SOURCES_MAX 64

/* Each by itself, and all together. NO_SUCH_DEVICE, NO_SUCH_GROUP, NO_SUCH_MACHINE, INVALID_RULE,
 * INVALID_OPTION, DEVICE_IS_HUB, NOT_OWNED, DEVICE_BUSY, DEVICE_IN_USE, ALREADY_EXISTS, INVALID_NAME,
 * LIMIT_EXCEEDED. */
bool manager_check_assign(Manager *manager, const AssignRequest *requests, gsize n, GError **error);
/* All of them or none. done()'s id: theirs, in the order of the requests, with spaces between them. */
void manager_assign(Manager *manager, const AssignRequest *requests, gsize n, ManagerDone done,
                    void *userdata);

/* For obstacles.c: what speaks against all of them together, and then against one; number: how many come
 * before it. */
bool assign_check_together(const AssignRequest *requests, gsize n, GError **error);
bool assign_check_one(Manager *manager, const AssignRequest *request, guint number,
                      const Allocation *allocation, GError **error);
