/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Status: where an assignment stands, in the words of the bus, from what it is to have and where devices
 * are. Says it only; daemon/reconciler/status-update.c writes it down. Main thread only. */

#include "daemon/allocation/allocation.h"
#include "daemon/model/registry.h"

typedef struct Status {
    AssignmentState state;
    char *reason;      /* owned by who asked */
    const char *error; /* static error name, "" = none */
    bool passes;       /* it changes by itself in a moment: nothing to act on */
} Status;

Status status_of(Registry *registry, const Allocation *allocation, const Assignment *assignment);
