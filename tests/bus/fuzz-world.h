/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A world for calls of any content: objects of every kind, a caller, one call, and everything that there is
 * as text. For tests/bus/test-fuzz.c, which says what is called. */

#include "tests/bus/chance.h"
#include "tests/bus/hostile.h"
#include "tests/bus/shown.h"

typedef struct Fuzz {
    Hostile *hostile;
    Fixture *fixture;
    sd_bus *bus; /* of who calls */
    Chance chance;
    guint32 seed;
    GPtrArray *shown;   /* of Shown */
    GHashTable *done;   /* texts: what was done with what, and answered */
    GHashTable *worked; /* name → how often, of our own methods */
    bool must_look;     /* a call has worked since the last look */
    unsigned calls, made;
    gsize biggest;
} Fuzz;

/* Objects of every kind, and a caller. FERRY_TEST_SEED, or this seed. */
Fuzz *fuzz_new(Hostile *hostile, uid_t uid, unsigned seed);
Fuzz *fuzz_free(Fuzz *fuzz);
/* A number that the environment may have. */
unsigned fuzz_from_environment(const char *name, unsigned usual);

/* Looks up anew what lives. */
void fuzz_look(Fuzz *fuzz);
/* An object of that kind; NULL when none lives, as far as was looked. fuzz_need_path() looks when it must,
 * and makes a new one when a call has ended the last. */
const char *fuzz_living_path(Fuzz *fuzz, const Shown *shown);
const char *fuzz_need_path(Fuzz *fuzz, const Shown *shown);

/* A call without arguments yet. Fails the test unless the service answers and lives; the result is whether it
 * worked. fuzz_end_call() takes the message. */
sd_bus_message *fuzz_begin_call(Fuzz *fuzz, const char *path, const char *interface, const char *member);
bool fuzz_end_call(Fuzz *fuzz, const Shown *shown, sd_bus_message *message);
G_GNUC_NORETURN void fuzz_fail(Fuzz *fuzz, const Shown *shown, sd_bus_message *message, const char *what);

/* All properties of all objects, and all that is stored, once nothing changes any more: what a plug or an
 * attach has begun may end a moment after the call that waited for it. New string. */
char *fuzz_dump(Fuzz *fuzz);
