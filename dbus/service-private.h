/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the object files see of the service. */

#include "daemon/manager.h"
#include "dbus/authorize.h"
#include "dbus/changes.h"
#include "dbus/sd-bus-cleanup.h"
#include "dbus/service.h"

struct BusService {
    Manager *manager;
    Registry *registry; /* the manager's */

    sd_bus *bus;
    GSource *source;
    GPtrArray *slots;        /* of sd_bus_slot */
    GPtrArray *object_slots; /* userdata of the vtables */
    Changes *changes;
    Authorizer *authorizer;
    GHashTable *calls; /* set of Call: accepted, to be answered; see dbus/call.h */

    BusLostFunc lost;
    void *lost_userdata;

    sd_bus_slot *retiring;
    void (*retired)(void *userdata);
    void *retired_userdata;
};
