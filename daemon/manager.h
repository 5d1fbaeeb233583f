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
#include "daemon/reset.h"
#include "daemon/worker.h"

typedef struct Manager Manager;

typedef struct ManagerConfig {
    const char *state_dir;   /* /var/lib/usbferry */
    const char *runtime_dir; /* /run/usbferry */
    const UsbOps *usb;       /* usb_ops, or a test's */
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
    const char *device;   /* sysname; NULL with group */
    const char *group;    /* name; NULL with device */
    const char *quantity; /* "1", "3", "all", "set"; NULL = "1"; a device has none */
    const char *selector; /* a rule that narrows the group; NULL or "" = any of its devices */
    const char *machine_uuid;
    const char *name; /* NULL or "": made from device and machine */
    const char *description;
    bool persistent;
    int32_t priority;
    const bool *allow_guest_reset; /* NULL: as the group has it, else no */
    const bool *allow_guest_resets_all;
    uint32_t owner;
} AssignRequest;

/* NO_SUCH_DEVICE, NO_SUCH_GROUP, NO_SUCH_MACHINE, INVALID_RULE, INVALID_OPTION, DEVICE_IS_HUB, DEVICE_BUSY,
 * ALREADY_EXISTS, INVALID_NAME, LIMIT_EXCEEDED.
 */
bool manager_check_assign(Manager *manager, const AssignRequest *request, GError **error);
void manager_assign(Manager *manager, const AssignRequest *request, ManagerDone done, void *userdata);

/* For release, attach and detach: NO_SUCH_ASSIGNMENT, also for one that is being released; LIMIT_EXCEEDED
 * while another change of it is being stored. */
bool manager_check_change(Manager *manager, const char *id, GError **error);

/* Ends the assignment; done() when that is durable. The object stays, detaching, until its device is home. */
void manager_release(Manager *manager, const char *id, ManagerDone done, void *userdata);

/* Detach() and Attach(): keep the assignment, take the device home or give it again. */
void manager_set_wanted(Manager *manager, const char *id, bool wanted, ManagerDone done, void *userdata);

typedef struct AssignmentUpdate {
    const char *name;                   /* NULL = as it is */
    const char *description;            /* NULL = as it is */
    const int32_t *priority;            /* NULL = as it is */
    const bool *allow_guest_reset;      /* NULL = as it is */
    const bool *allow_guest_resets_all; /* NULL = as it is */
} AssignmentUpdate;

bool manager_check_update(Manager *manager, const char *id, const AssignmentUpdate *update, GError **error);
void manager_update(Manager *manager, const char *id, const AssignmentUpdate *update, ManagerDone done,
                    void *userdata);

/* Assignment.Reset and ResetAll: its devices, or the hubs that they are plugged into. done() when they are
 * back, or it failed. NO_SUCH_ASSIGNMENT, LIMIT_EXCEEDED; GUEST_RESET_DENIED; RESET_FAILED when nothing is
 * attached or there is no hub in between; DEVICE_BUSY when others have devices behind the hub (all named), or
 * a reset isn't over. */
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

/* Compares /sys with what is known. */
bool manager_rescan(Manager *manager, unsigned *ret_added, unsigned *ret_removed, GError **error);

/* Nothing more is handed out while disabled; what is out stays out. Stored. done()'s id is "". */
void manager_set_enabled(Manager *manager, bool enabled, ManagerDone done, void *userdata);

/* Reads the drop-in folders again. */
void manager_reload(Manager *manager);

/* ------------------------------------------------------------------ groups. done()'s id is the group's name
 */

/* NULL = as it is, or the default for a new group. */
typedef struct GroupChoices {
    const char *description;
    const char *class_name; /* a name of group_class_to_string(), case folded */
    const bool *enabled;
    const bool *allow_guest_reset;
    const bool *allow_guest_resets_all;
    const int32_t *priority;
} GroupChoices;

/* NO_SUCH_GROUP; names those that there are. */
Group *manager_find_group(Manager *manager, const char *name, GError **error);

/* INVALID_NAME, INVALID_OPTION, ALREADY_EXISTS, LIMIT_EXCEEDED. */
bool manager_check_create_group(Manager *manager, const char *name, const GroupChoices *choices,
                                GError **error);
void manager_create_group(Manager *manager, const char *name, const GroupChoices *choices, ManagerDone done,
                          void *userdata);

/* NO_SUCH_GROUP, INVALID_OPTION; ALREADY_EXISTS for one that a file holds (change the file). */
bool manager_check_update_group(Manager *manager, const char *name, const GroupChoices *choices,
                                GError **error);
void manager_update_group(Manager *manager, const char *name, const GroupChoices *choices, ManagerDone done,
                          void *userdata);

/* GROUP_IN_USE while assignments draw from it, unless force: then they wait, and say that the group is gone.
 */
bool manager_check_delete_group(Manager *manager, const char *name, bool force, GError **error);
void manager_delete_group(Manager *manager, const char *name, bool force, ManagerDone done, void *userdata);

typedef struct RuleChange {
    uint32_t id;         /* 0 = a new one */
    bool remove;         /* this one goes */
    const char *text;    /* NULL = as it is */
    const bool *enabled; /* NULL = as it is; a new one is enabled */
} RuleChange;

/* NO_SUCH_GROUP, NO_SUCH_RULE, INVALID_RULE, LIMIT_EXCEEDED. done()'s id is the rule's number. */
bool manager_check_change_rule(Manager *manager, const char *group, const RuleChange *change, GError **error);
void manager_change_rule(Manager *manager, const char *group, const RuleChange *change, ManagerDone done,
                         void *userdata);

/* One rule for each device, into this group, which is made when there is none: all or nothing. choices only
 * count for a new group. A device that the group has already gets no second rule. NO_SUCH_DEVICE,
 * DEVICE_IS_HUB and what the calls above refuse. ret_rules of the check: the rules that will be made, new
 * array of char *; may be NULL. */
bool manager_check_make_passthrough(Manager *manager, const char *const *devices, const char *group,
                                    const GroupChoices *choices, GPtrArray **ret_rules, GError **error);
void manager_make_passthrough(Manager *manager, const char *const *devices, const char *group,
                              const GroupChoices *choices, ManagerDone done, void *userdata);

/* The devices that a rule would match now: new array of Device, borrowed. INVALID_RULE. */
GPtrArray *manager_test_rule(Manager *manager, const char *text, GError **error);
