/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Homecoming: what the host is to do with devices that no machine has. One that a machine left without its
 * drivers (its QEMU was killed) gets them back; of one that a program of the host has, the program's name is
 * looked up. Each by a worker, once. For reconciler.c. Main thread only. */

#include <glib.h>

#include "daemon/allocation/allocation.h"
#include "daemon/base/worker.h"
#include "daemon/model/registry.h"
#include "daemon/usb/usb-ops.h"

typedef struct Homecoming {
    Registry *registry;
    WorkerPool *pool;
    const UsbOps *usb;
    void (*changed)(void *userdata); /* a name is known: look again */
    void *userdata;
} Homecoming;

/* Gives the jobs. Never touches a device that was not ours before. */
void homecoming_turn(Homecoming *homecoming, const Allocation *allocation);
