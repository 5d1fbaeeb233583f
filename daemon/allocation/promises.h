/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Promises: which devices the host has no more, as machines have them, get them in this turn, or have them
 * back after a reset. Of two keyboards that are wanted together the second one is the last. Made by deal.c,
 * for what it draws, and by allocation.c, for what goes. Reads the registry only. Main thread only. */

#include "daemon/allocation/attachment.h"
#include "daemon/allocation/verdict.h"
#include "daemon/model/registry.h"

typedef struct Promises Promises;

/* Begins with what machines have or are just being given, and with what is reserved. */
Promises *promises_new(Registry *registry, const Attachments *attachments);
Promises *promises_free(Promises *promises);

void promises_add(Promises *promises, const Device *device);
/* For a trial: what was added since the mark is taken back. */
guint promises_mark(const Promises *promises);
void promises_take_back(Promises *promises, guint mark);

/* judge_guard(), with all that is promised away. */
Verdict promises_judge(Promises *promises, const Assignment *assignment, const Device *device);
/* Which last one the device was when it was judged and kept for that; NULL = it wasn't. */
const char *promises_use(const Promises *promises, const Device *device);
