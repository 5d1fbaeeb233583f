/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Given back: a device of a pool that its assignment has given back alone. The assignment has another one
 * instead, or one less, and doesn't draw this one again before that is so: Assignment.given_back has it until
 * then. For reconciler/; reads the registry only. */

#include <stdbool.h>

#include "daemon/allocation/allocation.h"

/* Whether the assignment may draw it again: the device is home, and there is nothing left that it would be
 * drawn for. instance: of one that it has given back. */
bool given_back_is_over(const Allocation *allocation, const Assignment *assignment, uint64_t instance);
