/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tables of objects, and the reports of what changed in them. */

#include "daemon/model/registry.h"

#include <stdlib.h>
#include <string.h>

/* So many assignments that ended by themselves are remembered. */
#define ENDED_MAX 64

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

static uint64_t new_epoch(void)
{
    static uint64_t last;

    return ++last;
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
    registry->replugs = replugs_new();
    registry->ended = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    registry->damaged_tenants = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    registry->enabled = true;
    registry->assignments = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_assignment);
    registry->node = g_strdup(node);
    registry->epoch = new_epoch();
    registry->hypervisor_state = HYPERVISOR_STATE_CONNECTING;
    return registry;
}

static void forget_list(Registry *registry, const GHashTable *table)
{
    for (gsize i = 0; i < G_N_ELEMENTS(registry->lists); i++)
        if (registry->lists[i].of == table) {
            registry->lists[i].of = NULL;
            g_clear_pointer(&registry->lists[i].values, g_ptr_array_unref);
        }
    if (table == registry->devices)
        g_clear_pointer(&registry->by_socket, g_ptr_array_unref);
}

static void forget_lists(Registry *registry)
{
    for (gsize i = 0; i < G_N_ELEMENTS(registry->lists); i++)
        g_clear_pointer(&registry->lists[i].values, g_ptr_array_unref);
    g_clear_pointer(&registry->by_socket, g_ptr_array_unref);
}

Registry *registry_free(Registry *registry)
{
    if (!registry)
        return NULL;
    forget_lists(registry);
    reservations_free(registry->reservations);
    quarantines_free(registry->quarantines);
    followings_free(registry->followings);
    replugs_free(registry->replugs);
    g_hash_table_unref(registry->ended);
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

static bool knows_all_machines(const Registry *registry)
{
    return registry->hypervisor_state == HYPERVISOR_STATE_CONNECTED && registry->machines_known;
}

bool registry_machine_is_gone(Registry *registry, const char *uuid)
{
    return knows_all_machines(registry) && !registry_machine(registry, uuid);
}

bool registry_lost_machine_of(Registry *registry, const Assignment *assignment)
{
    return knows_all_machines(registry) && !registry_machine_of(registry, assignment);
}

Group *registry_group(Registry *registry, const char *name)
{
    return name ? g_hash_table_lookup(registry->groups, name) : NULL;
}

/* ------------------------------------------------------------------ what an assignment names

 * Many ask, for each assignment, in each turn. As long as nothing went, what was found lives; and whether it
 * is what the assignment names now, its own id says. */

/* The assignment, which stays what it is. */
static Assignment *with_found(const Registry *registry, const Assignment *assignment)
{
    Assignment *one = (Assignment *)assignment;

    if (one->found.epoch != registry->epoch) {
        one->found.machine = NULL;
        one->found.group = NULL;
        one->found.epoch = registry->epoch;
    }
    return one;
}

Machine *registry_machine_of(Registry *registry, const Assignment *assignment)
{
    Assignment *one = with_found(registry, assignment);

    if (!one->found.machine || g_strcmp0(one->found.machine->info->uuid, assignment->machine_uuid) != 0)
        one->found.machine = registry_machine(registry, assignment->machine_uuid);
    return one->found.machine;
}

Group *registry_group_of(Registry *registry, const Assignment *assignment)
{
    Assignment *one = with_found(registry, assignment);

    if (!one->found.group || g_strcmp0(one->found.group->name, assignment->group) != 0)
        one->found.group = registry_group(registry, assignment->group);
    return one->found.group;
}

void registry_begin_view(Registry *view)
{
    view->epoch = new_epoch();
    memset(view->lists, 0, sizeof view->lists);
    view->by_socket = NULL;
    view->changed = NULL;
}

void registry_end_view(Registry *view)
{
    forget_lists(view);
}

Assignment *registry_assignment(Registry *registry, const char *id)
{
    return id ? g_hash_table_lookup(registry->assignments, id) : NULL;
}

void registry_note_ended(Registry *registry, const char *assignment_id, const char *why)
{
    if (g_hash_table_size(registry->ended) >= ENDED_MAX)
        g_hash_table_remove_all(registry->ended);
    g_hash_table_insert(registry->ended, g_strdup(assignment_id), g_strdup(why));
}

const char *registry_ended(Registry *registry, const char *assignment_id)
{
    return assignment_id ? g_hash_table_lookup(registry->ended, assignment_id) : NULL;
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
    report(registry, CHANGE_ADDED, type, id, 0);
    g_hash_table_insert(table, id, object);
    forget_list(registry, table);
}

static void drop(Registry *registry, GHashTable *table, ObjectType type, const char *id)
{
    report(registry, CHANGE_REMOVED, type, id, 0);
    registry->epoch = new_epoch();
    g_hash_table_remove(table, id);
    forget_list(registry, table);
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

/* ------------------------------------------------------------------ what goes is named by nobody */

/* False when it isn't there. */
static bool drop_name(GPtrArray *names, const char *name)
{
    for (guint i = 0; i < names->len; i++)
        if (g_str_equal(names->pdata[i], name)) {
            g_ptr_array_remove_index(names, i);
            return true;
        }
    return false;
}

static void forget_device(Registry *registry, const char *sysname)
{
    g_autoptr(GPtrArray) assignments = registry_list(registry, registry->assignments);
    g_autoptr(GPtrArray) groups = registry_list(registry, registry->groups);
    g_autoptr(GPtrArray) tenants = registry_list(registry, registry->tenants);

    for (guint i = 0; i < assignments->len; i++)
        if (assignment_drop_claims(assignments->pdata[i], sysname))
            registry_report(registry, OBJECT_ASSIGNMENT, ((Assignment *)assignments->pdata[i])->id,
                            ASSIGNMENT_FIELD_DEVICES);
    for (guint i = 0; i < groups->len; i++)
        if (drop_name(((Group *)groups->pdata[i])->devices, sysname))
            registry_report(registry, OBJECT_GROUP, ((Group *)groups->pdata[i])->name, GROUP_FIELD_DEVICES);
    for (guint i = 0; i < tenants->len; i++)
        if (drop_name(((Tenant *)tenants->pdata[i])->devices, sysname))
            registry_report(registry, OBJECT_TENANT, ((Tenant *)tenants->pdata[i])->name,
                            TENANT_FIELD_DEVICES);
}

static void forget_group(Registry *registry, const char *name)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, registry->tenants);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (drop_name(((Tenant *)value)->groups, name))
            registry_report(registry, OBJECT_TENANT, ((Tenant *)value)->name, TENANT_FIELD_GROUPS);
}

static void forget_machine(Registry *registry, const char *uuid)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, registry->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Device *device = value;

        if (g_strcmp0(device->machine_uuid, uuid) != 0)
            continue;
        g_clear_pointer(&device->machine_uuid, g_free);
        registry_report(registry, OBJECT_DEVICE, device->sysname, DEVICE_FIELD_MACHINE);
    }
}

static void forget_assignment(Registry *registry, const char *id)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, registry->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Device *device = value;

        if (g_strcmp0(device->assignment_id, id) != 0)
            continue;
        g_clear_pointer(&device->assignment_id, g_free);
        registry_report(registry, OBJECT_DEVICE, device->sysname, DEVICE_FIELD_ASSIGNMENT);
    }
}

void registry_remove_device(Registry *registry, Device *device)
{
    g_autofree char *uuid = g_strdup(device->machine_uuid);

    forget_device(registry, device->sysname);
    drop(registry, registry->devices, OBJECT_DEVICE, device->sysname);
    registry_report_machine_devices(registry, uuid);
}

void registry_remove_machine(Registry *registry, Machine *machine)
{
    forget_machine(registry, machine->info->uuid);
    drop(registry, registry->machines, OBJECT_MACHINE, machine->info->uuid);
}

void registry_remove_group(Registry *registry, Group *group)
{
    registry->damaged_groups -= group->damage != NULL;
    forget_group(registry, group->name);
    drop(registry, registry->groups, OBJECT_GROUP, group->name);
}

void registry_remove_assignment(Registry *registry, Assignment *assignment)
{
    forget_assignment(registry, assignment->id);
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

/* ------------------------------------------------------------------ in the order of ids */

typedef struct Row {
    const char *key;
    gpointer value;
} Row;

static int compare_rows(const void *a, const void *b)
{
    return strcmp(((const Row *)a)->key, ((const Row *)b)->key);
}

GPtrArray *registry_sorted(GHashTable *table)
{
    guint n = g_hash_table_size(table);
    g_autofree Row *rows = g_new(Row, n);
    GPtrArray *values = g_ptr_array_sized_new(n);
    GHashTableIter iter;
    gpointer key, value;

    g_hash_table_iter_init(&iter, table);
    for (guint i = 0; g_hash_table_iter_next(&iter, &key, &value); i++)
        rows[i] = (Row){ key, value };
    if (n > 0)
        qsort(rows, n, sizeof *rows, compare_rows);
    for (guint i = 0; i < n; i++)
        g_ptr_array_add(values, rows[i].value);
    return values;
}

GPtrArray *registry_list(Registry *registry, GHashTable *table)
{
    RegistryList *room = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(registry->lists); i++) {
        RegistryList *list = &registry->lists[i];

        if (list->of == table)
            return g_ptr_array_ref(list->values);
        if (!list->of)
            room = list;
    }
    g_return_val_if_fail(room, registry_sorted(table));
    *room = (RegistryList){ .of = table, .values = registry_sorted(table) };
    return g_ptr_array_ref(room->values);
}

static int compare_by_socket(gconstpointer a, gconstpointer b)
{
    const Device *left = *(const Device *const *)a, *right = *(const Device *const *)b;
    int by_socket = g_strcmp0(left->socket, right->socket);

    return by_socket ? by_socket : g_strcmp0(left->sysname, right->sysname);
}

GPtrArray *registry_devices_by_socket(Registry *registry)
{
    g_autoptr(GPtrArray) devices = registry_list(registry, registry->devices);

    if (!registry->by_socket) {
        registry->by_socket = g_ptr_array_copy(devices, NULL, NULL);
        g_ptr_array_sort(registry->by_socket, compare_by_socket);
    }
    return g_ptr_array_ref(registry->by_socket);
}
