/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* HostJobs: what the host is to do with devices that no machine has. One that a machine left without its
 * drivers (its QEMU was killed) gets them back; of one that a program of the host has, the program's name is
 * looked up. Each by a worker, once. For reconciler.c. Main thread only. */

#include <glib.h>

#include "daemon/allocation/allocation.h"
#include "daemon/base/worker.h"
#include "daemon/model/registry.h"
#include "daemon/usb/usb-ops.h"

typedef struct HostJobs {
    Registry *registry;
    WorkerPool *pool;
    const UsbOps *usb;
    void (*changed)(void *userdata); /* a name is known: look again */
    void *userdata;
} HostJobs;

/* Gives the jobs. Never touches a device that was not ours before. */
void host_jobs_turn(HostJobs *jobs, const Allocation *allocation, gint64 *wake);
