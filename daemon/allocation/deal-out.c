/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Deals out what nobody keeps and no set takes, in the order of sockets. Called by deal.c; reads the registry
 * only.
 *
 * Whoever draws from a pool stands in its queue, for as long as it needs more. Who comes first there is the
 * same for every device: the group is the same, there are no rules, and who has a device has kept it. So of
 * each pool only the first one that may have the device is compared with others. */

#include "daemon/allocation/deal-out.h"

#include "daemon/allocation/priority.h"
#include "daemon/model/membership.h"

/* Who draws. */
typedef struct Line {
    GHashTable *queues; /* Pool → GPtrArray of Assignment: who comes first is the last one */
    Links *ruled;       /* Device → Assignment: those with a list of their own */
    bool forced;        /* one of them may have what the others may not */
} Line;

/* A device, and who comes first for it of those that were asked. */
typedef struct Winner {
    Device *device;
    Assignment *first; /* NULL = nobody */
    GPtrArray *queue;  /* that it stands in; NULL = in none */
    bool over;         /* nobody who draws gets it */
} Winner;

static void unref_array(gpointer array)
{
    g_ptr_array_unref(array);
}

static int compare_queued(gconstpointer a, gconstpointer b, gpointer registry)
{
    return priority_compare_sets(registry, *(const Assignment *const *)a, *(const Assignment *const *)b);
}

static void line_add(const Deal *self, Line *line, Assignment *assignment)
{
    const Pool *pool = candidates_pool(self->candidates, assignment);
    const GPtrArray *matches = candidates_of(self->candidates, assignment);
    GPtrArray *queue = pool ? g_hash_table_lookup(line->queues, pool) : NULL;

    line->forced |= assignment->forced;
    for (guint i = 0; !pool && i < matches->len; i++)
        links_add(line->ruled, matches->pdata[i], assignment);
    if (pool && !queue) {
        queue = g_ptr_array_new();
        g_hash_table_insert(line->queues, (gpointer)pool, queue);
    }
    if (pool)
        g_ptr_array_add(queue, assignment);
}

static void line_init(Line *line, const Deal *self, const GPtrArray *assignments)
{
    GHashTableIter iter;
    gpointer queue;

    *line = (Line){ .ruled = links_new() };
    line->queues = g_hash_table_new_full(NULL, NULL, NULL, unref_array);
    for (guint i = 0; i < assignments->len; i++) {
        Assignment *assignment = assignments->pdata[i];

        if (assignment->group && deal_needs_more(self, assignment) && deal_takes_part(self, assignment) &&
            deal_may_draw(self, assignment))
            line_add(self, line, assignment);
    }
    g_hash_table_iter_init(&iter, line->queues);
    while (g_hash_table_iter_next(&iter, NULL, &queue))
        g_ptr_array_sort_with_data(queue, compare_queued, self->registry);
}

static void line_clear(Line *line)
{
    g_hash_table_unref(line->queues);
    links_free(line->ruled);
}

static void choose(const Deal *self, Winner *winner, Assignment *assignment, GPtrArray *queue)
{
    if (winner->first && deal_compare(self, winner->device, assignment, winner->first) < 0)
        return;
    winner->first = assignment;
    winner->queue = queue;
}

/* Of one that draws, and a device that may go. What keeps a device from all that aren't forced ends the
 * search. */
static bool may_claim(Deal *self, const Line *line, Winner *winner, const Assignment *assignment)
{
    Device *device = winner->device;

    if (deal_was_given_back(assignment, device) || !deal_has_way(self, assignment, device))
        return false;
    if (promises_judge(self->promises, assignment, device) == VERDICT_GO &&
        !deal_state_is_undecided(self, device) && !deal_hold_back(self, device))
        return true;
    winner->over = !line->forced;
    return false;
}

static void ask_queue(Deal *self, const Line *line, Winner *winner, GPtrArray *queue)
{
    bool found = false;

    /* Of those that aren't forced it is noted what keeps the device from them: then all are asked. */
    for (guint i = queue->len; i > 0 && !winner->over && (!found || line->forced); i--)
        if (may_claim(self, line, winner, queue->pdata[i - 1])) {
            if (!found)
                choose(self, winner, queue->pdata[i - 1], queue);
            found = true;
        }
}

static void ask_pools(Deal *self, const Line *line, Winner *winner)
{
    const GPtrArray *memberships = winner->device->memberships;

    for (guint i = 0; memberships && i < memberships->len; i++) {
        const Membership *membership = memberships->pdata[i];
        const GPtrArray *pools = candidates_pools(self->candidates, membership->group->name);

        for (guint k = 0; pools && k < pools->len; k++) {
            GPtrArray *queue = pool_has(pools->pdata[k], winner->device)
                                   ? g_hash_table_lookup(line->queues, pools->pdata[k])
                                   : NULL;

            if (queue)
                ask_queue(self, line, winner, queue);
        }
    }
}

static void ask_all(Deal *self, const Line *line, Winner *winner)
{
    for (const Link *link = links_first(self->pinned_by, winner->device); link;
         link = links_next(self->pinned_by, link))
        if (deal_needs_more(self, link->to))
            choose(self, winner, link->to, NULL);
    if (!deal_may_go(self, winner->device))
        return;
    for (const Link *link = links_first(line->ruled, winner->device); link && !winner->over;
         link = links_next(line->ruled, link))
        if (deal_needs_more(self, link->to) && may_claim(self, line, winner, link->to))
            choose(self, winner, link->to, NULL);
    ask_pools(self, line, winner);
}

/* Mostly it is the last one. */
static void leave_queue(const Winner *winner)
{
    guint place = winner->queue->len;

    while (place > 0 && winner->queue->pdata[place - 1] != winner->first)
        place--;
    g_ptr_array_remove_index(winner->queue, place - 1);
}

void deal_out(Deal *self, const GPtrArray *assignments)
{
    g_autoptr(GPtrArray) devices = registry_devices_by_socket(self->registry);
    Line line;

    line_init(&line, self, assignments);
    for (guint i = 0; i < devices->len; i++) {
        Winner winner = { .device = devices->pdata[i] };

        if (deal_state_want(self, winner.device))
            continue;
        ask_all(self, &line, &winner);
        if (!winner.first)
            continue;
        deal_give(self, winner.device, winner.first);
        if (winner.queue && !deal_needs_more(self, winner.first))
            leave_queue(&winner);
    }
    line_clear(&line);
}
