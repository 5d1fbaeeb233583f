/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Wake: the earliest time at which something has to be looked at again. Every part of a turn adds its own
 * times, and one timer is set to what comes out. Times are µs of CLOCK_MONOTONIC, 0 = never. Any thread. */

#include <glib.h>
#include <stdbool.h>

/* Moves *wake forward to at when that is earlier. Does nothing when at is 0. */
void wake_at(gint64 *wake, gint64 at);

/* Whether the time has come; if not, wake_at(). What has no time (0) is due. */
bool wake_is_due(gint64 *wake, gint64 at, gint64 now);

/* What has no time of its own comes at whole WAKE_GRID_US: the process wakes up once for all that is due
 * then. */
#define WAKE_GRID_US (10 * G_USEC_PER_SEC)

/* The last time of the grid that is later than now and no later than within from now; now + within if there
 * is none. */
gint64 wake_on_grid(gint64 now, gint64 within);

/* A source of GLib's default context that calls due once, at that time and not rounded up from it, so that
 * those of one time share a turn of the loop. due returns G_SOURCE_REMOVE. */
guint wake_source(gint64 at, GSourceFunc due, gpointer userdata);
