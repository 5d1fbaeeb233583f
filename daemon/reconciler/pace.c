/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Both times to wait go by how long the last turn took, so that they suit a host with five devices and one
 * with a thousand. */

#include "daemon/reconciler/pace.h"

/* Events without a pause: of a hundred calls one after the other, less than one meets a turn. */
#define REST 20

/* A turn that takes less than this is not felt: a call and its answer take a good part of it. */
#define SHORT_US (2 * G_TIME_SPAN_MILLISECOND)

/* The first turn has everything to read, and says little of the next. */
#define TOOK_MAX_US (10 * G_TIME_SPAN_MILLISECOND)

void pace_turned(Pace *self, gint64 took, gint64 ended)
{
    self->took = MIN(took, TOOK_MAX_US);
    self->ended = ended;
}

gint64 pace_due(const Pace *self, gint64 asked)
{
    gint64 rested = self->ended + REST * self->took;
    gint64 paused = asked + self->took;

    return self->took < SHORT_US ? asked : CLAMP(rested, asked, paused);
}
