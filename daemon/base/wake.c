/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The minimum of times, of which some are never. Called by every part of a turn that has to wait; touches
 * nothing but the caller's time. */

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
