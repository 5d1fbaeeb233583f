/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* UdevDaemon: what udevd is told about devices that wait for a VM, by way of udevadm, sysfs and udev's
 * records in /run/udev/data. For usb-ops.h and hands-off/. All calls block, and are for workers: no libudev
 * here. */

#include <glib.h>
#include <stdbool.h>

/* The property that hands-off/ has udev give to a device that waits, and to all below it. */
#define UDEV_WAITS "USBFERRY_WAITS"
/* It waits; and it goes as soon as it is plugged in. */
#define UDEV_WAITS_STAYING "waiting"
#define UDEV_WAITS_LEAVING "leaving"
/* On each part that programs of the host pass over for that. They don't look again for less than an "add". */
#define UDEV_PASSED_OVER "USBFERRY_PASSED_OVER"
#define UDEV_NO_INPUT    "LIBINPUT_IGNORE_DEVICE"

/* Has udevd read its rules again: by itself it looks once in three seconds, and when something happens. */
bool udev_daemon_read_rules(GError **error);

/* Brings udev's record of a device into line with the rules, when it says anything else than waits (one of
 * the above, or ""): has udevd look at it and all below it again, and, when it waits less than before, tells
 * everybody who passed over a part of it that it is there. root: "", or a test's folder with sys and run. */
bool udev_daemon_announce(const char *root, const char *syspath, const char *waits, GError **error);
