/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Hardware that does what a test says and writes down what was done to it. For the tests of daemon/reset:
 * workers call fake_usb, the test asks afterwards. */

#include <stdbool.h>

#include "daemon/base/error.h"
#include "daemon/usb/usb-ops.h"

typedef enum FakeUsbCall {
    FAKE_USB_RESET,
    FAKE_USB_ON,
    FAKE_USB_OFF,
    _FAKE_USB_CALL_MAX,
} FakeUsbCall;

extern const UsbOps fake_usb;

/* Nothing fails any more, and nothing was done. */
void fake_usb_clear(void);
/* The next calls of this kind fail; the text is "no luck". TIMEOUT is what the pool says of a job that is
 * late. */
void fake_usb_fail(FakeUsbCall call, FerryError code, unsigned times);
/* "reset 1:4 off /sys/…/usb1-port4 on /sys/…": since the last time. New string. */
char *fake_usb_take_log(void);

/* Lets the main loop run until the condition holds; fails the test when that takes too long. */
void fake_usb_run_until(bool (*is_so)(void *userdata), void *userdata);
