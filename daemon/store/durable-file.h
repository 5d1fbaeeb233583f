/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Durable files: read, replaced and deleted such that an error is an error and a crash finds the old or the
 * new one. For store.c and journal.c alone. Blocks: for the store's worker and the start. Errors are
 * FERRY_ERROR_STORAGE.
 *
 * What replaces and removes is there for everybody at once, and outlives a power cut after
 * durable_sync_folder(). */

#include <glib.h>
#include <stdbool.h>

/* By way of a temporary file. On an error nothing has changed. Readable for the owner only. */
bool durable_replace(const char *path, const char *data, gsize length, GError **error);
/* The same in two steps: what can fail for want of space, a folder or a file descriptor is the first. */
bool durable_prepare(const char *path, const char *data, gsize length, GError **error);
bool durable_put(const char *path, GError **error);
/* In place of the second. */
void durable_forget(const char *path);
/* A file that isn't there is no error. */
bool durable_remove(const char *path, GError **error);
bool durable_sync_folder(const char *folder, GError **error);
/* That it is there and can be opened. */
bool durable_check_folder(const char *folder, GError **error);

/* The whole file; *ret_content is NULL when it isn't there, and that alone is no error. */
bool durable_read(const char *path, GString **ret_content, GError **error);
/* The names of the files of a folder, sorted: new array of char *. What a crash has left of
 * durable_replace() is removed and isn't among them: nothing in it was promised. */
bool durable_list(const char *folder, GPtrArray **ret_names, GError **error);

void durable_set_error(GError **error, const char *what, const char *path, int saved_errno);
