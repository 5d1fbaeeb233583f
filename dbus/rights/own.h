/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whose an assignment is: what its owner, or a member of its tenant, may do without a right to everybody's.
 * The handlers of dbus/objects give these to authorize_owned(); they only look things up in the registry. */

#include "daemon/model/registry.h"
#include "dbus/rights/authorize.h"

/* What the functions below are asked about: they take it as their object. */
typedef struct Own {
    Registry *registry;
    const Assignment *assignment; /* of own_assignment() and own_to_attach() */
    const GPtrArray *ids;         /* of own_assignments(): of char * */
} Own;

/* What was given as a tenant's is the members', also when an administrator gave it; and who is a member no
 * longer may do nothing more with what he gave. */
bool own_assignment(const Caller *caller, gpointer own);
/* To go on with: a machine that has become a tenant's meanwhile gets nothing by the right of who isn't its
 * member. */
bool own_to_attach(const Caller *caller, gpointer own);
/* All of them are, and there is one. */
bool own_assignments(const Caller *caller, gpointer own);
