/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Overview: what is printed without a verb: every device but the hubs, and the assignments whose device is
 * away. Pure. */

#include <glib.h>

#include "client/bus/model.h"
#include "client/view/column.h"

/* In the order in which people want to see them. Of const Object, borrowed. */
GPtrArray *overview_rows(const Model *model);

/* Every device, each below the hub that it is plugged into, hubs as well; and the columns for it. */
GPtrArray *overview_tree_rows(const Model *model);
const Column *overview_tree_columns(void);

/* Both end with a column without a name. For people short, for programs complete. */
const Column *overview_columns(void);
const Column *overview_columns_for_programs(void);
