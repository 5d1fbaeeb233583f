/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reading: one look at a USB device of udev's, and what has to be remembered of it until the next one. For
 * udev-monitor.c. Main thread only. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/usb/device.h"

struct udev_device;

typedef struct UdevReading {
    uint64_t instance;
    unsigned device_number;
    char *syspath;
    char **own_texts; /* the device's own, clean: read once for each enumeration */
    char *facts;      /* everything that was read, as one text, to see whether anything changed */
} UdevReading;

/* before: the last one of this name, may be NULL. NULL when the device can't be read, most likely because it
 * is gone already. */
UdevReading *udev_reading_new(struct udev_device *from, const UdevReading *before, Device **ret_device);
void udev_reading_free(UdevReading *reading);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UdevReading, udev_reading_free)

/* Both may be NULL: then it is false. */
bool udev_reading_is_same_enumeration(const UdevReading *a, const UdevReading *b);
/* False when the device of this name has another number now. A device that doesn't tell one is taken for it.
 */
bool udev_reading_has_number_of(const UdevReading *reading, struct udev_device *device);
