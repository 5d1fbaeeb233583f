/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The service's parts, as the handlers in dbus/objects and the answers in call.c see them. service.c makes
 * and frees them. */

#include "daemon/manager/manager.h"
#include "dbus/bus/bus-source.h"
#include "dbus/bus/sd-bus-cleanup.h"
#include "dbus/rights/authorize.h"
#include "dbus/bus/log-limit.h"
#include "dbus/service/changes.h"
#include "dbus/service/host-seats.h"
#include "dbus/service/host-sleep.h"
#include "dbus/service/notices.h"
#include "dbus/service/rescan.h"
#include "dbus/service/status-line.h"

struct BusService {
    Manager *manager;
    Registry *registry; /* the manager's */

    sd_bus *bus;
    GSource *source;
    sd_bus_slot *door;            /* the filter that measures calls */
    sd_bus_slot *managed_objects; /* filter: managed-objects.h */
    Objects *objects;
    Notices *notices;
    Changes *changes;
    StatusLine *status_line;
    Authorizer *authorizer;
    Rescans *rescans;
    HostSeats *host_seats; /* NULL = they can't be followed */
    HostSleep *host_sleep; /* NULL = it can't be followed */
    GHashTable *calls;     /* set of Call: accepted, to be answered; see dbus/service/call.h */
    LogLimit unanswered;   /* of lines about them */

    BusLostFunc lost;
    void *lost_userdata;

    sd_bus_slot *retiring;
    void (*retired)(void *userdata);
    void *retired_userdata;
};
