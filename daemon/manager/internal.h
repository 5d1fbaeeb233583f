/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The manager's parts, for the files of this folder and nobody else. manager.c makes and wires them; the
 * others use them. What stands in the way of a second change while a first one is on its way to the disk is
 * here, or is `saving` in the object itself. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/base/worker.h"
#include "daemon/hands-off/hands-off.h"
#include "daemon/hotplug/hotplug.h"
#include "daemon/manager/decision.h"
#include "daemon/manager/lent.h"
#include "daemon/model/history.h"
#include "daemon/model/membership.h"
#include "daemon/model/registry.h"
#include "daemon/reconciler/reconciler.h"
#include "daemon/reset/reset.h"
#include "daemon/store/store.h"

struct Manager {
    Registry *registry;
    History *history;
    uint32_t (*asker)(void *userdata); /* who asks for what is decided now; NULL = nobody can */
    void *asker_userdata;
    Memberships *memberships;
    Store *store;
    Reconciler *reconciler;
    Resets *resets;
    Lent *lent;
    Hotplug *hotplug;
    Hypervisor *hypervisor; /* the caller's */
    WorkerPool *pool;       /* likewise */

    GHashTable *creating_groups;  /* set of names that are on their way to the disk */
    GHashTable *creating_tenants; /* likewise */
    GHashTable *granting;         /* sysname → name of the tenant that it is being granted to, both owned */
    GHashTable *revocations;      /* set of Revocation that are under way, owned */
    bool drop_ins_left_out;       /* a group of that name is being deleted: read again after that */
    void (*blind)(void *userdata); /* as in ManagerConfig */
    void *blind_userdata;
    int node_file; /* tells when this host's name was changed */
    guint node_source;
    struct Guards *guards;
    HandsOff *hands_off;
    bool saving_settings;
    guint terms_timer;      /* of terms.c: the next end */
    int64_t terms_retry_at; /* no release that it stores before this: µs, CLOCK_BOOTTIME */
    bool homes_saving;      /* what homes.c saw is on its way to the disk */
    bool homes_failed;      /* and could not be written the last time */
    guint homes_retry;      /* so it is tried again */
    bool applying;          /* a manifest is on its way to the disk; no other one may begin */
};
