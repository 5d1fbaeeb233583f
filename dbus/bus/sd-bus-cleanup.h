/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* sd-bus's types in GLib's cleanup idiom. */

#include <glib.h>
#include <systemd/sd-bus.h>

/* A bus goes with close and unref: flushing could block, and messages in its queues pin it. */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_bus, sd_bus_close_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_bus_message, sd_bus_message_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_bus_slot, sd_bus_slot_unref)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(sd_bus_error, sd_bus_error_free)
