/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Group files: the drop-in folders, /usr/lib/usbferry/groups.d and /etc/usbferry/groups.d. Blocks: for the
 * start and for reloads.
 *
 * Read are the *.conf of each folder. One in a later folder hides one of the same name in the folders before,
 * even when it is bad itself; if it is empty or a link to /dev/null, it does nothing else. A bad file is
 * logged with its line and keeps nothing else from loading; so is a second group of the same name, in the
 * order of the files' names. */

#include <glib.h>

/* New array of Group, owned, by name. folders: NULL-terminated, the later ones win; one that isn't there is
 * empty. unread: a set of char *, which gets the names of the files that were refused, and the paths of the
 * folders that can't be read. */
GPtrArray *drop_ins_read(const char *const *folders, GHashTable *unread);
