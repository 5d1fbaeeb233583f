/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Manager.GetHistory, for manager.c. */

#include <systemd/sd-bus.h>

int method_get_history(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
