/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Want status: where one device stands that an assignment is to have; what the states of assignments and of
 * devices are made from. For status.c and device-status.c. Reads the registry only. Main thread only. */

#include "daemon/allocation/allocation.h"
#include "daemon/allocation/reason-code.h"

typedef struct Status {
    AssignmentState state;
    char *reason;      /* owned by who asked */
    const char *code;  /* the same in a word: daemon/allocation/reason-code.h */
    const char *error; /* static error name, "" = none */
    bool passes;       /* it changes by itself in a moment: nothing to act on */
} Status;

/* Takes the reason. */
Status status_say(AssignmentState state, ReasonCode code, char *reason, const char *error);
/* What a verdict says of the whole assignment. device as for allocation_verdict_text(). */
Status status_by_verdict(const Allocation *allocation, const Assignment *assignment, const Device *device,
                         Verdict verdict);
/* The same, however often it is asked: what is asked first must see all that is to be seen. */
Status status_of_want(Registry *registry, const Allocation *allocation, const Want *want);
