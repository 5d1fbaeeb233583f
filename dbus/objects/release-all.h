/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* ReleaseAll, of one machine and of the manager: all assignments there end, by one right. The handlers of
 * both call it with the options still to be read. */

#include <systemd/sd-bus.h>

#include "daemon/model/registry.h"

/* machine: NULL = of all. What a method's handler returns. */
int release_all_call(sd_bus_message *message, const Machine *machine, sd_bus_error *ret_error);
