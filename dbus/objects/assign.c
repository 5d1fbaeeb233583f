/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Assigning, by whichever method it is asked for. */

#include "dbus/objects/assign.h"

#include "daemon/manager/assignments.h"
#include "dbus/service/call.h"
#include "dbus/rights/details.h"
#include "dbus/bus/errors.h"
#include "dbus/service/path.h"
#include "dbus/bus/options.h"
#include "dbus/service/service-state.h"

static char **assign_details(Registry *registry, const AssignRequest *request)
{
    const Machine *machine = registry_machine(registry, request->machine_uuid);

    if (request->group)
        return details_for_group(registry_group(registry, request->group), request->selector, machine);
    return details_for_device(registry_device(registry, request->device), machine);
}

/* Whose the source is, if it is a tenant's. */
static Tenant *find_tenant(Registry *registry, const AssignRequest *request)
{
    return registry_tenant(registry, request->group ? registry_group(registry, request->group)->tenant
                                                    : registry_device(registry, request->device)->tenant);
}

/* To the tenant's machines, which the manager has checked. */
static bool is_members(const Caller *caller, gpointer object)
{
    const Tenant *tenant = object;

    return tenant && tenant_has_member(tenant, caller->uid, caller->gids, caller->n_gids);
}

int assign_call(sd_bus_message *message, ObjectType type, const char *source, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    AssignRequest request = {
        .device = type == OBJECT_DEVICE ? source : NULL,
        .group = type == OBJECT_GROUP ? source : NULL,
        .persistent = true,
    };
    bool guest_reset = false, guest_resets_all = false, as_own;
    enum { GUEST_RESET, GUEST_RESETS_ALL, PRIORITY };
    Option options[] = {
        [GUEST_RESET] = { "AllowGuestReset", 'b', &guest_reset },
        [GUEST_RESETS_ALL] = { "AllowGuestResetsAll", 'b', &guest_resets_all },
        [PRIORITY] = { "Priority", 'i', &request.priority },
        { "Name", 's', &request.name },
        { "Description", 's', &request.description },
        { "Quantity", 's', &request.quantity },
        { "Selector", 's', &request.selector },
        { "Persistent", 'b', &request.persistent },
        { "Follow", 'b', &request.follow },
        { "Force", 'b', &request.force },
        { "Another", 'b', &request.another },
    };
    g_autofree char *machine = NULL;
    g_auto(GStrv) details = NULL;
    g_autoptr(GError) error = NULL;
    const char *machine_path;
    int r;

    r = sd_bus_message_read(message, "o", &machine_path);
    if (r < 0)
        return r;
    r = options_read(message, options, G_N_ELEMENTS(options), ret_error);
    if (r < 0)
        return r;
    if (options[GUEST_RESET].given)
        request.allow_guest_reset = &guest_reset;
    if (options[GUEST_RESETS_ALL].given)
        request.allow_guest_resets_all = &guest_resets_all;
    request.machine_uuid = machine = object_id(OBJECT_MACHINE, machine_path, &error);
    if (!machine)
        return bus_error_from_gerror(ret_error, error);
    (void)authorize_caller(service->authorizer, message, &request.owner);
    if (!manager_check_assign(service->manager, &request, &error))
        return bus_error_from_gerror(ret_error, error);

    details = assign_details(service->registry, &request);
    /* As in Assignment.Update: what members don't lift for themselves. */
    as_own = !guest_reset && !guest_resets_all && !options[PRIORITY].given;
    if (request.force)
        r = authorize_force(service->authorizer, message, (const char *const *)details, &request.owner,
                            ret_error);
    else
        r = authorize_owned(service->authorizer, message, (const char *const *)details,
                            as_own ? is_members : NULL, find_tenant(service->registry, &request),
                            &request.owner, ret_error);
    if (r < 0)
        return r;
    if (r == 0)
        return 1; /* comes back with the answer */

    manager_assign(service->manager, &request, call_done_assignment, call_new(service, message));
    return 1;
}
