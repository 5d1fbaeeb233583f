/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Announcements: has udevd read the rules when they are others, and afterwards look again at what they are
 * about: a disk that came home is offered then. Each by a worker, so in any order with what the kernel says:
 * what appeared before the new rules were read is looked at after it. For hands-off.c. Main thread only. */

#include <glib.h>

#include "daemon/base/worker.h"
#include "daemon/hands-off/waiting.h"
#include "daemon/usb/usb-ops.h"

typedef struct Announcements Announcements;

/* changed: the rules have been read, and there may be something to say: take a turn. Not while the service
 * settles: the turn that ends it says everything. */
Announcements *announcements_new(Registry *registry, WorkerPool *pool, const UsbOps *usb,
                                 void (*changed)(void *userdata), void *userdata);
Announcements *announcements_free(Announcements *announcements);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Announcements, announcements_free)

/* The file is another one. */
void announcements_rules_changed(Announcements *announcements);
/* Gives the jobs, each once as long as nothing changes for the device. */
void announcements_turn(Announcements *announcements, const Allocation *allocation, const Waiting *waiting);
