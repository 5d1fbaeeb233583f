/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Set: one device for each enabled rule of a group, all or nothing. For daemon/allocation/deal.h. Pure. */

#include <glib.h>

#include "daemon/model/group.h"
#include "daemon/usb/device.h"

/* One device for each rule, none twice; NULL when some rule stays empty (or there is no rule). devices: of
 * Device, the ones that are to be preferred first. New array, borrowed devices. */
GPtrArray *set_matching_choose(const Group *group, const char *node, const GPtrArray *devices);
