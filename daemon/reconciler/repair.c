/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The delay between two tries. Called by machine-turn.c, dispatcher.c and reconciler.c; touches nothing else.
 */

#include "daemon/reconciler/repair.h"

#include "daemon/base/backoff.h"
#include "daemon/base/text.h"
#include "daemon/base/wake.h"

/* 1, 2, 4, … s, then every hour: libvirt refuses the same again, unless somebody makes room on the disk, and
 * the machine is to start then. */
static const Backoff retry = { .first_us = G_USEC_PER_SEC,
                               .steps = 12,
                               .slow_us = 60 * 60 * (gint64)G_USEC_PER_SEC };

/* A device that comes and goes all the time has its machine's saved image written this often at most. */
#define PAUSE_US G_USEC_PER_SEC

bool repair_is_due(Repair *self, const char *about, gint64 now, gint64 *wake)
{
    if (g_strcmp0(self->about, about) != 0) {
        text_replace(&self->about, about);
        repair_forget_failures(self);
    }
    return wake_is_due(wake, self->next_at, now);
}

void repair_begin(Repair *self, gint64 now)
{
    self->last_at = now;
    self->next_at = now + backoff_delay(&retry, self->tries++);
}

void repair_forget_failures(Repair *self)
{
    self->next_at = MIN(self->next_at, self->last_at + PAUSE_US);
    self->tries = 0;
}
