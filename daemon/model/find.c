/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lookups in the registry, each with its refusal. What is said here is read by the people who asked, so it
 * says what was asked for, why it can't be, and what to do. */

#include "daemon/model/find.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/error.h"
#include "daemon/base/text.h"
#include "daemon/model/damage.h"

/* So many names stand in an error; more say nothing that the list doesn't. */
#define NAMES_SHOWN_MAX 20

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* table: its keys are the names. */
static void refuse_name(GHashTable *table, FerryError code, const char *noun, const char *name,
                        GError **error)
{
    g_autofree char *quoted = text_quote(name);
    g_autoptr(GString) known = g_string_new(NULL);
    guint n = 0;
    g_autofree const char **names = (const char **)g_hash_table_get_keys_as_array(table, &n);

    qsort(names, n, sizeof *names, compare_names);
    for (guint i = 0; i < MIN(n, NAMES_SHOWN_MAX); i++)
        g_string_append_printf(known, "%s%s", i ? ", " : "", names[i]);
    g_set_error(error, FERRY_ERROR, (int)code, "%s: no %s has this name; %s%s%s", quoted, noun,
                n > 0 ? "there are " : "there is none", known->str, n > NAMES_SHOWN_MAX ? ", …" : "");
}

bool find_check_saved(bool saving, const char *noun, const char *name, GError **error)
{
    if (!saving)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_LIMIT_EXCEEDED,
                "%s %s: another change of it is still being stored, try again", noun, name);
    return false;
}

/* ------------------------------------------------------------------ devices */

Device *find_plugged_device(Registry *registry, const char *sysname, GError **error)
{
    Device *device = registry_device(registry, sysname);
    g_autofree char *quoted = device ? NULL : text_quote(sysname);

    if (!device)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_DEVICE, "%s: no such device is plugged in",
                    quoted);
    return device;
}

Device *find_assignable_device(Registry *registry, const char *sysname, GError **error)
{
    Device *device = find_plugged_device(registry, sysname, error);
    g_autofree char *what = NULL;

    if (!device || !device->is_hub)
        return device;
    what = device_describe(device);
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_DEVICE_IS_HUB,
                "%s is a hub; hubs are never given to VMs, name the devices behind it", what);
    return NULL;
}

/* ------------------------------------------------------------------ machines */

/* Which there are was not read yet. */
static void refuse_any_machine(const Registry *registry, const char *quoted, GError **error)
{
    bool away = registry->hypervisor_state != HYPERVISOR_STATE_CONNECTED;
    const char *why = away ? registry->hypervisor_text : NULL;

    g_set_error(error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_MACHINE, "%s: the VMs are not known%s%s%s", quoted,
                away ? ", the hypervisor is away" : " yet, try again later", why ? ": " : "", why ? why : "");
}

static void refuse_machine(Registry *registry, const char *name, GError **error)
{
    g_autofree char *quoted = text_quote(name);
    g_autoptr(GPtrArray) machines = registry_sorted(registry->machines);
    g_autoptr(GString) known = g_string_new(NULL);

    for (guint i = 0; i < machines->len; i++)
        g_string_append_printf(known, "%s%s", i ? ", " : "",
                               ((const Machine *)machines->pdata[i])->info->name);
    if (!registry->machines_known)
        refuse_any_machine(registry, quoted, error);
    else
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_MACHINE, "%s: no VM has this name or UUID; %s%s",
                    quoted, known->len ? "there are " : "there is none", known->str);
}

Machine *find_machine(Registry *registry, const char *name_or_uuid, GError **error)
{
    g_autofree char *folded = g_ascii_strdown(name_or_uuid, -1);
    Machine *found = registry_machine(registry, folded);
    g_autoptr(GPtrArray) machines = NULL;

    if (found)
        return found;
    machines = registry_sorted(registry->machines);
    for (guint i = 0; i < machines->len; i++) {
        Machine *machine = machines->pdata[i];

        if (g_strcmp0(machine->info->name, name_or_uuid) != 0)
            continue;
        if (found) {
            g_autofree char *quoted = text_quote(name_or_uuid);

            g_set_error(error, FERRY_ERROR, FERRY_ERROR_AMBIGUOUS,
                        "%s: VMs %s and %s have this name, use the UUID", quoted, found->info->uuid,
                        machine->info->uuid);
            return NULL;
        }
        found = machine;
    }
    if (!found)
        refuse_machine(registry, name_or_uuid, error);
    return found;
}

Machine *find_machine_by_uuid(Registry *registry, const char *uuid, GError **error)
{
    Machine *machine = registry_machine(registry, uuid);
    g_autofree char *quoted = machine ? NULL : text_quote(uuid);

    if (!machine && !registry->machines_known)
        refuse_any_machine(registry, quoted, error);
    else if (!machine)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_MACHINE, "%s: the hypervisor knows no such VM",
                    quoted);
    return machine;
}

/* ------------------------------------------------------------------ groups */

Group *find_group(Registry *registry, const char *name, GError **error)
{
    Group *group = registry_group(registry, name);

    if (!group)
        refuse_name(registry->groups, FERRY_ERROR_NO_SUCH_GROUP, "group", name, error);
    return group;
}

Group *find_group_to_draw_from(Registry *registry, const char *name, GError **error)
{
    Group *group = find_group(registry, name, error);

    if (!group || !damage_check_group(group, error))
        return NULL;
    if (!group->deleting)
        return group;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_LIMIT_EXCEEDED, "group %s is being deleted, try again", name);
    return NULL;
}

Group *find_changeable_group(Registry *registry, const char *name, GError **error)
{
    Group *group = find_removable_group(registry, name, error);

    return group && damage_check_group(group, error) ? group : NULL;
}

Group *find_removable_group(Registry *registry, const char *name, GError **error)
{
    Group *group = find_group(registry, name, error);

    if (!group)
        return NULL;
    if (group->file) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_ALREADY_EXISTS,
                    "group %s comes from %s; change it there and reload the service", name, group->file);
        return NULL;
    }
    return find_check_saved(group->saving, "group", name, error) ? group : NULL;
}

GroupRule *find_rule(const Group *group, uint32_t id, GError **error)
{
    GroupRule *rule = group_find_rule(group, id);

    if (!rule)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_RULE, "group %s has no rule %u", group->name, id);
    return rule;
}

const Group *find_grant(Registry *registry, const char *tenant, const char *rule)
{
    g_autoptr(GPtrArray) groups = registry_sorted(registry->groups);

    for (guint i = 0; i < groups->len; i++) {
        const Group *group = groups->pdata[i];

        if (group->tenant && (!tenant || strcmp(group->tenant, tenant) == 0) && group_has_rule(group, rule))
            return group;
    }
    return NULL;
}

/* ------------------------------------------------------------------ tenants and assignments */

Tenant *find_tenant(Registry *registry, const char *name, GError **error)
{
    Tenant *tenant = registry_tenant(registry, name);

    if (!tenant)
        refuse_name(registry->tenants, FERRY_ERROR_NO_SUCH_TENANT, "tenant", name, error);
    return tenant;
}

Tenant *find_changeable_tenant(Registry *registry, const char *name, GError **error)
{
    Tenant *tenant = find_tenant(registry, name, error);

    return tenant && find_check_saved(tenant->saving, "tenant", name, error) ? tenant : NULL;
}

Assignment *find_assignment(Registry *registry, const char *name_or_id, GError **error)
{
    Assignment *found = registry_assignment(registry, name_or_id);
    g_autoptr(GPtrArray) assignments = NULL;
    g_autofree char *quoted = text_quote(name_or_id);

    if (found)
        return found;
    assignments = registry_sorted(registry->assignments);
    for (guint i = 0; i < assignments->len; i++) {
        Assignment *one = assignments->pdata[i];

        if (!g_str_equal(one->name, name_or_id))
            continue;
        if (found) {
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_AMBIGUOUS,
                        "%s: assignments %s and %s have this name, use the id", quoted, found->id, one->id);
            return NULL;
        }
        found = one;
    }
    if (!found)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_ASSIGNMENT,
                    "%s: no assignment has this name or id", quoted);
    return found;
}

Assignment *find_changeable_assignment(Registry *registry, const char *id, GError **error)
{
    Assignment *assignment = find_releasable_assignment(registry, id, error);

    return assignment && damage_check_assignment(assignment, error) ? assignment : NULL;
}

Assignment *find_releasable_assignment(Registry *registry, const char *id, GError **error)
{
    Assignment *assignment = registry_assignment(registry, id);
    g_autofree char *quoted = NULL;
    const char *ended;

    if (assignment && !assignment_is_ending(assignment))
        return find_check_saved(assignment->saving, "assignment", id, error) ? assignment : NULL;
    quoted = text_quote(id);
    ended = registry_ended(registry, id);
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_ASSIGNMENT, "%s: no such assignment%s%s", quoted,
                ended        ? ": "
                : assignment ? ", it is ending"
                             : "",
                ended ? ended : "");
    return NULL;
}
