/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Node: what this host is called, for rules that say on which one they count. It may get its name late, after
 * the service was started. For manager.c. Main thread only. */

#include "daemon/manager/decision.h"

/* Clean. New string. */
char *node_read(void);

/* Takes the name that the host has now; when it is another one, who is in which group is worked out anew. */
void node_look(Manager *manager);

/* Looks whenever the kernel says that the name was changed, until node_unwatch(). */
void node_watch(Manager *manager);
void node_unwatch(Manager *manager);
