/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a worker does with one machine. */

#include "daemon/reconciler/machine-job.h"

static const char *const kind_names[_ORDER_KIND_MAX] = {
    [ORDER_INSPECT] = "inspect",
    [ORDER_ATTACH] = "attach",
    [ORDER_DETACH] = "detach",
};

ENUM_TABLE_DEFINE(OrderKind, order_kind, kind_names, _ORDER_KIND_INVALID);

Order *order_new(OrderKind kind, Hypervisor *hypervisor, const char *uuid)
{
    Order *order = g_new0(Order, 1);

    order->kind = kind;
    order->hypervisor = hypervisor;
    order->uuid = g_strdup(uuid);
    return order;
}

gpointer order_run(gpointer data, GError **error)
{
    Order *order = data;
    const HypervisorOps *ops = order->hypervisor->ops;
    OrderResult *result = g_new0(OrderResult, 1);

    switch (order->kind) {
    case ORDER_ATTACH:
        ops->attach(order->hypervisor, order->uuid, order->spec, &result->change_error);
        break;
    case ORDER_DETACH:
        ops->detach(order->hypervisor, order->uuid, order->alias, &result->change_error);
        break;
    case ORDER_INSPECT:
    case _ORDER_KIND_MAX:
    case _ORDER_KIND_INVALID:
        break;
    }
    result->info = ops->inspect(order->hypervisor, order->uuid, &result->info_error);
    return result;
}

void order_free(gpointer data)
{
    Order *order = data;

    g_free(order->uuid);
    g_free(order->alias);
    hostdev_spec_free(order->spec);
    g_free(order);
}

void order_result_free(gpointer data)
{
    OrderResult *result = data;

    g_clear_error(&result->change_error);
    g_clear_error(&result->info_error);
    machine_info_free(result->info);
    g_free(result);
}
