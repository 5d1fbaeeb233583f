/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Allocation: which devices each assignment is to have, worked out from nothing but the registry and the
 * time. The reconciler acts on it, the manager and explanations ask it, previews make one for a view of the
 * registry that differs. Changes nothing. Main thread only. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/allocation/attachment.h"
#include "daemon/allocation/candidates.h"
#include "daemon/allocation/deal.h"
#include "daemon/allocation/places.h"
#include "daemon/allocation/possession.h"
#include "daemon/allocation/promises.h"
#include "daemon/allocation/verdict.h"
#include "daemon/model/registry.h"

/* priority.h says who gets a device that several assignments want: the order is total, so the answer never
 * depends on the order of events, and nothing is taken from a running machine by priority alone.
 *
 * An assignment of one device reserves it whether its machine runs or not. One that draws from a group takes
 * nothing while its machine is off: others can have the devices then. Sets (one device per rule, all or
 * nothing) are filled first, in the same order; then the devices are dealt out one by one, by socket. A
 * device is dealt out only when every machine that could draw it has been looked at: one of them may have it,
 * or come first.
 *
 * A tenant's device goes to the tenant's machines only, and by the tenant's assignments only, which get no
 * other devices. */
typedef struct Allocation {
    Registry *registry;
    Attachments *attachments;
    Candidates *candidates;
    Deal *deal;
    Promises *promises;          /* of what goes, by its verdict */
    GHashTable *said;            /* Want → what want-status.c said of it, owned */
    GHashTable *rests;           /* Pool → GPtrArray of Device: left-over.c's */
    GHashTable *kinds;           /* Pool → GHashTable: left-over.c's */
    Places *places;              /* in the queues of groups */
    GHashTable *inactive_owners; /* sysname → Assignment, borrowed: disabled, and this is its device */
    gint64 now;                  /* of which it is: µs, CLOCK_MONOTONIC */
    guint n_used;                /* devices that the host uses, a program of it has, or it lets nobody use */
    gint64 next_at;              /* a verdict changes by time alone then (µs, CLOCK_MONOTONIC); 0 = never */
} Allocation;

/* Valid until the registry changes. */
Allocation *allocation_new(Registry *registry, gint64 now);
Allocation *allocation_free(Allocation *allocation);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Allocation, allocation_free)

/* Where the device is now; NULL = with the host. */
const Attachment *allocation_attachment(const Allocation *allocation, const Device *device);
Want *allocation_want(const Allocation *allocation, const Device *device);
/* What this assignment comes first for, never NULL. Borrowed. */
const GPtrArray *allocation_wants_of(const Allocation *allocation, const Assignment *assignment);

/* The want that the hostdev was made for, of the same enumeration of the device; NULL = its assignment comes
 * first for it no longer. Which machine is to have the device is in the want. */
const Want *allocation_want_of_hostdev(const Allocation *allocation, const Hostdev *hostdev);

/* The machine that is to have the device has it, as hypervisor and kernel say, and it is on its way neither
 * in nor out. */
bool allocation_is_attached(const Allocation *allocation, const Device *device);
Possession allocation_possession(const Allocation *allocation, const Device *device);

/* The device that an assignment of one device is for; see pinned_device(). */
Device *allocation_pinned(const Allocation *allocation, const Assignment *assignment);

/* The assignment that has or reserves this device, also one that is disabled; NULL = none. */
Assignment *allocation_owner(const Allocation *allocation, const Device *device);

/* How many devices it would draw from its group if it could; 0 for one device. */
guint allocation_lacks(const Allocation *allocation, const Assignment *assignment);

/* What speaks for or against any pair. */
Verdict allocation_judge(const Allocation *allocation, const Assignment *assignment, const Device *device);

/* The quarantined devices that it has or is to have, and of those that it could draw as many as it lacks. New
 * array, borrowed devices. */
GPtrArray *allocation_quarantined(const Allocation *allocation, const Assignment *assignment);

/* Whether the host can spare the device, beside what else leaves it; else DEVICE_IN_USE. */
bool allocation_check_host_use(const Allocation *allocation, const Device *device, GError **error);
/* Whether a new assignment may be for this device: the error is that of judge_device()'s verdict, or
 * allocation_check_host_use()'s when it isn't forced. */
bool allocation_check_device(const Allocation *allocation, const Device *device, bool forced, GError **error);

/* Why the verdict is what it is, as verdict_text(). device may be NULL when the verdict is about the group or
 * the service, assignment when it is about the device. New string. */
char *allocation_verdict_text(const Allocation *allocation, const Assignment *assignment,
                              const Device *device, Verdict verdict);
