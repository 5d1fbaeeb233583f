/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Find device: which device people mean. Manager.GetDevice asks. Pure; any thread.
 *
 * The forms of a selector are tried in this order, the first one that finds anything decides:
 * sysname (3-1.2), bus and device number (003:007, 3:7), vendor:product (046d:c31c, four digits each),
 * socket, serial, class ("keyboard" for hid-keyboard, "mouse", "storage", …), then a part of the vendor and
 * product text (case folded). Hubs are found by sysname, number and socket only. */

#include <glib.h>

#include "daemon/usb/device.h"

/* devices: of Device. NO_SUCH_DEVICE, or AMBIGUOUS with the matches in the text, one a line. Borrowed from
 * the array. */
Device *find_device(const char *selector, GPtrArray *devices, GError **error);
