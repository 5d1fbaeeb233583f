/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What Manager.Assign and ResourceGroup.Assign share. */

#include <systemd/sd-bus.h>

#include "daemon/model/change.h"

/* The rest of the handler, when the source (a device's sysname or a group's name) is known: reads the machine
 * and the options, asks, assigns, answers. */
int assign_call(sd_bus_message *message, ObjectType type, const char *source, sd_bus_error *ret_error);
