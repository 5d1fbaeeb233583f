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

#include "daemon/hypervisor/hypervisor.h"
#include "daemon/model/registry.h"
#include "daemon/reset/reset.h"
#include "daemon/base/worker.h"

typedef struct Manager Manager;

typedef struct ManagerConfig {
    const char *state_dir;   /* /var/lib/usbferry */
    const char *runtime_dir; /* /run/usbferry */
    const UsbOps *usb;       /* usb_ops, or a test's */
    /* The devices aren't followed any more: the service has to end, and begins anew. NULL = nobody is told.
     */
    void (*blind)(void *userdata);
    void *userdata;
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

/* NO_SUCH_DEVICE, NO_SUCH_GROUP, NO_SUCH_MACHINE, INVALID_RULE, INVALID_OPTION, DEVICE_IS_HUB, NOT_OWNED,
 * DEVICE_BUSY, ALREADY_EXISTS, INVALID_NAME, LIMIT_EXCEEDED.
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

/* Reads the drop-in folders again, and looks the tenants' members up anew. */
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

/* An empty name is made by the call, after the class; the check leaves it open, as others may take it
 * meanwhile. INVALID_NAME, INVALID_OPTION, ALREADY_EXISTS, LIMIT_EXCEEDED. */
bool manager_check_create_group(Manager *manager, const char *name, const GroupChoices *choices,
                                GError **error);
void manager_create_group(Manager *manager, const char *name, const GroupChoices *choices, ManagerDone done,
                          void *userdata);

/* NO_SUCH_GROUP, INVALID_OPTION; ALREADY_EXISTS for one that a file holds (change the file). Rules of a
 * tenant's group are not changed by the calls below: NOT_OWNED. */
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
 * count for a new group. A device that the group has already gets no second rule. An empty group is a new one
 * with a name made by the call, after the devices. NO_SUCH_DEVICE, DEVICE_IS_HUB, NOT_OWNED (a tenant's
 * device) and what the calls above refuse. ret_rules of the check: the rules that will be made, new array of
 * char *; may be NULL. */
bool manager_check_make_passthrough(Manager *manager, const char *const *devices, const char *group,
                                    const GroupChoices *choices, GPtrArray **ret_rules, GError **error);
void manager_make_passthrough(Manager *manager, const char *const *devices, const char *group,
                              const GroupChoices *choices, ManagerDone done, void *userdata);

/* What would be different (daemon/allocation/preview.h) after this change; also for a group that a file
 * holds. NO_SUCH_GROUP, NO_SUCH_RULE, INVALID_RULE, LIMIT_EXCEEDED. */
GPtrArray *manager_preview_rule(Manager *manager, const char *group, const RuleChange *change,
                                GError **error);

/* ------------------------------------------------------------------ tenants. done()'s id is the tenant's
 * name
 */

/* NULL = as it is, or empty for a new tenant. */
typedef struct TenantChoices {
    const char *description;
    const char *const *members; /* "user:NAME", "group:NAME"; NULL-terminated: the whole list */
} TenantChoices;

/* NO_SUCH_TENANT; names those that there are. */
Tenant *manager_find_tenant(Manager *manager, const char *name, GError **error);

/* INVALID_NAME, INVALID_OPTION, ALREADY_EXISTS, LIMIT_EXCEEDED. A group of this tenant's that is there
 * already (the tenant's own file was damaged) is the tenant's again. */
bool manager_check_create_tenant(Manager *manager, const char *name, const TenantChoices *choices,
                                 GError **error);
void manager_create_tenant(Manager *manager, const char *name, const TenantChoices *choices, ManagerDone done,
                           void *userdata);

/* NO_SUCH_TENANT, INVALID_NAME, INVALID_OPTION; LIMIT_EXCEEDED while another change is being stored. */
bool manager_check_update_tenant(Manager *manager, const char *name, const TenantChoices *choices,
                                 GError **error);
void manager_update_tenant(Manager *manager, const char *name, const TenantChoices *choices, ManagerDone done,
                           void *userdata);

/* GROUP_IN_USE while devices are granted to it, unless force: then they are revoked first. What was assigned
 * as the tenant's ends. */
bool manager_check_delete_tenant(Manager *manager, const char *name, bool force, GError **error);
void manager_delete_tenant(Manager *manager, const char *name, bool force, ManagerDone done, void *userdata);

/* Into the tenant (belongs) or out of it. NO_SUCH_TENANT, NO_SUCH_MACHINE, ALREADY_EXISTS (it belongs to
 * this one or another one), LIMIT_EXCEEDED. One that the hypervisor doesn't know any more can go out. What
 * the tenant gave to a machine that goes out comes home; the assignments stay and say so. */
bool manager_check_tenant_machine(Manager *manager, const char *name, const char *uuid, bool belongs,
                                  GError **error);
void manager_set_tenant_machine(Manager *manager, const char *name, const char *uuid, bool belongs,
                                ManagerDone done, void *userdata);

typedef struct GrantRequest {
    const char *tenant;
    const char *const *devices; /* sysnames, NULL-terminated */
    const char *group;          /* the name inside the tenant; "" = generated */
    GroupChoices choices;       /* of a new group */
} GrantRequest;

/* The devices are the tenant's from now on, into a group of the tenant that is made when there is none; and
 * so are the assignments of the tenant's machines that stand for one of them. ret_group: what the group will
 * be called as things are, new string.
 * NO_SUCH_TENANT, NO_SUCH_DEVICE, DEVICE_IS_HUB, NOT_OWNED (another tenant's), DEVICE_BUSY (somebody outside
 * the tenant has it, or is to get it; or a machine of the tenant does, from a group that it leaves),
 * HYPERVISOR (that can't be told of a machine that wasn't seen), INVALID_NAME, INVALID_OPTION,
 * LIMIT_EXCEEDED. done()'s id is the group's name. */
bool manager_check_grant(Manager *manager, const GrantRequest *request, char **ret_group, GError **error);
void manager_grant(Manager *manager, const GrantRequest *request, ManagerDone done, void *userdata);

/* Devices that are plugged in, or what a group of the tenant has: all of it, or one of its rules. */
typedef struct RevokeRequest {
    const char *tenant;
    const char *const *devices; /* sysnames, NULL-terminated; may be empty */
    const char *group;          /* the name inside the tenant, or with it; NULL = by devices */
    const uint32_t *rule;       /* NULL = all */
} RevokeRequest;

/* First the tenant's assignments on these devices end, then the rules go, and a group with
 * its last rule. NO_SUCH_TENANT, NO_SUCH_DEVICE, NOT_OWNED (not this tenant's), NO_SUCH_GROUP, NO_SUCH_RULE,
 * INVALID_OPTION, LIMIT_EXCEEDED. After an error of the store, what was done until then stays done.
 * ret_group: the group that loses rules, new string; NULL when there are several. */
bool manager_check_revoke(Manager *manager, const RevokeRequest *request, char **ret_group, GError **error);
void manager_revoke(Manager *manager, const RevokeRequest *request, ManagerDone done, void *userdata);

/* The devices that a rule would match now: new array of Device, borrowed. INVALID_RULE. */
GPtrArray *manager_test_rule(Manager *manager, const char *text, GError **error);

/* ------------------------------------------------------------------ groups and assignments as one text */

/* See daemon/config/manifest.h: the groups that aren't drop-in files, by name, and the assignments, the
 * oldest first. A machine has its name there, or its UUID where the name means none or another one. New
 * string. */
char *manager_export(Manager *manager);

typedef struct ApplyRequest {
    const char *text;
    const char *source; /* what messages call the text */
    bool prune;         /* what isn't in the text goes: groups that aren't drop-in files, and assignments */
    uint32_t owner;     /* of new assignments */
} ApplyRequest;

typedef struct ApplyPlan ApplyPlan;

/* What is to be done so that all is as the text says. A group in it is the whole group with all its rules, an
 * assignment is known by its machine and name. The errors of manifest_from_text(), and, with the line:
 * ALREADY_EXISTS (a group of a drop-in file), NO_SUCH_MACHINE, NO_SUCH_GROUP, GROUP_IN_USE (it would be
 * pruned), AMBIGUOUS; LIMIT_EXCEEDED also while something of it is being stored. Valid until anything
 * changes. */
ApplyPlan *manager_plan_apply(Manager *manager, const ApplyRequest *request, GError **error);
ApplyPlan *apply_plan_free(ApplyPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ApplyPlan, apply_plan_free)
/* Of ManifestDiff: in the order of the text, then what goes. Borrowed. */
const GPtrArray *apply_plan_differences(const ApplyPlan *plan);
/* All of it or nothing. Takes the plan. */
void manager_apply(Manager *manager, ApplyPlan *plan, ManagerDone done, void *userdata);
