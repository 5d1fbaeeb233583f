/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls for tenants. */

#include "tests/bus/cmocka-include.h"

#include "tests/bus/deadline.h"
#include "tests/bus/tenant-calls.h"

#include <stdlib.h>
#include <string.h>

char *tenant_path(const char *name)
{
    char *encoded = NULL;
    char *path;

    assert_true(sd_bus_path_encode(FERRY_PATH_TENANT_PREFIX, name, &encoded) >= 0);
    path = g_strdup(encoded);
    free(encoded);
    return path;
}

char *tenant_create(Fixture *fixture, const char *name, const char *member)
{
    sd_bus_message_unref(fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "CreateTenant",
                                         "sa{sv}", name, 1, "Members", "as", member ? 1 : 0, member));
    return tenant_path(name);
}

char *tenant_create_with(Fixture *fixture, const char *name, const char *member, const char *uuid)
{
    char *tenant = tenant_create(fixture, name, member);

    tenant_set_machine(fixture, tenant, uuid, true);
    return tenant;
}

void tenant_set_machine(Fixture *fixture, const char *tenant, const char *uuid, bool belongs)
{
    g_autofree char *machine = fixture_machine_path(uuid);

    sd_bus_message_unref(fixture_call_ok(fixture, tenant, FERRY_INTERFACE_TENANT,
                                         belongs ? "AddMachine" : "RemoveMachine", "o", machine));
}

char *tenant_grant(Fixture *fixture, const char *tenant, const char *sysname, const char *group)
{
    g_autofree char *device = fixture_device_path(sysname);
    sd_bus_message *reply =
        fixture_call_ok(fixture, tenant, FERRY_INTERFACE_TENANT, "Grant", "aosa{sv}", 1, device, group, 0);
    const char *path = NULL;
    char *copy;

    assert_true(sd_bus_message_read(reply, "o", &path) >= 0);
    copy = g_strdup(path);
    sd_bus_message_unref(reply);
    return copy;
}

void tenant_revoke(Fixture *fixture, const char *tenant, const char *sysname)
{
    g_autofree char *device = fixture_device_path(sysname);

    sd_bus_message_unref(
        fixture_call_ok(fixture, tenant, FERRY_INTERFACE_TENANT, "Revoke", "aoa{sv}", 1, device, 0));
}

void tenant_revoke_group(Fixture *fixture, const char *tenant, const char *group)
{
    sd_bus_message_unref(fixture_call_ok(fixture, tenant, FERRY_INTERFACE_TENANT, "Revoke", "aoa{sv}", 0, 1,
                                         "Group", "s", group));
}

char *tenant_grant_error(Fixture *fixture, const char *name, const char *tenant, const char *sysname,
                         const char *group)
{
    g_autofree char *device = fixture_device_path(sysname);

    return fixture_call_error(fixture, name, tenant, FERRY_INTERFACE_TENANT, "Grant", "aosa{sv}", 1, device,
                              group, 0);
}

char *tenant_assign_error(Fixture *fixture, const char *name, const char *source, const char *uuid)
{
    g_autofree char *path = *source == '/' ? g_strdup(source) : fixture_device_path(source);
    g_autofree char *machine = fixture_machine_path(uuid);

    return fixture_call_error(fixture, name, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign", "ooa{sv}",
                              path, machine, 0);
}

char *call_as(sd_bus *bus, const char *path, const char *interface, const char *member,
              sd_bus_message **ret_reply, const char *types, ...)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message *message = NULL;
    va_list arguments;
    char *name = NULL;

    assert_true(sd_bus_message_new_method_call(bus, &message, FERRY_BUS_NAME, path, interface, member) >= 0);
    va_start(arguments, types);
    assert_true(sd_bus_message_appendv(message, types, arguments) >= 0);
    va_end(arguments);
    if (sd_bus_call(bus, message, DEADLINE_US, &error, ret_reply) < 0)
        name = g_strdup(g_str_has_prefix(error.name, FERRY_ERROR_PREFIX)
                            ? error.name + strlen(FERRY_ERROR_PREFIX)
                            : error.name);
    sd_bus_error_free(&error);
    sd_bus_message_unref(message);
    return name;
}

void assert_tenant_of_device(Fixture *fixture, const char *sysname, const char *tenant)
{
    g_autofree char *device = fixture_device_path(sysname);

    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "Tenant", tenant ? tenant : "/");
}

void tenant_wait_device(Fixture *fixture, const char *sysname, const char *property, const char *value)
{
    g_autofree char *device = fixture_device_path(sysname);

    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, property, value);
}

void tenant_wait_state(Fixture *fixture, const char *assignment, const char *value)
{
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", value);
}

void tenant_start_machine(Fixture *fixture, const char *uuid, const char *name)
{
    g_autofree char *path = fixture_machine_path(uuid);

    g_free(fixture_script(fixture, "define %s %s", uuid, name));
    g_free(fixture_script(fixture, "start %s", uuid));
    fixture_wait(fixture, path, FERRY_INTERFACE_MACHINE, "State", "running");
}
