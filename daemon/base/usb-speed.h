/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* USB speeds, as bits: those at which a device works, and those that a machine's controllers do. For usb/ and
 * hypervisor/, which fill them in, and who compares them. Pure; any thread. */

typedef enum UsbSpeed {
    USB_SPEED_LOW = 1 << 0,
    USB_SPEED_FULL = 1 << 1,
    USB_SPEED_HIGH = 1 << 2,
    USB_SPEED_SUPER = 1 << 3,
    USB_SPEEDS_ALL = USB_SPEED_LOW | USB_SPEED_FULL | USB_SPEED_HIGH | USB_SPEED_SUPER,
} UsbSpeed;

/* The highest one of these, as people say it: "high speed". Static. */
const char *usb_speed_text(unsigned speeds);
/* Of a device, Mbit/s as the kernel tells them, rounded up; 0 when it tells none. */
unsigned usb_speed_from_mbits(unsigned mbits);
