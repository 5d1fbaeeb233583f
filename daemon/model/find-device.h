/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Find device: which device people mean. Manager.GetDevice asks. Pure; any thread.
 *
 * A selector is a word of the program's: sysname (3-1.2), bus and device number (003:007, 3:7),
 * vendor:product (046d:c31c, four digits each), socket, class ("keyboard" for hid-keyboard, "mouse",
 * "storage", …). The first of these forms that finds anything decides. Or it is a text of the device's own:
 * its serial, or a part of the vendor and product text (case folded).
 *
 * A device's own texts are a stranger's: it can choose them so that they are just what somebody types. So
 * they never win over a word of the program's: a device that has the word as its whole serial or name makes
 * it ambiguous, and a word of one of the forms above that finds nothing isn't looked for in texts. Hubs are
 * found by sysname, number and socket only. */

#include <glib.h>

#include "daemon/usb/device.h"

/* devices: of Device. NO_SUCH_DEVICE, or AMBIGUOUS with the matches in the text, one a line. Borrowed from
 * the array. */
Device *find_device(const char *selector, GPtrArray *devices, GError **error);
