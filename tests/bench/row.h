/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One measure of a benchmark, in the one form that tests/bench/table reads. */

#include <stdbool.h>
#include <stdio.h>

typedef struct Row {
    const char *what;
    double cost;
    const char *unit;
    double ratio; /* of the cost to what stands beside it, both measured in this run */
    const char *beside;
    double goal,
        bound; /* of the ratio: what is aimed at, and what a machine with other work must not exceed */
} Row;

/* Prints it. False when the ratio is above the bound. A comment in TAP. */
static inline bool row_print(const Row *row)
{
    printf("# %s: %.2f %s, %.2f x %s, goal %.2f, at most %.2f\n", row->what, row->cost, row->unit, row->ratio,
           row->beside, row->goal, row->bound);
    fflush(stdout);
    return row->ratio <= row->bound;
}
