/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* HostSleep: tells the manager when the host goes to sleep and wakes, by what logind says. Its signal is a
 * hint only, which anybody could send: logind is asked. A host without logind never sleeps as far as is known
 * here. Main thread only. */

#include <systemd/sd-bus.h>

#include "daemon/manager/manager.h"

typedef struct HostSleep HostSleep;

/* NULL when the bus refuses; nothing else is wrong then. */
HostSleep *host_sleep_new(sd_bus *bus, Manager *manager);
HostSleep *host_sleep_free(HostSleep *sleep);
