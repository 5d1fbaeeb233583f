/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Status: where an assignment stands, in the words of the bus, from what it is to have and where devices
 * are. Says it only; daemon/reconciler/status-update.c writes it down. Main thread only. */

#include "daemon/allocation/allocation.h"
#include "daemon/allocation/want-status.h"
#include "daemon/model/registry.h"

Status status_of(Registry *registry, const Allocation *allocation, const Assignment *assignment);
