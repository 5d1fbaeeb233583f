/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.usbferry1.Machine: a libvirt domain. */

#include "daemon/base/log.h"
#include "daemon/manager/machines.h"
#include "dbus/bus/errors.h"
#include "dbus/service/call.h"
#include "dbus/rights/details.h"
#include "dbus/names.h"
#include "dbus/objects/chapters.h"
#include "dbus/objects/release-all.h"
#include "dbus/service/path.h"
#include "dbus/service/properties.h"
#include "dbus/bus/options.h"
#include "dbus/service/service-state.h"

/* ------------------------------------------------------------------ properties */

static int property_get_uuid(sd_bus *bus, const char *path, const char *interface, const char *property,
                             sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    const Machine *machine = userdata;

    return sd_bus_message_append(reply, "s", machine->info->uuid);
}

static int property_get_name(sd_bus *bus, const char *path, const char *interface, const char *property,
                             sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    const Machine *machine = userdata;

    return sd_bus_message_append(reply, "s", machine->info->name);
}

static int property_get_title(sd_bus *bus, const char *path, const char *interface, const char *property,
                              sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    const Machine *machine = userdata;

    return sd_bus_message_append(reply, "s", machine->info->title);
}

static int property_get_state(sd_bus *bus, const char *path, const char *interface, const char *property,
                              sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    const Machine *machine = userdata;

    return sd_bus_message_append(reply, "s", machine_state_to_string(machine->info->state));
}

/* New array of ids, sorted. */
static GPtrArray *assignments_of(Registry *registry, const Machine *machine)
{
    g_autoptr(GPtrArray) all = registry_list(registry, registry->assignments);
    GPtrArray *ids = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < all->len; i++) {
        const Assignment *assignment = all->pdata[i];

        if (g_str_equal(assignment->machine_uuid, machine->info->uuid))
            g_ptr_array_add(ids, g_strdup(assignment->id));
    }
    return ids;
}

static int property_get_assignments(sd_bus *bus, const char *path, const char *interface,
                                    const char *property, sd_bus_message *reply, void *userdata,
                                    sd_bus_error *error)
{
    g_autoptr(GPtrArray) ids = assignments_of(object_service(bus)->registry, userdata);

    return append_paths(reply, OBJECT_ASSIGNMENT, ids);
}

static int property_get_devices(sd_bus *bus, const char *path, const char *interface, const char *property,
                                sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    const Machine *machine = userdata;
    g_autoptr(GPtrArray) sysnames = g_ptr_array_new();
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, object_service(bus)->registry->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (g_strcmp0(((const Device *)value)->machine_uuid, machine->info->uuid) == 0)
            g_ptr_array_add(sysnames, ((const Device *)value)->sysname);
    return append_paths_sorted(reply, OBJECT_DEVICE, sysnames);
}

static int property_get_foreign_devices(sd_bus *bus, const char *path, const char *interface,
                                        const char *property, sd_bus_message *reply, void *userdata,
                                        sd_bus_error *error)
{
    const Machine *machine = userdata;
    int r;

    r = sd_bus_message_open_container(reply, SD_BUS_TYPE_ARRAY, "(uus)");
    for (guint i = 0; r >= 0 && i < machine->info->hostdevs->len; i++) {
        const Hostdev *hostdev = machine->info->hostdevs->pdata[i];
        g_autofree char *text = g_strdup_printf("%04x:%04x", hostdev->vendor_id, hostdev->product_id);

        if (!hostdev->assignment_id)
            r = sd_bus_message_append(reply, "(uus)", (uint32_t)hostdev->bus_number,
                                      (uint32_t)hostdev->device_number, text);
    }
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int property_get_usb_controller(sd_bus *bus, const char *path, const char *interface,
                                       const char *property, sd_bus_message *reply, void *userdata,
                                       sd_bus_error *error)
{
    const Machine *machine = userdata;

    return sd_bus_message_append(reply, "s", machine->info->usb_controller);
}

static int property_get_pending_controller(sd_bus *bus, const char *path, const char *interface,
                                           const char *property, sd_bus_message *reply, void *userdata,
                                           sd_bus_error *error)
{
    const Machine *machine = userdata;

    return sd_bus_message_append(reply, "s", machine->info->pending_controller);
}

static int property_get_free_ports(sd_bus *bus, const char *path, const char *interface, const char *property,
                                   sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    const Machine *machine = userdata;

    return sd_bus_message_append(reply, "u", (uint32_t)machine->info->free_ports);
}

static int property_get_tenant(sd_bus *bus, const char *path, const char *interface, const char *property,
                               sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    const Machine *machine = userdata;
    const Tenant *tenant = registry_machine_tenant(object_service(bus)->registry, machine->info->uuid);
    g_autofree char *tenant_path = object_path(OBJECT_TENANT, tenant ? tenant->name : NULL);

    return sd_bus_message_append(reply, "o", tenant_path);
}

/* ------------------------------------------------------------------ methods */

static int method_release_all(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    return release_all_call(message, userdata, ret_error);
}

static int method_start(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    const Machine *machine = userdata;
    g_auto(GStrv) details = details_for_device(NULL, machine);
    g_autoptr(GError) error = NULL;
    uint32_t uid;
    int r;

    r = options_read(message, NULL, 0, ret_error);
    if (r < 0)
        return r;
    if (!manager_check_start_machine(service->manager, machine->info->uuid, &error))
        return bus_error_from_gerror(ret_error, error);
    r = authorize(service->authorizer, message, (const char *const *)details, &uid, ret_error);
    if (r < 0)
        return r;
    if (r == 0)
        return 1; /* comes back with the answer */

    log_notice("uid %" G_GUINT32_FORMAT " starts VM \"%s\"", uid, machine->info->name);
    manager_start_machine(service->manager, machine->info->uuid, call_done, call_new(service, message));
    return 1;
}

static int method_set_controller(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    const Machine *machine = userdata;
    g_auto(GStrv) details = details_for_device(NULL, machine);
    g_autoptr(GError) error = NULL;
    const char *model;
    uint32_t uid;
    int r;

    r = sd_bus_message_read(message, "s", &model);
    if (r < 0)
        return r;
    r = options_read(message, NULL, 0, ret_error);
    if (r < 0)
        return r;
    if (!manager_check_set_controller(service->manager, machine->info->uuid, model, &error))
        return bus_error_from_gerror(ret_error, error);
    r = authorize(service->authorizer, message, (const char *const *)details, &uid, ret_error);
    if (r < 0)
        return r;
    if (r == 0)
        return 1; /* comes back with the answer */

    log_notice("uid %" G_GUINT32_FORMAT " gives VM \"%s\" the USB controller %s", uid, machine->info->name,
               model);
    manager_set_controller(service->manager, machine->info->uuid, model, call_done,
                           call_new(service, message));
    return 1;
}

static const sd_bus_vtable machine_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("UUID", "s", property_get_uuid, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Name", "s", property_get_name, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Title", "s", property_get_title, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("State", "s", property_get_state, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Assignments", "ao", property_get_assignments, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Devices", "ao", property_get_devices, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("ForeignDevices", "a(uus)", property_get_foreign_devices, 0,
                    SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("UsbController", "s", property_get_usb_controller, 0,
                    SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("PendingUsbController", "s", property_get_pending_controller, 0,
                    SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("FreePorts", "u", property_get_free_ports, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Tenant", "o", property_get_tenant, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_METHOD_WITH_ARGS("ReleaseAll", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("u", released),
                            method_release_all, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("SetUsbController", SD_BUS_ARGS("s", model, "a{sv}", options), SD_BUS_NO_RESULT,
                            method_set_controller, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Start", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT, method_start,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

static const FieldProperty machine_properties[] = {
    { MACHINE_FIELD_NAME, "Name" },
    { MACHINE_FIELD_TITLE, "Title" },
    { MACHINE_FIELD_STATE, "State" },
    { MACHINE_FIELD_ASSIGNMENTS, "Assignments" },
    { MACHINE_FIELD_DEVICES, "Devices" },
    { MACHINE_FIELD_FOREIGN_DEVICES, "ForeignDevices" },
    { MACHINE_FIELD_USB_CONTROLLER, "UsbController" },
    { MACHINE_FIELD_PENDING_CONTROLLER, "PendingUsbController" },
    { MACHINE_FIELD_FREE_PORTS, "FreePorts" },
    { MACHINE_FIELD_TENANT, "Tenant" },
    {},
};

const ObjectKind machine_object = {
    .type = OBJECT_MACHINE,
    .interface = FERRY_INTERFACE_MACHINE,
    .vtable = machine_vtable,
    .properties = machine_properties,
    .table = offsetof(Registry, machines),
};
