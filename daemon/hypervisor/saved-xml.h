/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Saved XML: what a saved machine, or a snapshot of one, remembers of the hostdevs that usbferry gave it, and
 * how that is changed so that it can be started again. For daemon/hypervisor/libvirt-saved.c. Pure; any
 * thread.
 *
 * QEMU's saved state names its devices, so a hostdev can't be taken out of it, and libvirt starts no machine
 * whose hostdev it doesn't find, or finds in the hands of another machine. With startupPolicy='optional' it
 * starts it all the same, with a placeholder. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/hypervisor/machine-info.h"

/* Adds every hostdev of ours (Hostdev) in a <domain> or a <domainsnapshot>. HYPERVISOR when it is neither. */
bool saved_xml_read(const char *xml, GPtrArray *hostdevs, GError **error);

/* Makes ours optional, and puts each where the place of its alias (HostdevPlace) says, or else nowhere. All
 * other content stays. *ret_xml: a new string, or NULL when all is so already. */
bool saved_xml_repair(const char *xml, const GPtrArray *places, char **ret_xml, GError **error);
