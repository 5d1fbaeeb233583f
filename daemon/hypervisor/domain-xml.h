/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Domain XML: what libvirt says of a machine's USB, and how a hostdev is put to it. Pure; any thread. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/hypervisor/hypervisor.h"
#include "daemon/hypervisor/machine-info.h"

/* Reads the domain id, the title, the hostdevs, the best USB controller and the free ports of a <domain> into
 * the info, whose other fields stay; and the PCI devices that it has or is to have as a whole. A live XML is
 * one with an id; only there are hostdevs the machine's. HYPERVISOR when the text is no domain.
 *
 * Ports are counted as libvirt assigns them: over all controllers (xhci 4 or its ports=, qusb 8 or its
 * ports=, ehci and ich9-ehci1 6, pci-ohci 3, uhci of other kinds 2, ich9 companions none of their own), 8
 * more for each hub, less one for each <address type='usb'> that lies on one of them, hubs included. */
bool domain_xml_read(const char *xml, MachineInfo *info, bool *ret_live, GError **error);

/* The <hostdev> to attach. New string. */
char *domain_xml_hostdev(const HostdevSpec *spec);
