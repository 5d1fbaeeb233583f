/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Backoff: how long to wait before something that failed is tried again. For every module that tries again by
 * itself; the count of failures is the caller's. Pure, any thread. */

#include <glib.h>

/* With steps 4: first, 2 × first, 4 × first, 8 × first, and then slow for ever. */
typedef struct Backoff {
    gint64 first_us;
    unsigned steps; /* less than 32 */
    gint64 slow_us;
} Backoff;

/* failures: one after the other, before the one that the delay is for; 0 = this was the first. */
gint64 backoff_delay(const Backoff *backoff, unsigned failures);
