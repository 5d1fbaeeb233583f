/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Assigning one or several, by whichever method it is asked for, and what would come of it. */

#include "dbus/objects/assign.h"

#include "daemon/manager/assign.h"
#include "daemon/manager/obstacles.h"
#include "dbus/bus/errors.h"
#include "dbus/bus/options.h"
#include "dbus/names.h"
#include "dbus/objects/obstacle-answer.h"
#include "dbus/objects/start-right.h"
#include "dbus/rights/details.h"
#include "dbus/service/call.h"
#include "dbus/service/path.h"
#include "dbus/service/service-state.h"

/* What a call says, read from its message. */
typedef struct Asked {
    BusService *service;
    GPtrArray *sources; /* of char *: sysnames and groups' names, in the order of the requests */
    GArray *requests;   /* of AssignRequest */
    bool many;          /* by AssignMany */
    char *machine;
    bool guest_reset, guest_resets_all;
    bool force;
    bool start_machine;
    bool as_own; /* by the right to one's own, if it is */

    char **details;   /* of all of it */
    GPtrArray *parts; /* of char **: of each; NULL = it is one */
} Asked;

static Asked *asked_new(sd_bus_message *message)
{
    Asked *asked = g_new0(Asked, 1);

    asked->service = object_service(sd_bus_message_get_bus(message));
    asked->sources = g_ptr_array_new_with_free_func(g_free);
    asked->requests = g_array_new(FALSE, TRUE, sizeof(AssignRequest));
    return asked;
}

static Asked *asked_free(Asked *asked)
{
    if (!asked)
        return NULL;
    g_clear_pointer(&asked->parts, g_ptr_array_unref);
    g_strfreev(asked->details);
    g_free(asked->machine);
    g_array_unref(asked->requests);
    g_ptr_array_unref(asked->sources);
    g_free(asked);
    return NULL;
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Asked, asked_free)

static const AssignRequest *requests_of(const Asked *asked)
{
    return (const AssignRequest *)(void *)asked->requests->data;
}

/* ------------------------------------------------------------------ reading */

static void add_source(Asked *asked, ObjectType type, const char *source)
{
    AssignRequest request = { .persistent = true };
    char *copy = g_strdup(source);

    *(type == OBJECT_GROUP ? &request.group : &request.device) = copy;
    g_ptr_array_add(asked->sources, copy);
    g_array_append_val(asked->requests, request);
}

static int read_source(sd_bus_message *message, Asked *asked, sd_bus_error *ret_error)
{
    g_autofree char *source = NULL;
    g_autoptr(GError) error = NULL;
    const char *path;
    ObjectType type;
    int r = sd_bus_message_read(message, "o", &path);

    if (r <= 0)
        return r;
    type = g_str_has_prefix(path, FERRY_PATH_GROUP_PREFIX "/") ? OBJECT_GROUP : OBJECT_DEVICE;
    source = object_id(type, path, &error);
    if (!source)
        return bus_error_from_gerror(ret_error, error);
    add_source(asked, type, source);
    return 1;
}

static int read_sources(sd_bus_message *message, Asked *asked, sd_bus_error *ret_error)
{
    int r = sd_bus_message_enter_container(message, SD_BUS_TYPE_ARRAY, "o");

    if (r < 0)
        return r;
    while ((r = read_source(message, asked, ret_error)) > 0)
        continue;
    return r < 0 ? r : sd_bus_message_exit_container(message);
}

/* Machine and options, for all of the sources. */
static int read_rest(sd_bus_message *message, Asked *asked, sd_bus_error *ret_error)
{
    AssignRequest said = { .persistent = true };
    enum { GUEST_RESET, GUEST_RESETS_ALL, PRIORITY };
    Option options[] = {
        [GUEST_RESET] = { "AllowGuestReset", 'b', &asked->guest_reset },
        [GUEST_RESETS_ALL] = { "AllowGuestResetsAll", 'b', &asked->guest_resets_all },
        [PRIORITY] = { "Priority", 'i', &said.priority },
        { "Name", 's', &said.name },
        { "Description", 's', &said.description },
        { "Quantity", 's', &said.quantity },
        { "Selector", 's', &said.selector },
        { "Persistent", 'b', &said.persistent },
        { "Follow", 'b', &said.follow },
        { "Force", 'b', &said.force },
        { "Another", 'b', &said.another },
        { "TryFor", 'u', &said.try_for },
        { "LeaseFor", 'u', &said.lease_for },
        { "StartMachine", 'b', &said.start_machine },
    };
    g_autoptr(GError) error = NULL;
    const char *machine;
    int r = sd_bus_message_read(message, "o", &machine);

    if (r < 0)
        return r;
    r = options_read(message, options, G_N_ELEMENTS(options), ret_error);
    if (r < 0)
        return r;
    if (asked->many && said.force)
        return bus_error_setf(ret_error, FERRY_ERROR_INVALID_OPTION, "Force: it is an option of Assign");
    said.machine_uuid = asked->machine = object_id(OBJECT_MACHINE, machine, &error);
    if (!said.machine_uuid)
        return bus_error_from_gerror(ret_error, error);
    if (options[GUEST_RESET].given)
        said.allow_guest_reset = &asked->guest_reset;
    if (options[GUEST_RESETS_ALL].given)
        said.allow_guest_resets_all = &asked->guest_resets_all;
    /* As in Assignment.Update: what members don't lift for themselves. */
    asked->as_own = !asked->guest_reset && !asked->guest_resets_all && !options[PRIORITY].given;
    asked->force = said.force;
    asked->start_machine = said.start_machine;
    (void)authorize_caller(asked->service->authorizer, message, &said.owner);
    for (guint i = 0; i < asked->requests->len; i++) {
        AssignRequest *request = &g_array_index(asked->requests, AssignRequest, i);
        const char *device = request->device, *group = request->group;

        *request = said;
        request->device = device;
        request->group = group;
    }
    return 0;
}

/* ------------------------------------------------------------------ asking */

static char **details_of(Registry *registry, const AssignRequest *request)
{
    const Machine *machine = registry_machine(registry, request->machine_uuid);

    if (request->group)
        return details_for_group(registry_group(registry, request->group), request->selector, machine);
    return details_for_device(registry_device(registry, request->device), machine);
}

static void free_details(gpointer details)
{
    g_strfreev(details);
}

/* Of one, what it is asked with alone. All that it names is there. */
static void fill_details(Asked *asked)
{
    GPtrArray *parts = g_ptr_array_new_with_free_func(free_details);

    for (guint i = 0; i < asked->requests->len; i++)
        g_ptr_array_add(parts, details_of(asked->service->registry, requests_of(asked) + i));
    if (parts->len > 1) {
        asked->details = details_for_several(parts);
        asked->parts = parts;
        return;
    }
    asked->details = g_strdupv(parts->pdata[0]);
    g_ptr_array_unref(parts);
}

/* All sources are one's tenants', to the tenants' machines, which the manager has checked. */
static bool is_members(const Caller *caller, gpointer object)
{
    const Asked *asked = object;
    Registry *registry = asked->service->registry;

    for (guint i = 0; i < asked->requests->len; i++) {
        const AssignRequest *request = requests_of(asked) + i;
        const char *name = request->group ? registry_group(registry, request->group)->tenant
                                          : registry_device(registry, request->device)->tenant;
        const Tenant *tenant = registry_tenant(registry, name);

        if (!tenant || !tenant_has_member(tenant, caller->uid, caller->gids, caller->n_gids))
            return false;
    }
    return true;
}

static AuthorizeAbout about(Asked *asked)
{
    return (AuthorizeAbout){
        .details = (const char *const *)asked->details,
        .parts = asked->parts,
        .owned = asked->as_own ? is_members : NULL,
        .object = asked,
        .also = asked->start_machine ? start_right(asked->service->registry, asked->machine) : NULL,
    };
}

static int ask_and_assign(sd_bus_message *message, Asked *asked, ManagerDone done, sd_bus_error *ret_error)
{
    g_autoptr(GError) error = NULL;
    AuthorizeAbout what;
    uint32_t uid;
    int r = read_rest(message, asked, ret_error);

    if (r < 0)
        return r;
    if (!manager_check_assign(asked->service->manager, requests_of(asked), asked->requests->len, &error))
        return bus_error_from_gerror(ret_error, error);
    fill_details(asked);
    what = about(asked);
    r = asked->force ? authorize_force(asked->service->authorizer, message, &what, &uid, ret_error)
                     : authorize_several(asked->service->authorizer, message, &what, &uid, ret_error);
    if (r < 0)
        return r;
    if (r == 0)
        return 1; /* comes back with the answer */

    for (guint i = 0; i < asked->requests->len; i++) {
        AssignRequest *request = &g_array_index(asked->requests, AssignRequest, i);

        request->owner = uid;
        /* Only with the right to; what stops running from now on was not asked about. */
        request->start_machine = what.also != NULL;
    }
    manager_assign(asked->service->manager, requests_of(asked), asked->requests->len, done,
                   call_new(asked->service, message));
    return 1;
}

/* ------------------------------------------------------------------ methods */

int assign_call(sd_bus_message *message, ObjectType type, const char *source, sd_bus_error *ret_error)
{
    g_autoptr(Asked) asked = asked_new(message);

    add_source(asked, type, source);
    return ask_and_assign(message, asked, call_done_assignment, ret_error);
}

int method_assign(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    g_autoptr(Asked) asked = asked_new(message);
    int r = read_source(message, asked, ret_error);

    return r < 0 ? r : ask_and_assign(message, asked, call_done_assignment, ret_error);
}

int method_assign_many(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    g_autoptr(Asked) asked = asked_new(message);
    int r = read_sources(message, asked, ret_error);

    asked->many = true;
    return r < 0 ? r : ask_and_assign(message, asked, call_done_assignments, ret_error);
}

int method_check_assign(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    g_autoptr(Asked) asked = asked_new(message);
    g_autoptr(GPtrArray) obstacles = NULL;
    g_autoptr(GError) error = NULL;
    AuthorityVerdict answer;
    AuthorizeAbout what;
    int r = read_sources(message, asked, ret_error);

    if (r >= 0)
        r = read_rest(message, asked, ret_error);
    if (r < 0)
        return r;
    obstacles =
        manager_assign_obstacles(asked->service->manager, requests_of(asked), asked->requests->len, &error);
    if (!obstacles)
        return bus_error_from_gerror(ret_error, error);
    fill_details(asked);
    what = about(asked);
    r = authorize_trial(asked->service->authorizer, message, FERRY_INTERFACE_MANAGER,
                        asked->parts   ? "AssignMany"
                        : asked->force ? "Assign(Force)"
                                       : "Assign",
                        &what, &answer, ret_error);
    if (r < 0)
        return r;
    if (r == 0)
        return 1; /* comes back with the answer */
    return obstacle_answer(message, answer, obstacles);
}
