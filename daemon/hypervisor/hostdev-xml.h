/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Hostdev XML: one USB <hostdev>, wherever libvirt lists it. For the readers of this folder. Pure; any
 * thread.
 */

#include "daemon/hypervisor/machine-info.h"
#include "daemon/hypervisor/xml-node.h"

/* A <hostdev> that is a USB device. */
bool hostdev_xml_is_usb(const xmlNode *node);
/* Whether it is one of ours is in it. Never NULL. */
Hostdev *hostdev_xml_read(const xmlNode *node);
