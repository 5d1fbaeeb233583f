/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What allocation_new() begins with: which device is in which machine, and which could go to which
 * assignment. For daemon/allocation/allocation.c alone. */

#include "daemon/allocation/allocation.h"

/* Fills desired->live. */
void attachments_find(Allocation *allocation);

/* Fills desired->matches and not_owned, and makes an empty place in got for each assignment. devices: of
 * Device, in the order that the matches are to have. */
void allocation_find_matches(Allocation *allocation, const GPtrArray *devices);
