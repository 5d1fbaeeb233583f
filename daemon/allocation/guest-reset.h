/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Guest reset: whether a guest, and the user of its machine, may reset an assignment's devices. What the
 * assignment says counts, else what its group says, else no. AllowGuestResetsAll includes AllowGuestReset.
 * For the reconciler, which acts on it, and for who shows it. Changes nothing. Main thread only. */

#include <stdbool.h>

#include "daemon/model/registry.h"

bool guest_reset_allowed(Registry *registry, const Assignment *assignment);
bool guest_resets_all_allowed(Registry *registry, const Assignment *assignment);

/* What the hostdevs of this assignment are to have as their guestReset: off (the guest's resets don't reach
 * the device), uninitialized (only those of a device that the guest has given an address: QEMU's own
 * default), on (all of them, also those by which a guest greets a device that is new to it). */
GuestReset guest_reset_wanted(Registry *registry, const Assignment *assignment);

/* The hostdev was attached with another one: it has to be taken out and put in again. One of ours without any
 * was attached by a libvirt that doesn't know guestReset (before 8.6) and left it out: there it has no
 * effect, and another try would end the same way. */
bool guest_reset_differs(Registry *registry, const Hostdev *hostdev, const Assignment *assignment);
