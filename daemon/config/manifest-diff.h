/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Difference: what a declaration would change, as facts that somebody can be shown. */

#include <glib.h>

typedef struct DifferenceLine {
    char *section; /* as in the text: "Group", "Rule 2", "Assignment" */
    char *key;
    char *before; /* the values as the text has them; NULL = not there, so it is as usual */
    char *after;
} DifferenceLine;

typedef struct Difference {
    const char *kind; /* "group", "assignment" */
    char *name;
    char *machine;      /* of an assignment: its name; "" of a group */
    const char *change; /* "added", "changed", "removed" */
    GPtrArray *lines;   /* of DifferenceLine, by section, what is gone last; never empty */
} Difference;

/* From two texts of the same thing, NULL = it isn't there. NULL when they say the same. */
Difference *difference_new(const char *kind, const char *name, const char *machine, const char *before,
                           const char *after);
void difference_free(gpointer difference);
