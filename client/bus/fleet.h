/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Fleet: several hosts that are looked at in one go, each by a thread of its own. For the verbs that
 * list, and for watch. Changes go to one host only: client_connect() sees to that. */

#include <glib.h>
#include <stdbool.h>

#include "client/bus/client.h"
#include "client/bus/follow.h"
#include "client/bus/model.h"

/* How long a host may take to answer, in seconds, when --host-timeout doesn't say. Longer than any host that
 * works takes over ssh; one that is down mostly doesn't even refuse. */
#define FLEET_HOST_SECONDS 10

/* After this many ms what has come is shown, and what comes later as it comes: a list is there in a second.
 */
#define FLEET_SOON_MS 750

/* One host on the way to being followed, or fetched. The thread that fetches is never waited for: it may hang
 * as long as ssh does. */
typedef struct Visit Visit;

typedef struct FleetHost {
    const char *host; /* borrowed from the client */
    Visit *visit;     /* NULL: it has answered, or will not */
    Model *model;     /* NULL: error says why, or it hasn't answered */
    GError *error;
    bool told; /* for who shows them */
} FleetHost;

/* True when -H was given more than once. */
bool fleet_is_asked(const Client *client);

/* All hosts, in their order, on the way. Of FleetHost. */
GPtrArray *fleet_begin(const Client *client);
/* Returns when all of them have answered, or, unless all are to, one more has; or when it is time. False:
 * nobody is left to answer, or it is time. */
bool fleet_wait(GPtrArray *hosts, bool all, gint64 until);
/* It is time: who hasn't answered has an error now. */
void fleet_end(const Client *client, GPtrArray *hosts);

/* The error with the name of the host before it. */
GError *fleet_host_error(const char *host, const GError *error);
/* Of g_get_monotonic_time(): until then a host that is asked now is to answer. */
gint64 fleet_deadline(const Client *client);
/* The error of a host that doesn't answer in time. */
GError *fleet_late_error(const Client *client, const char *host);

/* Opens a connection to the host, in the main thread; all visits are made before the first of them begins.
 * What goes wrong is kept for visit_take(). Never NULL. */
Visit *visit_new(const char *host);
/* Once: goes there and fetches, in a thread, unless it is over already. */
void visit_begin(Visit *visit);
void visit_unref(Visit *visit);
/* Readable when it is over. */
int visit_fd(const Visit *visit);
/* False: it isn't over. Else what came of it, once: a connection of its own and a model that is fetched and
 * told to nobody yet (see follow_tell_to()), or an error that names the host. */
bool visit_take(Visit *visit, Client **ret_client, Follow **ret_follow, GError **ret_error);

/* The hosts of ~/.config/usbferry/hosts, one on each line. New array; NULL and an error when there are none.
 */
char **fleet_read_hosts(GError **error);
