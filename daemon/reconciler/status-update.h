/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Outlook: where each device, group and assignment stands, from what is desired and what is live. The only
 * place that writes their states, reports the change and logs it. */

#include "daemon/allocation/allocation.h"
#include "daemon/model/registry.h"

void outlook_update(Registry *registry, const Desired *desired);
