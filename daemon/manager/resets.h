/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Resets: who may have what reset. done() when it is back, or it failed; its id is what was named. See
 * daemon/manager/decision.h. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/manager/decision.h"

/* Assignment.Reset and ResetAll: its devices, or the hubs that they are plugged into. NO_SUCH_ASSIGNMENT,
 * LIMIT_EXCEEDED; GUEST_RESET_DENIED; RESET_FAILED when nothing is attached or there is no hub in between;
 * DEVICE_BUSY when others have devices behind the hub (all named), or a reset isn't over. */
bool manager_check_reset(Manager *manager, const char *id, bool hub, GError **error);
void manager_reset(Manager *manager, const char *id, bool hub, ManagerDone done, void *userdata);

typedef struct ResetChoices {
    const char *method; /* "reset", "power-cycle"; NULL = reset */
    bool hub;           /* the hub that it is plugged into */
} ResetChoices;

/* Device.Reset and ResetHub: whoever has it. INVALID_OPTION, NO_SUCH_DEVICE, DEVICE_IS_HUB for a root hub,
 * and what resets_check() refuses. */
bool manager_check_reset_device(Manager *manager, const char *sysname, const ResetChoices *choices,
                                GError **error);
void manager_reset_device(Manager *manager, const char *sysname, const ResetChoices *choices,
                          ManagerDone done, void *userdata);
