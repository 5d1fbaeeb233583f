/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Every method that stores something, each on objects of its own, and all that is stored as one text: for
 * tests of what becomes of a change when the disk fails. */

#include "tests/bus/fixture.h"

typedef enum Outcome {
    OUTCOME_OK,
    OUTCOME_REFUSED,
    OUTCOME_GONE, /* the service ended before it answered */
} Outcome;

typedef struct StoringCall {
    const char *name;
    Outcome (*run)(Fixture *fixture, const char *name);
    bool in_steps; /* several changes one after the other: what was done until an error stays done */
} StoringCall;

/* Ended by one without a name. */
extern const StoringCall storing_calls[];

/* What the calls need: devices, and objects in the store. Machines don't run, so that nothing moves. */
void storing_plug(Fixture *fixture);
void storing_prepare(Fixture *fixture);
/* The machines of a service that has just started, and its devices. */
void storing_settle(Fixture *fixture);

/* All that is stored as the bus shows it, a line for each object, sorted. New string. */
char *storing_snapshot(Fixture *fixture);
