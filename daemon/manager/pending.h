/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Pending: a change that is on its way to the disk, and what follows when it is there or couldn't be put
 * there: whoever began it settles it, the caller is told, the reconciler looks again. It knows nothing of
 * what changes. For the files of this folder. Main thread only. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/manager/decision.h"
#include "daemon/store/store.h"

typedef struct PendingChange {
    const char *id; /* of the object, as in the store; copied */
    /* Takes the payload. */
    void (*settle)(Manager *manager, const char *id, gpointer payload, bool stored);
    gpointer payload;
    GDestroyNotify free_payload; /* called instead of settle() when the store is freed first */
    const char *answer;          /* for done(); NULL = id; copied */
    ManagerDone done;
    void *userdata;
} PendingChange;

void pending_save(Manager *manager, StoreArea area, const char *kind, GKeyFile *file,
                  const PendingChange *change);
void pending_delete(Manager *manager, StoreArea area, const char *kind, const PendingChange *change);
/* Takes the batch. */
void pending_commit(Manager *manager, StoreBatch *batch, const PendingChange *change);
