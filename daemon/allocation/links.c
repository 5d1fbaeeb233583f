/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists that are chained in one array: most have one member, and an array for each would cost more than the
 * rest of the work. Called by deal.c. */

#include "daemon/allocation/links.h"

struct Links {
    GArray *all;       /* of Link */
    GHashTable *first; /* from → the place of its first one */
};

Links *links_new(void)
{
    Links *self = g_new0(Links, 1);

    self->all = g_array_new(FALSE, FALSE, sizeof(Link));
    self->first = g_hash_table_new(NULL, NULL);
    return self;
}

Links *links_free(Links *self)
{
    if (!self)
        return NULL;
    g_hash_table_unref(self->first);
    g_array_unref(self->all);
    g_free(self);
    return NULL;
}

static Link *at(const Links *self, guint place)
{
    return place ? &g_array_index(self->all, Link, place - 1) : NULL;
}

void links_add(Links *self, gconstpointer from, gpointer to)
{
    guint place = self->all->len + 1;
    Link link = { .to = to, .last = place };
    Link *first = at(self, GPOINTER_TO_UINT(g_hash_table_lookup(self->first, from)));

    if (first) {
        at(self, first->last)->next = place;
        first->last = place;
    } else {
        g_hash_table_insert(self->first, (gpointer)from, GUINT_TO_POINTER(place));
    }
    g_array_append_val(self->all, link);
}

const Link *links_first(const Links *self, gconstpointer from)
{
    return at(self, GPOINTER_TO_UINT(g_hash_table_lookup(self->first, from)));
}

const Link *links_next(const Links *self, const Link *link)
{
    return at(self, link->next);
}
