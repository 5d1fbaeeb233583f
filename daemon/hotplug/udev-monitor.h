/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* udev: enumerates the host's USB devices and follows their coming and going. Main thread only.
 *
 * found(device) is told for every device that udev has finished with (initialized, and a driver bound to the
 * whole device: "usb", unless a device has a special one), again after each later change of it, with a new
 * Device each time (taken by the callee). gone(sysname) when one was unplugged. Nothing is told twice for one
 * enumeration unless something changed; another enumeration of the same name is told as gone and found. On a
 * lost event (ENOBUFS) everything is enumerated again. The order is the kernel's. Neither function may free
 * the monitor.
 *
 * Of what is read here, the kernel makes one kind wait while a device is being reset, by whomever, or a
 * driver is being bound to it: the device's own manufacturer, product and serial. They are read at the first
 * look at an enumeration and remembered as long as it lasts. So a reset of a device that is known holds up
 * nothing here; one that hangs while the service starts, or right after the device came, does. udev has no
 * copy of these that could be read instead: it writes underscores into a serial.
 *
 * For tests: umockdev (0.17) has no /run/udev/data, so its devices are never initialized for a rescan, but
 * those in its events are. A test announces a device, also one that was there before the start, by a uevent
 * "bind" once the monitor is open. It needs the link "driver" (L: driver=../../drivers/usb, any path that
 * ends so) and should have E: DEVNUM; another number, there and in sysfs, makes it another enumeration. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/usb/device.h"

typedef struct UsbMonitor UsbMonitor;

typedef struct UsbMonitorEvents {
    void (*found)(Device *device, void *userdata);
    void (*gone)(const char *sysname, void *userdata);
    /* The kernel has found a device and isn't done with it: one may be told by found() soon. */
    void (*coming)(void *userdata);
    /* An event of the device or of one of its interfaces, whether anything was found or not. unbound: an
     * interface was taken from whoever had it. */
    void (*touched)(const char *sysname, bool unbound, void *userdata);
    void (*lost)(void *userdata); /* the connection to udev broke: nothing is told any more */
} UsbMonitorEvents;

/* Opens the monitor first; call usb_monitor_rescan() for the devices that are there already. FERRY_ERROR_...
 * never: errors are G_IO_ERROR or G_FILE_ERROR, and fatal for the caller. */
UsbMonitor *usb_monitor_new(const UsbMonitorEvents *events, void *userdata, GError **error);
UsbMonitor *usb_monitor_free(UsbMonitor *monitor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UsbMonitor, usb_monitor_free)

/* Compares /sys with what was told so far, and tells the difference. */
bool usb_monitor_rescan(UsbMonitor *monitor, unsigned *ret_added, unsigned *ret_removed, GError **error);
