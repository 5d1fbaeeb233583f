/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a whole table of the registry tells: which serials are unique, and what a new assignment may be
 * called. Called by who makes assignments; reads the registry only. */

#include "daemon/model/registry.h"

#include "daemon/base/id.h"
#include "daemon/rules/pin.h"

/* One that was assigned by this serial had a twin. */
static bool had_twins(Registry *registry, const Device *device)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, registry->assignments);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Assignment *assignment = value;

        if (assignment->twins && assignment->rule && rule_exact(assignment->rule, "serial") &&
            rule_matches(assignment->rule, device, registry->node))
            return true;
    }
    return false;
}

bool registry_serial_is_unique(Registry *registry, const Device *device)
{
    GHashTableIter iter;
    gpointer value;

    if (!rule_serial_is_sane(device->serial) || had_twins(registry, device))
        return false;
    g_hash_table_iter_init(&iter, registry->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Device *other = value;

        if (other != device && other->vendor_id == device->vendor_id &&
            other->product_id == device->product_id && g_strcmp0(other->serial, device->serial) == 0)
            return false;
    }
    return true;
}

char *registry_make_assignment_id(Registry *registry)
{
    char *id = id_make();

    while (registry_assignment(registry, id)) {
        g_free(id);
        id = id_make();
    }
    return id;
}

int64_t registry_next_sequence(Registry *registry)
{
    GHashTableIter iter;
    gpointer value;
    int64_t last = 0;

    g_hash_table_iter_init(&iter, registry->assignments);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        last = MAX(last, ((const Assignment *)value)->sequence);
    return last < ASSIGNMENT_SEQUENCE_MAX ? last + 1 : last;
}
