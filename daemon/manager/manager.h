/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Manager: the core as its users see it. It owns every part and wires them; dbus/ calls it and hears its
 * changes by way of the registry. What people decide is in the headers beside this one, one for each kind of
 * decision: assignments, groups, tenants, grants, revocations, resets, export, apply-plan and apply; see
 * daemon/manager/decision.h for what they have in common. Main thread only. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/base/worker.h"
#include "daemon/hypervisor/hypervisor.h"
#include "daemon/manager/decision.h"
#include "daemon/model/history.h"
#include "daemon/model/registry.h"
#include "daemon/usb/usb-ops.h"

typedef struct ManagerConfig {
    const char *state_dir;   /* /var/lib/usbferry */
    const char *runtime_dir; /* /run/usbferry */
    const UsbOps *usb;       /* usb_ops, or a test's */
    const char *udev_rules;  /* udev's folder of runtime rules; NULL = it is told nothing */
    /* The devices aren't followed any more: the service has to end and to be started again. NULL = nobody is
     * told. */
    void (*blind)(void *userdata);
    void *userdata;
} ManagerConfig;

/* The pool and the hypervisor stay the caller's and must outlive the manager. */
Manager *manager_new(const ManagerConfig *config, WorkerPool *pool, Hypervisor *hypervisor, GError **error);
Manager *manager_free(Manager *manager);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Manager, manager_free)

/* Loads the store, enumerates the devices, connects the hypervisor. */
bool manager_start(Manager *manager, GError **error);
/* Takes the turn that was asked for, if one was, so that what is about to be shown for the first time is up
 * to date. */
void manager_turn_now(Manager *manager);
/* Kinds of daemon/guards/host-use.h that forbid nothing and aren't told, as bits: from the next look on. */
void manager_set_guards_off(Manager *manager, unsigned off);
/* See daemon/hands-off/hands-off.h. */
void manager_set_hands_off(Manager *manager, bool off, bool input_off);
/* Takes a look and a turn, reads the drop-in folders again, and looks the tenants' members up anew. */
void manager_reload(Manager *manager);

Registry *manager_registry(Manager *manager);
/* What happened lately, with who decided it: asker() gives the uid whose call is being handled, or
 * HISTORY_NOBODY. */
History *manager_history(Manager *manager);
void manager_set_asker(Manager *manager, uint32_t (*asker)(void *userdata), void *userdata);
const char *manager_hypervisor_uri(Manager *manager);
/* True from the start until devices and machines have been read and compared once, or the hypervisor is away.
 */
bool manager_settling(Manager *manager);

/* For worker_pool_new()'s idle(). */
void manager_queue_idle(const char *queue, Manager *manager);

/* Where somebody sits, NULL-terminated: until it is called, everywhere. */
void manager_seats_changed(Manager *manager, const char *const *seats);

/* The host is about to sleep, or awake again. */
void manager_host_sleeps(Manager *manager, bool sleeps);

/* Compares /sys with what is known. */
bool manager_rescan(Manager *manager, unsigned *ret_added, unsigned *ret_removed, GError **error);

/* Everything comes home and nothing is given, until it is called with false or the service begins anew.
 * done()'s id is ""; the error is one of daemon/reconciler/homecoming.h. */
void manager_hold_home(Manager *manager, bool hold, ManagerDone done, void *userdata);

/* Nothing more is given while disabled; what is attached stays attached. Stored. done()'s id is "". */
void manager_set_enabled(Manager *manager, bool enabled, ManagerDone done, void *userdata);
