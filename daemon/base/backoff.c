/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The delay between two tries: doubled a few times, then constant. Called by who tries again by itself;
 * touches nothing. */

#include "daemon/base/backoff.h"

gint64 backoff_delay(const Backoff *backoff, unsigned failures)
{
    return failures < backoff->steps ? backoff->first_us << failures : backoff->slow_us;
}
