/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the speeds are called, and which one a number means. Called by usb/, hypervisor/ and allocation/;
 * pure.
 */

#include "daemon/base/usb-speed.h"

/* Mbit/s; low speed is 1.5. */
#define LOW_MAX  2
#define FULL_MAX 12
#define HIGH_MAX 480

const char *usb_speed_text(unsigned speeds)
{
    return speeds & USB_SPEED_SUPER  ? "superspeed"
           : speeds & USB_SPEED_HIGH ? "high speed"
           : speeds & USB_SPEED_FULL ? "full speed"
                                     : "low speed";
}

unsigned usb_speed_from_mbits(unsigned mbits)
{
    if (mbits == 0)
        return 0;
    return mbits <= LOW_MAX    ? USB_SPEED_LOW
           : mbits <= FULL_MAX ? USB_SPEED_FULL
           : mbits <= HIGH_MAX ? USB_SPEED_HIGH
                               : USB_SPEED_SUPER;
}
