/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hostdevs to devices, devices to assignments. */

#include "daemon/allocation/candidates.h"

#include "daemon/model/membership.h"
#include "daemon/rules/rule-index.h"

/* ------------------------------------------------------------------ what is where */

static gpointer number_key(unsigned bus_number, unsigned device_number)
{
    enum { DEVICE_NUMBER_BITS = 8 }; /* 1…127 */

    return GUINT_TO_POINTER((bus_number << DEVICE_NUMBER_BITS) | device_number);
}

static bool is_same_enumeration(const Hostdev *hostdev, const Device *device)
{
    if (hostdev->assignment_id)
        return hostdev->instance == device->instance;
    /* A foreign one names its ids only when its author wanted to. */
    return (!hostdev->vendor_id || hostdev->vendor_id == device->vendor_id) &&
           (!hostdev->product_id || hostdev->product_id == device->product_id);
}

static void note_live(Allocation *allocation, GHashTable *by_number, Machine *machine, const Hostdev *hostdev)
{
    Device *device = g_hash_table_lookup(by_number, number_key(hostdev->bus_number, hostdev->device_number));
    Attachment *attachment;

    if (!device || !is_same_enumeration(hostdev, device))
        return;
    attachment = g_new(Attachment, 1);
    *attachment = (Attachment){ .machine = machine, .hostdev = hostdev };
    g_hash_table_replace(allocation->attachments, device->sysname, attachment);
}

void attachments_find(Allocation *allocation)
{
    Registry *registry = allocation->registry;
    g_autoptr(GHashTable) by_number = g_hash_table_new(NULL, NULL);
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, registry->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Device *device = value;

        g_hash_table_insert(by_number, number_key(device->bus_number, device->device_number), device);
    }
    g_hash_table_iter_init(&iter, registry->machines);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Machine *machine = value;

        /* First what is on its way in, so that the live XML has the last word. */
        if (machine->in_flight)
            note_live(allocation, by_number, machine, machine->in_flight);
        for (guint i = 0; i < machine->info->hostdevs->len; i++)
            note_live(allocation, by_number, machine, machine->info->hostdevs->pdata[i]);
    }
}

/* ------------------------------------------------------------------ what could go where */

typedef struct Sources {
    Allocation *allocation;
    RuleIndex *pinned;    /* the rules of assignments of one device */
    GHashTable *by_group; /* group name → GPtrArray of Assignment, borrowed */
    Device *device;       /* being looked at */
} Sources;

static void unref_array(gpointer array)
{
    g_ptr_array_unref(array);
}

static void sources_init(Sources *sources, Allocation *allocation)
{
    GHashTableIter iter;
    gpointer value;

    *sources = (Sources){ .allocation = allocation, .pinned = rule_index_new() };
    sources->by_group = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, unref_array);
    g_hash_table_iter_init(&iter, allocation->registry->assignments);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Assignment *assignment = value;
        GPtrArray *drawing;

        g_hash_table_insert(allocation->matches, assignment->id, g_ptr_array_new());
        g_hash_table_insert(allocation->wants_by_assignment, assignment->id, g_ptr_array_new());
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
    rule_index_free(sources->pinned);
    g_hash_table_unref(sources->by_group);
}

static void note_match(const Rule *rule, void *owner, void *userdata)
{
    const Assignment *assignment = owner;
    Sources *sources = userdata;
    Allocation *allocation = sources->allocation;

    if (allocation_may_have(allocation->registry, assignment, sources->device))
        g_ptr_array_add(g_hash_table_lookup(allocation->matches, assignment->id), sources->device);
    else if (!g_hash_table_contains(allocation->not_owned, assignment->id))
        g_hash_table_insert(allocation->not_owned, assignment->id, sources->device);
}

static void match_device(Sources *sources, Device *device)
{
    const char *node = sources->allocation->registry->node;

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

void allocation_find_matches(Allocation *allocation, const GPtrArray *devices)
{
    Sources sources;

    sources_init(&sources, allocation);
    for (guint i = 0; i < devices->len; i++)
        match_device(&sources, devices->pdata[i]);
    sources_clear(&sources);
}
