/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Manager: the core as its users see it. It owns every part and wires them; dbus/ calls it and hears its
 * changes.
 *
 * Every change is asked for in two steps: check_…() says whether it could be done (before anybody is bothered
 * with an authorization), the call itself checks again, changes, stores, and tells done() when it is durable.
 * Main thread only. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/hypervisor.h"
#include "daemon/registry.h"
#include "daemon/worker.h"

typedef struct Manager Manager;

typedef struct ManagerConfig {
    const char *state_dir;   /* /var/lib/usbferry */
    const char *runtime_dir; /* /run/usbferry */
} ManagerConfig;

/* id: of the assignment that was made or changed; NULL with error. Valid for the call only. */
typedef void (*ManagerDone)(const char *id, const GError *error, void *userdata);

/* The pool and the hypervisor stay the caller's and must outlive the manager. */
Manager *manager_new(const ManagerConfig *config, WorkerPool *pool, Hypervisor *hypervisor, GError **error);
Manager *manager_free(Manager *manager);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Manager, manager_free)

/* Loads the store, enumerates the devices, connects the hypervisor. */
bool manager_start(Manager *manager, GError **error);

Registry *manager_registry(Manager *manager);
const char *manager_hypervisor_uri(Manager *manager);
/* True from the start until devices and machines have been read and compared once. */
bool manager_settling(Manager *manager);

/* For worker_pool_new()'s idle(). */
void manager_queue_idle(const char *queue, Manager *manager);

typedef struct AssignRequest {
    const char *device; /* sysname */
    const char *machine_uuid;
    const char *name; /* NULL or "": made from device and machine */
    const char *description;
    bool persistent;
    int32_t priority;
    uint32_t owner;
} AssignRequest;

/* NO_SUCH_DEVICE, NO_SUCH_MACHINE, DEVICE_IS_HUB, DEVICE_BUSY, ALREADY_EXISTS, INVALID_NAME, LIMIT_EXCEEDED.
 */
bool manager_check_assign(Manager *manager, const AssignRequest *request, GError **error);
void manager_assign(Manager *manager, const AssignRequest *request, ManagerDone done, void *userdata);

/* Ends the assignment; done() when that is durable. The object stays, detaching, until its device is home. */
void manager_release(Manager *manager, const char *id, ManagerDone done, void *userdata);

/* Detach() and Attach(): keep the assignment, take the device home or give it again. */
void manager_set_wanted(Manager *manager, const char *id, bool wanted, ManagerDone done, void *userdata);

typedef struct AssignmentUpdate {
    const char *name;        /* NULL = as it is */
    const char *description; /* NULL = as it is */
    const int32_t *priority; /* NULL = as it is */
} AssignmentUpdate;

bool manager_check_update(Manager *manager, const char *id, const AssignmentUpdate *update, GError **error);
void manager_update(Manager *manager, const char *id, const AssignmentUpdate *update, ManagerDone done,
                    void *userdata);

/* Compares /sys with what is known. */
bool manager_rescan(Manager *manager, unsigned *ret_added, unsigned *ret_removed, GError **error);
