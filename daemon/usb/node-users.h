/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who has a USB device open, from /proc: for UsbOps. Reads the descriptors of every process, so it is for
 * workers; sees what the process may see of others, which in a sandbox may be nothing. */

#include <stdbool.h>

#include "daemon/usb/usb-ops.h"

/* As find_users of UsbOps. New string. */
char *node_users_find(const UsbAddress *address, bool beside_qemu);
