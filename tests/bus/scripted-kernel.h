/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* clang-format off */
/* The kernel's part of who has a device, in umockdev's /sys: as QEMU, usbfs and drivers change it there. For the
 * scripted hypervisor, which calls it as its machines get, lose and leave devices; any thread. A device without
 * the attribute power/runtime_usage is left as it is.
 *
 * Commands of the script, about the device with these numbers; no uevent goes with them:
 *
 *   kernel opens BUS DEV N            so many files of usbfs are open
 *   kernel driver BUS DEV NAME        all interfaces have this driver ("usbfs"), or "none"
 *   kernel authorized BUS DEV 0|1     no interfaces, or the host's driver on them
 *   kernel forget BUS DEV             it counts no open files (CONFIG_PM_ADVANCED_DEBUG is off)
 *   kernel depart SYSNAME             the test is about to remove it: nothing of it is touched any more
 *   kernel arrive SYSNAME             it has come, with a number that was used before
 *   kernel show BUS DEV               ok opens=N driver=NAME authorized=N
 */
/* clang-format on */

#include <stdbool.h>

/* Nothing has anything: the machines of a scripted hypervisor end with it. */
void scripted_kernel_begin(void);
/* QEMU opens the device and takes the host's drivers away; with a guest that runs, it claims all of it a
 * moment later. */
void scripted_kernel_attach(unsigned bus_number, unsigned device_number, bool configured);
/* QEMU lets go. gently: the host's drivers come back; else QEMU was killed, and none does. */
void scripted_kernel_release(unsigned bus_number, unsigned device_number, bool gently);

/* The host's drivers take every interface that has none. */
void scripted_kernel_connect(unsigned bus_number, unsigned device_number);

/* They take every interface, whoever claimed it. */
void scripted_kernel_take_back(unsigned bus_number, unsigned device_number);

/* The words behind "kernel"; NULL-terminated. New string. */
char *scripted_kernel_command(char **words);
