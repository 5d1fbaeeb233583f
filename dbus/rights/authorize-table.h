/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The table of rights: what each method needs, and what is asked. The authorizer reads it, the registration
 * of objects sees that it is complete, and the manual is printed from it. It is data only. */

typedef struct AuthorizeEntry {
    const char *interface;
    const char *member;
    const char *action;          /* NULL = open to everyone */
    const char *question;        /* what the dialog says; $(key) stands for a detail */
    const char *group_question;  /* what it says instead when the detail "group" is there; NULL = the same.
                                  * One that doesn't name a device that is there isn't said */
    const char *own_action;      /* asked first when it is the caller's own; NULL = no such difference */
    const char *tenant_question; /* what it says instead when the detail "tenant" is there; NULL = the same */
} AuthorizeEntry;

/* NULL: not in the table, so nobody may. */
const AuthorizeEntry *authorize_find(const char *interface, const char *member);
