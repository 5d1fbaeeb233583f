/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which machines there are: what is new gets into the registry, what is missing is looked at. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/reconciler/machine-list.h"
#include "tests/unit/fixture.h"
#include "tests/unit/reconciler/fake-hypervisor.h"

typedef struct Listed {
    Fixture *fixture;
    WorkerPool *pool;
    MachineList *list;
    bool told, told_known;
} Listed;

static void note_result(void *userdata)
{
    Listed *self = userdata;

    self->told = true;
    self->told_known = self->fixture->registry->machines_known;
}

/* The registry knows three machines, the hypervisor only the first of them. */
static int set_up(void **state)
{
    Listed *self = g_new0(Listed, 1);

    fake_hypervisor_clear();
    fake_hypervisor_define(DESK, "desk", MACHINE_STATE_RUNNING);
    fixture_setup((void **)&self->fixture);
    self->fixture->registry->machines_known = false;
    self->pool = fake_hypervisor_pool();
    self->list = machine_list_new(self->fixture->registry, self->pool, &fake_hypervisor, note_result, self);
    *state = self;
    return 0;
}

static int tear_down(void **state)
{
    Listed *self = *state;

    worker_pool_free(self->pool);
    machine_list_free(self->list);
    fixture_teardown((void **)&self->fixture);
    g_free(self);
    return 0;
}

/* Long ago: nothing that is to be repeated later is due. */
#define NOW 1

/* Whether it was read; *ret_wake: when it is due otherwise. */
static bool turn(Listed *self, gint64 *ret_wake)
{
    g_autofree char *log = NULL;

    *ret_wake = 0;
    machine_list_turn(self->list, NOW, ret_wake);
    if (*ret_wake)
        return false;
    fake_hypervisor_wait(&self->told);
    log = fake_hypervisor_take_log();
    assert_string_equal(log, "list");
    return true;
}

static void test_takes_what_is_new(void **state)
{
    static const char other[] = "44444444-4444-4444-4444-444444444444";
    Listed *self = *state;
    Registry *registry = self->fixture->registry;
    gint64 wake = 0;

    /* Nobody wants it yet. */
    machine_list_turn(self->list, NOW, &wake);
    assert_int_equal(wake, 0);
    fake_hypervisor_define(other, "other", MACHINE_STATE_SHUTOFF);
    registry_machine(registry, LOFT)->busy = true;
    machine_list_want(self->list);
    assert_true(turn(self, &wake));
    /* Who is told finds them. */
    assert_true(self->told_known);
    assert_null(machine_list_failure(self->list));
    assert_non_null(registry_machine(registry, other));
    assert_string_equal(registry_machine(registry, other)->info->name, "other");
    assert_false(registry_machine(registry, other)->inspected);
    assert_true(registry_machine(registry, DESK)->stale);
    /* Missing: only a look at it tells that it is gone, and who is busy answers for itself. */
    assert_true(registry_machine(registry, STUDIO)->stale);
    assert_false(registry_machine(registry, LOFT)->stale);
    /* Once is enough: nothing is on its way that a new connection would have to ignore. */
    machine_list_turn(self->list, NOW, &wake);
    fake_hypervisor_define(STUDIO, "studio", MACHINE_STATE_RUNNING);
    registry_machine(registry, STUDIO)->stale = false;
    machine_list_forget(self->list);
    assert_true(turn(self, &wake));
    assert_true(registry_machine(registry, STUDIO)->stale);
}

static void test_tries_again(void **state)
{
    Listed *self = *state;
    gint64 before = g_get_monotonic_time(), wake, due;

    fake_hypervisor_fail(FAKE_LIST, FERRY_ERROR_HYPERVISOR);
    machine_list_want(self->list);
    assert_true(turn(self, &wake));
    assert_false(self->fixture->registry->machines_known);
    assert_string_equal(machine_list_failure(self->list), "its VMs cannot be listed: no luck");
    assert_false(turn(self, &due));
    assert_true(due >= before + G_USEC_PER_SEC);
    /* The next one is later still: what was wanted once more is read at once. */
    before = g_get_monotonic_time();
    machine_list_want(self->list);
    assert_true(turn(self, &wake));
    assert_false(turn(self, &due));
    assert_true(due >= before + 2 * G_USEC_PER_SEC);
    fake_hypervisor_fail(FAKE_LIST, _FERRY_ERROR_INVALID);
    machine_list_want(self->list);
    assert_true(turn(self, &wake));
    assert_null(machine_list_failure(self->list));
    assert_true(self->fixture->registry->machines_known);
}

/* What the old connection answers is ignored, and the new one is asked. */
static void test_another_connection(void **state)
{
    Listed *self = *state;
    gint64 wake = 0;

    machine_list_want(self->list);
    machine_list_turn(self->list, NOW, &wake);
    machine_list_forget(self->list);
    fake_hypervisor_wait(&self->told);
    assert_false(self->fixture->registry->machines_known);
    g_free(fake_hypervisor_take_log());
    assert_true(turn(self, &wake));
    assert_true(self->fixture->registry->machines_known);
}

static void test_its_queue(void **state)
{
    Listed *self = *state;
    gint64 wake;

    assert_false(machine_list_queue_idle(self->list, DESK));
    assert_true(machine_list_queue_idle(self->list, "machines"));
    assert_true(turn(self, &wake));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_takes_what_is_new),
        TEST(test_tries_again),
        TEST(test_another_connection),
        TEST(test_its_queue),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
