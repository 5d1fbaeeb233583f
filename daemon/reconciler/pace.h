/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Pace: how soon a turn may follow another. Whoever calls in the middle of a turn waits until it is over, and
 * in a storm each event wants a turn. So after a turn that is long enough to be felt the next one comes when
 * the events pause, or, as long as they don't, after a rest; and at once when there was a rest already. Times
 * are µs of CLOCK_MONOTONIC, but for what a turn took, which is the processor's time. Pure, any thread. */

#include <glib.h>

typedef struct Pace {
    gint64 took;  /* the last turn */
    gint64 ended; /* 0 = there was none */
} Pace;

void pace_turned(Pace *self, gint64 took, gint64 ended);

/* When the turn is due that was last asked for at asked: not before asked. A later event moves it back, up to
 * the end of the rest and never beyond it. */
gint64 pace_due(const Pace *self, gint64 asked);
