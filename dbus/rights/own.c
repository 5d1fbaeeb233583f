/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose an assignment is. */

#include "dbus/rights/own.h"

static bool is_own(const Caller *caller, Registry *registry, const Assignment *assignment)
{
    const Tenant *tenant = registry_tenant(registry, assignment->tenant);

    if (assignment->tenant)
        return tenant && tenant_has_member(tenant, caller->uid, caller->gids, caller->n_gids);
    return assignment->owner == caller->uid;
}

bool own_assignment(const Caller *caller, gpointer object)
{
    const Own *own = object;

    return is_own(caller, own->registry, own->assignment);
}

bool own_to_attach(const Caller *caller, gpointer object)
{
    const Own *own = object;
    const Tenant *tenant = registry_machine_tenant(own->registry, own->assignment->machine_uuid);

    return own_assignment(caller, object) &&
           (!tenant || tenant_has_member(tenant, caller->uid, caller->gids, caller->n_gids));
}

bool own_assignments(const Caller *caller, gpointer object)
{
    const Own *own = object;

    for (guint i = 0; i < own->ids->len; i++)
        if (!is_own(caller, own->registry, registry_assignment(own->registry, own->ids->pdata[i])))
            return false;
    return own->ids->len > 0;
}
