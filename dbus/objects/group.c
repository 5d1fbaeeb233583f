/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.usbferry1.ResourceGroup: a pool of devices under one name. */

#include "daemon/manager/groups.h"
#include "daemon/model/find.h"
#include "dbus/objects/assign.h"
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

/* ------------------------------------------------------------------ properties */

static int property_get_type(sd_bus *bus, const char *path, const char *interface, const char *property,
                             sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    return sd_bus_message_append(reply, "s", "usb");
}

static int property_get_class(sd_bus *bus, const char *path, const char *interface, const char *property,
                              sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    const GroupClass *value = userdata;

    return sd_bus_message_append(reply, "s", group_class_to_string(*value));
}

static int property_get_icon(sd_bus *bus, const char *path, const char *interface, const char *property,
                             sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    const GroupClass *value = userdata;

    return sd_bus_message_append(reply, "s", group_class_icon(*value));
}

static int property_get_rules(sd_bus *bus, const char *path, const char *interface, const char *property,
                              sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    const Group *group = userdata;
    int r;

    r = sd_bus_message_open_container(reply, SD_BUS_TYPE_ARRAY, "(ubss)");
    for (guint i = 0; r >= 0 && i < group->rules->len; i++) {
        const GroupRule *rule = group->rules->pdata[i];

        r = sd_bus_message_append(reply, "(ubss)", rule->id, (int)rule->enabled, rule->text, rule->origin);
    }
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int property_get_devices(sd_bus *bus, const char *path, const char *interface, const char *property,
                                sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    const Group *group = userdata;

    return append_paths(reply, OBJECT_DEVICE, group->devices);
}

static int property_get_assignments(sd_bus *bus, const char *path, const char *interface,
                                    const char *property, sd_bus_message *reply, void *userdata,
                                    sd_bus_error *error)
{
    const Group *group = userdata;
    g_autoptr(GPtrArray) ids = g_ptr_array_new();
    GHashTableIter iter;
    gpointer value;

    /* Those of each group are few, and of all there may be a thousand: they are sorted afterwards. */
    g_hash_table_iter_init(&iter, object_service(bus)->registry->assignments);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (g_strcmp0(((const Assignment *)value)->group, group->name) == 0)
            g_ptr_array_add(ids, ((const Assignment *)value)->id);
    return append_paths_sorted(reply, OBJECT_ASSIGNMENT, ids);
}

static int property_get_total(sd_bus *bus, const char *path, const char *interface, const char *property,
                              sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    const Group *group = userdata;

    return sd_bus_message_append(reply, "u", (uint32_t)group->devices->len);
}

/* ------------------------------------------------------------------ methods */

/* > 0: yes; else what the handler returns, see authorize(). rule: what it is about; NULL = the group. */
static int may(BusService *service, sd_bus_message *message, const Group *group, const char *rule,
               sd_bus_error *ret_error)
{
    g_auto(GStrv) details = details_for_group(group, rule, NULL);
    uint32_t uid;

    return authorize(service->authorizer, message, (const char *const *)details, &uid, ret_error);
}

static int method_assign(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    const Group *group = userdata;

    return assign_call(message, OBJECT_GROUP, group->name, ret_error);
}

static int method_update(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    const Group *group = userdata;
    GroupOptions options;
    g_autoptr(GError) error = NULL;
    int r;

    r = group_options_read(message, &options, ret_error);
    if (r < 0)
        return r;
    if (!manager_check_update_group(service->manager, group->name, &options.choices, &error))
        return bus_error_from_gerror(ret_error, error);
    r = may(service, message, group, NULL, ret_error);
    if (r < 0)
        return r;
    if (r == 0)
        return 1; /* comes back with the answer */

    manager_update_group(service->manager, group->name, &options.choices, call_done,
                         call_new(service, message));
    return 1;
}

static int method_delete(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    const Group *group = userdata;
    bool force = false;
    Option options[] = { { "Force", 'b', &force } };
    g_autoptr(GError) error = NULL;
    int r;

    r = options_read(message, options, G_N_ELEMENTS(options), ret_error);
    if (r < 0)
        return r;
    if (!manager_check_delete_group(service->manager, group->name, force, &error))
        return bus_error_from_gerror(ret_error, error);
    r = may(service, message, group, NULL, ret_error);
    if (r < 0)
        return r;
    if (r == 0)
        return 1; /* comes back with the answer */

    manager_delete_group(service->manager, group->name, force, call_done, call_new(service, message));
    return 1;
}

/* The rest of the handlers for rules. */
static int change_rule(sd_bus_message *message, const Group *group, const RuleChange *change,
                       ManagerDone done, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    g_autoptr(GError) error = NULL;
    int r;

    if (!manager_check_change_rule(service->manager, group->name, change, &error))
        return bus_error_from_gerror(ret_error, error);
    r = may(service, message, group, change->text ? change->text : group_find_rule(group, change->id)->text,
            ret_error);
    if (r < 0)
        return r;
    if (r == 0)
        return 1; /* comes back with the answer */

    manager_change_rule(service->manager, group->name, change, done, call_new(service, message));
    return 1;
}

/* In the core 0 stands for a new rule; on the bus there is none of that number. */
static int refuse_rule_0(const Group *group, sd_bus_error *ret_error)
{
    g_autoptr(GError) error = NULL;

    (void)find_rule(group, 0, &error);
    return bus_error_from_gerror(ret_error, error);
}

static int method_add_rule(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    RuleChange change = {};
    bool enabled;
    Option options[] = { { "Enabled", 'b', &enabled } };
    int r;

    r = sd_bus_message_read(message, "s", &change.text);
    if (r < 0)
        return r;
    r = options_read(message, options, G_N_ELEMENTS(options), ret_error);
    if (r < 0)
        return r;
    if (options[0].given)
        change.enabled = &enabled;
    return change_rule(message, userdata, &change, call_done_rule, ret_error);
}

static int method_update_rule(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    RuleChange change = {};
    bool enabled;
    Option options[] = { { "Enabled", 'b', &enabled } };
    int r;

    r = sd_bus_message_read(message, "us", &change.id, &change.text);
    if (r < 0)
        return r;
    r = options_read(message, options, G_N_ELEMENTS(options), ret_error);
    if (r < 0)
        return r;
    if (change.id == 0)
        return refuse_rule_0(userdata, ret_error);
    if (change.text[0] == '\0')
        change.text = NULL; /* as it is */
    if (options[0].given)
        change.enabled = &enabled;
    return change_rule(message, userdata, &change, call_done, ret_error);
}

static int method_remove_rule(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    RuleChange change = { .remove = true };
    int r;

    r = sd_bus_message_read(message, "u", &change.id);
    if (r < 0)
        return r;
    if (change.id == 0)
        return refuse_rule_0(userdata, ret_error);
    return change_rule(message, userdata, &change, call_done, ret_error);
}

#define MOVING(name, type, get, field) \
    SD_BUS_PROPERTY(name, type, get, offsetof(Group, field), SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE)

static const sd_bus_vtable group_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("Name", "s", NULL, offsetof(Group, name), SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Type", "s", property_get_type, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    MOVING("Description", "s", NULL, description),
    MOVING("Class", "s", property_get_class, class_value),
    MOVING("Icon", "s", property_get_icon, class_value),
    MOVING("Enabled", "b", property_get_bool, enabled),
    MOVING("AllowGuestReset", "b", property_get_bool, allow_guest_reset),
    MOVING("AllowGuestResetsAll", "b", property_get_bool, allow_guest_resets_all),
    MOVING("Priority", "i", NULL, priority),
    MOVING("File", "s", NULL, file),
    SD_BUS_PROPERTY("Tenant", "o", property_get_tenant_path, offsetof(Group, tenant),
                    SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Rules", "a(ubss)", property_get_rules, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Devices", "ao", property_get_devices, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Assignments", "ao", property_get_assignments, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Total", "u", property_get_total, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    MOVING("Free", "u", NULL, free),
    SD_BUS_METHOD_WITH_ARGS("Update", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT, method_update,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("AddRule", SD_BUS_ARGS("s", rule, "a{sv}", options), SD_BUS_RESULT("u", id),
                            method_add_rule, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("UpdateRule", SD_BUS_ARGS("u", id, "s", rule, "a{sv}", options), SD_BUS_NO_RESULT,
                            method_update_rule, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("RemoveRule", SD_BUS_ARGS("u", id), SD_BUS_NO_RESULT, method_remove_rule,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Delete", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT, method_delete,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Assign", SD_BUS_ARGS("o", machine, "a{sv}", options),
                            SD_BUS_RESULT("o", assignment), method_assign, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

static const FieldProperty group_properties[] = {
    { GROUP_FIELD_DESCRIPTION, "Description" },
    { GROUP_FIELD_CLASS, "Class" },
    { GROUP_FIELD_CLASS, "Icon" },
    { GROUP_FIELD_ENABLED, "Enabled" },
    { GROUP_FIELD_ALLOW_GUEST_RESET, "AllowGuestReset" },
    { GROUP_FIELD_ALLOW_GUEST_RESETS_ALL, "AllowGuestResetsAll" },
    { GROUP_FIELD_PRIORITY, "Priority" },
    { GROUP_FIELD_RULES, "Rules" },
    { GROUP_FIELD_RULES, "File" }, /* every rule's origin names it */
    { GROUP_FIELD_DEVICES, "Devices" },
    { GROUP_FIELD_DEVICES, "Total" },
    { GROUP_FIELD_ASSIGNMENTS, "Assignments" },
    { GROUP_FIELD_FREE, "Free" },
    {},
};

const ObjectKind group_object = {
    .type = OBJECT_GROUP,
    .interface = FERRY_INTERFACE_GROUP,
    .vtable = group_vtable,
    .properties = group_properties,
    .table = offsetof(Registry, groups),
};
