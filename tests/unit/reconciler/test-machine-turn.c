/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a machine has to do next: one step at a time, and none while nothing can be known. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/reconciler/machine-turn.h"
#include "tests/unit/fixture.h"
#include "tests/unit/reconciler/fake-hypervisor.h"

#define FIRST  "aaaaaaaa"
#define SECOND "bbbbbbbb"
#define NOW    1000

/* 1-1 and 1-2 are both assigned to DESK. */
static int set_up(void **state)
{
    Fixture *fixture;

    fixture_setup(state);
    fixture = *state;
    fixture_plug(fixture, fixture_make_device(fixture, "1-1", 0x0529, 1, "AAAA-1"));
    fixture_plug(fixture, fixture_make_device(fixture, "1-2", 0x0529, 2, "BBBB-2"));
    fixture_assign(fixture, FIRST, DESK, NULL, "serial=AAAA-1", "1");
    fixture_assign(fixture, SECOND, DESK, NULL, "serial=BBBB-2", "1");
    return 0;
}

static MachineStep step_of(Fixture *fixture, const char *uuid, gint64 *ret_wake)
{
    *ret_wake = 0;
    fixture_look(fixture);
    return machine_next_step(fixture->allocation, registry_machine(fixture->registry, uuid), NOW, ret_wake);
}

static void assert_step(Fixture *fixture, MachineStepKind kind, gint64 wake)
{
    gint64 its;
    MachineStep step = step_of(fixture, DESK, &its);

    assert_int_equal(step.kind, kind);
    assert_int_equal(its, wake);
}

static void assert_attaches(Fixture *fixture, const char *sysname)
{
    gint64 wake;
    MachineStep step = step_of(fixture, DESK, &wake);

    assert_int_equal(step.kind, MACHINE_STEP_ATTACH);
    assert_string_equal(step.want->device->sysname, sysname);
}

static void assert_detaches(Fixture *fixture, const Hostdev *hostdev)
{
    gint64 wake;
    MachineStep step = step_of(fixture, DESK, &wake);

    assert_int_equal(step.kind, MACHINE_STEP_DETACH);
    assert_ptr_equal(step.hostdev, hostdev);
}

static Removal *remove_it(Fixture *fixture, const Hostdev *hostdev, bool ordered, gint64 next_at)
{
    Removal *removal = g_new0(Removal, 1);

    removal->ordered = ordered;
    removal->next_at = next_at;
    g_hash_table_replace(registry_machine(fixture->registry, DESK)->removals, g_strdup(hostdev->alias),
                         removal);
    return removal;
}

static Claim *fail_to_attach(Fixture *fixture, const char *id, const char *sysname, gint64 next_at)
{
    Claim *claim = g_new0(Claim, 1);

    claim->sysname = g_strdup(sysname);
    claim->instance = registry_device(fixture->registry, sysname)->instance;
    claim->next_at = next_at;
    g_ptr_array_add(registry_assignment(fixture->registry, id)->claims, claim);
    return claim;
}

static void test_attaches_one_after_the_other(void **state)
{
    Fixture *fixture = *state;
    gint64 wake;

    assert_attaches(fixture, "1-1");
    fixture_put_into(fixture, "1-1", FIRST);
    assert_attaches(fixture, "1-2");
    fixture_put_into(fixture, "1-2", SECOND);
    assert_step(fixture, MACHINE_STEP_NONE, 0);
    /* The others have nothing to do with it. */
    assert_int_equal(step_of(fixture, STUDIO, &wake).kind, MACHINE_STEP_NONE);
}

static void test_not_now(void **state)
{
    Fixture *fixture = *state;
    Machine *desk = registry_machine(fixture->registry, DESK);

    desk->busy = desk->stale = true;
    assert_step(fixture, MACHINE_STEP_NONE, 0);
    desk->busy = false;
    assert_step(fixture, MACHINE_STEP_INSPECT, 0);
    desk->retry_at = NOW + 5;
    assert_step(fixture, MACHINE_STEP_NONE, NOW + 5);
    desk->retry_at = NOW;
    assert_step(fixture, MACHINE_STEP_INSPECT, 0);
    desk->stale = false;
    assert_attaches(fixture, "1-1");
    /* A call would wait for libvirt's lock, and count as one that hangs. */
    desk->info->changing = true;
    assert_step(fixture, MACHINE_STEP_NONE, 0);
}

static void note_result(void *userdata)
{
    *(bool *)userdata = true;
}

/* Without a turn: only a look, and only one that a turn would give. */
static void test_look_alone(void **state)
{
    Fixture *fixture = *state;
    Machine *desk = registry_machine(fixture->registry, DESK);
    bool told = false;
    Dispatcher dispatcher = { .registry = fixture->registry,
                              .pool = fake_hypervisor_pool(),
                              .hypervisor = &fake_hypervisor,
                              .changed = note_result,
                              .userdata = &told };
    gint64 wake = 0;
    g_autofree char *log = NULL;

    fake_hypervisor_clear();
    fake_hypervisor_define(DESK, "desk", MACHINE_STATE_RUNNING);
    /* 1-1 is to be attached. */
    machine_look(&dispatcher, desk, NOW, &wake);
    assert_false(desk->busy);
    desk->stale = true;
    desk->retry_at = NOW + 5;
    machine_look(&dispatcher, desk, NOW, &wake);
    assert_false(desk->busy);
    assert_int_equal(wake, NOW + 5);
    desk->retry_at = 0;
    machine_look(&dispatcher, desk, NOW, &wake);
    assert_true(desk->busy);
    /* One is on its way. */
    desk->stale = true;
    machine_look(&dispatcher, desk, NOW, &wake);
    assert_true(desk->stale); /* no job has taken it */
    fake_hypervisor_wait(&told);
    log = fake_hypervisor_take_log();
    assert_string_equal(log, "inspect");
    worker_pool_free(dispatcher.pool);
}

/* Whatever its last live XML showed. */
static void test_off(void **state)
{
    Fixture *fixture = *state;

    fixture_put_into(fixture, "1-1", FIRST);
    registry_assignment(fixture->registry, FIRST)->wanted = false;
    registry_machine(fixture->registry, DESK)->info->state = MACHINE_STATE_SHUTOFF;
    assert_step(fixture, MACHINE_STEP_NONE, 0);
}

/* A try that failed delays its own device only. */
static void test_tries_again_later(void **state)
{
    Fixture *fixture = *state;
    Claim *first = fail_to_attach(fixture, FIRST, "1-1", NOW + 9);

    assert_attaches(fixture, "1-2");
    fail_to_attach(fixture, SECOND, "1-2", NOW + 7);
    assert_step(fixture, MACHINE_STEP_NONE, NOW + 7);
    first->next_at = NOW;
    assert_attaches(fixture, "1-1");
}

/* The number is still listed for a device that is gone. */
static void test_number_is_taken(void **state)
{
    Fixture *fixture = *state;

    fixture_assign(fixture, "cccccccc", LOFT, NULL, "serial=CCCC", "1");
    fixture_put_into(fixture, "1-1", "cccccccc")->instance++;
    assert_attaches(fixture, "1-2");
}

static void test_takes_out_first(void **state)
{
    Fixture *fixture = *state;
    const Hostdev *hostdev = fixture_put_into(fixture, "1-2", SECOND);

    registry_assignment(fixture->registry, SECOND)->wanted = false;
    assert_detaches(fixture, hostdev);
    /* While the guest makes up its mind, the machine gets what it is to have. */
    remove_it(fixture, hostdev, true, NOW + 5);
    assert_attaches(fixture, "1-1");
    fixture_put_into(fixture, "1-1", FIRST);
    assert_step(fixture, MACHINE_STEP_NONE, NOW + 5);
}

/* Looked at when its time is over, and ordered again when it is still there. */
static void test_removal_without_event(void **state)
{
    Fixture *fixture = *state;
    const Hostdev *hostdev = fixture_put_into(fixture, "1-2", SECOND);
    const Removal *removal = remove_it(fixture, hostdev, true, NOW);

    registry_assignment(fixture->registry, SECOND)->wanted = false;
    assert_step(fixture, MACHINE_STEP_INSPECT, 0);
    assert_false(removal->ordered);
    assert_detaches(fixture, hostdev);
    /* Refused: not at once again. */
    remove_it(fixture, hostdev, false, NOW + 3);
    fixture_put_into(fixture, "1-1", FIRST);
    assert_step(fixture, MACHINE_STEP_NONE, NOW + 3);
}

/* Somebody changed his mind: the removal can't be called back, so it is waited for and then looked at. */
static void test_wanted_again(void **state)
{
    Fixture *fixture = *state;
    const Hostdev *hostdev = fixture_put_into(fixture, "1-2", SECOND);
    GHashTable *removals = registry_machine(fixture->registry, DESK)->removals;

    fixture_put_into(fixture, "1-1", FIRST);
    remove_it(fixture, hostdev, true, NOW + 5);
    assert_step(fixture, MACHINE_STEP_NONE, NOW + 5);
    assert_int_equal(g_hash_table_size(removals), 1);
    remove_it(fixture, hostdev, true, NOW);
    assert_step(fixture, MACHINE_STEP_INSPECT, 0);
    assert_int_equal(g_hash_table_size(removals), 0);
    assert_step(fixture, MACHINE_STEP_NONE, 0);
    /* One that libvirt refused is over at once. */
    remove_it(fixture, hostdev, false, NOW + 5);
    assert_step(fixture, MACHINE_STEP_INSPECT, 0);
    assert_int_equal(g_hash_table_size(removals), 0);
}

static void it_is_dead(Fixture *fixture, Hostdev *hostdev)
{
    g_hash_table_add(registry_machine(fixture->registry, DESK)->dead_aliases, g_strdup(hostdev->alias));
}

static void it_is_reset(Fixture *fixture, Hostdev *hostdev)
{
    reservations_set(fixture->registry->reservations, "1-2", SECOND, RESERVATION_RESET);
}

static void it_is_called_home(Fixture *fixture, Hostdev *hostdev)
{
    fixture->registry->held_home = true;
    /* So is the other one, which would come first. */
    registry_remove_assignment(fixture->registry, registry_assignment(fixture->registry, FIRST));
    g_ptr_array_remove_index(registry_machine(fixture->registry, DESK)->info->hostdevs, 0);
}

static void it_is_not_authorized(Fixture *fixture, Hostdev *hostdev)
{
    KernelWord *word = &registry_device(fixture->registry, "1-2")->kernel;

    word->seen_at = word->since[KERNEL_SIGN_UNAUTHORIZED] = NOW;
}

static void it_has_another_guest_reset(Fixture *fixture, Hostdev *hostdev)
{
    hostdev->guest_reset = GUEST_RESET_ON;
}

static void it_is_for_another_machine(Fixture *fixture, Hostdev *hostdev)
{
    Assignment *assignment = registry_assignment(fixture->registry, SECOND);

    g_free(assignment->machine_uuid);
    assignment->machine_uuid = g_strdup(STUDIO);
}

static void it_was_plugged_anew(Fixture *fixture, Hostdev *hostdev)
{
    registry_device(fixture->registry, "1-2")->instance++;
}

static void it_is_nobodys(Fixture *fixture, Hostdev *hostdev)
{
    registry_remove_assignment(fixture->registry, registry_assignment(fixture->registry, SECOND));
}

static void test_what_is_not_wanted(void **state)
{
    static void (*const reasons[])(Fixture * fixture, Hostdev * hostdev) = {
        it_is_dead,          it_is_reset,   it_has_another_guest_reset, it_is_for_another_machine,
        it_was_plugged_anew, it_is_nobodys, it_is_called_home,          it_is_not_authorized,
    };

    for (gsize i = 0; i < G_N_ELEMENTS(reasons); i++) {
        Fixture *fixture;
        Hostdev *hostdev;

        fixture_teardown(state);
        set_up(state);
        fixture = *state;
        fixture_put_into(fixture, "1-1", FIRST);
        hostdev = fixture_put_into(fixture, "1-2", SECOND);
        hostdev->guest_reset = GUEST_RESET_OFF;
        assert_step(fixture, MACHINE_STEP_NONE, 0);
        reasons[i](fixture, hostdev);
        assert_detaches(fixture, hostdev);
    }
}

/* Another program's is none of ours. */
static void test_foreign_stays(void **state)
{
    Fixture *fixture = *state;

    registry_assignment(fixture->registry, FIRST)->wanted = false;
    registry_assignment(fixture->registry, SECOND)->wanted = false;
    fixture_put_foreign(fixture, "1-1", DESK);
    assert_step(fixture, MACHINE_STEP_NONE, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_attaches_one_after_the_other),
        TEST(test_not_now),
        TEST(test_look_alone),
        TEST(test_off),
        TEST(test_tries_again_later),
        TEST(test_number_is_taken),
        TEST(test_takes_out_first),
        TEST(test_removal_without_event),
        TEST(test_wanted_again),
        TEST(test_what_is_not_wanted),
        TEST(test_foreign_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
