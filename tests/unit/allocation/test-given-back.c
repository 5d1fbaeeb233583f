/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A device that was given back alone: left out as long as there is anything to draw in its place. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/allocation/given-back.h"
#include "tests/unit/fixture.h"

#define POOL "aaaaaaaa"

static Assignment *pool(Fixture *fixture)
{
    return registry_assignment(fixture->registry, POOL);
}

/* Two of three dongles are in desk, and this one is given back. */
static void set_up(Fixture *fixture, const char *sysname, const char *quantity)
{
    fixture_plug(fixture, fixture_make_device(fixture, "1-1", 0x0529, 1, "A"));
    fixture_plug(fixture, fixture_make_device(fixture, "1-2", 0x0529, 1, "B"));
    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=0529", NULL });
    fixture_assign(fixture, POOL, DESK, "keys", NULL, quantity);
    fixture_put_into(fixture, "1-1", POOL);
    fixture_put_into(fixture, "1-2", POOL);
    g_array_append_val(pool(fixture)->given_back, registry_device(fixture->registry, sysname)->instance);
}

static bool is_over(Fixture *fixture, const char *sysname)
{
    return given_back_is_over(fixture->allocation, pool(fixture),
                              registry_device(fixture->registry, sysname)->instance);
}

static void claim(Fixture *fixture, const char *sysname)
{
    Claim *one = g_new0(Claim, 1);

    one->sysname = g_strdup(sysname);
    one->instance = registry_device(fixture->registry, sysname)->instance;
    g_ptr_array_add(pool(fixture)->claims, one);
}

static void take_out(Fixture *fixture, guint hostdev)
{
    g_ptr_array_remove_index(registry_machine(fixture->registry, DESK)->info->hostdevs, hostdev);
    fixture_look(fixture);
}

static void test_one_less(void **state)
{
    Fixture *fixture = *state;

    set_up(fixture, "1-1", "1");
    claim(fixture, "1-1");
    fixture_look(fixture);
    fixture_assert_gets(fixture, POOL, "1-2");
    fixture_assert_verdict(fixture, POOL, "1-1", VERDICT_GIVEN_BACK);
    assert_false(is_over(fixture, "1-1"));
    take_out(fixture, 0);
    assert_true(is_over(fixture, "1-1"));
}

static void test_another_one(void **state)
{
    Fixture *fixture = *state;

    set_up(fixture, "1-1", "2");
    claim(fixture, "1-1");
    fixture_look(fixture);
    /* Nothing is there instead, and home it stays. */
    fixture_assert_gets(fixture, POOL, "1-2");
    take_out(fixture, 0);
    fixture_assert_gets(fixture, POOL, "1-2");
    assert_false(is_over(fixture, "1-1"));
    fixture_plug(fixture, fixture_make_device(fixture, "1-3", 0x0529, 1, "C"));
    fixture_look(fixture);
    fixture_assert_gets(fixture, POOL, "1-2 1-3");
    /* It comes, and is not there yet. */
    assert_false(is_over(fixture, "1-1"));
    fixture_put_into(fixture, "1-3", POOL);
    fixture_look(fixture);
    assert_true(is_over(fixture, "1-1"));
}

static void test_a_machine_that_stops_begins_anew(void **state)
{
    Fixture *fixture = *state;
    Machine *desk;

    set_up(fixture, "1-1", "2");
    desk = registry_machine(fixture->registry, DESK);
    desk->inspected = false;
    fixture_look(fixture);
    assert_false(is_over(fixture, "1-1"));
    desk->inspected = true;
    desk->info->state = MACHINE_STATE_SHUTOFF;
    fixture_look(fixture);
    assert_true(is_over(fixture, "1-1"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_less),
        TEST(test_another_one),
        TEST(test_a_machine_that_stops_begins_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
