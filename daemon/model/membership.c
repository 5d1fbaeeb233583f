/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From rules to groups of devices. */

#include "daemon/model/membership.h"

#include "daemon/rules/rule-index.h"

/* A rule in the index, and what it belongs to. */
typedef struct Filed {
    Group *group;
    const GroupRule *rule;
} Filed;

struct Memberships {
    Registry *registry;
    RuleIndex *index;
    GPtrArray *filed; /* of Filed, owned: the index returns them with a match */
    bool many;        /* between memberships_begin_many() and …_end_many(): the index is empty */
};

static void membership_free(gpointer data)
{
    Membership *membership = data;

    g_array_unref(membership->rule_ids);
    g_free(membership);
}

static int compare_ids(gconstpointer a, gconstpointer b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

    return (left > right) - (left < right);
}

static int compare_memberships(gconstpointer a, gconstpointer b)
{
    const Membership *left = *(const Membership *const *)a, *right = *(const Membership *const *)b;

    return g_strcmp0(left->group->name, right->group->name);
}

static void take_match(const Rule *rule, void *owner, void *userdata)
{
    const Filed *filed = owner;
    GHashTable *by_group = userdata;
    Membership *membership = g_hash_table_lookup(by_group, filed->group);
    int specificity = rule_specificity(rule);

    if (!membership) {
        membership = g_new0(Membership, 1);
        membership->group = filed->group;
        membership->rule_ids = g_array_new(FALSE, FALSE, sizeof(uint32_t));
        membership->specificity = specificity;
        g_hash_table_insert(by_group, filed->group, membership);
    }
    g_array_append_val(membership->rule_ids, filed->rule->id);
    membership->specificity = MAX(membership->specificity, specificity);
}

static bool is_same(const GPtrArray *a, const GPtrArray *b)
{
    if (!a || a->len != b->len)
        return false;
    for (guint i = 0; i < a->len; i++) {
        const Membership *left = a->pdata[i], *right = b->pdata[i];

        if (left->group != right->group || left->rule_ids->len != right->rule_ids->len ||
            memcmp(left->rule_ids->data, right->rule_ids->data, left->rule_ids->len * sizeof(uint32_t)) != 0)
            return false;
    }
    return true;
}

/* Whose the device is, of those whose groups match it. Borrowed. */
static const char *choose_tenant(const GPtrArray *memberships)
{
    const Membership *best = NULL;

    for (guint i = 0; i < memberships->len; i++) {
        const Membership *one = memberships->pdata[i];

        if (one->group->tenant && (!best || one->specificity > best->specificity))
            best = one;
    }
    return best ? best->group->tenant : NULL;
}

/* True when it changed. */
static bool set_tenant(Device *device, GPtrArray *memberships)
{
    g_autofree char *tenant = g_strdup(choose_tenant(memberships));

    for (guint i = memberships->len; i-- > 0;)
        if (g_strcmp0(((const Membership *)memberships->pdata[i])->group->tenant, tenant) != 0)
            g_ptr_array_remove_index(memberships, i);
    if (g_strcmp0(tenant, device->tenant) == 0)
        return false;
    g_free(device->tenant);
    device->tenant = g_steal_pointer(&tenant);
    return true;
}

void memberships_update_device(Memberships *self, Device *device)
{
    g_autoptr(GHashTable) by_group = g_hash_table_new(NULL, NULL);
    GPtrArray *memberships = g_ptr_array_new_with_free_func(membership_free);
    GHashTableIter iter;
    gpointer membership;
    bool changed, tenant_changed;

    g_return_if_fail(!self->many);
    if (!device->is_hub)
        rule_index_match(self->index, device, self->registry->node, take_match, by_group);
    g_hash_table_iter_init(&iter, by_group);
    while (g_hash_table_iter_next(&iter, NULL, &membership)) {
        g_array_sort(((Membership *)membership)->rule_ids, compare_ids);
        g_ptr_array_add(memberships, membership);
    }
    g_ptr_array_sort(memberships, compare_memberships);
    tenant_changed = set_tenant(device, memberships);
    changed = device->memberships ? !is_same(device->memberships, memberships) : memberships->len > 0;
    g_clear_pointer(&device->memberships, g_ptr_array_unref);
    device->memberships = memberships;
    if (registry_device(self->registry, device->sysname) == device)
        registry_report(self->registry, OBJECT_DEVICE, device->sysname,
                        (changed ? DEVICE_FIELD_GROUPS : 0) | (tenant_changed ? DEVICE_FIELD_TENANT : 0));
}

static void file_rules(Memberships *self, Group *group)
{
    for (guint i = 0; i < group->rules->len; i++) {
        const GroupRule *rule = group->rules->pdata[i];
        Filed *filed;

        if (!rule->enabled)
            continue;
        filed = g_new(Filed, 1);
        *filed = (Filed){ .group = group, .rule = rule };
        g_ptr_array_add(self->filed, filed);
        rule_index_add(self->index, rule->rule, filed);
    }
}

/* A membership knows its group, and no rule but by number. */
static void forget_groups_without_rules(Memberships *self)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, self->registry->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Device *device = value;
        guint before = device->memberships ? device->memberships->len : 0;

        for (guint i = before; i > 0; i--)
            if (((const Membership *)device->memberships->pdata[i - 1])->group->rules->len == 0)
                g_ptr_array_remove_index(device->memberships, i - 1);
        if (before > 0 && device->memberships->len < before)
            registry_report(self->registry, OBJECT_DEVICE, device->sysname, DEVICE_FIELD_GROUPS);
    }
}

static void empty_index(Memberships *self)
{
    rule_index_free(self->index);
    g_ptr_array_set_size(self->filed, 0);
    self->index = rule_index_new();
}

void memberships_begin_many(Memberships *self)
{
    self->many = true;
    empty_index(self);
}

void memberships_end_many(Memberships *self)
{
    self->many = false;
    memberships_rebuild(self);
}

void memberships_rebuild(Memberships *self)
{
    GHashTableIter iter;
    gpointer value;

    if (self->many) {
        forget_groups_without_rules(self);
        return;
    }
    empty_index(self);
    g_hash_table_iter_init(&iter, self->registry->groups);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        file_rules(self, value);
    g_hash_table_iter_init(&iter, self->registry->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        memberships_update_device(self, value);
}

GPtrArray *memberships_what_if(const Device *device, Group *next, const char *node)
{
    GPtrArray *memberships = g_ptr_array_new_with_free_func(membership_free);
    g_autoptr(GHashTable) by_group = g_hash_table_new(NULL, NULL);
    /* No other group has a tenant's device, and a tenant's rules change by grants alone. */
    bool is_owners = g_strcmp0(next->tenant, device->tenant) == 0;
    Membership *its;

    for (guint i = 0; device->memberships && i < device->memberships->len; i++) {
        const Membership *membership = device->memberships->pdata[i];
        Membership *copy;

        if (g_strcmp0(membership->group->name, next->name) == 0)
            continue;
        copy = g_memdup2(membership, sizeof *membership);
        g_array_ref(copy->rule_ids);
        g_ptr_array_add(memberships, copy);
    }
    for (guint i = 0; !device->is_hub && is_owners && i < next->rules->len; i++) {
        const GroupRule *rule = next->rules->pdata[i];

        if (rule->enabled && rule_matches(rule->rule, device, node))
            take_match(rule->rule, &(Filed){ .group = next, .rule = rule }, by_group);
    }
    its = g_hash_table_lookup(by_group, next);
    if (its)
        g_ptr_array_add(memberships, its); /* its rules are in order, as the group's are */
    g_ptr_array_sort(memberships, compare_memberships);
    return memberships;
}

const Membership *membership_find(const Device *device, const char *group)
{
    for (guint i = 0; device->memberships && i < device->memberships->len; i++) {
        const Membership *membership = device->memberships->pdata[i];

        if (g_strcmp0(membership->group->name, group) == 0)
            return membership;
    }
    return NULL;
}

bool membership_is_withheld(Registry *registry, const Device *device, const Group *group)
{
    if (!device->tenant || g_strcmp0(device->tenant, group->tenant) == 0)
        return false;
    for (guint i = 0; i < group->rules->len; i++) {
        const GroupRule *rule = group->rules->pdata[i];

        if (rule->enabled && rule_matches(rule->rule, device, registry->node))
            return true;
    }
    return false;
}

Memberships *memberships_new(Registry *registry)
{
    Memberships *self = g_new0(Memberships, 1);

    self->registry = registry;
    self->index = rule_index_new();
    self->filed = g_ptr_array_new_with_free_func(g_free);
    return self;
}

Memberships *memberships_free(Memberships *self)
{
    if (!self)
        return NULL;
    rule_index_free(self->index);
    g_ptr_array_unref(self->filed);
    g_free(self);
    return NULL;
}

bool membership_may_have(Registry *registry, const Assignment *assignment, const Device *device)
{
    /* A tenant that can't be found (its file is damaged) still owns. */
    return g_strcmp0(device->tenant, assignment->tenant) == 0 &&
           (!device->tenant || registry_tenant_has(registry, device->tenant, assignment->machine_uuid));
}
