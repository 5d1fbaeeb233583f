/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Attachments: where every device is now, from what machines list in their live XML and what is being
 * attached. The one place that says so: allocation.h begins with it, the reconciler and reset/ act on it.
 * Borrows from the registry, and changes nothing in it. Main thread only. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/model/registry.h"

/* A hostdev of a machine: in its live XML, or on its way there. */
typedef struct Attachment {
    Machine *machine;
    const Hostdev *hostdev;
} Attachment;

typedef struct Attachments Attachments;

/* Valid until the registry changes. */
Attachments *attachments_new(Registry *registry);
Attachments *attachments_free(Attachments *attachments);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Attachments, attachments_free)

/* The hostdev was made after that, and belongs to the machine. */
void attachments_add(Attachments *attachments, Machine *machine, const Hostdev *hostdev);

/* What was made for this very enumeration of the device; NULL = it is with the host. */
const Attachment *attachments_find(const Attachments *attachments, const Device *device);

/* A machine with anything of this assignment, whatever device that was made for; NULL = none has. */
const Machine *attachments_machine_of(const Attachments *attachments, const Assignment *assignment);

/* A machine that lists the number which the device has now, be it by a hostdev that was made for another one;
 * NULL = none does. */
const Machine *attachments_machine_with_number(const Attachments *attachments, const Device *device);

/* A machine that runs and lists the device's number for another program, whatever had the number then: the
 * hypervisor gives it to nobody else. NULL = none. */
const Machine *attachments_number_is_foreign(const Attachments *attachments, const Device *device);
/* libvirt refuses a device number that any machine still lists for usbferry, even when it belongs to a device
 * that is long gone. Machines that don't answer are not counted. */
bool attachments_number_is_taken(const Attachments *attachments, const Device *device);

/* Everything that machines have has been seen: what none of them lists, none of them has. */
bool attachments_are_complete(const Attachments *attachments);

/* Some machine has a controller of the host as a whole, or takes one when it starts:
 * daemon/allocation/pci-passthrough.h knows which. */
bool attachments_have_controllers(const Attachments *attachments);

/* The functions below take NULL for a device that is with the host, and return false then. */

/* Made for this assignment. */
bool attachment_is_of(const Attachment *attachment, const Assignment *assignment);
/* Made by another program. */
bool attachment_is_foreign(const Attachment *attachment);
/* With a worker: it counts as taken, and not as attached. */
bool attachment_is_in_flight(const Attachment *attachment);
/* It came along with a saved state of the machine, where the device is dead. */
bool attachment_is_dead(const Attachment *attachment);
/* On its way neither in nor out, and not dead. */
bool attachment_is_settled(const Attachment *attachment);
