/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Manager.CheckRelease: what would come of Assignment.Release or ReleaseDevice. manager.c has it in its
 * vtable. */

#include <systemd/sd-bus.h>

int method_check_release(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
