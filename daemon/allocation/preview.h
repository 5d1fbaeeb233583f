/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Preview: what would change if a group were different. Worked out by the same code that decides
 * (daemon/allocation/allocation.h), on a view of the registry; nothing is changed and nobody is told. Main
 * thread only. */

#include <glib.h>

#include "daemon/model/registry.h"

typedef struct PreviewChange {
    const char *change; /* static: "joins" or "leaves" the group; the assignment "gets" or "loses" it */
    char *device;       /* sysname */
    char *assignment;   /* id; NULL for joins and leaves */
    const char *code;   /* static: why, in a word, see daemon/allocation/reason-code.h */
    char *text;         /* a sentence */
} PreviewChange;

PreviewChange *preview_change_free(PreviewChange *change);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PreviewChange, preview_change_free)

/* next: what the group of its name would be. New array of PreviewChange: who joins and leaves, by sysname,
 * then what the assignments lose and get, by id. */
GPtrArray *preview_group(Registry *registry, Group *next);
