/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Fleet: several hosts that are looked at in one go, each through a connection and a thread of its own. For
 * the verbs that list. Changes go to one host only: client_connect() sees to that. */

#include <glib.h>
#include <stdbool.h>

#include "client/bus/client.h"
#include "client/bus/model.h"

typedef struct FleetHost {
    const char *host; /* borrowed from the client */
    Model *model;     /* NULL: error says why */
    GError *error;
} FleetHost;

/* True when -H was given more than once. */
bool fleet_is_asked(const Client *client);

/* What each of the hosts has, in their order; who doesn't answer within some seconds has an error. Of
 * FleetHost. */
GPtrArray *fleet_fetch(const Client *client);

/* The hosts of ~/.config/usbferry/hosts, one on each line. New array; NULL and an error when there are none.
 */
char **fleet_read_hosts(GError **error);
