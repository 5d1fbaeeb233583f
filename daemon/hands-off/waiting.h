/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Waiting: what waits for a VM now, so that the host leaves it alone: each device that is plugged in and
 * belongs to an assignment, and whatever an assignment takes as soon as it is plugged in. Worked out anew in
 * every turn, and put into words when it is another one, for hands-off.c and udev-rules.c. Reads the
 * registry, and sysfs for the names of ports. */

#include <glib.h>

#include "daemon/allocation/allocation.h"

/* More are not told to udev, which looks at each of them at every plug. */
#define HANDS_OFF_LINES_MAX 1024

/* What udev is to know: matches of daemon/rules/rule-udev.h, and what a device that has them is from then on,
 * as daemon/usb/udev-daemon.h has it. A later line counts more. */
typedef struct WaitingLine {
    char *matches;
    const char *waits; /* static */
} WaitingLine;

typedef struct Waiting {
    GPtrArray *sources;  /* waiting.c's: what the lines are made from */
    char *ground;        /* the host that they are made on */
    GHashTable *devices; /* set of sysnames, borrowed: of those that wait and are plugged in */

    /* of waiting_say() */
    GPtrArray *lines; /* of WaitingLine, owned: sorted, those of what is plugged in last */
    guint n_unsaid;   /* rules for which udev has no words */
    guint n_left_out; /* beyond HANDS_OFF_LINES_MAX */
} Waiting;

/* What waits, without any line. input: what goes at once is left alone by whoever reads keyboards and mice as
 * well. Valid until the registry changes. */
Waiting *waiting_new(const Allocation *allocation, bool input);
Waiting *waiting_free(Waiting *waiting);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Waiting, waiting_free)

/* The lines would be the same. This may be asked of what is no longer valid. */
bool waiting_is_same(const Waiting *one, const Waiting *other);
/* Makes the lines. */
void waiting_say(Waiting *waiting, Registry *registry);
