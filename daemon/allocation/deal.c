/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keeps what is where it may be, fills sets, and deals out the rest in the order of sockets; priority.h says
 * who comes first. Called by allocation.c; reads the registry only. */

#include "daemon/allocation/deal.h"

#include "daemon/allocation/judge.h"
#include "daemon/allocation/pinned.h"
#include "daemon/allocation/possession.h"
#include "daemon/allocation/priority.h"
#include "daemon/allocation/promises.h"
#include "daemon/allocation/set-matching.h"

struct Deal {
    Registry *registry;
    const Attachments *attachments;
    const Candidates *candidates;
    gint64 now;
    GPtrArray *wants;          /* of Want, owned */
    GHashTable *by_device;     /* Device → Want, borrowed */
    GHashTable *by_assignment; /* Assignment → GPtrArray of Want, borrowed */
    GHashTable *by_machine;    /* Machine → GPtrArray of Want, borrowed */
    GHashTable *undecided;     /* set of Device */
    GHashTable *held_back;     /* set of Device */
    GHashTable *portless;      /* set of Assignment: of sets that need more ports than are free */
    Promises *promises;        /* what goes by what was dealt out so far */
    GHashTable *away; /* assignment id → how many devices are reserved for it and not plugged in now */
};

static void unref_array(gpointer array)
{
    g_ptr_array_unref(array);
}

static bool takes_part(const Deal *self, const Assignment *assignment)
{
    return judge_assignment(self->registry, assignment) == VERDICT_GO;
}

static bool has_it(const Deal *self, const Assignment *assignment, const Device *device)
{
    return priority_has_it(self->registry, self->attachments, assignment, device);
}

static Device *pinned(const Deal *self, const Assignment *assignment)
{
    return pinned_device(self->registry, self->attachments, self->candidates, assignment);
}

/* As far as that is the same for everybody. What is kept for somebody stays so while a program of the host
 * looks at it. */
static bool may_go(const Deal *self, const Device *device)
{
    Verdict possession = possession_judge(self->registry, self->attachments, device);

    return judge_device(self->registry, self->attachments, device) == VERDICT_GO &&
           (possession == VERDICT_GO || (possession != VERDICT_UNAUTHORIZED &&
                                         reservations_find(self->registry->reservations, device->sysname)));
}

static bool may_go_to(const Deal *self, const Assignment *assignment, const Device *device)
{
    const Machine *machine = registry_machine_of(self->registry, assignment);

    return judge_speed(machine, device) == VERDICT_GO &&
           (judge_bus(machine, device) == VERDICT_GO || has_it(self, assignment, device)) &&
           promises_judge(self->promises, assignment, device) == VERDICT_GO;
}

static bool is_available(const Deal *self, const Assignment *assignment, const Device *device)
{
    return may_go(self, device) && may_go_to(self, assignment, device);
}

/* Nobody draws it now. */
static bool hold_back(Deal *self, const Device *device)
{
    return quarantines_find(self->registry->quarantines, device, self->now) &&
           (g_hash_table_add(self->held_back, (gpointer)device), true);
}

static int compare(const Deal *self, const Device *device, const Assignment *a, const Assignment *b)
{
    return priority_compare(self->registry, self->attachments, device, a, b);
}

/* Sorts who comes first to the front. */
static int compare_sets(gconstpointer a, gconstpointer b, gpointer registry)
{
    return priority_compare_sets(registry, *(const Assignment *const *)b, *(const Assignment *const *)a);
}

/* Whether anything new may be drawn for this assignment. A machine that doesn't answer, or has no port
 * left, draws nothing: it couldn't use what the others would miss. */
static bool may_draw(const Deal *self, const Assignment *assignment)
{
    const Group *group = registry_group_of(self->registry, assignment);
    const Machine *machine = registry_machine_of(self->registry, assignment);

    return group && group->enabled && self->registry->enabled && machine && !machine->stuck &&
           judge_machine(self->registry, assignment) == VERDICT_GO && judge_ports(machine) == VERDICT_GO;
}

/* Nothing is known that would keep the device from going in this turn. */
static bool is_going(const Deal *self, const Want *want)
{
    return want->machine && judge_machine(self->registry, want->assignment) == VERDICT_GO &&
           judge_ports(want->machine) == VERDICT_GO &&
           !quarantines_find(self->registry->quarantines, want->device, self->now) &&
           is_available(self, want->assignment, want->device);
}

static Want *give(Deal *self, Device *device, Assignment *assignment)
{
    Want *want = g_new0(Want, 1);

    want->assignment = assignment;
    want->device = device;
    want->machine = registry_machine_of(self->registry, assignment);
    g_ptr_array_add(self->wants, want);
    g_hash_table_insert(self->by_device, device, want);
    g_ptr_array_add(g_hash_table_lookup(self->by_assignment, assignment), want);
    if (is_going(self, want))
        promises_add(self->promises, device);
    return want;
}

static void note_undecided(Deal *self, const Assignment *assignment)
{
    const Machine *machine = registry_machine_of(self->registry, assignment);
    const GPtrArray *matches = candidates_of(self->candidates, assignment);

    if (!assignment->group || !takes_part(self, assignment) || !machine || !machine_is_being_read(machine))
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

/* Devices that a reset has taken away from it for a moment: nothing is drawn in their place. */
static guint reserved_and_away(const Deal *self, const Assignment *assignment)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(self->away, assignment->id));
}

static bool needs_more(const Deal *self, const Assignment *assignment)
{
    return assignment->quantity_kind == QUANTITY_ALL ||
           (assignment->quantity_kind == QUANTITY_COUNT &&
            deal_wants_of(self, assignment)->len + reserved_and_away(self, assignment) <
                assignment->quantity);
}

/* Alone, and another one comes in its place, or none. */
static bool was_given_back(const Assignment *assignment, const Device *device)
{
    return assignment_given_back(assignment, device->instance) >= 0;
}

/* ------------------------------------------------------------------ dealing out */

/* What a damaged one has, in whatever machine, or had until a moment ago, and what it alone may get one day.
 */
static void freeze(Deal *self, Assignment *assignment, const GPtrArray *devices)
{
    Device *own = pinned(self, assignment);

    for (guint i = 0; i < devices->len; i++) {
        const Attachment *attachment = attachments_find(self->attachments, devices->pdata[i]);

        if (attachment_is_of(attachment, assignment))
            give(self, devices->pdata[i], assignment)->machine = attachment->machine;
        else if (!attachment && has_it(self, assignment, devices->pdata[i]))
            give(self, devices->pdata[i], assignment);
    }
    if (own && !deal_want(self, own) && !attachments_find(self->attachments, own))
        give(self, own, assignment);
}

/* What an assignment has and may still have stays. */
static void keep(Deal *self, Assignment *assignment)
{
    const GPtrArray *matches = candidates_of(self->candidates, assignment);

    if (!takes_part(self, assignment) || assignment->quantity_kind == QUANTITY_SET)
        return;
    for (guint i = 0; i < matches->len; i++) {
        Device *device = matches->pdata[i];

        if (has_it(self, assignment, device) && !was_given_back(assignment, device) &&
            !deal_want(self, device) && needs_more(self, assignment) &&
            (assignment->group || pinned(self, assignment) == device))
            give(self, device, assignment);
    }
}

/* Whether the device is taken, can't be had, or is an assignment's own that comes before the set. */
static bool is_spoken_for(const Deal *self, const Device *device, const Assignment *set,
                          const GPtrArray *assignments)
{
    if (deal_want(self, device) || !is_available(self, set, device))
        return true;
    for (guint i = 0; i < assignments->len; i++) {
        const Assignment *other = assignments->pdata[i];

        if (!other->group && takes_part(self, other) && pinned(self, other) == device &&
            compare(self, device, other, set) > 0)
            return true;
    }
    return false;
}

/* Another set has it in its machine, or keeps it for its way back. */
static bool is_in_another_set(const Deal *self, const Device *device, const Assignment *set,
                              const GPtrArray *assignments)
{
    for (guint i = 0; i < assignments->len; i++) {
        const Assignment *other = assignments->pdata[i];

        if (other != set && other->quantity_kind == QUANTITY_SET && takes_part(self, other) &&
            candidates_include(self->candidates, other, device) && has_it(self, other, device))
            return true;
    }
    return false;
}

static bool has_any(const Deal *self, const Assignment *set)
{
    const GPtrArray *matches = candidates_of(self->candidates, set);

    for (guint i = 0; i < matches->len; i++)
        if (has_it(self, set, matches->pdata[i]))
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
static void fill_set(Deal *self, Assignment *set, const GPtrArray *assignments, bool keeps)
{
    const Group *group = registry_group(self->registry, set->group);
    const GPtrArray *matches = candidates_of(self->candidates, set);
    g_autoptr(GPtrArray) devices = g_ptr_array_new();
    g_autoptr(GPtrArray) chosen = NULL;
    bool draws = may_draw(self, set);
    guint mark = promises_mark(self->promises);

    if (!takes_part(self, set) || !group)
        return;
    /* What it has comes first, so that no device moves without need. */
    for (int pass = 0; pass < (draws ? 2 : 1); pass++)
        for (guint i = 0; i < matches->len; i++) {
            Device *device = matches->pdata[i];

            if (has_it(self, set, device) == (pass == 0) && (pass == 0 || !deal_is_undecided(self, device)) &&
                !is_spoken_for(self, device, set, assignments) && (pass == 0 || !hold_back(self, device)) &&
                !(keeps && is_in_another_set(self, device, set, assignments))) {
                g_ptr_array_add(devices, device);
                promises_add(self->promises, device);
            }
        }
    promises_take_back(self->promises, mark);
    chosen = set_matching_choose(group, self->registry->node, devices);
    if (chosen && !has_any(self, set) && !has_room(self, set, chosen))
        return;
    if (!chosen && reserved_and_away(self, set) > 0) {
        /* One of them is being reset, and away for a moment: the others stay where they are. */
        chosen = g_ptr_array_new();
        for (guint i = 0; i < devices->len; i++)
            if (has_it(self, set, devices->pdata[i]))
                g_ptr_array_add(chosen, devices->pdata[i]);
    }
    for (guint i = 0; chosen && i < chosen->len; i++)
        give(self, chosen->pdata[i], set);
}

/* First those that have something and can be complete without taking anything from each other: nothing leaves
 * a running machine by priority alone. Then all others. sets: the first one comes first. */
static void fill_sets(Deal *self, const GPtrArray *sets, const GPtrArray *assignments)
{
    for (guint i = 0; i < sets->len; i++)
        if (has_any(self, sets->pdata[i]))
            fill_set(self, sets->pdata[i], assignments, true);
    for (guint i = 0; i < sets->len; i++)
        if (deal_wants_of(self, sets->pdata[i])->len == 0)
            fill_set(self, sets->pdata[i], assignments, false);
}

/* goes: it may go to anybody. */
static bool may_claim(Deal *self, const Assignment *assignment, const Device *device, bool goes)
{
    if (!takes_part(self, assignment) || !needs_more(self, assignment))
        return false;
    if (!assignment->group)
        return pinned(self, assignment) == device;
    return goes && may_draw(self, assignment) && !was_given_back(assignment, device) &&
           may_go_to(self, assignment, device) && !deal_is_undecided(self, device) &&
           !hold_back(self, device);
}

static int compare_by_socket(gconstpointer a, gconstpointer b)
{
    const Device *left = *(const Device *const *)a, *right = *(const Device *const *)b;
    int by_socket = g_strcmp0(left->socket, right->socket);

    return by_socket ? by_socket : g_strcmp0(left->sysname, right->sysname);
}

static void deal_out(Deal *self, const GPtrArray *assignments)
{
    g_autoptr(GPtrArray) all = registry_list(self->registry, self->registry->devices);
    g_autoptr(GPtrArray) devices = g_ptr_array_copy(all, NULL, NULL);
    g_autoptr(GHashTable) claimants = candidates_claimants(self->candidates, assignments);

    g_ptr_array_sort(devices, compare_by_socket);
    for (guint i = 0; i < devices->len; i++) {
        Device *device = devices->pdata[i];
        const GPtrArray *list = deal_want(self, device) ? NULL : g_hash_table_lookup(claimants, device);
        bool goes = list && may_go(self, device);
        Assignment *first = NULL;

        for (guint k = 0; list && k < list->len; k++)
            if (may_claim(self, list->pdata[k], device, goes) &&
                (!first || compare(self, device, list->pdata[k], first) > 0))
                first = list->pdata[k];
        if (first)
            give(self, device, first);
    }
}

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

static void sort_wants(Deal *self)
{
    GHashTableIter iter;
    gpointer value;

    g_ptr_array_sort(self->wants, compare_wants);
    list_by_machine(self);
    g_hash_table_iter_init(&iter, self->by_assignment);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        g_ptr_array_sort(value, compare_wants);
}

Deal *deal_new(Registry *registry, const Attachments *attachments, const Candidates *candidates, gint64 now)
{
    Deal *self = g_new0(Deal, 1);
    g_autoptr(GPtrArray) assignments = registry_list(registry, registry->assignments);
    g_autoptr(GPtrArray) devices = registry_list(registry, registry->devices);
    g_autoptr(GPtrArray) sets = g_ptr_array_new();

    self->registry = registry;
    self->attachments = attachments;
    self->candidates = candidates;
    self->wants = g_ptr_array_new_with_free_func(g_free);
    self->by_device = g_hash_table_new(NULL, NULL);
    self->by_assignment = g_hash_table_new_full(NULL, NULL, NULL, unref_array);
    self->by_machine = g_hash_table_new_full(NULL, NULL, NULL, unref_array);
    self->undecided = g_hash_table_new(NULL, NULL);
    self->held_back = g_hash_table_new(NULL, NULL);
    self->portless = g_hash_table_new(NULL, NULL);
    self->now = now;
    self->promises = promises_new(registry, attachments);
    self->away = g_hash_table_new(g_str_hash, g_str_equal);
    count_reserved_and_away(self);
    for (guint i = 0; i < assignments->len; i++) {
        Assignment *assignment = assignments->pdata[i];

        g_hash_table_insert(self->by_assignment, assignment, g_ptr_array_new());
        if (judge_assignment(registry, assignment) == VERDICT_DAMAGED)
            freeze(self, assignment, devices);
    }
    for (guint i = 0; i < assignments->len; i++) {
        Assignment *assignment = assignments->pdata[i];

        keep(self, assignment);
        note_undecided(self, assignment);
        if (assignment->quantity_kind == QUANTITY_SET)
            g_ptr_array_add(sets, assignment);
    }
    g_ptr_array_sort_with_data(sets, compare_sets, registry);
    fill_sets(self, sets, assignments);
    deal_out(self, assignments);
    sort_wants(self);
    return self;
}

Deal *deal_free(Deal *self)
{
    if (!self)
        return NULL;
    promises_free(self->promises);
    g_hash_table_unref(self->away);
    g_hash_table_unref(self->portless);
    g_hash_table_unref(self->held_back);
    g_hash_table_unref(self->undecided);
    g_hash_table_unref(self->by_machine);
    g_hash_table_unref(self->by_assignment);
    g_hash_table_unref(self->by_device);
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
    return g_hash_table_lookup(self->by_assignment, assignment);
}

const GPtrArray *deal_wants_of_machine(const Deal *self, const Machine *machine)
{
    return g_hash_table_lookup(self->by_machine, machine);
}

Want *deal_want(const Deal *self, const Device *device)
{
    return g_hash_table_lookup(self->by_device, device);
}

bool deal_is_undecided(const Deal *self, const Device *device)
{
    return g_hash_table_contains(self->undecided, device);
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
    return reserved_and_away(self, assignment) > 0;
}
