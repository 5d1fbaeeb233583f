/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Pinned: which one of the devices that match it an assignment of one device is for. Worked out anew each
 * time, from what is known then; daemon/manager/homes.c keeps what has to be known later. For deal.c and
 * allocation.c. Pure. Main thread only. */

#include <stdbool.h>

#include "daemon/allocation/attachment.h"
#include "daemon/allocation/candidates.h"

/* NULL = it isn't plugged in, isn't left to the assignment, or it can't be told which of several it is; and
 * for an assignment that draws from a group. */
Device *pinned_device(Registry *registry, const Attachments *attachments, const Candidates *candidates,
                      const Assignment *assignment);

/* Whether several devices match an assignment of one device now: from then on it has twins. */
bool pinned_has_twins(const Candidates *candidates, const Assignment *assignment);
