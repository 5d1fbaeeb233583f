/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Machine turn: what one machine has to do next, and the job for it. The reconciler asks for each machine in
 * every turn; at most one job per machine is given, and none while one is with a worker. Changes what is
 * remembered of the machine's removals, and reservations of what is attached anew. Main thread only. */

#include <glib.h>

#include "daemon/allocation/allocation.h"
#include "daemon/model/registry.h"
#include "daemon/reconciler/dispatcher.h"

typedef enum MachineStepKind {
    MACHINE_STEP_NONE,
    MACHINE_STEP_INSPECT,
    MACHINE_STEP_DETACH,
    MACHINE_STEP_ATTACH,
    MACHINE_STEP_PING,
    MACHINE_STEP_REPAIR_SAVED,
    MACHINE_STEP_REPAIR_SNAPSHOTS,
} MachineStepKind;

typedef struct MachineStep {
    MachineStepKind kind;
    const Hostdev *hostdev; /* DETACH */
    const Want *want;       /* ATTACH */
} MachineStep;

/* Decides, and gives no job. *wake is moved forward to when there will be something to do by time alone. */
MachineStep machine_next_step(const Allocation *allocation, Machine *machine, gint64 now, gint64 *wake);

/* The one job that goes by nothing but the machine: a look at it, when one is due. For when no turn is to be
 * waited for. */
void machine_look(Dispatcher *dispatcher, Machine *machine, gint64 now, gint64 *wake);

/* machine_next_step(), and its job. */
void machine_turn(Dispatcher *dispatcher, const Allocation *allocation, Machine *machine, gint64 now,
                  gint64 *wake);
