/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Dispatcher: gives jobs about one machine to the workers, and takes what comes back into the registry. One
 * job per machine at a time; what a worker reports is compared, never assumed. For
 * daemon/reconciler/machine-turn.h. Main thread only. */

#include <glib.h>

#include "daemon/allocation/allocation.h"
#include "daemon/base/worker.h"
#include "daemon/hypervisor/hypervisor.h"
#include "daemon/model/registry.h"

typedef struct Dispatcher {
    Registry *registry;
    WorkerPool *pool;
    Hypervisor *hypervisor;
    unsigned connection; /* its number: results of an older connection say nothing about machines */
    void (*changed)(void *userdata); /* a result came back: look again */
    void *userdata;
} Dispatcher;

/* The machine must not be busy. */
void dispatcher_inspect(Dispatcher *dispatcher, Machine *machine);
void dispatcher_detach(Dispatcher *dispatcher, Machine *machine, const Hostdev *hostdev, gint64 now);
void dispatcher_attach(Dispatcher *dispatcher, Machine *machine, const Want *want);
/* Takes the places. */
void dispatcher_repair_saved(Dispatcher *dispatcher, Machine *machine, GPtrArray *places, gint64 now);
void dispatcher_repair_snapshots(Dispatcher *dispatcher, Machine *machine, gint64 now);
