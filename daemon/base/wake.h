/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Wake: the earliest time at which something has to be looked at again. Every part of a turn adds its own
 * times, and one timer is set to what comes out. Times are µs of CLOCK_MONOTONIC, 0 = never. Pure, any
 * thread. */

#include <glib.h>
#include <stdbool.h>

/* Moves *wake forward to at when that is earlier. Does nothing when at is 0. */
void wake_at(gint64 *wake, gint64 at);

/* Whether the time has come; if not, wake_at(). What has no time (0) is due. */
bool wake_is_due(gint64 *wake, gint64 at, gint64 now);
