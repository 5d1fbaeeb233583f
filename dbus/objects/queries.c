/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What everybody may ask of the root object. */

#include "dbus/objects/queries.h"

#include "daemon/allocation/explain.h"
#include "daemon/allocation/preview.h"
#include "daemon/manager/groups.h"
#include "daemon/model/find-device.h"
#include "daemon/model/find.h"
#include "dbus/bus/errors.h"
#include "dbus/bus/options.h"
#include "dbus/service/path.h"
#include "dbus/service/service-state.h"

static int reply_path(sd_bus_message *message, ObjectType type, const char *id)
{
    g_autofree char *path = object_path(type, id);

    return sd_bus_reply_method_return(message, "o", path);
}

/* The one text of a method that is open to everyone; valid as long as the message. */
static int read_open(sd_bus_message *message, const char **ret_text, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    int r = sd_bus_message_read(message, "s", ret_text);

    return r < 0 ? r : authorize(service->authorizer, message, NULL, NULL, ret_error);
}

int method_get_device(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    g_autoptr(GPtrArray) devices = NULL;
    g_autoptr(GError) error = NULL;
    const Device *device;
    const char *selector;
    int r;

    r = read_open(message, &selector, ret_error);
    if (r < 0)
        return r;
    devices = registry_sorted(service->registry->devices);
    device = find_device(selector, devices, &error);
    if (!device)
        return bus_error_from_gerror(ret_error, error);
    return reply_path(message, OBJECT_DEVICE, device->sysname);
}

int method_get_group(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    g_autoptr(GError) error = NULL;
    const Group *group;
    const char *name;
    int r;

    r = read_open(message, &name, ret_error);
    if (r < 0)
        return r;
    group = find_group(service->registry, name, &error);
    if (!group)
        return bus_error_from_gerror(ret_error, error);
    return reply_path(message, OBJECT_GROUP, group->name);
}

int method_get_tenant(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    g_autoptr(GError) error = NULL;
    const Tenant *tenant;
    const char *name;
    int r;

    r = read_open(message, &name, ret_error);
    if (r < 0)
        return r;
    tenant = find_tenant(service->registry, name, &error);
    if (!tenant)
        return bus_error_from_gerror(ret_error, error);
    return reply_path(message, OBJECT_TENANT, tenant->name);
}

int method_get_assignment(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    g_autoptr(GError) error = NULL;
    const Assignment *assignment;
    const char *name_or_id;
    int r;

    r = read_open(message, &name_or_id, ret_error);
    if (r < 0)
        return r;
    assignment = find_assignment(service->registry, name_or_id, &error);
    if (!assignment)
        return bus_error_from_gerror(ret_error, error);
    return reply_path(message, OBJECT_ASSIGNMENT, assignment->id);
}

int method_get_machine(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    g_autoptr(GError) error = NULL;
    const Machine *machine;
    const char *name_or_uuid;
    int r;

    r = read_open(message, &name_or_uuid, ret_error);
    if (r < 0)
        return r;
    machine = find_machine(service->registry, name_or_uuid, &error);
    if (!machine)
        return bus_error_from_gerror(ret_error, error);
    return reply_path(message, OBJECT_MACHINE, machine->info->uuid);
}

int method_test_rule(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    g_autoptr(sd_bus_message) reply = NULL;
    g_autoptr(GPtrArray) devices = NULL, sysnames = NULL;
    g_autoptr(GError) error = NULL;
    const char *rule;
    int r;

    r = read_open(message, &rule, ret_error);
    if (r < 0)
        return r;
    devices = manager_test_rule(service->manager, rule, &error);
    if (!devices)
        return bus_error_from_gerror(ret_error, error);

    sysnames = g_ptr_array_new();
    for (guint i = 0; i < devices->len; i++)
        g_ptr_array_add(sysnames, ((const Device *)devices->pdata[i])->sysname);
    r = sd_bus_message_new_method_return(message, &reply);
    if (r < 0)
        return r;
    r = append_paths(reply, OBJECT_DEVICE, sysnames);
    if (r < 0)
        return r;
    return sd_bus_send(NULL, reply, NULL);
}

static int append_preview(sd_bus_message *reply, const PreviewChange *change)
{
    g_autofree char *device = object_path(OBJECT_DEVICE, change->device);
    g_autofree char *assignment = object_path(OBJECT_ASSIGNMENT, change->assignment);

    return sd_bus_message_append(reply, "a{sv}", 5,             /* pairs */
                                 "Change", "s", change->change, /**/
                                 "Device", "o", device,         /**/
                                 "Assignment", "o", assignment, /**/
                                 "Code", "s", change->code,     /**/
                                 "Text", "s", change->text);
}

/* Without a group the rule is only looked at: nothing draws from a group that isn't there yet. */
static GPtrArray *preview(Manager *manager, const char *group, const RuleChange *change, GError **error)
{
    g_autoptr(GPtrArray) devices = NULL;

    if (group)
        return manager_preview_rule(manager, group, change, error);
    devices = manager_test_rule(manager, change->text, error);
    return devices ? g_ptr_array_new() : NULL;
}

int method_preview_rule(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    g_autoptr(sd_bus_message) reply = NULL;
    g_autoptr(GPtrArray) changes = NULL;
    g_autoptr(GError) error = NULL;
    RuleChange change = {};
    const char *group = NULL;
    bool enabled;
    enum { GROUP, RULE, REMOVE, ENABLED };
    Option options[] = {
        [GROUP] = { "Group", 's', &group },
        [RULE] = { "Rule", 'u', &change.id },
        [REMOVE] = { "Remove", 'b', &change.remove },
        [ENABLED] = { "Enabled", 'b', &enabled },
    };
    int r;

    r = sd_bus_message_read(message, "s", &change.text);
    if (r < 0)
        return r;
    r = options_read(message, options, G_N_ELEMENTS(options), ret_error);
    if (r < 0)
        return r;
    if (options[RULE].given && !group)
        return bus_error_setf(ret_error, FERRY_ERROR_INVALID_OPTION, "Rule: it goes with Group");
    if (options[RULE].given && change.id == 0)
        return bus_error_setf(ret_error, FERRY_ERROR_NO_SUCH_RULE, "rules are numbered from 1");
    if ((options[REMOVE].given || options[ENABLED].given) && !options[RULE].given)
        return bus_error_setf(ret_error, FERRY_ERROR_INVALID_OPTION, "%s: it goes with Rule",
                              options[REMOVE].given ? "Remove" : "Enabled");
    r = authorize(service->authorizer, message, NULL, NULL, ret_error);
    if (r < 0)
        return r;
    if (options[ENABLED].given)
        change.enabled = &enabled;
    if ((change.remove || change.enabled) && !*change.text)
        change.text = NULL;
    changes = preview(service->manager, group, &change, &error);
    if (!changes)
        return bus_error_from_gerror(ret_error, error);

    r = sd_bus_message_new_method_return(message, &reply);
    if (r < 0)
        return r;
    r = sd_bus_message_open_container(reply, SD_BUS_TYPE_ARRAY, "a{sv}");
    for (guint i = 0; r >= 0 && i < changes->len; i++)
        r = append_preview(reply, changes->pdata[i]);
    if (r < 0)
        return r;
    r = sd_bus_message_close_container(reply);
    if (r < 0)
        return r;
    return sd_bus_send(NULL, reply, NULL);
}

static int append_explanation(sd_bus_message *reply, const Explanation *explanation)
{
    return sd_bus_message_append(reply, "a{sv}", 6,                       /* pairs */
                                 "Kind", "s", explanation->kind,          /**/
                                 "Subject", "s", explanation->subject,    /**/
                                 "Verdict", "s", explanation->verdict,    /**/
                                 "Winner", "b", (int)explanation->winner, /**/
                                 "Code", "s", explanation->code,          /**/
                                 "Text", "s", explanation->text);
}

/* What it is about is in the path. */
static GPtrArray *explain_path(Registry *registry, const char *path, GError **error)
{
    g_autofree char *assignment = object_id(OBJECT_ASSIGNMENT, path, NULL);
    g_autofree char *group = object_id(OBJECT_GROUP, path, NULL);
    g_autofree char *machine = object_id(OBJECT_MACHINE, path, NULL);

    if (assignment) {
        const Assignment *found = registry_assignment(registry, assignment);

        if (!found)
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_ASSIGNMENT, "no such assignment: %s", path);
        return found ? explain_assignment(registry, found) : NULL;
    }
    if (group) {
        const Group *found = find_group(registry, group, error);

        return found ? explain_group(registry, found) : NULL;
    }
    if (machine) {
        const Machine *found = find_machine_by_uuid(registry, machine, error);

        return found ? explain_machine(registry, found) : NULL;
    }
    g_autofree char *device = object_id(OBJECT_DEVICE, path, error);
    const Device *found = device ? find_plugged_device(registry, device, error) : NULL;

    return found ? explain_device(registry, found) : NULL;
}

int method_explain(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    g_autoptr(sd_bus_message) reply = NULL;
    g_autoptr(GPtrArray) explanations = NULL;
    g_autoptr(GError) error = NULL;
    const char *path;
    int r;

    r = sd_bus_message_read(message, "o", &path);
    if (r < 0)
        return r;
    r = authorize(service->authorizer, message, NULL, NULL, ret_error);
    if (r < 0)
        return r;
    explanations = explain_path(service->registry, path, &error);
    if (!explanations)
        return bus_error_from_gerror(ret_error, error);

    r = sd_bus_message_new_method_return(message, &reply);
    if (r < 0)
        return r;
    r = sd_bus_message_open_container(reply, SD_BUS_TYPE_ARRAY, "a{sv}");
    if (r < 0)
        return r;
    for (guint i = 0; i < explanations->len; i++) {
        r = append_explanation(reply, explanations->pdata[i]);
        if (r < 0)
            return r;
    }
    r = sd_bus_message_close_container(reply);
    if (r < 0)
        return r;
    return sd_bus_send(NULL, reply, NULL);
}
