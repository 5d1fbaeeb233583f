/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Links: what belongs to what, of many things: a list for each of them, and one piece of memory for all
 * lists. For deal.c. Borrows everything. Main thread only. */

#include <glib.h>

typedef struct Link {
    gpointer to;
    guint next, last; /* places among all links, from 1; 0 = none. last: of the first one of a list only */
} Link;

typedef struct Links Links;

Links *links_new(void);
Links *links_free(Links *links);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Links, links_free)

/* At the end of what belongs to from. Ends what links_first() and links_next() returned so far. */
void links_add(Links *links, gconstpointer from, gpointer to);

/* NULL = nothing (more) belongs to it. Borrowed. */
const Link *links_first(const Links *links, gconstpointer from);
const Link *links_next(const Links *links, const Link *link);
