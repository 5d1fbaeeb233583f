/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From devices to assignments: one look at each device, through an index of the rules of single devices, and
 * through the groups that the device is in. Called by allocation.c; reads the registry only. */

#include "daemon/allocation/candidates.h"

#include "daemon/model/membership.h"
#include "daemon/rules/rule-index.h"

/* So many are searched quicker than compared with a rule. */
#define SHORT 4

struct Pool {
    const char *tenant;     /* whose devices it may have; NULL = nobody's */
    bool allowed;           /* its machines are that tenant's, or it has none */
    GPtrArray *devices;     /* of Device */
    const Device *withheld; /* the first one of the group that isn't in the list; NULL = all are */
};

/* Who draws from one group. */
typedef struct Drawing {
    GPtrArray *pools; /* of Pool, owned */
    RuleIndex *ruled; /* those with rules of their own; NULL = none */
} Drawing;

/* What one assignment could have. */
typedef struct Lot {
    Pool *pool;             /* NULL = it has a list of its own */
    GPtrArray *own;         /* of Device; NULL = none */
    const Device *withheld; /* beside its own list */
    bool follows;           /* no rule made the list */
} Lot;

struct Candidates {
    Registry *registry;
    GPtrArray *none;
    GHashTable *lots;     /* Assignment → Lot, in all_lots */
    GHashTable *by_group; /* group name → Drawing, owned */
    Lot *all_lots;
    guint n_lots;
};

typedef struct Sources {
    Candidates *candidates;
    RuleIndex *pinned; /* the rules of assignments of one device */
    GHashTable
        *meant;     /* set of Device: those that some assignment or tenant has a say in; NULL = nobody asks */
    Device *device; /* being looked at */
} Sources;

/* ------------------------------------------------------------------ pools */

static void free_pool(gpointer data)
{
    Pool *pool = data;

    g_ptr_array_unref(pool->devices);
    g_free(pool);
}

static void free_drawing(gpointer data)
{
    Drawing *drawing = data;

    g_ptr_array_unref(drawing->pools);
    rule_index_free(drawing->ruled);
    g_free(drawing);
}

bool pool_has(const Pool *pool, const Device *device)
{
    return !device->is_hub && pool->allowed && g_strcmp0(device->tenant, pool->tenant) == 0;
}

static Pool *find_or_add_pool(const Candidates *self, Drawing *drawing, const Assignment *assignment)
{
    bool allowed = !assignment->tenant ||
                   registry_tenant_has(self->registry, assignment->tenant, assignment->machine_uuid);
    Pool *pool;

    for (guint i = 0; i < drawing->pools->len; i++) {
        pool = drawing->pools->pdata[i];
        if (pool->allowed == allowed && g_strcmp0(pool->tenant, assignment->tenant) == 0)
            return pool;
    }
    pool = g_new0(Pool, 1);
    pool->tenant = assignment->tenant;
    pool->allowed = allowed;
    pool->devices = g_ptr_array_new();
    g_ptr_array_add(drawing->pools, pool);
    return pool;
}

static Drawing *find_or_add_drawing(const Candidates *self, const char *group)
{
    Drawing *drawing = g_hash_table_lookup(self->by_group, group);

    if (!drawing) {
        drawing = g_new0(Drawing, 1);
        drawing->pools = g_ptr_array_new_with_free_func(free_pool);
        g_hash_table_insert(self->by_group, (gpointer)group, drawing);
    }
    return drawing;
}

/* ------------------------------------------------------------------ one look at each device */

static void add_assignment(Sources *sources, Assignment *assignment, Lot *lot)
{
    Candidates *self = sources->candidates;
    Drawing *drawing;

    g_hash_table_insert(self->lots, assignment, lot);
    if (!assignment->group) {
        rule_index_add(sources->pinned, assignment->rule, assignment);
        return;
    }
    drawing = find_or_add_drawing(self, assignment->group);
    if (!assignment->rule) {
        lot->pool = find_or_add_pool(self, drawing, assignment);
        return;
    }
    if (!drawing->ruled)
        drawing->ruled = rule_index_new();
    rule_index_add(drawing->ruled, assignment->rule, assignment);
}

static void lot_add(Lot *lot, Device *device)
{
    if (!lot->own)
        lot->own = g_ptr_array_new();
    g_ptr_array_add(lot->own, device);
}

static void note_match(const Rule *rule, void *owner, void *userdata)
{
    const Assignment *assignment = owner;
    Sources *sources = userdata;
    Lot *lot = g_hash_table_lookup(sources->candidates->lots, assignment);

    if (sources->meant)
        g_hash_table_add(sources->meant, sources->device);
    if (membership_may_have(sources->candidates->registry, assignment, sources->device))
        lot_add(lot, sources->device);
    else if (!lot->withheld)
        lot->withheld = sources->device;
}

static void match_pools(Sources *sources, const Drawing *drawing)
{
    for (guint i = 0; i < drawing->pools->len; i++) {
        Pool *pool = drawing->pools->pdata[i];

        if (pool_has(pool, sources->device))
            g_ptr_array_add(pool->devices, sources->device);
        else if (!pool->withheld)
            pool->withheld = sources->device;
    }
    if (sources->meant && drawing->pools->len > 0)
        g_hash_table_add(sources->meant, sources->device);
}

static void match_device(Sources *sources, Device *device)
{
    const char *node = sources->candidates->registry->node;

    if (device->is_hub)
        return;
    sources->device = device;
    rule_index_match(sources->pinned, device, node, note_match, sources);
    for (guint i = 0; device->memberships && i < device->memberships->len; i++) {
        const Membership *membership = device->memberships->pdata[i];
        const Drawing *drawing = g_hash_table_lookup(sources->candidates->by_group, membership->group->name);

        if (!drawing)
            continue;
        match_pools(sources, drawing);
        if (drawing->ruled)
            rule_index_match(drawing->ruled, device, node, note_match, sources);
    }
}

/* In the place of what is meant, as long as that is away, whatever followed it: see
 * daemon/model/following.h. */
static void match_followers(Sources *sources, const GPtrArray *devices, const GPtrArray *followings)
{
    Candidates *self = sources->candidates;

    for (guint i = 0; i < followings->len; i++) {
        const Following *following = followings->pdata[i];
        const Assignment *assignment = registry_assignment(self->registry, following->assignment_id);
        Lot *lot = assignment && assignment->follow ? g_hash_table_lookup(self->lots, assignment) : NULL;

        if (!lot || candidates_of(self, assignment)->len > 0 || candidates_withheld(self, assignment))
            continue;
        for (guint k = 0; k < devices->len; k++) {
            Device *device = devices->pdata[k];

            if (!following_leads_to(following, device) || g_hash_table_contains(sources->meant, device) ||
                !membership_may_have(self->registry, assignment, device))
                continue;
            lot->pool = NULL;
            lot->follows = true;
            lot_add(lot, device);
        }
    }
}

Candidates *candidates_new(Registry *registry, const GPtrArray *devices)
{
    Candidates *self = g_new0(Candidates, 1);
    g_autoptr(GPtrArray) assignments = registry_list(registry, registry->assignments);
    g_autoptr(GPtrArray) followings = followings_all(registry->followings);
    g_autoptr(RuleIndex) pinned = rule_index_new();
    g_autoptr(GHashTable) meant = followings->len > 0 ? g_hash_table_new(NULL, NULL) : NULL;
    Sources sources = { .candidates = self, .pinned = pinned, .meant = meant };

    self->registry = registry;
    self->none = g_ptr_array_new();
    self->lots = g_hash_table_new(NULL, NULL);
    self->by_group = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_drawing);
    self->n_lots = assignments->len;
    self->all_lots = g_new0(Lot, self->n_lots);
    for (guint i = 0; i < assignments->len; i++)
        add_assignment(&sources, assignments->pdata[i], &self->all_lots[i]);
    for (guint i = 0; i < devices->len; i++)
        match_device(&sources, devices->pdata[i]);
    match_followers(&sources, devices, followings);
    return self;
}

Candidates *candidates_free(Candidates *self)
{
    if (!self)
        return NULL;
    for (guint i = 0; i < self->n_lots; i++)
        if (self->all_lots[i].own)
            g_ptr_array_unref(self->all_lots[i].own);
    g_free(self->all_lots);
    g_hash_table_unref(self->by_group);
    g_hash_table_unref(self->lots);
    g_ptr_array_unref(self->none);
    g_free(self);
    return NULL;
}

/* ------------------------------------------------------------------ questions */

static const Lot *lot_of(const Candidates *self, const Assignment *assignment)
{
    return g_hash_table_lookup(self->lots, assignment);
}

const GPtrArray *candidates_of(const Candidates *self, const Assignment *assignment)
{
    const Lot *lot = lot_of(self, assignment);

    if (lot->pool)
        return lot->pool->devices;
    return lot->own ? lot->own : self->none;
}

/* The list needn't be searched for what made it. */
bool candidates_include(const Candidates *self, const Assignment *assignment, const Device *device)
{
    const Lot *lot = lot_of(self, assignment);

    if (lot->pool)
        return pool_has(lot->pool, device) && membership_find(device, assignment->group);
    if (!lot->own || device->is_hub)
        return false;
    if (lot->follows || lot->own->len <= SHORT)
        return g_ptr_array_find(lot->own, device, NULL);
    return (!assignment->group || membership_find(device, assignment->group)) &&
           rule_matches(assignment->rule, device, self->registry->node) &&
           membership_may_have(self->registry, assignment, device);
}

const Device *candidates_withheld(const Candidates *self, const Assignment *assignment)
{
    const Lot *lot = lot_of(self, assignment);

    return lot->pool ? lot->pool->withheld : lot->withheld;
}

const Pool *candidates_pool(const Candidates *self, const Assignment *assignment)
{
    return lot_of(self, assignment)->pool;
}

const GPtrArray *candidates_pools(const Candidates *self, const char *group)
{
    const Drawing *drawing = g_hash_table_lookup(self->by_group, group);

    return drawing ? drawing->pools : NULL;
}
