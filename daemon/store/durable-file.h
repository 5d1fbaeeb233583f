/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Durable: a file that is written, or gone, such that a power cut doesn't change it any more. Blocks: for
 * workers and the start. Errors are FERRY_ERROR_STORAGE. */

#include <glib.h>
#include <stdbool.h>

/* Temporary file, fsync, rename, fsync of the folder. Readable for the owner only. */
bool durable_write(const char *path, const char *data, gsize length, GError **error);
/* A file that isn't there is no error. */
bool durable_delete(const char *path, GError **error);

/* The same in two steps, for many files: what these do is durable after durable_sync_folder() of theirs. */
bool durable_replace(const char *path, const char *data, gsize length, GError **error);
bool durable_remove(const char *path, GError **error);
bool durable_sync_folder(const char *folder, GError **error);

/* What a write leaves that a crash cut off, "<name>.XXXXXX": nothing in it was promised. */
bool durable_is_temporary(const char *name);
/* A damaged file, as "<path>.damaged" and with a log line. */
void durable_set_aside(const char *path, const GError *why);

void durable_set_error(GError **error, const char *what, const char *path, int saved_errno);
