/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Group files: the drop-in folders, /usr/lib/usbferry/groups.d and /etc/usbferry/groups.d. A file in /etc
 * hides one of the same name in /usr/lib. A bad file is reported with its line and keeps nothing else from
 * loading; so is a second group of the same name. Blocks: for the start and for reloads. */

#include <glib.h>

/* New array of Group, by name. folders: NULL-terminated, the later ones win. */
GPtrArray *group_files_read(const char *const *folders);
