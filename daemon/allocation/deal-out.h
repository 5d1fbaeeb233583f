/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Deal out: the last part of a deal, in which devices go one by one. For deal.c. Main thread only. */

#include "daemon/allocation/deal-state.h"

void deal_out(Deal *deal, const GPtrArray *assignments);
