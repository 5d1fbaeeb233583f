/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Deal sets: the part of a deal in which sets are filled. For deal.c. Main thread only. */

#include "daemon/allocation/deal-state.h"

void deal_fill_sets(Deal *deal, const GPtrArray *assignments);
