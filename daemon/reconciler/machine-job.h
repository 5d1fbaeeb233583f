/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Order: one piece of work on one machine, done by a worker: the change (if any) and then a fresh look at the
 * live XML. Holds copies only; the hypervisor's worker calls are made for several threads. */

#include <glib.h>

#include "daemon/base/enum-table.h"
#include "daemon/hypervisor/hypervisor.h"

typedef enum OrderKind {
    ORDER_INSPECT,
    ORDER_ATTACH,
    ORDER_DETACH,
    _ORDER_KIND_MAX,
    _ORDER_KIND_INVALID = -1,
} OrderKind;

ENUM_TABLE_DECLARE(OrderKind, order_kind);

typedef struct Order {
    OrderKind kind;
    Hypervisor *hypervisor;
    char *uuid;
    HostdevSpec *spec; /* ATTACH */
    char *alias;       /* DETACH */
} Order;

typedef struct OrderResult {
    GError *change_error; /* why the attach or detach failed; NULL = it didn't */
    MachineInfo *info;    /* NULL with info_error */
    GError *info_error;
} OrderResult;

Order *order_new(OrderKind kind, Hypervisor *hypervisor, const char *uuid);
/* For WorkerJob. */
gpointer order_run(gpointer order, GError **error); /* OrderResult, never NULL */
void order_free(gpointer order);
void order_result_free(gpointer result);
