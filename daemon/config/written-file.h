/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A file that people write: usbferry.conf, or a group's. All of it as text, whatever stands in its place.
 * Called by who reads one; keeps nothing. */

#include <glib.h>

/* Longer than anything that makes sense in one. */
#define WRITTEN_FILE_BYTES_MAX (1024 * 1024)

/* New string, "" for /dev/null. An error of G_FILE_ERROR: it couldn't be opened, perhaps as it isn't there;
 * FERRY_ERROR_STORAGE: it is no file (a pipe, a folder), too long, or has a zero byte. */
char *written_file_read(const char *path, GError **error);
