/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Hotplug: devices that come and go, from udev into the registry. A device that returns to its socket
 * quickly has to be steady before it may go anywhere: QEMU can abort when a device flaps under it. Main
 * thread only. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/model/registry.h"

typedef struct Hotplug Hotplug;

typedef struct HotplugEvents {
    /* After the registry has changed: the device that is new or has other facts, NULL when one went. */
    void (*changed)(Device *device, void *userdata);
    /* The kernel has found one, and isn't done with it. */
    void (*coming)(void *userdata);
    /* Something happened to it that changes none of its facts: a driver took an interface, for instance. */
    void (*touched)(const char *sysname, void *userdata);
    /* udev tells nothing any more. */
    void (*lost)(void *userdata);
} HotplugEvents;

/* Errors are udev's, and fatal for the caller. */
Hotplug *hotplug_new(Registry *registry, const HotplugEvents *events, void *userdata, GError **error);
Hotplug *hotplug_free(Hotplug *hotplug);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Hotplug, hotplug_free)

/* Compares /sys with what is known. The outputs may be NULL. The first time is the start: when what is there
 * was plugged in nobody knows, so the log says how many there are, and the history nothing. What udev isn't
 * done with by then comes later, as if it were plugged in. */
bool hotplug_rescan(Hotplug *hotplug, unsigned *ret_added, unsigned *ret_removed, GError **error);
