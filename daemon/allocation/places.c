/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A line for each group, sorted by who comes first, with sums in the manner of Fenwick: to ask for a place
 * and to come or go both cost the logarithm of the line's length. Called by status.c and status-update.c;
 * reads the registry only. */

#include "daemon/allocation/places.h"

typedef struct Line {
    GPtrArray *all; /* of Assignment: who could wait, sorted */
    guint *sums;    /* how many wait: from 1, of each stretch that ends there */
    bool *waits;    /* whether each did at the last look */
} Line;

struct Places {
    Registry *registry;
    GHashTable *lines; /* group name → Line, owned; NULL = nobody has asked yet */
};

static void free_line(gpointer data)
{
    Line *line = data;

    g_ptr_array_unref(line->all);
    g_free(line->sums);
    g_free(line->waits);
    g_free(line);
}

Places *places_new(Registry *registry)
{
    Places *self = g_new0(Places, 1);

    self->registry = registry;
    return self;
}

Places *places_free(Places *self)
{
    if (!self)
        return NULL;
    g_clear_pointer(&self->lines, g_hash_table_unref);
    g_free(self);
    return NULL;
}

/* Of two with 0 none comes before the other. */
static int compare(const Assignment *a, const Assignment *b)
{
    if (a->priority != b->priority)
        return a->priority > b->priority ? -1 : 1;
    return (a->sequence > b->sequence) - (a->sequence < b->sequence);
}

static int compare_entries(gconstpointer a, gconstpointer b)
{
    const Assignment *left = *(const Assignment *const *)a, *right = *(const Assignment *const *)b;
    int order = compare(left, right);

    return order ? order : g_strcmp0(left->id, right->id);
}

/* How many of the line come before. */
static guint n_before(const Line *line, const Assignment *assignment)
{
    guint low = 0, high = line->all->len;

    while (low < high) {
        guint middle = low + (high - low) / 2;

        if (compare(line->all->pdata[middle], assignment) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static guint n_waiting(const Line *line, guint n)
{
    guint sum = 0;

    for (guint at = n; at > 0; at -= at & -at)
        sum += line->sums[at];
    return sum;
}

static void look_at(Line *line, guint place)
{
    const Assignment *assignment = line->all->pdata[place];
    bool waits = assignment->state == ASSIGNMENT_STATE_WAITING_DEVICE;

    if (waits == line->waits[place])
        return;
    line->waits[place] = waits;
    for (guint at = place + 1; at <= line->all->len; at += at & -at)
        line->sums[at] += waits ? 1 : G_MAXUINT;
}

static void finish(Line *line)
{
    g_ptr_array_sort(line->all, compare_entries);
    line->sums = g_new0(guint, line->all->len + 1);
    line->waits = g_new0(bool, line->all->len);
    for (guint i = 0; i < line->all->len; i++)
        look_at(line, i);
}

static void line_up(Places *self)
{
    g_autoptr(GPtrArray) assignments = registry_list(self->registry, self->registry->assignments);
    GHashTableIter iter;
    gpointer value;

    self->lines = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_line);
    for (guint i = 0; i < assignments->len; i++) {
        Assignment *assignment = assignments->pdata[i];
        Line *line;

        if (!assignment->group || !assignment->wanted || assignment_is_ending(assignment))
            continue;
        line = g_hash_table_lookup(self->lines, assignment->group);
        if (!line) {
            line = g_new0(Line, 1);
            line->all = g_ptr_array_new();
            g_hash_table_insert(self->lines, assignment->group, line);
        }
        g_ptr_array_add(line->all, assignment);
    }
    g_hash_table_iter_init(&iter, self->lines);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        finish(value);
}

guint places_of(Places *self, const Assignment *assignment)
{
    const Line *line;

    if (!self->lines)
        line_up(self);
    line = g_hash_table_lookup(self->lines, assignment->group);
    return 1 + (line ? n_waiting(line, n_before(line, assignment)) : 0);
}

void places_note(Places *self, const Assignment *assignment)
{
    Line *line =
        self->lines && assignment->group ? g_hash_table_lookup(self->lines, assignment->group) : NULL;

    if (!line)
        return;
    for (guint i = n_before(line, assignment); i < line->all->len; i++) {
        if (line->all->pdata[i] == assignment)
            look_at(line, i);
        if (line->all->pdata[i] == assignment || compare(line->all->pdata[i], assignment) != 0)
            return;
    }
}
