/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Drop-in groups: those that people write as files, on their way into the registry, at the start, at each
 * reload and after a delete. Blocks for reading. For the files of this folder, and for who only wants to know
 * whether they are right. Main thread only. */

#include <stdbool.h>

#include "daemon/manager/decision.h"

/* Reads the folders anew: /usr/lib/usbferry/groups.d and /etc/usbferry/groups.d, or those of
 * $FERRY_GROUPS_PATH. A group of the store keeps its name against a file of the same name. One that was read
 * stays as it was while its file can't be. */
void drop_in_groups_read(Manager *manager);

/* Whether nothing is wrong in the files; what is, is logged. */
bool drop_in_groups_check(void);

/* After a group has been deleted: a file of its name, which could not be taken before, is taken now. */
void drop_in_groups_read_left_out(Manager *manager);
