/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Trial: what was given for a try counts down on the terminal, until somebody keeps it or takes it back; and
 * the verb confirm. For give.c and verbs.c. */

#include "client/bus/follow.h"
#include "client/verbs/verb.h"

/* True when somebody sits there: what they read and what they type are both a terminal. */
bool trial_can_ask(const Client *client);

/* Counts down for these assignments (of char *, paths), which are tries: Enter confirms them, Ctrl-C takes
 * them back at once, and when nobody does either they come home. Those whose time hasn't begun are told
 * about and not waited for. DONE when all that were tried are kept. */
Outcome trial_count_down(Client *client, Follow *follow, GPtrArray *assignments);

extern const Verb verb_confirm;
