/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Priority: who comes first for a device that several assignments want. The order is total, and needs nothing
 * but what was decided and where devices are, so it never depends on the order of events. For
 * daemon/allocation/allocation.h. Pure. Main thread only. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/allocation/attachment.h"
#include "daemon/model/registry.h"

/* The assignment's machine has the device now, or had it before a reset that isn't over. */
bool priority_has_it(Registry *registry, const Attachments *attachments, const Assignment *assignment,
                     const Device *device);

/* Who has it; then the higher priority (the assignment's, then its group's); then the more specific rule;
 * then the older assignment; then the smaller id. Positive when a comes before b; never 0 for two. */
int priority_compare(Registry *registry, const Attachments *attachments, const Device *device,
                     const Assignment *a, const Assignment *b);

/* Why a comes before b for the device, as "its priority is higher (1, not 0)"; NULL when that isn't what
 * decided. New string. */
char *priority_why(Registry *registry, const Attachments *attachments, const Device *device,
                   const Assignment *a, const Assignment *b);

/* The same for two sets: no device decides there. */
int priority_compare_sets(Registry *registry, const Assignment *a, const Assignment *b);
