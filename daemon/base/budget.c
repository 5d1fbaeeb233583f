/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counts what each subject has used up of its minute. Called by log.c and dbus/service/notices.c; touches
 * nothing else. */

#include "daemon/base/budget.h"

#define MINUTE_US (60 * G_USEC_PER_SEC)

typedef struct Budget {
    gint64 since; /* µs, CLOCK_MONOTONIC */
    unsigned used;
    unsigned left_out;
} Budget;

struct Budgets {
    GHashTable *of; /* subject → Budget, both owned */
    unsigned per_minute;
    unsigned subjects_max;
};

Budgets *budgets_new(unsigned per_minute, unsigned subjects_max)
{
    Budgets *self = g_new0(Budgets, 1);

    self->of = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    self->per_minute = per_minute;
    self->subjects_max = subjects_max;
    return self;
}

Budgets *budgets_free(Budgets *self)
{
    if (!self)
        return NULL;
    g_hash_table_unref(self->of);
    g_free(self);
    return NULL;
}

static Budget *budget_of(Budgets *self, const char *subject, gint64 now)
{
    Budget *budget = g_hash_table_lookup(self->of, subject);

    if (budget)
        return budget;
    if (g_hash_table_size(self->of) >= self->subjects_max)
        g_hash_table_remove_all(self->of);
    budget = g_new0(Budget, 1);
    budget->since = now;
    g_hash_table_insert(self->of, g_strdup(subject), budget);
    return budget;
}

bool budgets_take(Budgets *self, const char *subject, gint64 now, unsigned *ret_left_out)
{
    Budget *budget = budget_of(self, subject, now);

    *ret_left_out = 0;
    if (now - budget->since >= MINUTE_US) {
        *ret_left_out = budget->left_out;
        *budget = (Budget){ .since = now };
    }
    if (budget->used >= self->per_minute) {
        budget->left_out++;
        return false;
    }
    budget->used++;
    return true;
}
