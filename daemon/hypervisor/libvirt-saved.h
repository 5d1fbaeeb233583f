/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Saved machines of libvirt: the managed save image of a domain and its snapshots, read and repaired. For
 * daemon/hypervisor/libvirt-hypervisor.c. Blocks: workers only. */

#include <glib.h>
#include <libvirt/libvirt.h>
#include <stdbool.h>

#include "daemon/hypervisor/machine-info.h"

/* Looks for the image of a domain that is off, and for snapshots. What can't be read is as if it were not
 * there: nothing of the machine as it is now depends on it. */
void libvirt_saved_read(virDomainPtr domain, MachineInfo *info);

/* As in HypervisorOps. */
bool libvirt_saved_repair(virDomainPtr domain, const GPtrArray *places, GError **error);
GPtrArray *libvirt_saved_repair_snapshots(virDomainPtr domain, const GPtrArray *known, GError **error);
