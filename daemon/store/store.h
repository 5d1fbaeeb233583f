/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Store: one key file per object, durable before anybody is told so.
 *
 * <state>/version, <state>/assignments/<id>, and the same below <runtime> for what ends with a reboot. An id
 * may have dots and slashes, but neither '~' nor '@', which stand for them in the file's name. Written in a
 * worker of its own (fsync can take seconds, and a hypervisor that hangs must not hold up a decision), by way
 * of the journal: what is answered with an error hasn't happened, not even after a restart. At the start
 * everything is read, or the service doesn't start: what can't be read must not count as missing. A file that
 * can be read and makes no sense is damaged; it is left as it is, and whoever asked for it says what follows.
 */

#include <glib.h>
#include <stdbool.h>

#include "daemon/store/area.h"

typedef struct Store Store;

/* NULL: the change has happened. Else FERRY_ERROR_STORAGE: it hasn't, and won't after a restart. Main thread.
 */
typedef void (*StoreDone)(const GError *error, void *userdata);

/* Makes the folders, keeps other services off them, and finishes what a crash has left of a store_commit().
 * STORAGE when they can't be used, are another service's, or hold a newer version's files. */
Store *store_new(const char *state_dir, const char *runtime_dir, GError **error);
Store *store_free(Store *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Store, store_free)

/* kind: "assignments". The file is copied before this returns. free_userdata is
 * called instead of done() when the store is freed first. */
void store_save(Store *store, StoreArea area, const char *kind, const char *id, GKeyFile *file,
                StoreDone done, void *userdata, GDestroyNotify free_userdata);
/* A file that isn't there is no error. */
void store_delete(Store *store, StoreArea area, const char *kind, const char *id, StoreDone done,
                  void *userdata, GDestroyNotify free_userdata);

/* Several files that change together or not at all, also when the power goes in the middle of it. */
typedef struct StoreBatch StoreBatch;

StoreBatch *store_batch_new(void);
StoreBatch *store_batch_free(StoreBatch *batch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreBatch, store_batch_free)

void store_batch_save(StoreBatch *batch, StoreArea area, const char *kind, const char *id, GKeyFile *file);
void store_batch_delete(StoreBatch *batch, StoreArea area, const char *kind, const char *id);
/* Takes the batch. */
void store_commit(Store *store, StoreBatch *batch, StoreDone done, void *userdata,
                  GDestroyNotify free_userdata);

/* A file that was found. Valid for the call only. */
typedef struct StoredFile {
    StoreArea area;
    const char *id;
    const char *path; /* for messages; clean */
    const char *text;
} StoredFile;

/* Calls take() for each file of both areas, in the order of their names. False from take(), with its error:
 * the file is damaged, which is logged. False, STORAGE: something can't be read. Blocks: for the start only.
 */
bool store_load(Store *store, const char *kind,
                bool (*take)(const StoredFile *file, void *userdata, GError **error), void *userdata,
                GError **error);
