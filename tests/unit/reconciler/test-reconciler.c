/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When turns come, and what is asked for without one. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/reconciler/reconciler.h"
#include "tests/unit/fixture.h"
#include "tests/unit/reconciler/fake-hypervisor.h"

typedef struct Turning {
    char *top;
    Registry *registry;
    WorkerPool *pool;
    Store *store;
    Resets *resets;
    Reconciler *reconciler;
    unsigned turns;
    bool kicks;             /* the next turn asks for another one */
    bool knew;              /* a turn began with the list of VMs in */
    bool settled, starting; /* as the first turn that isn't settling left it */
    bool turned;
} Turning;

static void ignore(void *userdata)
{
}

/* The VMs of the list are being read when the first turn knows of them. */
static void turning(void *userdata)
{
    Turning *self = userdata;
    GHashTableIter iter;
    gpointer machine;

    if (self->knew || !self->registry->machines_known)
        return;
    self->knew = true;
    g_hash_table_iter_init(&iter, self->registry->machines);
    while (g_hash_table_iter_next(&iter, NULL, &machine))
        assert_false(((const Machine *)machine)->stale);
}

static void turned(const Allocation *allocation, void *userdata)
{
    Turning *self = userdata;

    self->turns++;
    self->turned = true;
    if (self->kicks)
        reconciler_kick(self->reconciler);
    self->kicks = false;
    if (!self->settled && !self->registry->settling) {
        self->settled = true;
        self->starting = self->registry->starting;
    }
}

static int set_up(void **state)
{
    enum { THREADS = 2 };
    static const UsbOps no_usb = {};
    Turning *self = g_new0(Turning, 1);
    g_autofree char *stored = NULL, *runtime = NULL;

    fake_hypervisor_clear();
    self->top = g_dir_make_tmp("ferry-turns-XXXXXX", NULL);
    stored = g_build_filename(self->top, "state", NULL);
    runtime = g_build_filename(self->top, "run", NULL);
    self->registry = registry_new("host");
    self->pool = fake_hypervisor_pool();
    self->store = store_new(stored, runtime, NULL);
    self->resets = resets_new(self->registry, self->pool, self->store, &no_usb, ignore, NULL);
    self->reconciler = reconciler_new(self->registry, self->pool, &fake_hypervisor, self->resets, &no_usb,
                                      turning, turned, self);
    *state = self;
    return 0;
}

static int tear_down(void **state)
{
    Turning *self = *state;
    const char *const command[] = { "rm", "-rf", self->top, NULL };

    reconciler_free(self->reconciler);
    resets_free(self->resets);
    worker_pool_free(self->pool);
    store_free(self->store);
    registry_free(self->registry);
    g_spawn_sync(NULL, (char **)command, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
    g_free(self->top);
    g_free(self);
    return 0;
}

static void wait_turns(Turning *self, unsigned n)
{
    while (self->turns < n) {
        self->turned = false;
        fake_hypervisor_wait(&self->turned);
    }
}

/* A turn would ask for the list, the next one for the looks, and only a third one could use them. */
static void test_reads_without_a_turn(void **state)
{
    Turning *self = *state;
    g_autofree char *log = NULL;

    fake_hypervisor_define(DESK, "desk", MACHINE_STATE_RUNNING);
    fake_hypervisor_define(STUDIO, "studio", MACHINE_STATE_SHUTOFF);
    reconciler_hypervisor_changed(self->reconciler);
    fake_hypervisor_wait_called("list");
    assert_int_equal(self->turns, 0);
    while (!self->settled)
        wait_turns(self, self->turns + 1);
    assert_true(self->knew);
    log = fake_hypervisor_take_log();
    assert_string_equal(log, "list inspect inspect");
}

/* What is seen in the turn that ends the settling was so before. */
static void test_the_turn_that_settles(void **state)
{
    Turning *self = *state;

    assert_true(self->registry->starting);
    reconciler_hypervisor_changed(self->reconciler);
    while (!self->settled)
        wait_turns(self, self->turns + 1);
    assert_true(self->starting);
    assert_false(self->registry->starting);
}

/* The one that was asked for, no other; and one that is asked for meanwhile comes by itself. */
static void test_turn_now(void **state)
{
    Turning *self = *state;

    reconciler_turn_now(self->reconciler);
    assert_int_equal(self->turns, 0);
    reconciler_kick(self->reconciler);
    reconciler_turn_now(self->reconciler);
    assert_int_equal(self->turns, 1);
    assert_null(g_main_context_find_source_by_user_data(NULL, self->reconciler));
    reconciler_turn_now(self->reconciler);
    assert_int_equal(self->turns, 1);
    reconciler_kick(self->reconciler);
    self->kicks = true;
    reconciler_turn_now(self->reconciler);
    assert_int_equal(self->turns, 2);
    wait_turns(self, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reads_without_a_turn),
        TEST(test_the_turn_that_settles),
        TEST(test_turn_now),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
