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
 *         return 1; // the bus or polkit is asked; with the answer the handler runs again, from the top
 *
 * Nothing is kept over a wait but the message: when the bus has said who calls, and when polkit has said yes,
 * the message is put back into the bus's queue and everything is read, found and checked anew. If the object
 * has gone meanwhile, the caller hears just that. The answer counts for this message, this action and these
 * details; for anything else it is refused. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "dbus/rights/authorize-table.h"
#include "polkit/authority.h"

typedef struct Authorizer Authorizer;

Authorizer *authorizer_new(sd_bus *bus, Authority *authority);
/* Withdraws what is open. */
Authorizer *authorizer_free(Authorizer *authorizer);

/* Who calls, as the bus knows it since the caller connected. Its groups are empty when the bus doesn't tell.
 */
typedef struct Caller {
    uint32_t uid;
    const uint32_t *gids;
    gsize n_gids;
} Caller;

/* Whether what the call is about is this caller's own. Must not change anything. */
typedef bool (*AuthorizeOwned)(const Caller *caller, gpointer object);

/* Who calls, once the bus has said it: false in the first run of a handler. For what is checked before
 * anybody is asked. */
bool authorize_caller(Authorizer *authorizer, sd_bus_message *message, uint32_t *ret_uid);

/* For a method that is open to everyone, and whose answer depends on who asks. Returns as authorize() does.
 */
int authorize_who(Authorizer *authorizer, sd_bus_message *message, uint32_t *ret_uid,
                  sd_bus_error *ret_error);
/* Whose call is being handled, once it was allowed: false between calls, and for what is open to everyone. */
bool authorize_asker(Authorizer *authorizer, uint32_t *ret_uid);

/* > 0: go on. 0: return 1 from the handler. < 0: refused, error is set. details: key, value, …, NULL; may be
 * NULL for open methods, and so may ret_uid: the caller's uid, set when an action was needed. */
int authorize(Authorizer *authorizer, sd_bus_message *message, const char *const *details, uint32_t *ret_uid,
              sd_bus_error *ret_error);

/* The same for what somebody may call his own: owned(caller, object) is asked once the caller is known, never
 * over a wait, so object only has to live during this call. If it says yes, polkit is asked for the entry's
 * own_action, and where that isn't granted, for its action, as everybody is. Nobody types a password where
 * one of the two is granted without: it is his own password then, unless own_action is denied. If owned()
 * says something else when the answer is there, the answer was for something else, and is refused. owned may
 * be NULL. */
int authorize_owned(Authorizer *authorizer, sd_bus_message *message, const char *const *details,
                    AuthorizeOwned owned, gpointer object, uint32_t *ret_uid, sd_bus_error *ret_error);

/* What a call asks for: all of it as one question, and when there are several things in it, the details of
 * each as a call for it alone has them. */
typedef struct AuthorizeAbout {
    const char *const *details;
    GPtrArray *parts;     /* of char **, with a free function; NULL = it is one thing */
    AuthorizeOwned owned; /* of all of it */
    gpointer object;
    /* What the call does besides, for which it needs this one's action as well; NULL = nothing. */
    const AuthorizeEntry *also;
} AuthorizeAbout;

/* The same for several things at a time. Each is asked for by itself first, without a dialog: what is denied
 * alone is denied among others, and what is granted alone needs no question. What is left is one question for
 * all of it. */
int authorize_several(Authorizer *authorizer, sd_bus_message *message, const AuthorizeAbout *about,
                      uint32_t *ret_uid, sd_bus_error *ret_error);

/* What authorize_several() would say to a call of that method by this caller, without asking anybody:
 * ALLOWED, DENIED, or CHALLENGE for what a dialog decides. Returns as authorize() does. */
int authorize_trial(Authorizer *authorizer, sd_bus_message *message, const char *interface,
                    const char *member, const AuthorizeAbout *about, AuthorityVerdict *ret_answer,
                    sd_bus_error *ret_error);

/* authorize_several() for a call with the option Force: it has a row of its own in the table,
 * "Assign(Force)". */
int authorize_force(Authorizer *authorizer, sd_bus_message *message, const AuthorizeAbout *about,
                    uint32_t *ret_uid, sd_bus_error *ret_error);
