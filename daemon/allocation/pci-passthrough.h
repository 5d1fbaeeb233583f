/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Controllers of the host that a machine has as a whole (PCI passthrough): what is plugged into them is that
 * machine's, and the host hardly ever sees it. For who judges devices and says where they are. Changes
 * nothing. Main thread only. */

#include "daemon/model/registry.h"

/* By PCI address, as Device.controller; NULL = none. */
const Machine *pci_passthrough_owner(Registry *registry, const char *controller);

/* One that is off and takes the controller when it starts; NULL = none. */
const Machine *pci_passthrough_claimant(Registry *registry, const char *controller);

/* The address in a socket ("pci-0000:00:14.0/1.2"). New string; NULL when it isn't on PCI. */
char *pci_passthrough_controller_of_socket(const char *socket);
