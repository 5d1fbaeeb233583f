/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Getters that the vtables share. */

#include "dbus/service/properties.h"

#include <stdbool.h>

#include "dbus/service/path.h"

int property_get_bool(sd_bus *bus, const char *path, const char *interface, const char *property,
                      sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    const int value = *(const bool *)userdata;

    return sd_bus_message_append_basic(reply, SD_BUS_TYPE_BOOLEAN, &value);
}

int property_get_device_path(sd_bus *bus, const char *path, const char *interface, const char *property,
                             sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    return append_path(reply, OBJECT_DEVICE, *(char *const *)userdata);
}

int property_get_machine_path(sd_bus *bus, const char *path, const char *interface, const char *property,
                              sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    return append_path(reply, OBJECT_MACHINE, *(char *const *)userdata);
}

int property_get_group_path(sd_bus *bus, const char *path, const char *interface, const char *property,
                            sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    return append_path(reply, OBJECT_GROUP, *(char *const *)userdata);
}

int property_get_assignment_path(sd_bus *bus, const char *path, const char *interface, const char *property,
                                 sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    return append_path(reply, OBJECT_ASSIGNMENT, *(char *const *)userdata);
}

int property_get_tenant_path(sd_bus *bus, const char *path, const char *interface, const char *property,
                             sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    return append_path(reply, OBJECT_TENANT, *(char *const *)userdata);
}
