/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Resets: take a device out of its machine, reset it, and bring it back to whoever had it.
 *
 * A reset in use would pull the device from under QEMU, so each goes the same way: the device is reserved
 * (nobody gets it, and the reconciler takes it out); when no live XML shows it any more, a worker resets it;
 * when udev has it again, only who had it gets it; when it is attached again, the reservation ends and the
 * caller hears how it went. A step that takes too long is a failure, after which the device goes back all the
 * same. Reservations are in memory only: after a crash, what is assigned is attached again by itself.
 *
 * A hub is reset with every device behind it. A power cycle switches the port of the device off and on again;
 * a note in the store's runtime area says so before. Whatever leaves a port off (a crash, a hub that fails),
 * its note stays and it is tried again, at longer and longer intervals, until the port is on or gone; and
 * from resets_restore() on after the next start.
 *
 * Main thread only. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/allocation/allocation.h"
#include "daemon/base/worker.h"
#include "daemon/model/registry.h"
#include "daemon/reset/check.h"
#include "daemon/reset/method.h"
#include "daemon/store/store.h"
#include "daemon/usb/usb-ops.h"

typedef struct Resets Resets;

/* changed(): look again. */
Resets *resets_new(Registry *registry, WorkerPool *pool, Store *store, const UsbOps *ops,
                   void (*changed)(void *userdata), void *userdata);
/* Switches on what resets have off; that may block for a moment. The notes stay, so that the next start does
 * it again: a switch-off that hangs in the kernel may still happen afterwards. */
Resets *resets_free(Resets *resets);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Resets, resets_free)

/* For the start. STORAGE when something cannot be read. */
bool resets_restore(Resets *resets, GError **error);

/* DEVICE_IS_HUB for a root hub; DEVICE_BUSY when it, or something behind it, is being reset already or is
 * another program's; HYPERVISOR when nobody can say what machines have, because a device must never be reset
 * in one. One machine that can't be read is enough for that, whatever the device: what its QEMU has open
 * can't be seen from here, and a host's driver on every interface proves nothing, because that is how a
 * device looks for a moment when a guest resets it. STORAGE when damage keeps it where it is: it would not
 * come back (daemon/model/damage.h). */
bool resets_check(Resets *resets, const Device *target, ResetMethod method, GError **error);

/* A device, or a hub with all that is behind it. resets_check() must have passed. free_userdata is called
 * instead of done() when the resets are freed first. */
void resets_begin(Resets *resets, const Device *target, ResetMethod method, ResetDone done, void *userdata,
                  GDestroyNotify free_userdata);

/* For the reconciler: goes on with what waits. When who is to have what has to be worked out anew after that,
 * changed() says so. */
void resets_turn(Resets *resets, const Allocation *allocation, gint64 now, gint64 *wake);
/* A queue whose job had timed out is free again. */
void resets_queue_idle(Resets *resets, const char *queue);
