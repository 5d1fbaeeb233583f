/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What desired_new() begins with: which device is in which machine, and which could go to which assignment.
 * For daemon/allocation/allocation.c alone. */

#include "daemon/allocation/allocation.h"

/* Fills desired->live. */
void desired_find_live(Desired *desired);

/* Fills desired->matches and not_owned, and makes an empty place in got for each assignment. devices: of
 * Device, in the order that the matches are to have. */
void desired_find_matches(Desired *desired, const GPtrArray *devices);
