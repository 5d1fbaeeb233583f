/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

<<<<<<< HEAD
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
=======
/* Homecoming: who waits until no machine has anything of ours any more, before the machines are saved or shut
 * down. The reconciler keeps one and asks it in each turn. Main thread only. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/model/registry.h"

/* As ManagerDone: id is "", or NULL with error. */
typedef void (*HomeDone)(const char *id, const GError *error, void *userdata);

typedef struct Homecoming Homecoming;

Homecoming *homecoming_new(Registry *registry);
/* Who still waits is told nothing. */
Homecoming *homecoming_free(Homecoming *homecoming);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Homecoming, homecoming_free)

/* done() when everything is home; TIMEOUT when that takes too long, with the machines that keep something;
 * HYPERVISOR when nobody can say; DISABLED when they are to have it again. */
void homecoming_wait(Homecoming *homecoming, HomeDone done, void *userdata);
/* Tells those whose wait is over. *wake is moved forward to the next deadline. */
void homecoming_turn(Homecoming *homecoming, gint64 now, gint64 *wake);
>>>>>>> main
