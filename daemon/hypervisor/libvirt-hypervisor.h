/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The real hypervisor: libvirt. dbus/main.c makes it; everybody else knows the Hypervisor only, and which of
 * its calls is for which thread. */

#include "daemon/hypervisor/hypervisor.h"
#include "daemon/base/worker.h"

/* Registers libvirt's events with GLib's default main context: nobody may have opened a connection before.
 * The connection is made, and made again, in the pool. The hypervisor and the pool may be freed in either
 * order. */
Hypervisor *libvirt_hypervisor_new(const char *uri, WorkerPool *pool);
