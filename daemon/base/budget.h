/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Budgets: how often each of many subjects may do something in a minute, so that one that flaps doesn't use
 * up what is everybody's. For the log and for what people are told. No locks: the caller has them. */

#include <glib.h>
#include <stdbool.h>

typedef struct Budgets Budgets;

/* So much is remembered of subjects_max at most: with one more, all begin anew. */
Budgets *budgets_new(unsigned per_minute, unsigned subjects_max);
Budgets *budgets_free(Budgets *budgets);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Budgets, budgets_free)

/* Takes one. False when the subject has none left in this minute. ret_left_out: how often that was so in its
 * last minute, 0 unless this is the first one of another minute. now: µs, CLOCK_MONOTONIC. */
bool budgets_take(Budgets *budgets, const char *subject, gint64 now, unsigned *ret_left_out);
