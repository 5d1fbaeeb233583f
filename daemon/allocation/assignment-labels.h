/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Assignment labels: what front ends write and draw beside an assignment, without following its paths: names,
 * an icon, how many. Says it only; daemon/reconciler/status-update.c writes it down. Main thread only. */

#include "daemon/allocation/allocation.h"

typedef struct AssignmentLabels {
    const char *machine; /* borrowed */
    char *device;        /* owned by who asked */
    const char *icon;    /* static */
    unsigned wanted;
    unsigned has;
} AssignmentLabels;

AssignmentLabels assignment_labels_of(Registry *registry, const Allocation *allocation,
                                      const Assignment *assignment);
