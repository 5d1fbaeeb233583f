/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Field by field from the decided tenant into the one in the registry. A new field of struct Tenant that
 * people decide has its line here. */

#include "daemon/model/tenant-update.h"

#include <string.h>

#include "daemon/model/take.h"

static const char *member_text(const Tenant *tenant, guint i)
{
    return ((const TenantMember *)tenant->members->pdata[i])->text;
}

/* Not next's own: while that was being stored, the names may have been looked up. */
static bool take_members(Tenant *tenant, const Tenant *next)
{
    bool same = tenant->members->len == next->members->len;
    g_autofree const char **texts = NULL;

    for (guint i = 0; same && i < next->members->len; i++)
        same = strcmp(member_text(tenant, i), member_text(next, i)) == 0;
    if (same)
        return false;
    texts = g_new0(const char *, next->members->len + 1);
    for (guint i = 0; i < next->members->len; i++)
        texts[i] = member_text(next, i);
    tenant_set_members(tenant, texts);
    return true;
}

/* The machines that the other one doesn't have. False when there are none. */
static bool report_machines(Registry *registry, const GPtrArray *uuids, const Tenant *other)
{
    bool any = false;

    for (guint i = 0; i < uuids->len; i++) {
        const char *uuid = uuids->pdata[i];

        if (other && tenant_has_machine(other, uuid))
            continue;
        any = true;
        if (registry_machine(registry, uuid))
            registry_report(registry, OBJECT_MACHINE, uuid, MACHINE_FIELD_TENANT);
    }
    return any;
}

static bool take_machines(Registry *registry, Tenant *tenant, Tenant *next)
{
    GPtrArray *old = tenant->machines;
    bool comes, goes;

    tenant->machines = next->machines;
    next->machines = old;
    comes = report_machines(registry, tenant->machines, next);
    goes = report_machines(registry, next->machines, tenant);
    return comes || goes;
}

unsigned tenant_update(Registry *registry, Tenant *next)
{
    Tenant *tenant = registry_tenant(registry, next->name);
    unsigned fields = 0;

    if (!tenant) {
        tenant = tenant_new(next->name);
        registry_add_tenant(registry, tenant);
    }
    if (take_text(&tenant->description, &next->description))
        fields |= TENANT_FIELD_DESCRIPTION;
    if (take_members(tenant, next))
        fields |= TENANT_FIELD_MEMBERS;
    if (take_machines(registry, tenant, next))
        fields |= TENANT_FIELD_MACHINES;
    tenant_free(next);
    registry_report(registry, OBJECT_TENANT, tenant->name, fields);
    return fields;
}

void tenant_update_remove(Registry *registry, Tenant *tenant)
{
    g_autoptr(GPtrArray) machines = g_ptr_array_ref(tenant->machines);

    registry_remove_tenant(registry, tenant);
    report_machines(registry, machines, NULL);
}
