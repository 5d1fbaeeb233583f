/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Machine list: which machines there are. It is read again when a hint says that the set may have changed;
 * what is new gets into the registry, what is missing is looked at. For reconciler.c. Main thread only. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/base/worker.h"
#include "daemon/hypervisor/hypervisor.h"
#include "daemon/model/registry.h"

typedef struct MachineList MachineList;

MachineList *machine_list_new(Registry *registry, WorkerPool *pool, Hypervisor *hypervisor,
                              void (*changed)(void *userdata), void *userdata);
MachineList *machine_list_free(MachineList *list);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MachineList, machine_list_free)

/* The connection is another one: results of the old one are ignored. */
void machine_list_forget(MachineList *list);
/* The set may have changed. */
void machine_list_want(MachineList *list);
/* Gives the job to read it when it is due; *wake is moved forward to when it will be. */
void machine_list_turn(MachineList *list, gint64 now, gint64 *wake);
/* Why the last reading failed, or doesn't come back; NULL = it didn't fail. It is tried again by itself. */
const char *machine_list_failure(const MachineList *list);
/* True when the queue is this one's. */
bool machine_list_queue_idle(MachineList *list, const char *queue);
