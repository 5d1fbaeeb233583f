/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* libvirt's event loop on GLib's default context, and connections that libvirtd leaves alone.
 *
 * libvirtd asks every client once in a few seconds if it is still there (keepalive_interval), unless that
 * can't be asked: libvirt's library answers only where it has an event loop to watch the connection's socket
 * with. Twelve questions a minute, for an answer that the kernel has: the end of a process ends its
 * connections. So the connection that only listens is opened without one. Who opened it watches the socket,
 * and has libvirt read what came with any call on it. */

#include <libvirt/libvirt.h>

/* For the process, before the first connection is opened. Callbacks come in the thread that runs GLib's
 * default context. */
void libvirt_events_register(void);

/* Blocks: for a worker. ret_fd: a descriptor of its socket, to be closed; -1 where there is nothing to watch:
 * libvirt does that itself, or works in this process. NULL as virConnectOpen(). */
virConnectPtr libvirt_events_open_unasked(const char *uri, int *ret_fd);
