/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Lent: which devices machines have from us, kept until the host's end. A QEMU that is killed while the
 * service isn't there leaves them without a driver, and nothing else tells that they were lent: the next
 * service gives them back. Seen, not decided, like homes.h. manager.c calls it after each turn; it writes
 * Device.ours of what it finds again. Main thread only. */

#include <stdbool.h>

#include "daemon/allocation/allocation.h"
#include "daemon/store/store.h"

typedef struct Lent Lent;

/* again: it has something new to do, or to try: lent_look() should be called soon. */
Lent *lent_new(Registry *registry, Store *store, void (*again)(void *userdata), void *userdata);
Lent *lent_free(Lent *lent);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Lent, lent_free)

/* What the service before this one had lent. Blocks: for the start only. */
bool lent_restore(Lent *lent, GError **error);

/* Finds again what was lent, and keeps what is lent now. */
void lent_look(Lent *lent, const Allocation *allocation);
