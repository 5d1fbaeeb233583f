/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Verb: what the program can be told to do. The file of a verb defines its own, with what the help says about
 * it and the function that does it; verbs.c has the list of them. */

#include <glib.h>
#include <stdbool.h>

#include "client/bus/client.h"

struct Verb {
    const char *name;      /* NULL: what is done without a verb; one word, or two: "group add" */
    const char *arguments; /* as the help shows them */
    const char *summary;
    /* Gets the words behind the verb, does the work, and returns the exit status; when it sets the error,
     * that is printed and its code is the status. */
    Outcome (*run)(Client *client, char **words, GError **error);
    bool takes_hosts; /* several of them, see client/bus/fleet.h; others go to one */
};
