/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An sd_bus as a source of GLib's main loop. */

#include <glib.h>
#include <systemd/sd-bus.h>

/* Told once, when the connection is lost; error is positive errno. */
typedef void (*BusLostFunc)(int error, void *userdata);

/* Attached to the default context. Destroy and unref it before the bus goes. */
GSource *bus_source_new(sd_bus *bus, BusLostFunc lost, void *userdata);
