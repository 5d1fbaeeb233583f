/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of the manager share. Nobody else includes this. */

#include "daemon/arrivals.h"
#include "daemon/manager.h"
#include "daemon/membership.h"
#include "daemon/reconciler.h"
#include "daemon/store.h"
#include "daemon/text.h"

#define STORE_KIND_ASSIGNMENTS "assignments"
#define STORE_KIND_GROUPS      "groups"
#define STORE_KIND_SETTINGS    "settings"

/* The longest description, in bytes: as much as its file gives back. */
#define DESCRIPTION_MAX_BYTES TEXT_MAX

struct Manager {
    Registry *registry;
    Hypervisor *hypervisor;
    Store *store;
    Reconciler *reconciler;
    Resets *resets;
    Arrivals *arrivals;
    Memberships *memberships;
    GHashTable *creating; /* set of names of groups that are on their way to the disk */
    bool saving_settings;
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

/* For the start. */
void manager_load_assignments(Manager *self);
void manager_load_groups(Manager *self);
