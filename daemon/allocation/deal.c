/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keeps what is where it may be, fills sets (deal-sets.c), and deals out the rest (deal-out.c); priority.h
 * says who comes first. Called by allocation.c; reads the registry only. */

#include "daemon/allocation/deal.h"

#include "daemon/allocation/deal-out.h"
#include "daemon/allocation/deal-sets.h"
#include "daemon/allocation/deal-state.h"
#include "daemon/allocation/judge.h"

static void unref_array(gpointer array)
{
    g_ptr_array_unref(array);
}

/* ------------------------------------------------------------------ what is known before */

/* Each of it from one pass over the devices, or the assignments. seen: set of the lists that were looked at;
 * many assignments have the same one. */
static void note_undecided(Deal *self, const Assignment *assignment, GHashTable *seen)
{
    const Machine *machine = registry_machine_of(self->registry, assignment);
    const GPtrArray *matches = candidates_of(self->candidates, assignment);

    if (!assignment->group || !deal_takes_part(self, assignment) || !machine ||
        !machine_is_being_read(machine) || !g_hash_table_add(seen, (gpointer)matches))
        return;
    for (guint i = 0; i < matches->len; i++)
        g_hash_table_add(self->undecided, matches->pdata[i]);
}

static void count_reserved_and_away(Deal *self)
{
    g_autoptr(GPtrArray) reservations = reservations_sorted(self->registry->reservations);

    for (guint i = 0; i < reservations->len; i++) {
        const Reservation *reservation = reservations->pdata[i];
        const Assignment *assignment = registry_assignment(self->registry, reservation->assignment_id);
        guint n;

        if (!assignment || registry_device(self->registry, reservation->sysname))
            continue;
        n = GPOINTER_TO_UINT(g_hash_table_lookup(self->away, assignment->id));
        g_hash_table_replace(self->away, assignment->id, GUINT_TO_POINTER(n + 1));
    }
}

static void note_named(Deal *self, const GPtrArray *devices)
{
    for (guint i = 0; i < devices->len; i++) {
        Assignment *has = deal_attached_for(self, devices->pdata[i]);
        Assignment *gets = deal_reserved_for(self, devices->pdata[i]);

        if (has)
            links_add(self->named, has, devices->pdata[i]);
        if (gets && gets != has)
            links_add(self->named, gets, devices->pdata[i]);
    }
}

static void note_pinned(Deal *self, const GPtrArray *assignments)
{
    for (guint i = 0; i < assignments->len; i++) {
        Device *device = deal_pinned(self, assignments->pdata[i]);

        if (device && !deal_state_want(self, device) && deal_takes_part(self, assignments->pdata[i]))
            links_add(self->pinned_by, device, assignments->pdata[i]);
    }
}

/* ------------------------------------------------------------------ what stays */

/* What a damaged one has, in whatever machine, or had until a moment ago, and what it alone may get one day.
 */
static void freeze(Deal *self, Assignment *assignment)
{
    Device *own = deal_pinned(self, assignment);

    for (const Link *link = links_first(self->named, assignment); link;
         link = links_next(self->named, link)) {
        const Attachment *attachment = attachments_find(self->attachments, link->to);

        if (attachment_is_of(attachment, assignment))
            deal_give(self, link->to, assignment)->machine = attachment->machine;
        else if (!attachment && deal_has_it(self, assignment, link->to))
            deal_give(self, link->to, assignment);
    }
    if (own && !deal_state_want(self, own) && !attachments_find(self->attachments, own))
        deal_give(self, own, assignment);
}

/* What an assignment has and may still have stays. */
static void keep(Deal *self, Assignment *assignment)
{
    if (assignment->quantity_kind == QUANTITY_SET || !deal_takes_part(self, assignment))
        return;
    for (const Link *link = links_first(self->named, assignment); link;
         link = links_next(self->named, link)) {
        Device *device = link->to;

        if (deal_has_and_may_have(self, assignment, device) && !deal_was_given_back(assignment, device) &&
            !deal_state_want(self, device) && deal_needs_more(self, assignment) &&
            (assignment->group || deal_pinned(self, assignment) == device))
            deal_give(self, device, assignment);
    }
}

/* ------------------------------------------------------------------ the whole */

static int compare_wants(gconstpointer a, gconstpointer b)
{
    return g_strcmp0((*(const Want *const *)a)->device->sysname, (*(const Want *const *)b)->device->sysname);
}

static void list_by_machine(Deal *self)
{
    for (guint i = 0; i < self->wants->len; i++) {
        Want *want = self->wants->pdata[i];
        GPtrArray *list = g_hash_table_lookup(self->by_machine, want->machine);

        if (!list) {
            list = g_ptr_array_new();
            g_hash_table_insert(self->by_machine, want->machine, list);
        }
        g_ptr_array_add(list, want);
    }
}

/* The registry has the devices in this order already; only when two wants are for one device something is
 * left to be sorted. */
static void order_wants(Deal *self)
{
    g_autoptr(GPtrArray) devices = registry_list(self->registry, self->registry->devices);
    g_autofree Want **ordered = g_new(Want *, devices->len);
    guint n = 0;

    for (guint i = 0; i < devices->len; i++) {
        Want *want = deal_state_want(self, devices->pdata[i]);

        if (want)
            ordered[n++] = want;
    }
    if (n != self->wants->len)
        g_ptr_array_sort(self->wants, compare_wants);
    else
        for (guint i = 0; i < n; i++)
            self->wants->pdata[i] = ordered[i];
}

static void sort_wants(Deal *self)
{
    GHashTableIter iter;
    gpointer value;

    order_wants(self);
    list_by_machine(self);
    g_hash_table_iter_init(&iter, self->by_assignment);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (((const GPtrArray *)value)->len > 1)
            g_ptr_array_sort(value, compare_wants);
}

Deal *deal_new(Registry *registry, const Attachments *attachments, const Candidates *candidates, gint64 now)
{
    Deal *self = g_new0(Deal, 1);
    g_autoptr(GPtrArray) assignments = registry_list(registry, registry->assignments);
    g_autoptr(GPtrArray) devices = registry_list(registry, registry->devices);
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

    self->registry = registry;
    self->attachments = attachments;
    self->candidates = candidates;
    self->wants = g_ptr_array_new_with_free_func(g_free);
    self->none = g_ptr_array_new();
    self->by_device = g_hash_table_new(NULL, NULL);
    self->by_assignment = g_hash_table_new_full(NULL, NULL, NULL, unref_array);
    self->by_machine = g_hash_table_new_full(NULL, NULL, NULL, unref_array);
    self->undecided = g_hash_table_new(NULL, NULL);
    self->held_back = g_hash_table_new(NULL, NULL);
    self->portless = g_hash_table_new(NULL, NULL);
    self->now = now;
    self->promises = promises_new(registry, attachments);
    self->away = g_hash_table_new(g_str_hash, g_str_equal);
    self->named = links_new();
    self->pinned_by = links_new();
    count_reserved_and_away(self);
    note_named(self, devices);
    for (guint i = 0; i < assignments->len; i++) {
        Assignment *assignment = assignments->pdata[i];

        if (judge_assignment(registry, assignment) == VERDICT_DAMAGED)
            freeze(self, assignment);
    }
    for (guint i = 0; i < assignments->len; i++) {
        Assignment *assignment = assignments->pdata[i];

        keep(self, assignment);
        note_undecided(self, assignment, seen);
    }
    note_pinned(self, assignments);
    deal_fill_sets(self, assignments);
    deal_out(self, assignments);
    sort_wants(self);
    return self;
}

Deal *deal_free(Deal *self)
{
    if (!self)
        return NULL;
    links_free(self->pinned_by);
    links_free(self->named);
    promises_free(self->promises);
    g_hash_table_unref(self->away);
    g_hash_table_unref(self->portless);
    g_hash_table_unref(self->held_back);
    g_hash_table_unref(self->undecided);
    g_hash_table_unref(self->by_machine);
    g_hash_table_unref(self->by_assignment);
    g_hash_table_unref(self->by_device);
    g_ptr_array_unref(self->none);
    g_ptr_array_unref(self->wants);
    g_free(self);
    return NULL;
}

const GPtrArray *deal_wants(const Deal *self)
{
    return self->wants;
}

const GPtrArray *deal_wants_of(const Deal *self, const Assignment *assignment)
{
    return deal_state_wants_of(self, assignment);
}

const GPtrArray *deal_wants_of_machine(const Deal *self, const Machine *machine)
{
    return g_hash_table_lookup(self->by_machine, machine);
}

Want *deal_want(const Deal *self, const Device *device)
{
    return deal_state_want(self, device);
}

bool deal_is_undecided(const Deal *self, const Device *device)
{
    return deal_state_is_undecided(self, device);
}

bool deal_lacks_ports(const Deal *self, const Assignment *assignment)
{
    const Machine *machine = registry_machine_of(self->registry, assignment);

    return g_hash_table_contains(self->portless, assignment) ||
           (machine && judge_machine(self->registry, assignment) == VERDICT_GO &&
            judge_ports(machine) != VERDICT_GO);
}

bool deal_is_held_back(const Deal *self, const Device *device)
{
    return g_hash_table_contains(self->held_back, device);
}

const char *deal_guard(const Deal *self, const Device *device)
{
    return promises_use(self->promises, device);
}

bool deal_is_returning(const Deal *self, const Assignment *assignment)
{
    return deal_reserved_and_away(self, assignment) > 0;
}
