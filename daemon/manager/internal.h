/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of the manager share. Nobody else includes this. */

#include "daemon/hotplug/hotplug.h"
#include "daemon/manager/manager.h"
#include "daemon/model/membership.h"
#include "daemon/reconciler/reconciler.h"
#include "daemon/store/store.h"
#include "daemon/model/tenant-accounts.h"
#include "daemon/base/text.h"

#define STORE_KIND_ASSIGNMENTS "assignments"
#define STORE_KIND_GROUPS      "groups"
#define STORE_KIND_SETTINGS    "settings"
#define STORE_KIND_TENANTS     "tenants"

/* The longest description, in bytes: as much as its file gives back. */
#define DESCRIPTION_MAX_BYTES TEXT_MAX

/* More than anybody looks after by hand. */
#define GROUPS_MAX 4096
/* More than any host has ports for; keeps a caller from filling memory and disk. */
#define ASSIGNMENTS_MAX 1024

struct Manager {
    Registry *registry;
    Hypervisor *hypervisor;
    Store *store;
    Reconciler *reconciler;
    Resets *resets;
    Hotplug *hotplug;
    Memberships *memberships;
    GHashTable *creating;   /* set of names of groups that are on their way to the disk */
    bool drop_ins_left_out; /* a group of that name is being deleted: read again after that */
    bool saving_settings;
    bool applying; /* a manifest is on its way to the disk; no other one may begin */
    WorkerPool *pool;
    GHashTable *granting; /* sysname → name of the tenant that it is being granted to, both owned */
    GHashTable *jobs;     /* set of what daemon/manager/revocations.c has under way, owned */
};

/* A change that is on its way to the disk: what to do, and whom to tell, when it is there or couldn't be put
 * there. */
typedef struct Pending {
    Manager *manager;
    char *id; /* of the object, for settle() */
    void (*settle)(Manager *self, const struct Pending *pending, bool stored);
    gpointer payload; /* settle()'s */
    GDestroyNotify free_payload;
    char *answer; /* for done(); NULL = id */
    ManagerDone done;
    void *userdata;
} Pending;

Pending *pending_new(Manager *self, const char *id,
                     void (*settle)(Manager *self, const Pending *pending, bool stored), ManagerDone done,
                     void *userdata);
void pending_free(gpointer pending);
/* StoreDone: settles, tells, frees the Pending. */
void pending_stored(const GError *error, void *pending);

/* INVALID_NAME when the text is longer or not clean. NULL is fine. */
bool manager_check_text(const char *what, const char *text, gsize max, GError **error);

/* Whether the serial alone tells the device from all others of its kind that are plugged in. */
bool manager_serial_is_unique(Manager *self, const Device *device);

/* manager-takeover.c: what is durable goes into the registry. next: of Group, taken, the array isn't; gone:
 * of Group, of the registry, NULL = none. */
void manager_take_over_groups(Manager *self, GPtrArray *next, GPtrArray *gone);
void manager_take_over_group(Manager *self, Group *next);
void manager_drop_group(Manager *self, Group *group);

StoreArea manager_assignment_area(const Assignment *assignment);
/* One that no assignment in the registry has. New string. */
char *manager_make_assignment_id(Manager *self);

/* What the others need of groups. Not for drop-ins and not while another change is stored
 * (ALREADY_EXISTS, LIMIT_EXCEEDED): */
Group *manager_find_changeable_group(Manager *self, const char *name, GError **error);
/* LIMIT_EXCEEDED when it is on its way out: nothing may begin to draw from it then. */
bool manager_check_group_stays(const Group *group, GError **error);
bool manager_check_group_room(Manager *self, const Group *group, guint more_rules, GError **error);
bool manager_check_group_choices(const GroupChoices *choices, GError **error);
void manager_apply_group_choices(Group *group, const GroupChoices *choices);
/* Takes next; done()'s id is its name, or answer. */
void manager_commit_group(Manager *self, Group *next, const char *answer, ManagerDone done, void *userdata);
/* Into the batch, as it is to be. */
void manager_put_group(StoreBatch *batch, const Group *group);
void manager_erase_group(Manager *self, Group *group, ManagerDone done, void *userdata);
bool manager_group_has_rule(const Group *group, const char *text);
/* After deletes: the drop-ins of those names may have come meanwhile. */
void manager_read_left_out(Manager *self);
/* The group that has this rule, as rule_print() has it, of this tenant, or with NULL of any. NULL = none. */
const Group *manager_find_grant(Manager *self, const char *tenant, const char *rule);
/* GDestroyNotify of Manager.jobs. */
void manager_free_job(gpointer job);

/* Of tenants: one that can be changed now. */
Tenant *manager_find_changeable_tenant(Manager *self, const char *name, GError **error);
/* Everything that it has been granted is revoked already. */
void manager_erase_tenant(Manager *self, Tenant *tenant, ManagerDone done, void *userdata);

/* For the start. STORAGE when something cannot be read. */
bool manager_load_assignments(Manager *self, GError **error);
bool manager_load_groups(Manager *self, GError **error);
bool manager_load_tenants(Manager *self, GError **error);
/* What was granted by a service that didn't write it into the assignments: those of the tenant's machines
 * whose rule is the grant's are the tenant's. */
void manager_fill_in_tenants(Manager *self);
