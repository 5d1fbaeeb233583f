/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fills sets: one device for each rule of the group, all or nothing. Called by deal.c; reads the registry
 * only. */

#include "daemon/allocation/deal-sets.h"

#include "daemon/allocation/judge.h"
#include "daemon/allocation/priority.h"
#include "daemon/allocation/set-matching.h"

/* Sorts who comes first to the front. */
static int compare_sets(gconstpointer a, gconstpointer b, gpointer registry)
{
    return priority_compare_sets(registry, *(const Assignment *const *)b, *(const Assignment *const *)a);
}

/* Whether the device is taken, can't be had, or is an assignment's own that comes before the set. */
static bool is_spoken_for(const Deal *self, const Device *device, const Assignment *set)
{
    if (deal_state_want(self, device) || !deal_is_available(self, set, device))
        return true;
    for (const Link *link = links_first(self->pinned_by, device); link;
         link = links_next(self->pinned_by, link))
        if (deal_compare(self, device, link->to, set) > 0)
            return true;
    return false;
}

static bool is_set_with(const Deal *self, const Assignment *assignment, const Device *device)
{
    return assignment && assignment->quantity_kind == QUANTITY_SET && deal_takes_part(self, assignment) &&
           deal_has_and_may_have(self, assignment, device);
}

/* Another set has it in its machine, or keeps it for its way back. */
static bool is_in_another_set(const Deal *self, const Device *device, const Assignment *set)
{
    const Assignment *has = deal_attached_for(self, device), *gets = deal_reserved_for(self, device);

    return (has != set && is_set_with(self, has, device)) || (gets != set && is_set_with(self, gets, device));
}

static bool has_any(const Deal *self, const Assignment *set)
{
    for (const Link *link = links_first(self->named, set); link; link = links_next(self->named, link))
        if (deal_has_and_may_have(self, set, link->to))
            return true;
    return false;
}

/* All of a set, of which nothing is there, come, or none: the machine has a port for each. */
static bool has_room(Deal *self, Assignment *set, const GPtrArray *chosen)
{
    const Machine *machine = registry_machine(self->registry, set->machine_uuid);

    if (!machine || judge_ports_for_all(machine, chosen) == VERDICT_GO)
        return true;
    g_hash_table_add(self->portless, set);
    return false;
}

/* keeps: what other sets have stays with them. */
static void fill_set(Deal *self, Assignment *set, bool keeps)
{
    const Group *group = registry_group(self->registry, set->group);
    const GPtrArray *matches = candidates_of(self->candidates, set);
    g_autoptr(GPtrArray) devices = g_ptr_array_new();
    g_autoptr(GPtrArray) chosen = NULL;
    bool draws = deal_may_draw(self, set);
    guint mark = promises_mark(self->promises);

    if (!deal_takes_part(self, set) || !group)
        return;
    /* What it has comes first, so that no device moves without need. */
    for (int pass = 0; pass < (draws ? 2 : 1); pass++)
        for (guint i = 0; i < matches->len; i++) {
            Device *device = matches->pdata[i];

            if (deal_has_it(self, set, device) == (pass == 0) &&
                (pass == 0 || !deal_state_is_undecided(self, device)) && !is_spoken_for(self, device, set) &&
                (pass == 0 || !deal_hold_back(self, device)) &&
                !(keeps && is_in_another_set(self, device, set))) {
                g_ptr_array_add(devices, device);
                promises_add(self->promises, device);
            }
        }
    promises_take_back(self->promises, mark);
    chosen = set_matching_choose(group, self->registry->node, devices);
    if (chosen && !has_any(self, set) && !has_room(self, set, chosen))
        return;
    if (!chosen && deal_reserved_and_away(self, set) > 0) {
        /* One of them is being reset, and away for a moment: the others stay where they are. */
        chosen = g_ptr_array_new();
        for (guint i = 0; i < devices->len; i++)
            if (deal_has_it(self, set, devices->pdata[i]))
                g_ptr_array_add(chosen, devices->pdata[i]);
    }
    for (guint i = 0; chosen && i < chosen->len; i++)
        deal_give(self, chosen->pdata[i], set);
}

/* First those that have something and can be complete without taking anything from each other: nothing leaves
 * a running machine by priority alone. Then all others. */
void deal_fill_sets(Deal *self, const GPtrArray *assignments)
{
    g_autoptr(GPtrArray) sets = g_ptr_array_new();

    for (guint i = 0; i < assignments->len; i++)
        if (((const Assignment *)assignments->pdata[i])->quantity_kind == QUANTITY_SET)
            g_ptr_array_add(sets, assignments->pdata[i]);
    g_ptr_array_sort_with_data(sets, compare_sets, self->registry);
    for (guint i = 0; i < sets->len; i++)
        if (has_any(self, sets->pdata[i]))
            fill_set(self, sets->pdata[i], true);
    for (guint i = 0; i < sets->len; i++)
        if (deal_state_wants_of(self, sets->pdata[i])->len == 0)
            fill_set(self, sets->pdata[i], false);
}
