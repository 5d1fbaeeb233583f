/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The minimum of times, of which some are never, and times that are shared. Called by every part of a turn
 * that has to wait; touches the caller's time and GLib's default context. */

#include "daemon/base/wake.h"

void wake_at(gint64 *wake, gint64 at)
{
    if (at && (!*wake || at < *wake))
        *wake = at;
}

bool wake_is_due(gint64 *wake, gint64 at, gint64 now)
{
    if (at <= now)
        return true;
    wake_at(wake, at);
    return false;
}

gint64 wake_on_grid(gint64 now, gint64 within)
{
    gint64 at = (now + within) / WAKE_GRID_US * WAKE_GRID_US;

    return at > now ? at : now + within;
}

guint wake_source(gint64 at, GSourceFunc due, gpointer userdata)
{
    g_autoptr(GSource) source = g_timeout_source_new(0);

    g_source_set_callback(source, due, userdata, NULL);
    g_source_set_ready_time(source, at);
    return g_source_attach(source, NULL);
}
