/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An sd_bus as a source of GLib's main loop.
 *
 * While the bus doesn't take what is to be sent, nothing is read: whoever calls and doesn't read the answers
 * waits, and costs no memory here. */

#include <glib.h>
#include <systemd/sd-bus.h>

/* Told once, when the connection is lost; error is positive errno. Nothing else is the end of it: what sd-bus
 * could not do about one message is only logged. */
typedef void (*BusLostFunc)(int error, void *userdata);

/* Attached to the default context; the bus must have been started. Destroy and unref it before the bus goes.
 */
GSource *bus_source_new(sd_bus *bus, BusLostFunc lost, void *userdata);

/* Sends what waits, for no longer than this, and reads nothing. Blocks. */
void bus_source_flush(GSource *source, unsigned timeout_ms);
