/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Machine orders: what people want done with a machine itself, once each, and who waits to hear how it went.
 * The reconciler keeps them; machine-turn.c takes one when it has nothing else to do with the machine. They
 * aren't stored: an order is over when its machine is gone, or the hypervisor is. Main thread only. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/model/registry.h"
#include "daemon/reconciler/machine-job.h"

/* As ManagerDone: id is the machine's, or NULL with error. */
typedef void (*OrderDone)(const char *id, const GError *error, void *userdata);

typedef struct MachineOrder {
    unsigned id; /* never 0 */
    MachineJobKind kind;
    char *uuid;
    char *model; /* CONTROLLER */
    bool begun;
    bool over;
    GError *error; /* why it failed; NULL = it didn't */
    gint64 deadline;
    OrderDone done; /* NULL = nobody waits */
    void *userdata;
} MachineOrder;

typedef struct MachineOrders MachineOrders;

MachineOrders *machine_orders_new(Registry *registry);
/* Who still waits is told nothing. */
MachineOrders *machine_orders_free(MachineOrders *orders);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MachineOrders, machine_orders_free)

/* model: of a CONTROLLER. done() may be NULL. */
void machine_orders_add(MachineOrders *orders, MachineJobKind kind, Machine *machine, const char *model,
                        OrderDone done, void *userdata);
/* The next one for this machine, which is begun with this; NULL = none. */
const MachineOrder *machine_orders_begin(MachineOrders *orders, const Machine *machine);
/* How it went. */
void machine_orders_end(MachineOrders *orders, unsigned id, const GError *error);
/* Tells those whose order is over. *wake is moved forward to the next deadline. */
void machine_orders_turn(MachineOrders *orders, gint64 now, gint64 *wake);
