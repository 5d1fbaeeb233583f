/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* clang-format off */
/* The hardware's part of a reset, as a test says. Commands of the script (tests/bus/scripted-hypervisor.h):
 *
 *   usb hold, usb resume        resets block until resume
 *   usb fail TEXT               the next reset fails with FERRY_ERROR_RESET_FAILED and TEXT
 *   usb vanish                  the next reset says that the device is gone
 *   usb late                    the next switching off of a port waits a second, or until one is switched on
 *   usb user [NAME]             the program that has devices open
 *   usb show                    ok resets=N held=N last=BUS:DEV late=N (switchings off that wait now) connects=N
 *   usb announced               ok reads=N (of udev's rules) and what udev was told since: NAME=waiting, NAME=
 *
 * Ports are switched by the real function, in umockdev's /sys. */
/* clang-format on */

#include "daemon/usb/usb-ops.h"

extern const UsbOps scripted_usb_ops;

/* The words behind "usb"; NULL-terminated. New string. */
char *scripted_usb_command(char **words);
