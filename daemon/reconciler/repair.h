/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Repair: when something of a machine that isn't as it should be is repaired, again if need be: soon at
 * first, in the end once an hour, and soon again when it is another thing that is to be repaired.
 * machine-turn.c asks, dispatcher.c begins. Writes the Repair only. Main thread only. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/model/machine.h"

/* about: what is wrong, and how it is to be. False: not now; *wake is moved forward to when. */
bool repair_is_due(Repair *repair, const char *about, gint64 now, gint64 *wake);
void repair_begin(Repair *repair, gint64 now);

/* It is as it should be, or may be repaired more easily now: what failed doesn't count. */
void repair_forget_failures(Repair *repair);
