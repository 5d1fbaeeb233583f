/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From damaged objects to what they keep back. Called by daemon/allocation and the manager; reads the
 * registry only. */

#include "daemon/model/damage.h"

#include "daemon/base/error.h"

#define MEND "or mend the file and start the service again"

static bool is_damaged_of(const Group *group, const char *tenant)
{
    return group->damage && g_strcmp0(group->tenant, tenant) == 0;
}

/* NULL = none. */
static const Group *damaged_group_of(Registry *registry, const char *tenant)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, registry->groups);
    while (registry->damaged_groups > 0 && g_hash_table_iter_next(&iter, NULL, &value))
        if (is_damaged_of(value, tenant))
            return value;
    return NULL;
}

/* The damaged group that the assignment depends on; NULL = none. */
static const Group *group_of(Registry *registry, const Assignment *assignment)
{
    const Group *group = registry_group_of(registry, assignment);

    if (group && group->damage)
        return group;
    return assignment->tenant ? damaged_group_of(registry, assignment->tenant) : NULL;
}

static const char *tenant_damage(Registry *registry, const Assignment *assignment)
{
    return assignment->tenant ? g_hash_table_lookup(registry->damaged_tenants, assignment->tenant) : NULL;
}

bool damage_freezes(Registry *registry, const Assignment *assignment)
{
    return assignment->damage || tenant_damage(registry, assignment) || group_of(registry, assignment);
}

char *damage_text(Registry *registry, const Assignment *assignment)
{
    const char *tenant = tenant_damage(registry, assignment);
    const Group *group = group_of(registry, assignment);

    if (assignment->damage)
        return g_strdup_printf(
            "assignment %s is damaged (%s): what it has stays, and it gets nothing; release "
            "it, " MEND,
            assignment->id, assignment->damage);
    if (tenant)
        return g_strdup_printf(
            "tenant %s is damaged (%s): what assignments have of it stays, and nothing more "
            "is given; create it anew, " MEND,
            assignment->tenant, tenant);
    if (!group)
        return g_strdup_printf("assignment %s is not damaged", assignment->id);
    return g_strdup_printf("group %s is damaged (%s): what assignments have of it stays, and nothing more is "
                           "given; %s it, " MEND,
                           group->name, group->damage, group->tenant ? "revoke" : "delete");
}

const Group *damage_may_be_of(Registry *registry, const Device *device)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, registry->groups);
    while (registry->damaged_groups > 0 && !device->tenant && g_hash_table_iter_next(&iter, NULL, &value)) {
        const Group *group = value;

        if (group->tenant && group->damage && group->rules_lost)
            return group;
    }
    return NULL;
}

bool damage_check_group(const Group *group, GError **error)
{
    if (!group->damage)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_STORAGE,
                "group %s is damaged (%s): %s the whole of it, " MEND, group->name, group->damage,
                group->tenant ? "revoke" : "delete");
    return false;
}

bool damage_check_assignment(const Assignment *assignment, GError **error)
{
    if (!assignment->damage)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_STORAGE, "assignment %s is damaged (%s): release it, " MEND,
                assignment->id, assignment->damage);
    return false;
}
