/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Release device: an assignment gives one of its devices back. done()'s id is the assignment's. See
 * daemon/manager/decision.h. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/manager/decision.h"

typedef struct DeviceRelease {
    const char *assignment; /* id */
    const char *device;     /* sysname, one that the assignment has or is to get */
    bool swap;              /* another one of the group comes in its place; else it has one less */
} DeviceRelease;

/* NO_SUCH_ASSIGNMENT, NO_SUCH_DEVICE, INVALID_OPTION, DEVICE_BUSY (there is no other one to swap it for),
 * LIMIT_EXCEEDED, STORAGE (damaged). */
bool manager_check_release_device(Manager *manager, const DeviceRelease *release, GError **error);
/* done() when it is durable. The last device ends the assignment, as manager_release() does. */
void manager_release_device(Manager *manager, const DeviceRelease *release, ManagerDone done, void *userdata);
