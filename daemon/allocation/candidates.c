/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From devices to assignments: one look at each device, through an index of the rules of single devices, and
 * through the groups that the device is in. Called by allocation.c; reads the registry only. */

#include "daemon/allocation/candidates.h"

#include "daemon/model/membership.h"
#include "daemon/rules/rule-index.h"

struct Candidates {
    GHashTable *matches;  /* Assignment → GPtrArray of Device */
    GHashTable *withheld; /* Assignment → Device, borrowed: one of them */
};

typedef struct Sources {
    Candidates *candidates;
    Registry *registry;
    RuleIndex *pinned;    /* the rules of assignments of one device */
    GHashTable *by_group; /* group name → GPtrArray of Assignment, borrowed */
    GHashTable *meant;    /* set of Device: those that some assignment or tenant has a say in */
    Device *device;       /* being looked at */
} Sources;

static void unref_array(gpointer array)
{
    g_ptr_array_unref(array);
}

static void sources_init(Sources *sources, Candidates *candidates, Registry *registry)
{
    g_autoptr(GPtrArray) assignments = registry_list(registry, registry->assignments);

    *sources = (Sources){ .candidates = candidates,
                          .registry = registry,
                          .pinned = rule_index_new(),
                          .meant = g_hash_table_new(NULL, NULL) };
    sources->by_group = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, unref_array);
    for (guint i = 0; i < assignments->len; i++) {
        Assignment *assignment = assignments->pdata[i];
        GPtrArray *drawing;

        g_hash_table_insert(candidates->matches, assignment, g_ptr_array_new());
        if (!assignment->group) {
            rule_index_add(sources->pinned, assignment->rule, assignment);
            continue;
        }
        drawing = g_hash_table_lookup(sources->by_group, assignment->group);
        if (!drawing) {
            drawing = g_ptr_array_new();
            g_hash_table_insert(sources->by_group, assignment->group, drawing);
        }
        g_ptr_array_add(drawing, assignment);
    }
}

static void sources_clear(Sources *sources)
{
    g_hash_table_unref(sources->meant);
    rule_index_free(sources->pinned);
    g_hash_table_unref(sources->by_group);
}

static void note_match(const Rule *rule, void *owner, void *userdata)
{
    const Assignment *assignment = owner;
    Sources *sources = userdata;
    Candidates *candidates = sources->candidates;

    g_hash_table_add(sources->meant, sources->device);
    if (membership_may_have(sources->registry, assignment, sources->device))
        g_ptr_array_add(g_hash_table_lookup(candidates->matches, assignment), sources->device);
    else if (!g_hash_table_contains(candidates->withheld, assignment))
        g_hash_table_insert(candidates->withheld, (gpointer)assignment, sources->device);
}

static void match_device(Sources *sources, Device *device)
{
    const char *node = sources->registry->node;

    if (device->is_hub)
        return;
    sources->device = device;
    rule_index_match(sources->pinned, device, node, note_match, sources);
    for (guint i = 0; device->memberships && i < device->memberships->len; i++) {
        const Membership *membership = device->memberships->pdata[i];
        const GPtrArray *drawing = g_hash_table_lookup(sources->by_group, membership->group->name);

        for (guint k = 0; drawing && k < drawing->len; k++) {
            Assignment *assignment = drawing->pdata[k];

            if (!assignment->rule || rule_matches(assignment->rule, device, node))
                note_match(assignment->rule, assignment, sources);
        }
    }
}

/* In the place of what is meant, as long as that is away, whatever followed it: see
 * daemon/model/following.h. */
static void match_followers(Sources *sources, const GPtrArray *devices)
{
    g_autoptr(GPtrArray) followings = followings_all(sources->registry->followings);

    for (guint i = 0; i < followings->len; i++) {
        const Following *following = followings->pdata[i];
        const Assignment *assignment = registry_assignment(sources->registry, following->assignment_id);
        GPtrArray *matches = assignment && assignment->follow
                                 ? g_hash_table_lookup(sources->candidates->matches, assignment)
                                 : NULL;

        if (!matches || matches->len > 0 || candidates_withheld(sources->candidates, assignment))
            continue;
        for (guint k = 0; k < devices->len; k++) {
            Device *device = devices->pdata[k];

            if (following_leads_to(following, device) && !g_hash_table_contains(sources->meant, device) &&
                membership_may_have(sources->registry, assignment, device))
                g_ptr_array_add(matches, device);
        }
    }
}

Candidates *candidates_new(Registry *registry, const GPtrArray *devices)
{
    Candidates *self = g_new0(Candidates, 1);
    Sources sources;

    self->matches = g_hash_table_new_full(NULL, NULL, NULL, unref_array);
    self->withheld = g_hash_table_new(NULL, NULL);
    sources_init(&sources, self, registry);
    for (guint i = 0; i < devices->len; i++)
        match_device(&sources, devices->pdata[i]);
    match_followers(&sources, devices);
    sources_clear(&sources);
    return self;
}

Candidates *candidates_free(Candidates *self)
{
    if (!self)
        return NULL;
    g_hash_table_unref(self->withheld);
    g_hash_table_unref(self->matches);
    g_free(self);
    return NULL;
}

const GPtrArray *candidates_of(const Candidates *self, const Assignment *assignment)
{
    return g_hash_table_lookup(self->matches, assignment);
}

GHashTable *candidates_claimants(const Candidates *self, const GPtrArray *assignments)
{
    GHashTable *claimants = g_hash_table_new_full(NULL, NULL, NULL, unref_array);

    for (guint i = 0; i < assignments->len; i++) {
        const GPtrArray *matches = candidates_of(self, assignments->pdata[i]);

        for (guint k = 0; k < matches->len; k++) {
            GPtrArray *list = g_hash_table_lookup(claimants, matches->pdata[k]);

            if (!list) {
                list = g_ptr_array_new();
                g_hash_table_insert(claimants, matches->pdata[k], list);
            }
            g_ptr_array_add(list, assignments->pdata[i]);
        }
    }
    return claimants;
}

bool candidates_include(const Candidates *self, const Assignment *assignment, const Device *device)
{
    return g_ptr_array_find((GPtrArray *)candidates_of(self, assignment), device, NULL);
}

const Device *candidates_withheld(const Candidates *self, const Assignment *assignment)
{
    return g_hash_table_lookup(self->withheld, assignment);
}
