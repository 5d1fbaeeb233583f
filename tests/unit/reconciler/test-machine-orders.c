/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When an order is begun, when there is nothing to do for it, and what who waits hears. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/base/error.h"
#include "daemon/reconciler/machine-orders.h"
#include "tests/unit/fixture.h"

#define LONG_AFTER (120 * G_USEC_PER_SEC)

typedef struct Ordered {
    Fixture *fixture;
    Machine *desk;
    MachineOrders *orders;
    char *heard; /* "done", or the error; NULL = nothing yet */
} Ordered;

static void hear(const char *id, const GError *error, void *userdata)
{
    Ordered *self = userdata;

    assert_null(self->heard);
    self->heard = g_strdup(error ? error->message : "done");
}

/* desk has been looked at and runs. */
static int set_up(void **state)
{
    Ordered *self = g_new0(Ordered, 1);

    fixture_setup((void **)&self->fixture);
    self->fixture->registry->hypervisor_state = HYPERVISOR_STATE_CONNECTED;
    self->desk = registry_machine(self->fixture->registry, DESK);
    self->desk->inspected = true;
    self->desk->stale = self->desk->busy = false;
    self->desk->info->state = MACHINE_STATE_RUNNING;
    self->orders = machine_orders_new(self->fixture->registry);
    *state = self;
    return 0;
}

static int tear_down(void **state)
{
    Ordered *self = *state;

    machine_orders_free(self->orders);
    fixture_teardown((void **)&self->fixture);
    g_free(self->heard);
    g_free(self);
    return 0;
}

static void order_start(Ordered *self)
{
    machine_orders_add(self->orders, MACHINE_JOB_START, self->desk, NULL, hear, self);
}

static void turn(Ordered *self, gint64 later, const char *heard)
{
    gint64 wake = 0;

    machine_orders_turn(self->orders, g_get_monotonic_time() + later, &wake);
    if (g_strcmp0(self->heard, heard) != 0)
        fail_msg("heard %s, expected %s", self->heard ? self->heard : "nothing", heard ? heard : "nothing");
    g_clear_pointer(&self->heard, g_free);
}

/* What is known was seen before the order. */
static void test_one_that_runs_is_looked_at_first(void **state)
{
    Ordered *self = *state;

    self->desk->stale = true;
    order_start(self);
    turn(self, 0, NULL);
    self->desk->stale = false;
    self->desk->busy = true;
    turn(self, 0, NULL);
    self->desk->busy = false;
    assert_null(machine_orders_begin(self->orders, self->desk));
    turn(self, 0, "done");
    assert_int_equal(self->desk->starting, 0);
}

static void test_one_that_ended_is_started(void **state)
{
    Ordered *self = *state;
    const MachineOrder *order;
    g_autoptr(GError) error = g_error_new_literal(FERRY_ERROR, FERRY_ERROR_HYPERVISOR, "no disk");

    order_start(self);
    self->desk->info->state = MACHINE_STATE_SHUTOFF;
    order = machine_orders_begin(self->orders, self->desk);
    assert_non_null(order);
    assert_int_equal(order->kind, MACHINE_JOB_START);
    assert_null(machine_orders_begin(self->orders, self->desk));
    turn(self, 0, NULL);
    machine_orders_end(self->orders, order->id, error);
    turn(self, 0, "VM \"desk\" could not be started: no disk");
    assert_string_equal(self->desk->start_error, "no disk");
}

/* Which is being saved now, and off in a moment. */
static void test_one_that_changes_is_waited_for(void **state)
{
    Ordered *self = *state;

    self->desk->info->changing = true;
    order_start(self);
    turn(self, 0, NULL);
    turn(self, LONG_AFTER, "VM \"desk\" could not be started: libvirt is busy with it; try again later");
}

/* Behind a call that hangs nothing begins. */
static void test_one_that_hangs(void **state)
{
    Ordered *self = *state;

    self->desk->busy = self->desk->stale = true;
    order_start(self);
    turn(self, 0, NULL);
    self->desk->stuck = true;
    turn(self, 0, "done");
    self->desk->info->state = MACHINE_STATE_SHUTOFF;
    order_start(self);
    turn(self, 0, NULL);
    turn(self, LONG_AFTER, "VM \"desk\" could not be started: the VM does not answer");
}

static void test_one_that_cannot_be_read(void **state)
{
    Ordered *self = *state;

    self->desk->stale = true;
    self->desk->read_error = g_strdup("no XML");
    order_start(self);
    turn(self, LONG_AFTER, "VM \"desk\" could not be started: it can't be read: no XML");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_that_runs_is_looked_at_first), TEST(test_one_that_ended_is_started),
        TEST(test_one_that_changes_is_waited_for),   TEST(test_one_that_hangs),
        TEST(test_one_that_cannot_be_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
