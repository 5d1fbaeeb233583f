/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether a libvirt domain is well: what its state says of its guest, and whether its QEMU answers. For
 * libvirt-hypervisor.c. Any thread. */

#include <glib.h>
#include <libvirt/libvirt.h>
#include <stdbool.h>

#include "daemon/hypervisor/machine-info.h"

/* state, reason: of virDomainGetState(). */
MachineTrouble libvirt_health_trouble(int state, int reason);

/* libvirt is starting or saving it. Not while it is paused for a migration: what was restored and stays
 * paused has that reason, too. */
bool libvirt_health_is_changing(int state, int reason);

/* A call that libvirt passes on to QEMU, and that changes nothing: blocks until it is answered. */
bool libvirt_health_ping(virDomainPtr domain, GError **error);
