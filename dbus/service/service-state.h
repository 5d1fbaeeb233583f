/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the object files see of the service. */

#include "daemon/manager/manager.h"
#include "dbus/rights/authorize.h"
#include "dbus/service/changes.h"
#include "dbus/bus/sd-bus-cleanup.h"
#include "dbus/service/service.h"

struct BusService {
    Manager *manager;
    Registry *registry; /* the manager's */

    sd_bus *bus;
    GSource *source;
    GPtrArray *slots;        /* of sd_bus_slot */
    GPtrArray *object_slots; /* userdata of the vtables */
    Changes *changes;
    Authorizer *authorizer;
    GHashTable *calls; /* set of Call: accepted, to be answered; see dbus/service/call.h */

    BusLostFunc lost;
    void *lost_userdata;

    sd_bus_slot *retiring;
    void (*retired)(void *userdata);
    void *retired_userdata;
};
