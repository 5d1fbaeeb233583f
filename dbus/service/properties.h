/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Getters for plain fields, for the vtables of dbus/objects: userdata is the field's address (offsetof in the
 * vtable). They read and change nothing. */

#include <systemd/sd-bus.h>

int property_get_bool(sd_bus *bus, const char *path, const char *interface, const char *property,
                      sd_bus_message *reply, void *userdata, sd_bus_error *error);
/* char *: an id or NULL */
int property_get_device_path(sd_bus *bus, const char *path, const char *interface, const char *property,
                             sd_bus_message *reply, void *userdata, sd_bus_error *error);
int property_get_machine_path(sd_bus *bus, const char *path, const char *interface, const char *property,
                              sd_bus_message *reply, void *userdata, sd_bus_error *error);
int property_get_group_path(sd_bus *bus, const char *path, const char *interface, const char *property,
                            sd_bus_message *reply, void *userdata, sd_bus_error *error);
int property_get_assignment_path(sd_bus *bus, const char *path, const char *interface, const char *property,
                                 sd_bus_message *reply, void *userdata, sd_bus_error *error);
int property_get_tenant_path(sd_bus *bus, const char *path, const char *interface, const char *property,
                             sd_bus_message *reply, void *userdata, sd_bus_error *error);
