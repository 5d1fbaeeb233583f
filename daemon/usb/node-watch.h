/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* NodeWatch: hears when a program of the host closes the device node of a USB device, by inotify, so that
 * nobody has to look all the time. QEMU's own nodes are others, in its private /dev, and aren't heard. For
 * the reconciler's witness; where nothing can be heard it still looks now and then. Main thread only. */

#include <glib.h>

typedef struct NodeWatch NodeWatch;

/* Where the nodes of devices are. */
#define NODE_WATCH_FOLDER "/dev/bus/usb"

/* folder: NODE_WATCH_FOLDER, or a test's. closed: somebody closed a node that is watched: bus and device
 * number. It may call node_watch_…(). NULL when the kernel refuses. */
NodeWatch *node_watch_new(const char *folder,
                          void (*closed)(unsigned bus_number, unsigned device_number, void *userdata),
                          void *userdata);
NodeWatch *node_watch_free(NodeWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NodeWatch, node_watch_free)

/* Both do nothing when it is so already. watch: NULL does nothing. */
void node_watch_add(NodeWatch *watch, unsigned bus_number, unsigned device_number);
void node_watch_remove(NodeWatch *watch, unsigned bus_number, unsigned device_number);
