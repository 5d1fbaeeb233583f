/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Orders, from the call that gave one to the answer. Called by reconciler.c, machine-turn.c and dispatcher.c;
 * writes in a machine only whether it is being started, and why it wasn't. */

#include "daemon/reconciler/machine-orders.h"

#include "daemon/base/error.h"
#include "daemon/base/log.h"
#include "daemon/base/text.h"
#include "daemon/base/wake.h"

/* One that restores much memory takes its time; nobody is kept waiting for longer, and it goes on. */
#define DEADLINE_US (60 * G_USEC_PER_SEC)

struct MachineOrders {
    Registry *registry;
    GPtrArray *all; /* of MachineOrder, oldest first */
    unsigned last_id;
};

static void destroy_order(gpointer data)
{
    MachineOrder *order = data;

    g_free(order->uuid);
    g_free(order->model);
    g_clear_error(&order->error);
    g_free(order);
}

MachineOrders *machine_orders_new(Registry *registry)
{
    MachineOrders *self = g_new0(MachineOrders, 1);

    self->registry = registry;
    self->all = g_ptr_array_new_with_free_func(destroy_order);
    return self;
}

MachineOrders *machine_orders_free(MachineOrders *self)
{
    if (!self)
        return NULL;
    g_ptr_array_unref(self->all);
    g_free(self);
    return NULL;
}

void machine_orders_add(MachineOrders *self, MachineJobKind kind, Machine *machine, const char *model,
                        OrderDone done, void *userdata)
{
    MachineOrder *order = g_new0(MachineOrder, 1);

    order->id = ++self->last_id;
    order->kind = kind;
    order->uuid = g_strdup(machine->info->uuid);
    order->model = g_strdup(model);
    order->deadline = g_get_monotonic_time() + DEADLINE_US;
    order->done = done;
    order->userdata = userdata;
    g_ptr_array_add(self->all, order);
    if (kind == MACHINE_JOB_START) {
        machine->starting++;
        g_clear_pointer(&machine->start_error, g_free);
    }
}

/* A look that began after the order shows that the machine runs: there is nothing to be done. Of one that
 * hangs in a call nothing better than what was seen last can be known, and nothing could begin behind that
 * call. */
static bool is_so_already(const MachineOrder *order, const Machine *machine)
{
    bool is_known = machine->stuck || (!machine->stale && !machine->busy && !machine->info->changing);

    return order->kind == MACHINE_JOB_START && !order->begun && machine->inspected && is_known &&
           machine_is_active(machine);
}

const MachineOrder *machine_orders_begin(MachineOrders *self, const Machine *machine)
{
    for (guint i = 0; i < self->all->len; i++) {
        MachineOrder *order = self->all->pdata[i];

        if (order->begun || order->over || !g_str_equal(order->uuid, machine->info->uuid) ||
            is_so_already(order, machine))
            continue;
        order->begun = true;
        return order;
    }
    return NULL;
}

static void end(MachineOrders *self, MachineOrder *order, const GError *error)
{
    Machine *machine = registry_machine(self->registry, order->uuid);

    order->over = true;
    order->error = error ? g_error_copy(error) : NULL;
    if (!machine || order->kind != MACHINE_JOB_START)
        return;
    if (machine->starting > 0)
        machine->starting--;
    if (!error || machine_is_active(machine))
        return;
    g_free(machine->start_error);
    machine->start_error = g_strdup(error->message);
    log_object(G_LOG_LEVEL_WARNING, NULL, order->uuid, NULL, "VM \"%s\" could not be started: %s",
               machine->info->name, error->message);
}

void machine_orders_end(MachineOrders *self, unsigned id, const GError *error)
{
    for (guint i = 0; i < self->all->len; i++) {
        MachineOrder *order = self->all->pdata[i];

        if (order->id == id && !order->over)
            end(self, order, error);
    }
}

/* NULL: it goes on. */
static GError *find_trouble(MachineOrders *self, const MachineOrder *order, const Machine *machine,
                            gint64 now)
{
    Registry *registry = self->registry;

    if (registry->hypervisor_state != HYPERVISOR_STATE_CONNECTED)
        return g_error_new(FERRY_ERROR, FERRY_ERROR_HYPERVISOR, "the hypervisor is away: %s",
                           registry->hypervisor_text ? registry->hypervisor_text : "connecting");
    if (registry->machines_known && !machine)
        return g_error_new(FERRY_ERROR, FERRY_ERROR_NO_SUCH_MACHINE, "it is gone");
    if (now < order->deadline)
        return NULL;
    if (machine && !order->begun && machine->read_error)
        return g_error_new(FERRY_ERROR, FERRY_ERROR_HYPERVISOR, "it can't be read: %s", machine->read_error);
    return g_error_new(FERRY_ERROR, FERRY_ERROR_TIMEOUT,
                       order->begun ? "libvirt has not said how it went; see what the VM does"
                       : machine && machine->info->changing ? "libvirt is busy with it; try again later"
                                                            : "the VM does not answer");
}

static void look(MachineOrders *self, MachineOrder *order, gint64 now, gint64 *wake)
{
    const Machine *machine = registry_machine(self->registry, order->uuid);
    g_autoptr(GError) trouble = NULL;

    if (order->over)
        return;
    if (machine && is_so_already(order, machine)) {
        end(self, order, NULL);
        return;
    }
    trouble = find_trouble(self, order, machine, now);
    if (trouble)
        end(self, order, trouble);
    else
        wake_at(wake, order->deadline);
}

static void answer(MachineOrders *self, const MachineOrder *order)
{
    const Machine *machine = registry_machine(self->registry, order->uuid);
    g_autofree char *quoted = text_quote(machine ? machine->info->name : order->uuid);
    g_autoptr(GError) error = NULL;

    if (!order->done)
        return;
    if (order->error)
        error = g_error_new(order->error->domain, order->error->code, "VM %s could not be %s: %s", quoted,
                            order->kind == MACHINE_JOB_START ? "started" : "changed", order->error->message);
    order->done(error ? NULL : order->uuid, error, order->userdata);
}

void machine_orders_turn(MachineOrders *self, gint64 now, gint64 *wake)
{
    for (guint i = 0; i < self->all->len;) {
        MachineOrder *order = self->all->pdata[i];

        look(self, order, now, wake);
        if (!order->over) {
            i++;
            continue;
        }
        /* It may give others. */
        g_ptr_array_steal_index(self->all, i);
        answer(self, order);
        destroy_order(order);
    }
}
