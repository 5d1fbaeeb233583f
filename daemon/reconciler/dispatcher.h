/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Dispatcher: gives jobs about one machine to the workers, and takes what comes back into the registry. One
 * job per machine at a time; what a worker reports is compared, never assumed. For
 * daemon/reconciler/machine-turn.h. Main thread only. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/allocation/allocation.h"
#include "daemon/base/worker.h"
#include "daemon/hypervisor/hypervisor.h"
#include "daemon/model/registry.h"
#include "daemon/reconciler/machine-orders.h"

typedef struct Dispatcher {
    Registry *registry;
    WorkerPool *pool;
    Hypervisor *hypervisor;
    MachineOrders *orders;
    unsigned connection; /* its number: results of an older connection say nothing about machines */
    bool preparing;
    void (*changed)(void *userdata); /* a result came back: look again */
    void *userdata;
} Dispatcher;

/* A job for some machine is about to come. */
void dispatcher_prepare(Dispatcher *dispatcher);

/* The machine must not be busy. */
void dispatcher_inspect(Dispatcher *dispatcher, Machine *machine);
/* Asks whether its QEMU answers, every TUNING_PING: stuck says that it doesn't. What people type with is to
 * come home when a machine hangs for TUNING_HANG, and a few seconds more are none too many; each time wakes
 * the host once, and asks libvirt one thing. */
void dispatcher_ping(Dispatcher *dispatcher, Machine *machine);
void dispatcher_detach(Dispatcher *dispatcher, Machine *machine, const Hostdev *hostdev, gint64 now);
void dispatcher_attach(Dispatcher *dispatcher, Machine *machine, const Want *want);
/* Takes the places. */
void dispatcher_repair_saved(Dispatcher *dispatcher, Machine *machine, GPtrArray *places, gint64 now);
void dispatcher_repair_snapshots(Dispatcher *dispatcher, Machine *machine, gint64 now);
/* Carries out the next order of the machine's; without one nothing happens. */
void dispatcher_order(Dispatcher *dispatcher, Machine *machine);
