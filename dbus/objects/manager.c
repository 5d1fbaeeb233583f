/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.usbferry1.Manager: the root object, and its methods that change something. */

#include "daemon/manager/groups.h"
#include "daemon/manager/tenants.h"
#include "dbus/objects/assign.h"
#include "dbus/objects/check-release.h"
#include "dbus/service/call.h"
#include "dbus/objects/history.h"
#include "dbus/objects/manifest.h"
#include "dbus/objects/queries.h"
#include "dbus/objects/release-all.h"
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

static int property_get_version(sd_bus *bus, const char *path, const char *interface, const char *property,
                                sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    return sd_bus_message_append(reply, "s", FERRY_VERSION);
}

static int property_get_features(sd_bus *bus, const char *path, const char *interface, const char *property,
                                 sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    return sd_bus_message_append(reply, "as", 7, "assign-many", "check", "history", "move", "notice",
                                 "reason-codes", "release-device");
}

static int property_get_node(sd_bus *bus, const char *path, const char *interface, const char *property,
                             sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    return sd_bus_message_append(reply, "s", object_service(bus)->registry->node);
}

static int property_get_hypervisor_uri(sd_bus *bus, const char *path, const char *interface,
                                       const char *property, sd_bus_message *reply, void *userdata,
                                       sd_bus_error *error)
{
    return sd_bus_message_append(reply, "s", manager_hypervisor_uri(object_service(bus)->manager));
}

static int property_get_hypervisor_state(sd_bus *bus, const char *path, const char *interface,
                                         const char *property, sd_bus_message *reply, void *userdata,
                                         sd_bus_error *error)
{
    return sd_bus_message_append(reply, "s",
                                 hypervisor_state_to_string(object_service(bus)->registry->hypervisor_state));
}

static int property_get_settling(sd_bus *bus, const char *path, const char *interface, const char *property,
                                 sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    return sd_bus_message_append(reply, "b", (int)manager_settling(object_service(bus)->manager));
}

static int property_get_enabled(sd_bus *bus, const char *path, const char *interface, const char *property,
                                sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    return sd_bus_message_append(reply, "b", (int)object_service(bus)->registry->enabled);
}

static int property_get_held_home(sd_bus *bus, const char *path, const char *interface, const char *property,
                                  sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    return sd_bus_message_append(reply, "b", (int)object_service(bus)->registry->held_home);
}

/* ------------------------------------------------------------------ methods */

static int method_create_group(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    GroupOptions options;
    g_auto(GStrv) details = NULL;
    g_autoptr(GError) error = NULL;
    const char *name;
    uint32_t uid;
    int r;

    r = sd_bus_message_read(message, "s", &name);
    if (r < 0)
        return r;
    r = group_options_read(message, &options, ret_error);
    if (r < 0)
        return r;
    if (!manager_check_create_group(service->manager, name, &options.choices, &error))
        return bus_error_from_gerror(ret_error, error);
    details = details_new(&(Details){ .group = name });
    r = authorize(service->authorizer, message, (const char *const *)details, &uid, ret_error);
    if (r < 0)
        return r;
    if (r == 0)
        return 1; /* comes back with the answer */

    manager_create_group(service->manager, name, &options.choices, call_done_group,
                         call_new(service, message));
    return 1;
}

static int method_make_passthrough(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    g_autoptr(GPtrArray) devices = g_ptr_array_new_with_free_func(g_free), rules = NULL;
    const char *const *sysnames;
    GroupOptions options;
    g_auto(GStrv) details = NULL;
    g_autoptr(GError) error = NULL;
    const char *group;
    Call *call;
    uint32_t uid;
    int r;

    r = read_devices(message, devices, ret_error);
    if (r < 0)
        return r;
    if (devices->len == 1) /* NULL */
        return bus_error_setf(ret_error, FERRY_ERROR_NO_SUCH_DEVICE, "no device is named: name at least one");
    r = sd_bus_message_read(message, "s", &group);
    if (r < 0)
        return r;
    r = group_options_read(message, &options, ret_error);
    if (r < 0)
        return r;
    sysnames = (const char *const *)devices->pdata;
    if (!manager_check_make_passthrough(service->manager, sysnames, group, &options.choices, &rules, &error))
        return bus_error_from_gerror(ret_error, error);
    details = details_for_passthrough(service->registry, sysnames, group);
    r = authorize(service->authorizer, message, (const char *const *)details, &uid, ret_error);
    if (r < 0)
        return r;
    if (r == 0)
        return 1; /* comes back with the answer */

    call = call_new(service, message);
    call_take_rules(call, g_steal_pointer(&rules));
    manager_make_passthrough(service->manager, sysnames, group, &options.choices, call_done_passthrough,
                             call);
    return 1;
}

static int method_create_tenant(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    g_auto(TenantOptions) options = {};
    g_auto(GStrv) details = NULL;
    g_autoptr(GError) error = NULL;
    const char *name;
    uint32_t uid;
    int r;

    r = sd_bus_message_read(message, "s", &name);
    if (r < 0)
        return r;
    r = tenant_options_read(message, &options, ret_error);
    if (r < 0)
        return r;
    if (!manager_check_create_tenant(service->manager, name, &options.choices, &error))
        return bus_error_from_gerror(ret_error, error);
    details = details_new(&(Details){ .tenant = name });
    r = authorize(service->authorizer, message, (const char *const *)details, &uid, ret_error);
    if (r < 0)
        return r;
    if (r == 0)
        return 1; /* comes back with the answer */

    manager_create_tenant(service->manager, name, &options.choices, call_done_tenant,
                          call_new(service, message));
    return 1;
}

static int method_set_enabled(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    g_auto(GStrv) details = details_new(&(Details){});
    uint32_t uid;
    int enabled, r;

    r = sd_bus_message_read(message, "b", &enabled);
    if (r < 0)
        return r;
    r = authorize(service->authorizer, message, (const char *const *)details, &uid, ret_error);
    if (r < 0)
        return r;
    if (r == 0)
        return 1; /* comes back with the answer */

    manager_set_enabled(service->manager, enabled != 0, call_done, call_new(service, message));
    return 1;
}

static int method_hold_home(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    g_auto(GStrv) details = details_new(&(Details){});
    uint32_t uid;
    int hold, r;

    r = sd_bus_message_read(message, "b", &hold);
    if (r < 0)
        return r;
    r = authorize(service->authorizer, message, (const char *const *)details, &uid, ret_error);
    if (r < 0)
        return r;
    if (r == 0)
        return 1; /* comes back with the answer */

    manager_hold_home(service->manager, hold != 0, call_done, call_new(service, message));
    return 1;
}

static int method_release_all(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    return release_all_call(message, NULL, ret_error);
}

static int method_rescan(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    int r;

    r = authorize(service->authorizer, message, NULL, NULL, ret_error);
    return r < 0 ? r : rescans_ask(service->rescans, message, ret_error);
}

static const sd_bus_vtable manager_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("Version", "s", property_get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Features", "as", property_get_features, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Node", "s", property_get_node, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("HypervisorURI", "s", property_get_hypervisor_uri, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("HypervisorState", "s", property_get_hypervisor_state, 0,
                    SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Settling", "b", property_get_settling, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Enabled", "b", property_get_enabled, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("HeldHome", "b", property_get_held_home, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_METHOD_WITH_ARGS("GetDevice", SD_BUS_ARGS("s", selector), SD_BUS_RESULT("o", device),
                            method_get_device, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("GetGroup", SD_BUS_ARGS("s", name), SD_BUS_RESULT("o", group), method_get_group,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("GetMachine", SD_BUS_ARGS("s", name_or_uuid), SD_BUS_RESULT("o", machine),
                            method_get_machine, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("GetAssignment", SD_BUS_ARGS("s", name_or_id), SD_BUS_RESULT("o", assignment),
                            method_get_assignment, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("GetTenant", SD_BUS_ARGS("s", name), SD_BUS_RESULT("o", tenant),
                            method_get_tenant, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("CreateTenant", SD_BUS_ARGS("s", name, "a{sv}", options),
                            SD_BUS_RESULT("o", tenant), method_create_tenant, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Assign", SD_BUS_ARGS("o", source, "o", machine, "a{sv}", options),
                            SD_BUS_RESULT("o", assignment), method_assign, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("AssignMany", SD_BUS_ARGS("ao", sources, "o", machine, "a{sv}", options),
                            SD_BUS_RESULT("ao", assignments), method_assign_many, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("CheckAssign", SD_BUS_ARGS("ao", sources, "o", machine, "a{sv}", options),
                            SD_BUS_RESULT("s", answer, "aa{sv}", obstacles), method_check_assign,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("CheckRelease", SD_BUS_ARGS("o", assignment, "o", device, "a{sv}", options),
                            SD_BUS_RESULT("s", answer, "aa{sv}", obstacles), method_check_release,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("GetHistory", SD_BUS_ARGS("u", max, "a{sv}", options),
                            SD_BUS_RESULT("aa{sv}", happenings), method_get_history,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_SIGNAL_WITH_ARGS("Notice", SD_BUS_ARGS("s", kind, "o", subject, "s", text, "a{sv}", details), 0),
    SD_BUS_METHOD_WITH_ARGS("CreateGroup", SD_BUS_ARGS("s", name, "a{sv}", options),
                            SD_BUS_RESULT("o", group), method_create_group, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("MakePassthrough", SD_BUS_ARGS("ao", devices, "s", group, "a{sv}", options),
                            SD_BUS_RESULT("o", group, "as", rules), method_make_passthrough,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("TestRule", SD_BUS_ARGS("s", rule), SD_BUS_RESULT("ao", devices),
                            method_test_rule, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Export", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("s", text), method_export,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Apply", SD_BUS_ARGS("s", text, "s", source, "a{sv}", options),
                            SD_BUS_RESULT("aa{sv}", differences), method_apply, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("PreviewRule", SD_BUS_ARGS("s", rule, "a{sv}", options),
                            SD_BUS_RESULT("aa{sv}", changes), method_preview_rule,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("SetEnabled", SD_BUS_ARGS("b", enabled), SD_BUS_NO_RESULT, method_set_enabled,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("HoldHome", SD_BUS_ARGS("b", hold), SD_BUS_NO_RESULT, method_hold_home,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("ReleaseAll", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("u", released),
                            method_release_all, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Rescan", SD_BUS_NO_ARGS, SD_BUS_RESULT("u", added, "u", removed), method_rescan,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Explain", SD_BUS_ARGS("o", object), SD_BUS_RESULT("aa{sv}", explanations),
                            method_explain, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

static const FieldProperty manager_properties[] = {
    { MANAGER_FIELD_HYPERVISOR_STATE, "HypervisorState" },
    { MANAGER_FIELD_SETTLING, "Settling" },
    { MANAGER_FIELD_ENABLED, "Enabled" },
    { MANAGER_FIELD_NODE, "Node" },
    { MANAGER_FIELD_HELD_HOME, "HeldHome" },
    {},
};

const ObjectKind manager_object = {
    .type = OBJECT_MANAGER,
    .interface = FERRY_INTERFACE_MANAGER,
    .vtable = manager_vtable,
    .properties = manager_properties,
};
