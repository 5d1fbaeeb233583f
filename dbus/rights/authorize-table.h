/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The table of rights: what each method needs, and what is asked. The authorizer reads it, the registration
 * of objects sees that it is complete, and the manual is printed from it. It is data only. */

#define AUTHORIZE_QUESTIONS_MAX 3

typedef struct AuthorizeEntry {
    const char *interface;
    const char *member;
    const char *action;     /* NULL = open to everyone */
    const char *own_action; /* asked first when it is the caller's own; NULL = no such difference */
    /* What the dialog may say; $(key) stands for a detail. The one that names most comes first: see
     * details_pick_question(). */
    const char *questions[AUTHORIZE_QUESTIONS_MAX + 1];
} AuthorizeEntry;

/* NULL: not in the table, so nobody may. */
const AuthorizeEntry *authorize_find(const char *interface, const char *member);
