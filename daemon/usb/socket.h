/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Socket: the name of a physical USB port that stays the same over reboots, bus renumbering and USB versions.
 *
 * "<controller>/<chain>": the controller as ID_PATH writes it (pci-0000:00:14.0, platform-dummy_hcd.0) and
 * the chain of port numbers from the root hub, "1.2". The USB2 and the USB3 half of one connector (the
 * kernel's peer links, also through USB3 hubs) have one name: the chain of the half on the slower bus. A
 * SuperSpeed port that has no peer is written "ss-<chain>", so that it never takes the name of a USB2 port
 * with the same number; a port of a plugged hub counts as having one even before the hub's USB2 half is
 * there, because the name must not depend on which half was quicker. Reads sysfs, and nothing in it for which
 * the kernel waits until a device or hub is out of a reset. */

#include <stdbool.h>

/* What the part before the slash is made of; everything else in a sysfs name becomes "_". */
#define SOCKET_CONTROLLER_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789#+-.,:=@_"

/* Before the chain of a SuperSpeed port without a peer. */
#define SOCKET_SUPERSPEED_PREFIX "ss-"

/* syspath: of a usb_device. False (nothing set) when the folder is gone. ret_controller: "0000:00:14.0",
 * "dummy_hcd.0". A root hub's socket is its controller's name and "/". New strings. */
bool socket_read(const char *syspath, char **ret_socket, char **ret_controller);

/* The folders of the port that a device is plugged into and of that port's other half, one a line; there may
 * be none of these. New string. */
char *socket_port_folders(const char *syspath);

/* The sysname of what is plugged into the port of such a folder, if anything is. New string, NULL when the
 * path isn't a port's. */
char *socket_port_child(const char *folder);

/* Whether it is such a folder, by its name: below a root hub, and nowhere else by way of "..". */
bool socket_is_port_folder(const char *folder);
