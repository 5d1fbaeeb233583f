/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* ManifestDiff: what a manifest would change, as facts that somebody can be shown. */

#include <glib.h>

typedef struct ManifestDiffLine {
    char *section; /* as in the text: "Group", "Rule 2", "Assignment" */
    char *key;
    char *before; /* the values as the text has them; NULL = not there, so it is as usual */
    char *after;
} ManifestDiffLine;

typedef struct ManifestDiff {
    const char *kind; /* "group", "assignment" */
    char *name;
    char *machine;      /* of an assignment: its name; "" of a group */
    const char *change; /* "added", "changed", "removed" */
    GPtrArray *lines;   /* of ManifestDiffLine, by section, what is gone last; never empty */
} ManifestDiff;

/* From two texts of the same thing, NULL = it isn't there. NULL when they say the same. */
ManifestDiff *manifest_diff_new(const char *kind, const char *name, const char *machine, const char *before,
                                const char *after);
void manifest_diff_free(gpointer difference);
