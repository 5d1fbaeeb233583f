/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The handlers that give something to a machine, or say what would come of it; manager.c and group.c have
 * them in their vtables. */

#include <systemd/sd-bus.h>

#include "daemon/model/change.h"

/* The rest of the handler, when the source (a device's sysname or a group's name) is known: reads the machine
 * and the options, asks, assigns, answers. */
int assign_call(sd_bus_message *message, ObjectType type, const char *source, sd_bus_error *ret_error);

int method_assign(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_assign_many(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_check_assign(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
