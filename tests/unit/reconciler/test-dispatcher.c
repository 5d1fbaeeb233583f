/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Jobs out, results in: what a worker reports is compared, never assumed. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/base/log.h"
#include "daemon/reconciler/dispatcher.h"
#include "daemon/reconciler/status-update.h"
#include "tests/unit/fixture.h"
#include "tests/unit/reconciler/fake-hypervisor.h"

#define PINNED "aaaaaaaa"

typedef struct Dispatched {
    Fixture *fixture;
    Machine *desk;
    Dispatcher dispatcher;
    bool told;
} Dispatched;

static void note_result(void *userdata)
{
    ((Dispatched *)userdata)->told = true;
}

/* 1-1 is assigned to DESK, which runs. */
static int set_up(void **state)
{
    Dispatched *self = g_new0(Dispatched, 1);

    fake_hypervisor_clear();
    fake_hypervisor_define(DESK, "desk", MACHINE_STATE_RUNNING);
    fixture_setup((void **)&self->fixture);
    fixture_plug(self->fixture, fixture_make_device(self->fixture, "1-1", 0x0529, 1, "AAAA-1"));
    fixture_assign(self->fixture, PINNED, DESK, NULL, "serial=AAAA-1", "1");
    self->desk = registry_machine(self->fixture->registry, DESK);
    self->dispatcher = (Dispatcher){ .registry = self->fixture->registry,
                                     .pool = fake_hypervisor_pool(),
                                     .hypervisor = &fake_hypervisor,
                                     .changed = note_result,
                                     .userdata = self };
    fixture_look(self->fixture);
    status_update(self->fixture->registry, self->fixture->allocation);
    *state = self;
    return 0;
}

static int tear_down(void **state)
{
    Dispatched *self = *state;

    worker_pool_free(self->dispatcher.pool);
    fixture_teardown((void **)&self->fixture);
    g_free(self);
    return 0;
}

static void attach(Dispatched *self)
{
    dispatcher_attach(
        &self->dispatcher, self->desk,
        allocation_want(self->fixture->allocation, registry_device(self->fixture->registry, "1-1")));
}

static Claim *claim_of(Dispatched *self)
{
    return assignment_claim(registry_assignment(self->fixture->registry, PINNED), "1-1",
                            registry_device(self->fixture->registry, "1-1")->instance);
}

static const Hostdev *only_hostdev(Dispatched *self)
{
    assert_int_equal(self->desk->info->hostdevs->len, 1);
    return self->desk->info->hostdevs->pdata[0];
}

static void test_attach(void **state)
{
    Dispatched *self = *state;
    const Device *device = registry_device(self->fixture->registry, "1-1");

    claim_of(self)->failures = 2;
    claim_of(self)->error = g_error_new_literal(FERRY_ERROR, FERRY_ERROR_HYPERVISOR, "before");
    attach(self);
    assert_true(self->desk->busy);
    assert_string_equal(self->desk->in_flight->assignment_id, PINNED);
    assert_int_equal(self->desk->in_flight->device_number, device->device_number);
    fake_hypervisor_wait(&self->told);
    assert_false(self->desk->busy);
    assert_null(self->desk->in_flight);
    assert_string_equal(only_hostdev(self)->assignment_id, PINNED);
    assert_true(only_hostdev(self)->instance == device->instance);
    assert_int_equal(only_hostdev(self)->guest_reset, GUEST_RESET_OFF);
    assert_int_equal(claim_of(self)->failures, 0);
    assert_null(claim_of(self)->error);
}

/* Of many devices that come at the same time, one is enough. */
static void test_prepare(void **state)
{
    Dispatched *self = *state;

    for (int i = 0; i < 2; i++) {
        g_autofree char *log = NULL;

        dispatcher_prepare(&self->dispatcher);
        dispatcher_prepare(&self->dispatcher);
        while (self->dispatcher.preparing)
            g_main_context_iteration(NULL, TRUE);
        log = fake_hypervisor_take_log();
        assert_string_equal(log, "prepare");
    }
}

/* Until the live XML shows it there, nobody else knows which bus it takes a port of. */
static void test_attach_onto_a_bus(void **state)
{
    Dispatched *self = *state;
    Want *want = allocation_want(self->fixture->allocation, registry_device(self->fixture->registry, "1-1"));

    want->on_bus = true;
    want->bus = 2;
    attach(self);
    assert_true(self->desk->in_flight->on_bus);
    assert_int_equal(self->desk->in_flight->bus, 2);
    fake_hypervisor_wait(&self->told);
}

static void test_attach_fails(void **state)
{
    Dispatched *self = *state;
    gint64 before = g_get_monotonic_time();

    fake_hypervisor_fail(FAKE_ATTACH, FERRY_ERROR_NO_FREE_PORT);
    attach(self);
    fake_hypervisor_wait(&self->told);
    assert_null(self->desk->in_flight);
    assert_int_equal(self->desk->info->hostdevs->len, 0);
    assert_int_equal(claim_of(self)->failures, 1);
    assert_true(g_error_matches(claim_of(self)->error, FERRY_ERROR, FERRY_ERROR_NO_FREE_PORT));
    assert_true(claim_of(self)->next_at >= before + G_USEC_PER_SEC / 2);
    before = g_get_monotonic_time();
    attach(self);
    fake_hypervisor_wait(&self->told);
    assert_int_equal(claim_of(self)->failures, 2);
    assert_true(claim_of(self)->next_at >= before + G_USEC_PER_SEC);
}

static void test_detach(void **state)
{
    Dispatched *self = *state;
    g_autofree char *alias = NULL;
    gint64 now = g_get_monotonic_time();
    const Removal *removal;

    attach(self);
    fake_hypervisor_wait(&self->told);
    alias = g_strdup(only_hostdev(self)->alias);
    fake_hypervisor_fail(FAKE_DETACH, FERRY_ERROR_HYPERVISOR);
    dispatcher_detach(&self->dispatcher, self->desk, only_hostdev(self), now);
    removal = g_hash_table_lookup(self->desk->removals, alias);
    assert_true(removal->ordered);
    assert_true(removal->next_at > now);
    fake_hypervisor_wait(&self->told);
    removal = g_hash_table_lookup(self->desk->removals, alias);
    assert_false(removal->ordered);
    assert_string_equal(removal->error, "no luck");
    assert_int_equal(removal->tries, 1);
    /* It is gone when the live XML doesn't show it any more, and so is what was remembered. */
    fake_hypervisor_fail(FAKE_DETACH, _FERRY_ERROR_INVALID);
    dispatcher_detach(&self->dispatcher, self->desk, only_hostdev(self), now);
    fake_hypervisor_wait(&self->told);
    assert_int_equal(self->desk->info->hostdevs->len, 0);
    assert_int_equal(g_hash_table_size(self->desk->removals), 0);
}

static void count_failure(const LogLine *line, void *userdata)
{
    *(unsigned *)userdata += line->event == LOG_EVENT_DETACH_FAILED;
}

/* What a VM that has just ended had isn't told as a failure; anything else is. */
static void test_detach_as_it_ends(void **state)
{
    Dispatched *self = *state;
    unsigned failures = 0;

    attach(self);
    fake_hypervisor_wait(&self->told);
    log_listen(count_failure, &failures);
    fake_hypervisor_fail(FAKE_DETACH, FERRY_ERROR_MACHINE_NOT_RUNNING);
    dispatcher_detach(&self->dispatcher, self->desk, only_hostdev(self), g_get_monotonic_time());
    fake_hypervisor_wait(&self->told);
    assert_int_equal(failures, 0);
    fake_hypervisor_fail(FAKE_DETACH, FERRY_ERROR_HYPERVISOR);
    dispatcher_detach(&self->dispatcher, self->desk, only_hostdev(self), g_get_monotonic_time());
    fake_hypervisor_wait(&self->told);
    log_listen(NULL, NULL);
    assert_int_equal(failures, 1);
}

/* Whatever comes from the connection before says nothing of the machine. */
static void test_another_connection(void **state)
{
    Dispatched *self = *state;

    attach(self);
    self->dispatcher.connection++;
    fake_hypervisor_wait(&self->told);
    assert_false(self->desk->busy);
    assert_null(self->desk->in_flight);
    assert_true(self->desk->stale);
    assert_int_equal(self->desk->info->hostdevs->len, 0);
}

static void test_cannot_be_read(void **state)
{
    Dispatched *self = *state;
    gint64 before = g_get_monotonic_time();

    fake_hypervisor_fail(FAKE_INSPECT, FERRY_ERROR_HYPERVISOR);
    dispatcher_inspect(&self->dispatcher, self->desk);
    fake_hypervisor_wait(&self->told);
    assert_string_equal(self->desk->read_error, "no luck");
    assert_true(self->desk->stale);
    assert_true(self->desk->retry_at > before);
    fake_hypervisor_fail(FAKE_INSPECT, _FERRY_ERROR_INVALID);
    dispatcher_inspect(&self->dispatcher, self->desk);
    fake_hypervisor_wait(&self->told);
    assert_null(self->desk->read_error);
    assert_false(self->desk->stale);
}

/* What failed before has nothing to say once the machine has started. */
static void test_starts(void **state)
{
    Dispatched *self = *state;

    self->desk->info->state = MACHINE_STATE_SHUTOFF;
    self->desk->inspected = false;
    claim_of(self)->failures = 4;
    claim_of(self)->next_at = G_MAXINT64;
    dispatcher_inspect(&self->dispatcher, self->desk);
    fake_hypervisor_wait(&self->told);
    assert_true(self->desk->inspected);
    assert_int_equal(self->desk->info->state, MACHINE_STATE_RUNNING);
    assert_int_equal(claim_of(self)->failures, 0);
    assert_int_equal(claim_of(self)->next_at, 0);
}

static void test_gone(void **state)
{
    Dispatched *self = *state;
    Machine *studio = registry_machine(self->fixture->registry, STUDIO);

    fake_hypervisor_undefine(DESK);
    dispatcher_inspect(&self->dispatcher, self->desk);
    fake_hypervisor_wait(&self->told);
    assert_null(registry_machine(self->fixture->registry, DESK));
    /* The registry was faster. */
    dispatcher_inspect(&self->dispatcher, studio);
    registry_remove_machine(self->fixture->registry, studio);
    fake_hypervisor_wait(&self->told);
    assert_null(registry_machine(self->fixture->registry, STUDIO));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_attach),
        TEST(test_prepare),
        TEST(test_attach_onto_a_bus),
        TEST(test_attach_fails),
        TEST(test_detach),
        TEST(test_detach_as_it_ends),
        TEST(test_another_connection),
        TEST(test_starts),
        TEST(test_cannot_be_read),
        TEST(test_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
