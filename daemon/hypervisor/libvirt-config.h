/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What libvirt keeps of a domain for its next start: looked at, changed, and started. For
 * daemon/hypervisor/libvirt-hypervisor.c. Blocks: workers only. */

#include <glib.h>
#include <libvirt/libvirt.h>
#include <stdbool.h>

#include "daemon/hypervisor/machine-info.h"

/* Of one that runs: which USB controller it has after its next start, if that is another one. What can't be
 * read is as if nothing were to change. */
void libvirt_config_read(virDomainPtr domain, MachineInfo *info);

/* As in HypervisorOps. */
bool libvirt_config_start(virDomainPtr domain, GError **error);
bool libvirt_config_set_controller(virDomainPtr domain, const char *model, GError **error);
