/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Status log: what the log says when it stands otherwise with an assignment or a device. For status-update.c.
 * Main thread only. */

#include <stdbool.h>

#include "daemon/model/registry.h"

/* Whether this code is another one than before, and says that the host keeps the device or that the file is
 * damaged: somebody has to hear of that, whatever the state. */
bool status_log_is_to_be_heard(const Assignment *assignment, const char *code);

/* Of one that is untold. At the start nobody knows yet what waits and what doesn't: as long as that is so
 * only these two and what failed are told, and the others stay untold until the update after it. */
void status_log_assignment(const Registry *registry, Assignment *assignment);

/* Where a device was before it came where it is now. */
typedef struct StatusBefore {
    DeviceState state;
    char *machine_uuid;
    char *assignment_id;
} StatusBefore;

/* in_machine: one lists it. */
void status_log_move(Registry *registry, const Device *device, const StatusBefore *before, bool in_machine);
