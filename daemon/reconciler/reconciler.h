/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reconciler: makes it so. Compares who is to have what with where devices are, and gives the jobs that make
 * the difference, one per machine at a time. Every event only marks "look again". What a worker reports of a
 * machine is compared, never assumed: a device counts as attached when the live XML shows it and the kernel
 * doesn't say otherwise, as gone when the live XML doesn't show it. For manager/. Main thread only. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/allocation/allocation.h"
#include "daemon/base/worker.h"
#include "daemon/hypervisor/hypervisor.h"
#include "daemon/model/registry.h"
#include "daemon/reconciler/homecoming.h"
#include "daemon/reconciler/machine-orders.h"
#include "daemon/reset/reset.h"

typedef struct Reconciler Reconciler;

/* resets: the caller's, set before the first turn. turning: called before each turn, for what nothing tells.
 * turned: called after each turn with what it saw. */
Reconciler *reconciler_new(Registry *registry, WorkerPool *pool, Hypervisor *hypervisor, Resets *resets,
                           const UsbOps *usb, void (*turning)(void *userdata),
                           void (*turned)(const Allocation *allocation, void *userdata), void *userdata);
Reconciler *reconciler_free(Reconciler *reconciler);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Reconciler, reconciler_free)

/* Something changed: one turn follows, however often this is called. */
void reconciler_kick(Reconciler *reconciler);
/* The turn that was asked for, if one was: for what is about to be shown for the first time. */
void reconciler_turn_now(Reconciler *reconciler);
/* Says at once where everything stands, and gives no job: for what is new and is about to be shown. */
void reconciler_look(Reconciler *reconciler);

/* Hints from the hypervisor. */
void reconciler_hypervisor_changed(Reconciler *reconciler);
void reconciler_machine_touched(Reconciler *reconciler, const char *uuid);

/* Hint from udev: some device is coming, and is going to be ready in a moment. */
void reconciler_device_comes(Reconciler *reconciler);
/* Hint from udev: something happened to the device, or to a part of it. */
void reconciler_device_touched(Reconciler *reconciler, const char *sysname);
/* What the kernel shows from here on until the host is awake again, and a moment longer, means nothing. */
void reconciler_host_sleeps(Reconciler *reconciler, bool sleeps);

/* A queue whose job had timed out is free again. */
void reconciler_queue_idle(Reconciler *reconciler, const char *queue);

/* Everything of ours comes home from every machine and nothing is given, until it is called with false: for
 * the time in which the machines are saved or shut down with the host. done() when everything is home, see
 * homecoming.h; at once with false. Not stored. */
void reconciler_hold_home(Reconciler *reconciler, bool hold, HomeDone done, void *userdata);

/* Has it started. done() when it runs, or why it doesn't; may be NULL. */
void reconciler_start_machine(Reconciler *reconciler, Machine *machine, OrderDone done, void *userdata);

/* Gives it another USB controller from its next start on. */
void reconciler_set_controller(Reconciler *reconciler, Machine *machine, const char *model, OrderDone done,
                               void *userdata);

/* Forgets what failed, and ends the quarantines of its devices, so that the next turn tries at once. */
void reconciler_retry(Reconciler *reconciler, Assignment *assignment);
