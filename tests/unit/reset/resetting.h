/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Resetting: a reset of a key that is assigned to the desk, with a pool of real workers and hardware that
 * does what a test says. All asserts end the test that fails. */

#include "daemon/reset/steps.h"
#include "tests/unit/fixture.h"
#include "tests/unit/reset/fake-usb.h"

#define RESETTING_KEY        "1-4"
#define RESETTING_ASSIGNMENT "aaaaaaaa"

/* Before every deadline. */
#define RESETTING_EARLY 1

typedef struct Resetting {
    Fixture *fixture;
    char *top;
    Store *store;
    ResetContext context;
    Reset *reset;
    unsigned changes; /* since the last job */
    unsigned answers;
    GError *error; /* of the answer */
} Resetting;

int resetting_set_up(void **state);
int resetting_tear_down(void **state);

/* Borrowed. */
Device *resetting_key(Resetting *self);
/* As if the desk had it and everybody knew. */
void resetting_attach(Resetting *self);
void resetting_detach(Resetting *self);
/* The key is enumerated again in the same place. */
void resetting_enumerate(Resetting *self);

void resetting_begin(Resetting *self, ResetMethod method);
/* One turn, the first at RESETTING_EARLY. wake: NULL when it doesn't matter. True when the reset is over. */
bool resetting_turn(Resetting *self);
bool resetting_turn_at(Resetting *self, gint64 now, gint64 *wake);
/* For fake_usb_run_until(). */
bool resetting_has_changed(void *userdata);
/* Until a job comes back, after which the reset is in this step. */
void resetting_work_until(Resetting *self, ResetStep step);

/* What the hardware was told since the last look. */
void resetting_assert_log(const char *expected);
void resetting_assert_reserved(Resetting *self, ReservationKind kind);
/* part: of the text of the error that it ends with; NULL = none. */
void resetting_assert_error(const Resetting *self, const char *part);
/* At the next turn. */
void resetting_assert_ends(Resetting *self);
/* Nobody is to have it back: over at the next turn. */
void resetting_assert_over(Resetting *self);
