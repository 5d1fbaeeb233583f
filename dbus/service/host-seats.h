/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* HostSeats: tells the manager at which seats somebody sits, by logind's sessions. Its signals are hints
 * only, which anybody could send: logind is asked. On a host without logind nobody sits as far as is known
 * here. Main thread only. */

#include <systemd/sd-bus.h>

#include "daemon/manager/manager.h"

typedef struct HostSeats HostSeats;

/* NULL when the bus refuses; the manager takes every seat for one where somebody sits then. */
HostSeats *host_seats_new(sd_bus *bus, Manager *manager);
HostSeats *host_seats_free(HostSeats *seats);
