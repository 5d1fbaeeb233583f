/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The service on the system bus: the manager's objects, under one name. Main thread only. */

#include <glib.h>

#include "daemon/manager/manager.h"
#include "dbus/bus/bus-source.h"
#include "dbus/service/object.h"
#include "polkit/authority.h"

/* Connects to the system bus (DBUS_SYSTEM_BUS_ADDRESS is honoured), offers the objects and follows the
 * manager's changes. kinds: one of each type; they outlive the service. lost() is told when the connection
 * breaks. */
BusService *bus_service_new(Manager *manager, Authority *authority, const ObjectKind *const *kinds,
                            BusLostFunc lost, void *userdata, GError **error);
/* Frees what is left of calls that were never answered, so only after the manager. */
BusService *bus_service_free(BusService *service);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BusService, bus_service_free)

/* Asks for the bus name: the last step of a start. Blocks for the bus's answer. */
bool bus_service_publish(BusService *service, GError **error);

/* Gives the name back, goes on answering what came before that, then tells done(). Never blocks. */
void bus_service_retire(BusService *service, void (*done)(void *userdata), void *userdata);

/* Leaves the bus and forgets the manager, which may go now. */
void bus_service_close(BusService *service);
