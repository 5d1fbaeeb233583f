/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tables of objects, and the reports of what changed in them. */

#include "daemon/model/registry.h"

#include <stdlib.h>

#include "daemon/base/id.h"
#include "daemon/rules/pin.h"

static void free_device(gpointer device)
{
    device_free(device);
}

static void free_machine(gpointer machine)
{
    machine_free(machine);
}

static void free_group(gpointer group)
{
    group_free(group);
}

static void free_assignment(gpointer assignment)
{
    assignment_free(assignment);
}

static void free_tenant(gpointer tenant)
{
    tenant_free(tenant);
}

Registry *registry_new(const char *node)
{
    Registry *registry = g_new0(Registry, 1);

    /* The keys are the objects' own ids. */
    registry->devices = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_device);
    registry->machines = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_machine);
    registry->groups = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_group);
    registry->tenants = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_tenant);
    registry->reservations = reservations_new();
    registry->quarantines = quarantines_new();
    registry->followings = followings_new();
    registry->damaged_tenants = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    registry->enabled = true;
    registry->assignments = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_assignment);
    registry->node = g_strdup(node);
    registry->hypervisor_state = HYPERVISOR_STATE_CONNECTING;
    return registry;
}

Registry *registry_free(Registry *registry)
{
    if (!registry)
        return NULL;
    reservations_free(registry->reservations);
    quarantines_free(registry->quarantines);
    followings_free(registry->followings);
    g_hash_table_unref(registry->assignments);
    g_hash_table_unref(registry->damaged_tenants);
    g_hash_table_unref(registry->tenants);
    g_hash_table_unref(registry->groups);
    g_hash_table_unref(registry->machines);
    g_hash_table_unref(registry->devices);
    g_free(registry->node);
    g_free(registry->hypervisor_text);
    g_free(registry);
    return NULL;
}

Device *registry_device(Registry *registry, const char *sysname)
{
    return sysname ? g_hash_table_lookup(registry->devices, sysname) : NULL;
}

Machine *registry_machine(Registry *registry, const char *uuid)
{
    return uuid ? g_hash_table_lookup(registry->machines, uuid) : NULL;
}

bool registry_machine_is_gone(Registry *registry, const char *uuid)
{
    return registry->hypervisor_state == HYPERVISOR_STATE_CONNECTED && registry->machines_known &&
           !registry_machine(registry, uuid);
}

Group *registry_group(Registry *registry, const char *name)
{
    return name ? g_hash_table_lookup(registry->groups, name) : NULL;
}

Assignment *registry_assignment(Registry *registry, const char *id)
{
    return id ? g_hash_table_lookup(registry->assignments, id) : NULL;
}

Tenant *registry_tenant(Registry *registry, const char *name)
{
    return name ? g_hash_table_lookup(registry->tenants, name) : NULL;
}

Tenant *registry_machine_tenant(Registry *registry, const char *uuid)
{
    GHashTableIter iter;
    gpointer tenant;

    g_hash_table_iter_init(&iter, registry->tenants);
    while (g_hash_table_iter_next(&iter, NULL, &tenant))
        if (tenant_has_machine(tenant, uuid))
            return tenant;
    return NULL;
}

bool registry_tenant_has(Registry *registry, const char *name, const char *uuid)
{
    const Tenant *tenant = registry_tenant(registry, name);

    return tenant && tenant_has_machine(tenant, uuid);
}

static void report(Registry *registry, ChangeKind kind, ObjectType type, const char *id, unsigned fields)
{
    if (registry->changed)
        registry->changed(&(Change){ .kind = kind, .type = type, .id = id, .fields = fields },
                          registry->changed_userdata);
}

static void add(Registry *registry, GHashTable *table, ObjectType type, char *id, gpointer object)
{
    g_assert(!g_hash_table_contains(table, id));
    g_hash_table_insert(table, id, object);
    report(registry, CHANGE_ADDED, type, id, 0);
}

static void drop(Registry *registry, GHashTable *table, ObjectType type, const char *id)
{
    report(registry, CHANGE_REMOVED, type, id, 0);
    g_hash_table_remove(table, id);
}

void registry_add_device(Registry *registry, Device *device)
{
    add(registry, registry->devices, OBJECT_DEVICE, device->sysname, device);
}

void registry_add_machine(Registry *registry, Machine *machine)
{
    add(registry, registry->machines, OBJECT_MACHINE, machine->info->uuid, machine);
}

void registry_add_group(Registry *registry, Group *group)
{
    registry->damaged_groups += group->damage != NULL;
    add(registry, registry->groups, OBJECT_GROUP, group->name, group);
}

void registry_add_assignment(Registry *registry, Assignment *assignment)
{
    add(registry, registry->assignments, OBJECT_ASSIGNMENT, assignment->id, assignment);
}

void registry_add_tenant(Registry *registry, Tenant *tenant)
{
    g_hash_table_remove(registry->damaged_tenants, tenant->name);
    add(registry, registry->tenants, OBJECT_TENANT, tenant->name, tenant);
}

void registry_remove_device(Registry *registry, Device *device)
{
    g_autofree char *uuid = g_strdup(device->machine_uuid);

    drop(registry, registry->devices, OBJECT_DEVICE, device->sysname);
    registry_report_machine_devices(registry, uuid);
}

void registry_remove_machine(Registry *registry, Machine *machine)
{
    drop(registry, registry->machines, OBJECT_MACHINE, machine->info->uuid);
}

void registry_remove_group(Registry *registry, Group *group)
{
    registry->damaged_groups -= group->damage != NULL;
    drop(registry, registry->groups, OBJECT_GROUP, group->name);
}

void registry_remove_assignment(Registry *registry, Assignment *assignment)
{
    drop(registry, registry->assignments, OBJECT_ASSIGNMENT, assignment->id);
}

void registry_remove_tenant(Registry *registry, Tenant *tenant)
{
    drop(registry, registry->tenants, OBJECT_TENANT, tenant->name);
}

void registry_report(Registry *registry, ObjectType type, const char *id, unsigned fields)
{
    if (fields)
        report(registry, CHANGE_FIELDS, type, id, fields);
}

void registry_mark_pending(Registry *registry, Assignment *assignment)
{
    if (assignment->pending)
        return;
    assignment->pending = true;
    registry_report(registry, OBJECT_ASSIGNMENT, assignment->id, ASSIGNMENT_FIELD_PENDING);
}

void registry_report_machine_devices(Registry *registry, const char *uuid)
{
    if (registry_machine(registry, uuid))
        report(registry, CHANGE_FIELDS, OBJECT_MACHINE, uuid, MACHINE_FIELD_DEVICES);
}

void registry_report_assignment_lists(Registry *registry, const char *uuid, const char *group)
{
    if (registry_machine(registry, uuid))
        report(registry, CHANGE_FIELDS, OBJECT_MACHINE, uuid, MACHINE_FIELD_ASSIGNMENTS);
    if (registry_group(registry, group))
        report(registry, CHANGE_FIELDS, OBJECT_GROUP, group, GROUP_FIELD_ASSIGNMENTS);
}

void registry_end_assignment(Registry *registry, Assignment *assignment)
{
    g_autofree char *uuid = g_strdup(assignment->machine_uuid);
    g_autofree char *group = g_strdup(assignment->group);

    registry_remove_assignment(registry, assignment);
    registry_report_assignment_lists(registry, uuid, group);
}

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

static int compare_keys(gconstpointer a, gconstpointer b)
{
    return g_strcmp0(*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *registry_sorted(GHashTable *table)
{
    guint n = 0;
    g_autofree gpointer *keys = g_hash_table_get_keys_as_array(table, &n);
    GPtrArray *values = g_ptr_array_sized_new(n);

    qsort(keys, n, sizeof *keys, compare_keys);
    for (guint i = 0; i < n; i++)
        g_ptr_array_add(values, g_hash_table_lookup(table, keys[i]));
    return values;
}
