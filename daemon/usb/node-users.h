/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who has a USB device open, from /proc: for UsbOps. Reads the descriptors of every process, so it is for
 * workers; sees what the process may see of others, which in a sandbox may be nothing. */

#include <stdbool.h>

/* The names of the programs that have it open ("pcscd, scdaemon"), not those of QEMU when beside_qemu. Clean.
 * New string; NULL = none is seen. */
char *node_users_find(unsigned bus_number, unsigned device_number, bool beside_qemu);
