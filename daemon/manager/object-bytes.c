/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Adds up what objects are on the bus. */

#include "daemon/manager/object-bytes.h"

#include <string.h>

#include "daemon/base/error.h"
#include "daemon/base/text.h"
#include "daemon/base/tuning.h"
#include "daemon/manager/quotas.h"
#include "daemon/model/membership.h"

/* Path, interfaces, and the names and types of the properties, with the empty ones: of a device 944. */
#define OBJECT_BYTES 960
/* A group has fewer, and there are more of them. */
#define GROUP_BYTES 832
/* Length, end, and what aligns the next one. */
#define TEXT_BYTES 12
/* A path's prefix; and what a character of an id may become in it. */
#define PATH_BYTES       (32 + TEXT_BYTES)
#define PATH_CHARS_BYTES 3
/* The numbers of a rule, and its "#id " with a device. */
#define RULE_BYTES 32
/* What another program gave to a machine. */
#define FOREIGN_BYTES (16 + TEXT_BYTES)
/* One interface of a device. */
#define INTERFACE_BYTES 8
/* The name of an icon. */
#define ICON_BYTES (DEVICE_ICON_MAX + TEXT_BYTES)

static gsize text_bytes(const char *text)
{
    return TEXT_BYTES + (text ? strlen(text) : 0);
}

static gsize path_bytes(const char *id)
{
    gsize bytes = PATH_BYTES + PATH_CHARS_BYTES; /* a digit that comes first */

    for (; id && *id; id++)
        bytes += g_ascii_isalnum(*id) ? 1 : PATH_CHARS_BYTES;
    return bytes;
}

static gsize paths_bytes(const GPtrArray *ids)
{
    gsize bytes = 0;

    for (guint i = 0; i < ids->len; i++)
        bytes += path_bytes(ids->pdata[i]);
    return bytes;
}

/* A device in a group: each names the other. */
static gsize pair_bytes(const char *group, const Device *device)
{
    return path_bytes(group) + path_bytes(device->sysname);
}

/* The rule that put it there, with the device. */
static gsize reason_bytes(const char *group, const char *rule)
{
    return RULE_BYTES + strlen(group) + text_bytes(rule);
}

/* In its group, without the devices. */
static gsize own_rule_bytes(const GroupRule *rule)
{
    return RULE_BYTES + text_bytes(rule->text) + text_bytes(rule->origin);
}

/* What the device, and the list of those in its group, become larger by. A group that it is in already may
 * be counted again. */
static gsize match_bytes(Registry *registry, const Group *group, const Device *device)
{
    gsize bytes = 0;
    guint shown = 0;

    for (guint i = 0; i < group->rules->len && shown < MEMBERSHIP_RULES_SHOWN_MAX; i++) {
        const GroupRule *rule = group->rules->pdata[i];

        if (!rule->enabled || !rule_matches(rule->rule, device, registry->node))
            continue;
        bytes += reason_bytes(group->name, rule->text);
        shown++;
    }
    return shown > 0 ? bytes + pair_bytes(group->name, device) : 0;
}

/* Without its rules and devices. */
static gsize bare_group_bytes(const Group *group)
{
    return GROUP_BYTES + path_bytes(group->name) + text_bytes(group->name) + text_bytes(group->description) +
           text_bytes(group->file) + path_bytes(group->tenant);
}

static gsize rules_bytes(const Group *group)
{
    gsize bytes = 0;

    for (guint i = 0; i < group->rules->len; i++)
        bytes += own_rule_bytes(group->rules->pdata[i]);
    return bytes;
}

gsize object_bytes_of_group(Registry *registry, const Group *group)
{
    gsize bytes = bare_group_bytes(group) + rules_bytes(group);
    GHashTableIter iter;
    gpointer device;

    g_hash_table_iter_init(&iter, registry->devices);
    while (g_hash_table_iter_next(&iter, NULL, &device))
        bytes += match_bytes(registry, group, device);
    return bytes;
}

gsize object_bytes_of_new_group(void)
{
    enum { NAME_CHARS = 2 * GROUP_NAME_MAX + 1 }; /* of a tenant */

    return OBJECT_BYTES + 2 * (PATH_BYTES + PATH_CHARS_BYTES * NAME_CHARS) + 3 * TEXT_BYTES + NAME_CHARS +
           TEXT_MAX;
}

gsize object_bytes_of_rule(Registry *registry, const char *group, const Rule *rule)
{
    g_autofree char *text = rule_print(rule);
    /* its origin is a word, or the name of a device */
    gsize bytes = RULE_BYTES + text_bytes(text) + PATH_BYTES;
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, registry->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Device *device = value;

        if (rule_matches(rule, device, registry->node))
            bytes += pair_bytes(group, device) + reason_bytes(group, text);
    }
    return bytes;
}

gsize object_bytes_of_tenant(const Tenant *tenant)
{
    gsize bytes =
        OBJECT_BYTES + path_bytes(tenant->name) + text_bytes(tenant->name) + text_bytes(tenant->description);

    /* once more each if it is unknown */
    for (guint i = 0; i < tenant->members->len; i++)
        bytes += 2 * text_bytes(((const TenantMember *)tenant->members->pdata[i])->text);
    return bytes + paths_bytes(tenant->machines);
}

gsize object_bytes_of_tenants_machine(void)
{
    enum { UUID_CHARS = 36 };

    return PATH_BYTES + PATH_CHARS_BYTES * UUID_CHARS;
}

/* The groups' rules are sorted by number, and so are those of a membership. room: for how many more there is.
 */
static gsize membership_bytes(const Membership *membership, const Device *device, guint *room)
{
    const GPtrArray *rules = membership->group->rules;
    const char *group = membership->group->name;
    gsize bytes = pair_bytes(group, device);

    for (guint i = 0, k = 0; i < rules->len && k<membership->rule_ids->len && * room> 0; i++) {
        const GroupRule *rule = rules->pdata[i];

        if (rule->id != g_array_index(membership->rule_ids, uint32_t, k))
            continue;
        bytes += reason_bytes(group, rule->text);
        k++;
        (*room)--;
    }
    return bytes;
}

static gsize device_bytes(const Device *device)
{
    guint room = MEMBERSHIP_RULES_SHOWN_MAX;
    /* its own, among those of its machine, and among those of the assignment that it is for */
    gsize bytes = OBJECT_BYTES + 3 * path_bytes(device->sysname) + text_bytes(device->sysname) +
                  text_bytes(device->vendor) + text_bytes(device->product) + text_bytes(device->serial) +
                  text_bytes(device->socket) + text_bytes(device->controller) + path_bytes(device->hub) +
                  path_bytes(device->machine_uuid) + path_bytes(device->assignment_id) +
                  path_bytes(device->tenant) + INTERFACE_BYTES * device->n_interfaces;

    for (guint i = 0; device->memberships && i < device->memberships->len; i++)
        bytes += membership_bytes(device->memberships->pdata[i], device, &room);
    bytes += text_bytes(device->reason) + text_bytes(device->reason_code);
    bytes += text_bytes(*device->product ? device->product : device->vendor) + ICON_BYTES;
    return bytes + text_bytes(device_state_to_string(device->state));
}

static gsize machine_bytes(const Machine *machine)
{
    const MachineInfo *info = machine->info;

    return OBJECT_BYTES + path_bytes(info->uuid) + text_bytes(info->uuid) + text_bytes(info->name) +
           text_bytes(info->usb_controller) + FOREIGN_BYTES * info->hostdevs->len;
}

static gsize assignment_bytes(const Assignment *assignment)
{
    /* with the machine's and the group's path to it */
    return OBJECT_BYTES + 3 * path_bytes(assignment->id) + text_bytes(assignment->reason_code) +
           text_bytes(assignment->shown_machine) + text_bytes(assignment->device_label) +
           text_bytes(assignment->device_icon) + text_bytes(assignment->name) +
           text_bytes(assignment->description) + path_bytes(assignment->machine_uuid) +
           path_bytes(assignment->group) + text_bytes(assignment->selector) + text_bytes(assignment->reason) +
           text_bytes(assignment->error);
}

gsize object_bytes_of_others(Registry *registry)
{
    GHashTableIter iter;
    gpointer value;
    gsize bytes = OBJECT_BYTES;

    g_hash_table_iter_init(&iter, registry->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        bytes += device_bytes(value);
    g_hash_table_iter_init(&iter, registry->machines);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        bytes += machine_bytes(value);
    g_hash_table_iter_init(&iter, registry->tenants);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Tenant *tenant = value;

        bytes += object_bytes_of_tenant(tenant) + paths_bytes(tenant->groups) + paths_bytes(tenant->devices);
    }
    g_hash_table_iter_init(&iter, registry->groups);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Group *group = value;

        bytes += bare_group_bytes(group) + rules_bytes(group);
    }
    return bytes;
}

gsize object_bytes_of_all(Registry *registry)
{
    gsize bytes = object_bytes_of_others(registry);
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, registry->assignments);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        bytes += assignment_bytes(value);
    return bytes;
}

bool object_bytes_check(Registry *registry, gsize before, gsize after, GError **error)
{
    return after <= before ||
           object_bytes_check_beside(object_bytes_of_others(registry), before, after, error);
}

bool object_bytes_check_beside(gsize there, gsize before, gsize after, GError **error)
{
    enum { KB = 1024 };
    const gsize room = OBJECTS_BYTES_MAX - (gsize)ASSIGNMENTS_MAX * ASSIGNMENT_BYTES_MAX;
    gsize more = after > before ? after - before : 0;

    if (more == 0 || there + more <= room)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_LIMIT_EXCEEDED,
                "groups, rules, tenants, devices and VMs would be more than fits into one message of the "
                "bus: they are %" G_GSIZE_FORMAT " kB, this is %" G_GSIZE_FORMAT
                " kB more, and %" G_GSIZE_FORMAT " kB fit; shorten or delete some first",
                there / KB, more / KB + 1, room / KB);
    return false;
}
