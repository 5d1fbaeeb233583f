/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Apply plan: what has to change so that all is as a text says. apply-plan.c makes it, manager-apply.c
 * carries it out; nobody else includes this. */

#include "daemon/config/manifest.h"
#include "daemon/manager/internal.h"

/* One object that is to change. Without a next one it goes. */
typedef struct Step {
    char *id;               /* a group's name, an assignment's id */
    bool is_new;            /* not in the registry yet */
    Group *group;           /* what it is to be */
    Assignment *assignment; /* likewise */
    bool is_group;
    StoreArea area; /* where its file is now */
} Step;

struct ApplyPlan {
    Manager *manager;
    Manifest *manifest;
    bool prune;
    uint32_t owner;

    GPtrArray *steps;       /* of Step */
    GPtrArray *differences; /* of ManifestDiff; one for each step */
    GHashTable *groups;     /* set of the names that the text has, borrowed from it */
    GHashTable *kept;       /* set of ids of assignments that the text has, and of new ones; owned */
    unsigned new_groups, new_assignments, gone_groups;
};

/* The assignment as the text has it. New string. */
char *apply_print_assignment(Manager *manager, const Assignment *assignment);
/* The oldest first: for g_ptr_array_sort(). */
gint apply_compare_age(gconstpointer a, gconstpointer b);
