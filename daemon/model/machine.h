/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Machine: a libvirt domain in the registry: the last look at it, and what the reconciler has ordered about
 * it and not seen yet. Owned by the registry, written by reconciler/ and daemon/model/machine-update.c, read
 * by everybody above. Main thread only. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/hypervisor/machine-info.h"

/* A removal that was ordered. */
typedef struct Removal {
    bool ordered;   /* false: it failed or did not come about, and is to be ordered again */
    unsigned tries; /* orders so far */
    gint64 next_at; /* look then, or order again then: µs, CLOCK_MONOTONIC */
    char *error;    /* what libvirt said; NULL = nothing */
} Removal;

/* One of ours in the live XML. */
typedef struct Presence {
    gint64 since; /* it is listed since then: µs, CLOCK_MONOTONIC */
    /* what the kernel said of it since then: see daemon/allocation/possession.h */
    bool confirmed;  /* the machine has it */
    bool configured; /* and its guest uses it */
    bool shared;     /* a program of the host had it at the same time */
} Presence;

/* Something that is repaired when it isn't as it should be. */
typedef struct Repair {
    char *about;    /* what is wrong, as the last question said it; NULL = there was none */
    unsigned tries; /* at that */
    gint64 last_at; /* the last one: µs, CLOCK_MONOTONIC */
    gint64 next_at; /* no repair before this */
    char *error;    /* what the last one said; NULL = nothing */
} Repair;

typedef struct Machine {
    MachineInfo *info; /* never NULL */

    /* the reconciler's */
    bool inspected;           /* the live XML has been seen since the last connect */
    char *read_error;         /* why the last look at it failed; NULL = it didn't */
    bool stale;               /* look at the live XML again before anything is decided */
    bool busy;                /* an order is with a worker */
    bool stuck;               /* the order is past its deadline and has not come back */
    gint64 asked_at;          /* when the last order was given: µs, CLOCK_MONOTONIC */
    gint64 ping_at;           /* when to ask whether it answers, if that matters */
    gint64 retry_at;          /* no new look before this: µs, CLOCK_MONOTONIC */
    GHashTable *dead_aliases; /* set of own aliases that are of another life than the machine: detach them */
    GHashTable *removals;     /* own alias → Removal: removals that were ordered and are not seen yet */
    GHashTable *presences;    /* own alias → Presence: everything of ours that the live XML lists */
    gint64 woke_at;           /* when it began to run, or went on: µs, CLOCK_MONOTONIC; 0 = not seen */
    Hostdev *in_flight;       /* an attach that is with a worker: it counts as taken, and not as attached */
    Repair saved_repair;      /* of its managed save image */
    Repair snapshot_repair;   /* of its snapshots */
    bool snapshots_due;       /* there may be some that nobody has looked at */
    GPtrArray *snapshots;     /* of char *, names: those that are as they should be */
    unsigned starting;        /* orders to start it that are not over */
    char *start_error;        /* why the last one failed; NULL = it didn't, or it has run since */
} Machine;

/* Takes the info. */
Machine *machine_new(MachineInfo *info);
Machine *machine_free(Machine *machine);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Machine, machine_free)

bool machine_is_active(const Machine *machine);
/* It is stuck, and that for so long that what people type with is taken from it. */
bool machine_hangs(const Machine *machine, gint64 now);
/* Its live XML isn't known yet and will be soon. One that doesn't answer, or can't be read, is not waited
 * for.
 */
bool machine_is_being_read(const Machine *machine);
