/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Hosts: one list of what several hosts have. For list, the overview and watch. */

#include <glib.h>

#include "client/bus/client.h"
#include "client/bus/model.h"
#include "client/view/table.h"

/* What there is to be listed of one of them. Of const Object, borrowed. */
typedef GPtrArray *HostRows(const Model *model, const void *userdata);

/* Fetches from all hosts that were named, tells those that failed, a line each, and prints what the others
 * have, as table or JSON. A table doesn't wait for who is slow: his lines come when he has answered. all:
 * columns among which is "host", which comes first; chosen: those that are wanted. FAILED when a host failed.
 */
Outcome hosts_list(Client *client, HostRows *rows, const void *userdata, const Column *all, GPtrArray *chosen,
                   TableFlags flags);

/* The overview of several hosts that were fetched already; rows: an array for each model. */
void hosts_print_overview(GPtrArray *models, GPtrArray *rows);
