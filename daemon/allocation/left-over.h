/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Left over: what an assignment could have, nobody is to have, and it doesn't draw. For status.c. Reads the
 * registry only. Main thread only. */

#include "daemon/allocation/allocation.h"

typedef struct LeftOver {
    const Device *missed; /* held back, used by the host, or the machine has no port for it: the first one of
                           * them; NULL = none */
    guint n_missed;
    bool soon; /* what keeps one of all from it passes in a moment */
} LeftOver;

LeftOver left_over_of(const Allocation *allocation, const Assignment *assignment);
