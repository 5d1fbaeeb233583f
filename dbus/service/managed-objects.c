/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All objects in one message. */

#include "dbus/service/managed-objects.h"

#include "daemon/manager/object-bytes.h"
#include "dbus/bus/errors.h"
#include "dbus/bus/limits.h"

int managed_objects_check(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    Registry *registry = userdata;
    gsize bytes;

    if (sd_bus_message_is_method_call(message, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects") <=
        0)
        return 0;
    bytes = object_bytes_of_all(registry);
    if (bytes <= LIMIT_MESSAGE)
        return 0;
    return bus_error_setf(ret_error, FERRY_ERROR_LIMIT_EXCEEDED,
                          "all objects together are %" G_GSIZE_FORMAT
                          " bytes, and the bus takes %d: too many devices are in too many groups",
                          bytes, LIMIT_MESSAGE);
}
