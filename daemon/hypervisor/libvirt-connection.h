/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A connection to libvirt: opened once, listened to, closed; never opened again.
 *
 * The one that brings the events makes no calls but to read them. Each call has a connection of its own, from
 * a small stock: libvirtd works on five requests of a client at a time (max_client_requests), so a handful of
 * hung machines would stop a shared one for good, and libvirt 9.0 loses wake-ups between threads that share
 * one (measured: other calls stall for 5 s, until the next ping). */

#include <glib.h>
#include <libvirt/libvirt.h>
#include <stdbool.h>

#include "daemon/base/worker.h"

typedef struct LinkEvents {
    void (*lost)(void *owner, const char *why);
    void (*touched)(void *owner, const char *uuid);
} LinkEvents;

/* Leads from a connection's callbacks to its owner. libvirt's callbacks hold it, not the owner, because they
 * can come while owner and connection are on their way out. */
typedef struct Link {
    gatomicrefcount references;
    const LinkEvents *events;
    void *owner; /* main thread; NULL once the connection was given up: then nothing is told any more */
} Link;

Link *link_new(const LinkEvents *events, void *owner);
Link *link_ref(Link *link);
void link_unref(gpointer link);

typedef struct Connection Connection;

/* For the process, before the first connection is opened. Main thread; registers with GLib's default context.
 */
void connection_init(void);

/* Blocks: for a worker. The events are registered when it returns; some may be told before, all of them from
 * connection_begin() on. FERRY_ERROR. */
Connection *connection_open(const char *uri, Link *link, GError **error);
Connection *connection_ref(Connection *connection);
void connection_unref(gpointer connection);
/* Takes the reference. Any thread, returns at once: closing asks libvirtd, which may hang. */
void connection_close_elsewhere(gpointer connection);

/* Main thread, once: what libvirt says from the opening on is read, by jobs of pool, which is borrowed until
 * the link's owner is no more. */
void connection_begin(Connection *connection, WorkerPool *pool);

/* One for a call, to be given back after it; may be opened now. NULL with FERRY_ERROR. Worker. */
virConnectPtr connection_borrow(Connection *connection, GError **error);
void connection_give_back(Connection *connection, virConnectPtr connect);

/* The error of the libvirt call that has just failed in this thread, as FERRY_ERROR. */
GError *connection_take_error(void);
