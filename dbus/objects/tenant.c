/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.usbferry1.Tenant: an owner of devices and machines. */

#include "daemon/manager/grants.h"
#include "daemon/manager/revocations.h"
#include "daemon/manager/tenants.h"
#include "dbus/service/call.h"
#include "dbus/rights/details.h"
#include "dbus/bus/errors.h"
#include "dbus/objects/group-options.h"
#include "dbus/names.h"
#include "dbus/objects/chapters.h"
#include "dbus/service/path.h"
#include "dbus/service/properties.h"
#include "dbus/bus/options.h"
#include "dbus/service/service-state.h"
#include "dbus/objects/tenant-options.h"

/* ------------------------------------------------------------------ properties */

static int append_members(sd_bus_message *reply, const Tenant *tenant, bool unknown_only)
{
    int r;

    r = sd_bus_message_open_container(reply, SD_BUS_TYPE_ARRAY, "s");
    for (guint i = 0; r >= 0 && i < tenant->members->len; i++) {
        const TenantMember *member = tenant->members->pdata[i];

        if (!unknown_only || !member->known)
            r = sd_bus_message_append(reply, "s", member->text);
    }
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int property_get_members(sd_bus *bus, const char *path, const char *interface, const char *property,
                                sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    return append_members(reply, userdata, false);
}

static int property_get_unknown_members(sd_bus *bus, const char *path, const char *interface,
                                        const char *property, sd_bus_message *reply, void *userdata,
                                        sd_bus_error *error)
{
    return append_members(reply, userdata, true);
}

static int property_get_machines(sd_bus *bus, const char *path, const char *interface, const char *property,
                                 sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    const Tenant *tenant = userdata;

    return append_paths(reply, OBJECT_MACHINE, tenant->machines);
}

static int property_get_groups(sd_bus *bus, const char *path, const char *interface, const char *property,
                               sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    const Tenant *tenant = userdata;

    return append_paths(reply, OBJECT_GROUP, tenant->groups);
}

static int property_get_devices(sd_bus *bus, const char *path, const char *interface, const char *property,
                                sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    const Tenant *tenant = userdata;

    return append_paths(reply, OBJECT_DEVICE, tenant->devices);
}

/* ------------------------------------------------------------------ methods */

/* > 0: yes; else what the handler returns, see authorize(). machine: its name, NULL = it is about none. */
static int may(BusService *service, sd_bus_message *message, const Tenant *tenant, const char *machine,
               sd_bus_error *ret_error)
{
    g_auto(GStrv) details = details_new(&(Details){ .tenant = tenant->name, .machine = machine });
    uint32_t uid;

    return authorize(service->authorizer, message, (const char *const *)details, &uid, ret_error);
}

/* group: what it is, or is to be called. A name that is made up is asked for as it is now; when another one
 * would be due with the answer, that was for something else. */
static int may_grant(BusService *service, sd_bus_message *message, const GrantRequest *request,
                     const char *group, sd_bus_error *ret_error)
{
    g_auto(GStrv) details = details_for_grant(service->registry, request->devices, group, request->tenant);
    uint32_t uid;

    return authorize(service->authorizer, message, (const char *const *)details, &uid, ret_error);
}

/* group: the one that loses rules, NULL = several. */
static char **revoke_details(Registry *registry, const RevokeRequest *request, const char *group_name)
{
    const Group *group = request->group ? registry_group(registry, group_name) : NULL;
    const GroupRule *rule = group && request->rule ? group_find_rule(group, *request->rule) : NULL;

    return group ? details_for_group(group, rule ? rule->text : NULL, NULL)
                 : details_for_grant(registry, request->devices, group_name, request->tenant);
}

static int method_grant(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    const Tenant *tenant = userdata;
    g_autoptr(GPtrArray) devices = g_ptr_array_new_with_free_func(g_free);
    GrantRequest request = { .tenant = tenant->name };
    GroupOptions options;
    g_autoptr(GError) error = NULL;
    g_autofree char *group = NULL;
    int r;

    r = read_devices(message, devices, ret_error);
    if (r < 0)
        return r;
    if (devices->len == 1) /* NULL */
        return bus_error_setf(ret_error, FERRY_ERROR_NO_SUCH_DEVICE, "no device is named: name at least one");
    r = sd_bus_message_read(message, "s", &request.group);
    if (r < 0)
        return r;
    r = group_options_read(message, &options, ret_error);
    if (r < 0)
        return r;
    request.devices = (const char *const *)devices->pdata;
    request.choices = options.choices;
    if (!manager_check_grant(service->manager, &request, &group, &error))
        return bus_error_from_gerror(ret_error, error);
    r = may_grant(service, message, &request, group, ret_error);
    if (r < 0)
        return r;
    if (r == 0)
        return 1; /* comes back with the answer */

    manager_grant(service->manager, &request, call_done_group, call_new(service, message));
    return 1;
}

static int method_revoke(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    const Tenant *tenant = userdata;
    g_autoptr(GPtrArray) devices = g_ptr_array_new_with_free_func(g_free);
    RevokeRequest request = { .tenant = tenant->name };
    uint32_t rule;
    Option options[] = { { "Group", 's', &request.group }, { "Rule", 'u', &rule } };
    g_autoptr(GError) error = NULL;
    g_autofree char *group = NULL;
    g_auto(GStrv) details = NULL;
    uint32_t uid;
    int r;

    r = read_devices(message, devices, ret_error);
    if (r < 0)
        return r;
    r = options_read(message, options, G_N_ELEMENTS(options), ret_error);
    if (r < 0)
        return r;
    request.devices = (const char *const *)devices->pdata;
    if (options[1].given)
        request.rule = &rule;
    if (!manager_check_revoke(service->manager, &request, &group, &error))
        return bus_error_from_gerror(ret_error, error);
    details = revoke_details(service->registry, &request, group);
    r = authorize(service->authorizer, message, (const char *const *)details, &uid, ret_error);
    if (r < 0)
        return r;
    if (r == 0)
        return 1; /* comes back with the answer */

    manager_revoke(service->manager, &request, call_done, call_new(service, message));
    return 1;
}

static int set_machine(sd_bus_message *message, const Tenant *tenant, bool belongs, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    g_autofree char *uuid = NULL;
    g_autoptr(GError) error = NULL;
    const Machine *machine;
    const char *path;
    int r;

    r = sd_bus_message_read(message, "o", &path);
    if (r < 0)
        return r;
    uuid = object_id(OBJECT_MACHINE, path, &error);
    if (!uuid || !manager_check_tenant_machine(service->manager, tenant->name, uuid, belongs, &error))
        return bus_error_from_gerror(ret_error, error);
    machine = registry_machine(service->registry, uuid); /* NULL: it is gone, and leaves the tenant */
    r = may(service, message, tenant, machine ? machine->info->name : uuid, ret_error);
    if (r < 0)
        return r;
    if (r == 0)
        return 1; /* comes back with the answer */

    manager_set_tenant_machine(service->manager, tenant->name, uuid, belongs, call_done,
                               call_new(service, message));
    return 1;
}

static int method_add_machine(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    return set_machine(message, userdata, true, ret_error);
}

static int method_remove_machine(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    return set_machine(message, userdata, false, ret_error);
}

static int method_update(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    const Tenant *tenant = userdata;
    g_auto(TenantOptions) options = {};
    g_autoptr(GError) error = NULL;
    int r;

    r = tenant_options_read(message, &options, ret_error);
    if (r < 0)
        return r;
    if (!manager_check_update_tenant(service->manager, tenant->name, &options.choices, &error))
        return bus_error_from_gerror(ret_error, error);
    r = may(service, message, tenant, NULL, ret_error);
    if (r < 0)
        return r;
    if (r == 0)
        return 1; /* comes back with the answer */

    manager_update_tenant(service->manager, tenant->name, &options.choices, call_done,
                          call_new(service, message));
    return 1;
}

static int method_delete(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    const Tenant *tenant = userdata;
    bool force = false;
    Option options[] = { { "Force", 'b', &force } };
    g_autoptr(GError) error = NULL;
    int r;

    r = options_read(message, options, G_N_ELEMENTS(options), ret_error);
    if (r < 0)
        return r;
    if (!manager_check_delete_tenant(service->manager, tenant->name, force, &error))
        return bus_error_from_gerror(ret_error, error);
    r = may(service, message, tenant, NULL, ret_error);
    if (r < 0)
        return r;
    if (r == 0)
        return 1; /* comes back with the answer */

    manager_delete_tenant(service->manager, tenant->name, force, call_done, call_new(service, message));
    return 1;
}

static const sd_bus_vtable tenant_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("Name", "s", NULL, offsetof(Tenant, name), SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Description", "s", NULL, offsetof(Tenant, description),
                    SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Members", "as", property_get_members, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("UnknownMembers", "as", property_get_unknown_members, 0,
                    SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Machines", "ao", property_get_machines, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Groups", "ao", property_get_groups, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Devices", "ao", property_get_devices, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_METHOD_WITH_ARGS("Grant", SD_BUS_ARGS("ao", devices, "s", group, "a{sv}", options),
                            SD_BUS_RESULT("o", group), method_grant, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Revoke", SD_BUS_ARGS("ao", devices, "a{sv}", options), SD_BUS_NO_RESULT,
                            method_revoke, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("AddMachine", SD_BUS_ARGS("o", machine), SD_BUS_NO_RESULT, method_add_machine,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("RemoveMachine", SD_BUS_ARGS("o", machine), SD_BUS_NO_RESULT,
                            method_remove_machine, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Update", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT, method_update,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Delete", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT, method_delete,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

static const FieldProperty tenant_properties[] = {
    { TENANT_FIELD_DESCRIPTION, "Description" },
    { TENANT_FIELD_MEMBERS, "Members" },
    { TENANT_FIELD_MEMBERS, "UnknownMembers" },
    { TENANT_FIELD_MACHINES, "Machines" },
    { TENANT_FIELD_GROUPS, "Groups" },
    { TENANT_FIELD_DEVICES, "Devices" },
    {},
};

const ObjectKind tenant_object = {
    .type = OBJECT_TENANT,
    .interface = FERRY_INTERFACE_TENANT,
    .vtable = tenant_vtable,
    .properties = tenant_properties,
    .table = offsetof(Registry, tenants),
};
