/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ending many assignments at a time. */

#include "dbus/objects/release-all.h"

#include "dbus/bus/options.h"
#include "dbus/rights/details.h"
#include "dbus/rights/own.h"
#include "dbus/service/call.h"
#include "dbus/service/object.h"
#include "dbus/service/service-state.h"

/* What is being released already is left out. New array of ids, sorted. */
static GPtrArray *to_release(Registry *registry, const Machine *machine)
{
    g_autoptr(GPtrArray) assignments = registry_sorted(registry->assignments);
    GPtrArray *ids = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < assignments->len; i++) {
        const Assignment *assignment = assignments->pdata[i];

        if (!assignment_is_ending(assignment) &&
            (!machine || g_str_equal(assignment->machine_uuid, machine->info->uuid)))
            g_ptr_array_add(ids, g_strdup(assignment->id));
    }
    return ids;
}

int release_all_call(sd_bus_message *message, const Machine *machine, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    g_auto(GStrv) details = details_for_device(NULL, machine);
    g_autoptr(GPtrArray) ids = NULL;
    Own own = { .registry = service->registry };
    uint32_t uid;
    int r;

    r = options_read(message, NULL, 0, ret_error);
    if (r < 0)
        return r;
    own.ids = ids = to_release(service->registry, machine);
    r = authorize_owned(service->authorizer, message, (const char *const *)details, own_assignments, &own,
                        &uid, ret_error);
    if (r < 0)
        return r;
    if (r == 0)
        return 1; /* comes back with the answer */

    call_release_all(call_new(service, message), ids);
    return 1;
}
