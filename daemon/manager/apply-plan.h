/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Apply plan: what has to change so that all is as a text says. dbus/ shows its differences,
 * daemon/manager/apply.h carries it out. Making one changes nothing. Main thread only. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/config/manifest.h"
#include "daemon/manager/decision.h"

typedef struct ApplyRequest {
    const char *text;
    const char *source; /* what messages call the text */
    bool prune;         /* what isn't in the text goes: groups that aren't drop-in files, and assignments */
    uint32_t owner;     /* of new assignments */
} ApplyRequest;

/* One object that is to change. Without a next one it goes. */
typedef struct ApplyStep {
    char *id;               /* a group's name, an assignment's id */
    bool is_group;          /* else an assignment */
    bool is_new;            /* not in the registry yet */
    Group *group;           /* what it is to be */
    Assignment *assignment; /* likewise */
} ApplyStep;

typedef struct ApplyPlan {
    Manager *manager;
    Manifest *manifest;
    bool prune;
    uint32_t owner;

    GPtrArray *steps;       /* of ApplyStep */
    GPtrArray *differences; /* of ManifestDiff: one for each step, in the order of the text, then what goes */
    GHashTable *groups;     /* set of the names that the text has, borrowed from it */
    GHashTable *kept;       /* set of ids of assignments that the text has, and of new ones; owned */
    unsigned new_groups, new_assignments, gone_groups;
} ApplyPlan;

/* What is to be done so that all is as the text says. A group in it is the whole group with all its rules, an
 * assignment is known by its machine and name. The errors of manifest_from_text(), and, with the line:
 * ALREADY_EXISTS (a group of a drop-in file), NO_SUCH_MACHINE, NO_SUCH_GROUP, GROUP_IN_USE (it would be
 * pruned), AMBIGUOUS; LIMIT_EXCEEDED also while something of it is being stored. Valid until anything
 * changes. */
ApplyPlan *manager_plan_apply(Manager *manager, const ApplyRequest *request, GError **error);
ApplyPlan *apply_plan_free(ApplyPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ApplyPlan, apply_plan_free)
