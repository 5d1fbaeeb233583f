/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Obstacles: what stands in the way of a decision, told before anybody decides. What would refuse the call is
 * told by the checks of the call itself; what would make it wait, by an allocation for a registry in which it
 * was made. Changes nothing. Main thread only. */

#include <glib.h>

#include "daemon/manager/assign.h"
#include "daemon/manager/release-device.h"
#include "daemon/model/change.h"

typedef struct Obstacle {
    ObjectType type;  /* of what it is about */
    char *subject;    /* and its id */
    const char *code; /* of daemon/allocation/reason-code.h */
    char *text;
    const char *error; /* name of the error that the call fails with; "" = it would be done, and wait */
} Obstacle;

/* What isn't there or makes no sense is an error as in manager_check_assign(). New array of Obstacle. */
GPtrArray *manager_assign_obstacles(Manager *manager, const AssignRequest *requests, gsize n, GError **error);
/* Of manager_release(), or with a device of manager_release_device(). */
GPtrArray *manager_release_obstacles(Manager *manager, const DeviceRelease *release, GError **error);
