/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is done to the hardware itself, and seen of who uses it. All calls block (seconds, when a device or
 * hub is stuck) and are for workers; they touch nothing but their arguments. The tests bring others than
 * usb_ops. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* One enumeration of a device: the node is refused when it is not of this kind any more. */
typedef struct UsbAddress {
    unsigned bus_number;
    unsigned device_number;
    uint16_t vendor_id;
    uint16_t product_id;
} UsbAddress;

typedef struct UsbOps {
    /* Resets the port that the device is on (USBDEVFS_RESET). NO_SUCH_DEVICE: it is gone, or came out of the
     * reset as something else, which the kernel now enumerates anew. RESET_FAILED with the kernel's words. */
    bool (*reset)(const UsbAddress *address, GError **error);
    /* Switches a hub's port on or off; folder: of the port in /sys. NO_SUCH_DEVICE: there is no such port, or
     * it has no switch. RESET_FAILED. */
    bool (*switch_port)(const char *folder, bool on, GError **error);
    /* Has the kernel look for drivers for these interfaces (bits, by number) that have none
     * (USBDEVFS_CONNECT); that it finds none is no error. NO_SUCH_DEVICE, RESET_FAILED. */
    bool (*connect)(const UsbAddress *address, uint32_t interfaces, GError **error);
    /* Takes these interfaces (bits) from whoever claimed them by usbfs, also from one that hangs, and has the
     * kernel look for drivers for them. That somebody has the device open changes nothing.
     * NO_SUCH_DEVICE, RESET_FAILED. */
    bool (*take_back)(const UsbAddress *address, uint32_t interfaces, GError **error);
    /* The names of the programs that have the device open ("pcscd, scdaemon"), as far as this process may see
     * that; not those of QEMU when beside_qemu. Clean. NULL = none is seen. */
    char *(*find_users)(const UsbAddress *address, bool beside_qemu);
    /* Both as in udev-daemon.h. */
    bool (*read_rules)(GError **error);
    bool (*announce)(const char *syspath, const char *waits, GError **error);
} UsbOps;

extern const UsbOps usb_ops;
