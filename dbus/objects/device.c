/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.usbferry1.Device: a device that is plugged in now. */

#include "daemon/manager/resets.h"
#include "daemon/model/membership.h"
#include "daemon/model/registry.h"
#include "dbus/service/call.h"
#include "dbus/rights/details.h"
#include "dbus/bus/errors.h"
#include "dbus/names.h"
#include "dbus/objects/chapters.h"
#include "dbus/service/path.h"
#include "dbus/service/properties.h"
#include "dbus/bus/options.h"
#include "dbus/service/service-state.h"

/* ------------------------------------------------------------------ properties */

static int property_get_interfaces(sd_bus *bus, const char *path, const char *interface, const char *property,
                                   sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    const Device *device = userdata;
    int r;

    r = sd_bus_message_open_container(reply, SD_BUS_TYPE_ARRAY, "(yyy)");
    for (gsize i = 0; r >= 0 && i < device->n_interfaces; i++)
        r = sd_bus_message_append(reply, "(yyy)", device->interfaces[i].class_code,
                                  device->interfaces[i].subclass, device->interfaces[i].protocol);
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int property_get_state(sd_bus *bus, const char *path, const char *interface, const char *property,
                              sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    const DeviceState *state = userdata;

    return sd_bus_message_append_basic(reply, SD_BUS_TYPE_STRING, device_state_to_string(*state));
}

static int property_get_label(sd_bus *bus, const char *path, const char *interface, const char *property,
                              sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    g_autofree char *label = device_label(userdata);

    return sd_bus_message_append_basic(reply, SD_BUS_TYPE_STRING, label);
}

static int property_get_icon(sd_bus *bus, const char *path, const char *interface, const char *property,
                             sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    return sd_bus_message_append_basic(reply, SD_BUS_TYPE_STRING, device_icon(userdata));
}

static int property_get_groups(sd_bus *bus, const char *path, const char *interface, const char *property,
                               sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    const Device *device = userdata;
    int r;

    r = sd_bus_message_open_container(reply, SD_BUS_TYPE_ARRAY, "o");
    for (guint i = 0; r >= 0 && device->memberships && i < device->memberships->len; i++)
        r = append_path(reply, OBJECT_GROUP,
                        ((const Membership *)device->memberships->pdata[i])->group->name);
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int property_get_host_use(sd_bus *bus, const char *path, const char *interface, const char *property,
                                 sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    char **uses = *(char ***)userdata;

    return sd_bus_message_append_strv(reply, uses);
}

/* room: for how many more there is. */
static int append_rules(sd_bus_message *reply, const Membership *membership, guint *room)
{
    const Group *group = membership->group;
    int r = 0;

    for (guint i = 0; r >= 0 && *room > 0 && i < membership->rule_ids->len; i++, (*room)--) {
        uint32_t id = g_array_index(membership->rule_ids, uint32_t, i);
        const GroupRule *rule = group_find_rule(group, id);
        g_autofree char *text = rule ? g_strdup_printf("%s#%u %s", group->name, id, rule->text) : NULL;

        if (rule)
            r = sd_bus_message_append_basic(reply, SD_BUS_TYPE_STRING, text);
    }
    return r;
}

static int property_get_rules(sd_bus *bus, const char *path, const char *interface, const char *property,
                              sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    const Device *device = userdata;
    guint room = MEMBERSHIP_RULES_SHOWN_MAX;
    int r;

    r = sd_bus_message_open_container(reply, SD_BUS_TYPE_ARRAY, "s");
    for (guint i = 0; r >= 0 && device->memberships && i < device->memberships->len; i++)
        r = append_rules(reply, device->memberships->pdata[i], &room);
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* ------------------------------------------------------------------ methods */

static int reset(sd_bus_message *message, const Device *device, bool hub, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    ResetChoices choices = { .hub = hub };
    Option options[] = { { "Method", 's', &choices.method } };
    g_auto(GStrv) details = NULL;
    g_autoptr(GError) error = NULL;
    uint32_t uid;
    int r;

    r = options_read(message, options, G_N_ELEMENTS(options), ret_error);
    if (r < 0)
        return r;
    if (!manager_check_reset_device(service->manager, device->sysname, &choices, &error))
        return bus_error_from_gerror(ret_error, error);
    details = details_for_device(device, registry_machine(service->registry, device->machine_uuid));
    r = authorize(service->authorizer, message, (const char *const *)details, &uid, ret_error);
    if (r < 0)
        return r;
    if (r == 0)
        return 1; /* comes back with the answer */

    manager_reset_device(service->manager, device->sysname, &choices, call_done, call_new(service, message));
    return 1;
}

static int method_reset(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    return reset(message, userdata, false, ret_error);
}

static int method_reset_hub(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    return reset(message, userdata, true, ret_error);
}

#define FACT(name, type, get, field) \
    SD_BUS_PROPERTY(name, type, get, offsetof(Device, field), SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE)

static const sd_bus_vtable device_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("SysName", "s", NULL, offsetof(Device, sysname), SD_BUS_VTABLE_PROPERTY_CONST),
    FACT("BusNumber", "u", NULL, bus_number),
    FACT("DeviceNumber", "u", NULL, device_number),
    FACT("VendorId", "q", NULL, vendor_id),
    FACT("ProductId", "q", NULL, product_id),
    FACT("Vendor", "s", NULL, vendor),
    FACT("Product", "s", NULL, product),
    FACT("Serial", "s", NULL, serial),
    FACT("Class", "s", NULL, class_name),
    SD_BUS_PROPERTY("Label", "s", property_get_label, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Icon", "s", property_get_icon, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    FACT("Removable", "b", property_get_bool, removable),
    SD_BUS_PROPERTY("Interfaces", "a(yyy)", property_get_interfaces, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    FACT("Speed", "u", NULL, speed),
    FACT("Socket", "s", NULL, socket),
    FACT("Controller", "s", NULL, controller),
    FACT("Hub", "o", property_get_device_path, hub),
    FACT("IsHub", "b", property_get_bool, is_hub),
    SD_BUS_PROPERTY("State", "s", property_get_state, offsetof(Device, state),
                    SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    FACT("Reason", "s", NULL, reason),
    FACT("ReasonCode", "s", NULL, reason_code),
    FACT("Since", "t", NULL, since),
    SD_BUS_PROPERTY("Groups", "ao", property_get_groups, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Rules", "as", property_get_rules, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Assignment", "o", property_get_assignment_path, offsetof(Device, assignment_id),
                    SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Machine", "o", property_get_machine_path, offsetof(Device, machine_uuid),
                    SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Tenant", "o", property_get_tenant_path, offsetof(Device, tenant),
                    SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("HostUse", "as", property_get_host_use, offsetof(Device, host_use),
                    SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_METHOD_WITH_ARGS("Reset", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT, method_reset,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("ResetHub", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT, method_reset_hub,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

static const FieldProperty device_properties[] = {
    { DEVICE_FIELD_FACTS, "BusNumber" },   { DEVICE_FIELD_FACTS, "DeviceNumber" },
    { DEVICE_FIELD_FACTS, "VendorId" },    { DEVICE_FIELD_FACTS, "ProductId" },
    { DEVICE_FIELD_FACTS, "Vendor" },      { DEVICE_FIELD_FACTS, "Product" },
    { DEVICE_FIELD_FACTS, "Serial" },      { DEVICE_FIELD_FACTS, "Class" },
    { DEVICE_FIELD_FACTS, "Label" },       { DEVICE_FIELD_FACTS, "Icon" },
    { DEVICE_FIELD_FACTS, "Removable" },   { DEVICE_FIELD_FACTS, "Interfaces" },
    { DEVICE_FIELD_FACTS, "Speed" },       { DEVICE_FIELD_FACTS, "Socket" },
    { DEVICE_FIELD_FACTS, "Controller" },  { DEVICE_FIELD_FACTS, "Hub" },
    { DEVICE_FIELD_FACTS, "IsHub" },       { DEVICE_FIELD_STATE, "State" },
    { DEVICE_FIELD_STATE, "Since" },       { DEVICE_FIELD_REASON, "Reason" },
    { DEVICE_FIELD_REASON, "ReasonCode" }, { DEVICE_FIELD_ASSIGNMENT, "Assignment" },
    { DEVICE_FIELD_MACHINE, "Machine" },   { DEVICE_FIELD_GROUPS, "Groups" },
    { DEVICE_FIELD_GROUPS, "Rules" },      { DEVICE_FIELD_TENANT, "Tenant" },
    { DEVICE_FIELD_HOST_USE, "HostUse" },  {},
};

const ObjectKind device_object = {
    .type = OBJECT_DEVICE,
    .interface = FERRY_INTERFACE_DEVICE,
    .vtable = device_vtable,
    .properties = device_properties,
    .table = offsetof(Registry, devices),
};
