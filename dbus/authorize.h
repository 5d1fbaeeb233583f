/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who may call what: one table, and the way an answer of polkit finds back to its call.
 *
 * A handler reads and checks its arguments, calls authorize(), and only then changes anything:
 *
 *     r = authorize(service->authorizer, message, details, &uid, error);
 *     if (r < 0)
 *         return r;
 *     if (r == 0)
 *         return 1; // polkit is asked; with its answer the handler runs again, from the top
 *
 * Nothing is kept over the wait but the message: when polkit says yes, the message is put back into the bus's
 * queue and everything is read, found and checked anew. If the object has gone meanwhile, the caller hears
 * just that. The answer counts for this message, this action and these details; for anything else it is
 * refused. */

#include <glib.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "polkit/authority.h"

typedef struct AuthorizeEntry {
    const char *interface;
    const char *member;
    const char *action;         /* NULL = open to everyone */
    const char *question;       /* what the dialog says; $(key) stands for a detail */
    const char *group_question; /* what it says instead when the detail "group" is there; NULL = the same */
} AuthorizeEntry;

/* NULL: not in the table, so nobody may. */
const AuthorizeEntry *authorize_find(const char *interface, const char *member);

/* Questions that may be open: the bus gives our connection to polkitd 128 answers to wait for, and one user,
 * with however many connections, must not use up everybody's. Root is never asked about: polkit always says
 * yes. */
#define AUTHORIZE_OPEN_MAX          64
#define AUTHORIZE_OPEN_PER_USER_MAX 8

typedef struct Authorizer Authorizer;

Authorizer *authorizer_new(sd_bus *bus, Authority *authority);
/* Withdraws what is open. */
Authorizer *authorizer_free(Authorizer *authorizer);

/* > 0: go on. 0: return 1 from the handler. < 0: refused, error is set. details: key, value, …, NULL; may be
 * NULL for open methods, and so may ret_uid: the caller's uid, set when an action was needed. */
int authorize(Authorizer *authorizer, sd_bus_message *message, const char *const *details, uint32_t *ret_uid,
              sd_bus_error *ret_error);
