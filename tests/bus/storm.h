/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A storm: everything at once, in random order and without waiting for answers. Users, administrators, plugs,
 * machines that come and go, a libvirt that is away, a service that is killed. storm-check.c says what does
 * not agree when it is over. */

#include "tests/bus/fixture.h"

#define STORM_LAB "33333333-3333-3333-3333-333333333333" /* a third machine */

enum { STORM_MACHINES = 3, STORM_DEVICES = 6 };

typedef struct StormMachine {
    const char *uuid, *name;
} StormMachine;

typedef struct StormDevice {
    const char *sysname, *vendor, *product, *serial;
} StormDevice;

extern const StormMachine storm_machines[STORM_MACHINES];
extern const StormDevice storm_devices[STORM_DEVICES];

typedef struct Storm {
    Fixture *fixture;
    GRand *rand;
    guint32 seed;
    bool kills; /* the service, now and then */
    bool plugged[STORM_DEVICES];
    unsigned open;       /* calls without an answer */
    GPtrArray *held;     /* of Reset calls that found another reset: "MEMBER PATH" */
    unsigned names;      /* made up so far */
    unsigned told;       /* the highest Description that was acknowledged */
    unsigned sent;       /* the highest one that was asked for */
    GHashTable *there;   /* paths that were acknowledged and that nobody asked to end */
    GHashTable *ended;   /* paths whose end was acknowledged */
    GHashTable *doubted; /* paths whose end was asked for */
    unsigned worked;
} Storm;

Storm *storm_new(Fixture *fixture, guint32 seed, bool kills);
void storm_free(Storm *storm);

void storm_step(Storm *storm);
/* Everything that was out of order is in order, and every device is there. */
void storm_calm(Storm *storm);
/* What is reset comes back as another enumeration. */
void storm_replug(Storm *storm);
/* Begins to reset everything. An answer comes before a reset is over, so that some may be held by another
 * one still: those are to be tried again until nothing is held any more. */
void storm_reset_all(Storm *storm);
void storm_reset_held(Storm *storm);

/* The paths of the objects that live, sorted. New array. */
GPtrArray *storm_objects(Storm *storm, const char *prefix);
/* What does not agree: what the service says, what the machines have, what was decided, and what was
 * acknowledged. New string; NULL = all does. */
char *storm_check(Storm *storm);
