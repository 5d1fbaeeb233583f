/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Verbs: all of them. For main() and completion only: no verb knows the others. */

#include <glib.h>

#include "client/verbs/verb.h"

/* NULL = there is none; the one without a name is found by NULL. */
const Verb *verb_find(const char *name);

/* The verb that the words begin with, and how many of them are its name. USAGE when there is none. */
const Verb *verb_find_words(char **words, unsigned *ret_used, GError **error);

/* All of them, in the order of the help. Static. */
const Verb *const *verbs_all(gsize *ret_n);

/* All of them, for the help. New string. */
char *verbs_help(void);
