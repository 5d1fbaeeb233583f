/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a group has besides: those of it that are alike see the same, and nobody else does. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/allocation/left-over.h"
#include "tests/unit/fixture.h"

#define ONE   "aaaaaaaa"
#define OTHER "bbbbbbbb"

/* A group of three, none of which anybody gets: two who would have one, and their VMs have no port. */
static int set_up(void **state)
{
    Fixture *fixture;

    fixture_setup(state);
    fixture = *state;
    fixture_plug(fixture, fixture_make_device(fixture, "1-1", 0x0529, 1, "AAAA-1"));
    fixture_plug(fixture, fixture_make_device(fixture, "1-2", 0x0529, 1, "BBBB-2"));
    fixture_plug(fixture, fixture_make_device(fixture, "1-3", 0x0529, 1, "CCCC-3"));
    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=0529", NULL });
    fixture_assign(fixture, ONE, DESK, "keys", NULL, "1");
    fixture_assign(fixture, OTHER, STUDIO, "keys", NULL, "1");
    registry_machine(fixture->registry, DESK)->info->ports_known = true;
    registry_machine(fixture->registry, STUDIO)->info->ports_known = true;
    return 0;
}

static LeftOver left_over(Fixture *fixture, const char *id)
{
    return left_over_of(fixture->allocation, registry_assignment(fixture->registry, id));
}

static void assert_misses(Fixture *fixture, const char *id, const char *first, guint n)
{
    LeftOver left = left_over(fixture, id);

    assert_int_equal(left.n_missed, n);
    assert_ptr_equal(left.missed, registry_device(fixture->registry, first));
}

static void test_alike(void **state)
{
    Fixture *fixture = *state;

    fixture_look(fixture);
    assert_misses(fixture, ONE, "1-1", 3);
    assert_misses(fixture, OTHER, "1-1", 3);
    assert_misses(fixture, ONE, "1-1", 3);
}

static void test_what_is_taken(void **state)
{
    Fixture *fixture = *state;

    fixture_assign(fixture, "cccccccc", LOFT, NULL, "serial=AAAA-1", "1");
    fixture_look(fixture);
    assert_misses(fixture, ONE, "1-2", 2);
    assert_misses(fixture, OTHER, "1-2", 2);
}

/* Whatever is in the way of what it is to have. */
static void test_its_own(void **state)
{
    Fixture *fixture = *state;
    KernelFacts facts = { .authorized = false, .opens = KERNEL_OPENS_UNKNOWN };

    fixture_put_into(fixture, "1-1", ONE);
    kernel_word_take(&registry_device(fixture->registry, "1-1")->kernel, &facts, 1);
    fixture_look(fixture);
    fixture_assert_verdict(fixture, ONE, "1-1", VERDICT_UNAUTHORIZED);
    assert_misses(fixture, ONE, NULL, 0);
    assert_misses(fixture, OTHER, "1-2", 2);
}

static void test_another_vm(void **state)
{
    Fixture *fixture = *state;
    MachineInfo *studio = registry_machine(fixture->registry, STUDIO)->info;

    studio->state = MACHINE_STATE_SHUTOFF;
    fixture_look(fixture);
    assert_misses(fixture, ONE, "1-1", 3);
    assert_misses(fixture, OTHER, NULL, 0);

    /* Here and there are ports, and there is none for the speed of one. */
    studio->state = MACHINE_STATE_RUNNING;
    for (int i = 0; i < 2; i++) {
        MachineInfo *info = registry_machine(fixture->registry, i ? STUDIO : DESK)->info;

        g_free(info->usb_controller);
        info->usb_controller = g_strdup("ehci");
        info->free_ports = 2;
    }
    studio->usb_speeds = 1;
    registry_assignment(fixture->registry, ONE)->quantity_kind = QUANTITY_SET;
    registry_device(fixture->registry, "1-1")->is_hub = true;
    registry_device(fixture->registry, "1-2")->speeds = 2;
    registry_device(fixture->registry, "1-3")->speeds = 2;
    fixture_look(fixture);
    assert_misses(fixture, OTHER, "1-3", 1);
    assert_misses(fixture, ONE, NULL, 0);
}

static void test_what_was_given_back(void **state)
{
    Fixture *fixture = *state;

    g_array_append_val(registry_assignment(fixture->registry, OTHER)->given_back,
                       registry_device(fixture->registry, "1-1")->instance);
    fixture_look(fixture);
    assert_misses(fixture, ONE, "1-1", 3);
    assert_misses(fixture, OTHER, "1-2", 2);
}

static void test_soon(void **state)
{
    Fixture *fixture = *state;
    Machine *studio = registry_machine(fixture->registry, STUDIO);

    fixture_look(fixture);
    assert_false(left_over(fixture, ONE).soon);
    registry_machine(fixture->registry, DESK)->info->state = MACHINE_STATE_SHUTOFF;
    studio->info->state = MACHINE_STATE_SHUTOFF;
    studio->starting = 1;
    fixture_look(fixture);
    assert_false(left_over(fixture, ONE).soon);
    assert_true(left_over(fixture, OTHER).soon);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_alike),      TEST(test_what_is_taken),       TEST(test_its_own),
        TEST(test_another_vm), TEST(test_what_was_given_back), TEST(test_soon),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
