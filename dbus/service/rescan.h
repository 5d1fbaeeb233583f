/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Rescans: everybody may ask for one, and it keeps the main loop busy; so there is at most one in
 * LIMIT_RESCAN_INTERVAL_MS, and all who ask until it begins get its answer. The handler of Manager.Rescan
 * uses it; nothing of it is known outside the main thread. */

#include <glib.h>
#include <systemd/sd-bus.h>

#include "daemon/manager/manager.h"
#include "dbus/service/changes.h"

typedef struct Rescans Rescans;

Rescans *rescans_new(Manager *manager, Changes *changes);
/* Who still waits gets no answer: the service leaves the bus. */
Rescans *rescans_free(Rescans *rescans);

/* Answers the call: now, or with the next rescan. Negative with an error when too many wait. */
int rescans_ask(Rescans *rescans, sd_bus_message *message, sd_bus_error *ret_error);
