/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A device is reserved for who had it as long as that one is to have it, and no longer. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/reconciler/reattach.h"
#include "tests/unit/fixture.h"

#define POOL   "aaaaaaaa"
#define PINNED "bbbbbbbb"
#define SET    "cccccccc"

/* 1-1 is of a pool, 1-2 is pinned, 1-3 and 1-4 are a set; all are out, to come back. */
static int set_up(void **state)
{
    static const struct {
        const char *sysname, *id;
    } out[] = { { "1-1", POOL }, { "1-2", PINNED }, { "1-3", SET }, { "1-4", SET } };
    Fixture *fixture;

    fixture_setup(state);
    fixture = *state;
    fixture_plug(fixture, fixture_make_device(fixture, "1-1", 0x0529, 1, "AAAA-1"));
    fixture_plug(fixture, fixture_make_device(fixture, "1-2", 0x0529, 2, "BBBB-2"));
    fixture_plug(fixture, fixture_make_device(fixture, "1-3", 0x0529, 3, "CCCC-3"));
    fixture_plug(fixture, fixture_make_device(fixture, "1-4", 0x0529, 4, "DDDD-4"));
    fixture_add_group(fixture, "keys", (const char *const[]){ "product=0001", NULL });
    fixture_add_group(fixture, "pair", (const char *const[]){ "product=0003", "product=0004", NULL });
    fixture_assign(fixture, POOL, DESK, "keys", NULL, "1");
    fixture_assign(fixture, PINNED, DESK, NULL, "serial=BBBB-2", "1");
    fixture_assign(fixture, SET, DESK, "pair", NULL, "set");
    for (gsize i = 0; i < G_N_ELEMENTS(out); i++)
        reservations_set(fixture->registry->reservations, out[i].sysname, out[i].id, RESERVATION_REATTACH);
    return 0;
}

static bool look_at(Fixture *fixture, gint64 now, gint64 *ret_wake)
{
    *ret_wake = 0;
    fixture_look(fixture);
    return reattach_end_all(fixture->allocation, now, ret_wake);
}

static bool look(Fixture *fixture)
{
    gint64 wake;

    return look_at(fixture, 1, &wake);
}

static bool is_reserved(Fixture *fixture, const char *sysname)
{
    return reservations_find(fixture->registry->reservations, sysname) != NULL;
}

static guint count(Fixture *fixture)
{
    g_autoptr(GPtrArray) reservations = reservations_sorted(fixture->registry->reservations);

    return reservations->len;
}

/* It was taken out, and its way back fails again and again: the others have waited long enough. */
static void test_no_way_back(void **state)
{
    Fixture *fixture = *state;
    gint64 wake, ignored;

    fixture_put_into(fixture, "1-1", POOL);
    fixture_put_into(fixture, "1-2", PINNED);
    fixture_put_into(fixture, "1-3", SET);
    fixture_put_into(fixture, "1-4", SET);
    assert_false(look_at(fixture, 1, &wake));
    assert_int_equal(wake, 0);
    g_ptr_array_set_size(registry_machine(fixture->registry, DESK)->info->hostdevs, 0);
    assert_false(look_at(fixture, 1000, &wake));
    assert_true(wake > 1000);
    assert_false(look_at(fixture, wake - 1, &ignored));
    assert_int_equal(ignored, wake);
    assert_true(look_at(fixture, wake, &ignored));
    assert_int_equal(ignored, 0);
    assert_int_equal(count(fixture), 0);
}

/* What passes by itself. */
static void test_reservations_last(void **state)
{
    Fixture *fixture = *state;
    Machine *desk = registry_machine(fixture->registry, DESK);

    assert_false(look(fixture));
    fixture->registry->enabled = false;
    assert_false(look(fixture));
    desk->inspected = false;
    assert_false(look(fixture));
    fixture->registry->machines_known = false;
    assert_false(look(fixture));
    assert_int_equal(count(fixture), 4);
}

/* In the eyes of fixture_look(), whose time stands still. */
static void quarantine(Fixture *fixture, const char *sysname)
{
    enum { STRIKES = 3 };

    for (int i = 0; i < STRIKES; i++)
        quarantines_strike(fixture->registry->quarantines, registry_device(fixture->registry, sysname),
                           QUARANTINE_LOST, NULL, 1);
}

#define LONG (G_GINT64_CONSTANT(3600) * G_USEC_PER_SEC)

/* What it waits for may last longer than the way back: it comes back all the same, also what only stays where
 * it was, as the whole service gives nothing. */
static void test_waits_as_long_as_it_takes(void **state)
{
    Fixture *fixture = *state;
    gint64 wake;

    quarantine(fixture, "1-1");
    quarantine(fixture, "1-2");
    quarantine(fixture, "1-3");
    /* The other one of the set never left. */
    reservations_end(fixture->registry->reservations, "1-4");
    fixture_put_into(fixture, "1-4", SET);
    assert_false(look_at(fixture, 1, &wake));
    assert_false(look_at(fixture, LONG, &wake));
    assert_true(is_reserved(fixture, "1-1"));
    assert_true(is_reserved(fixture, "1-2"));
    assert_true(is_reserved(fixture, "1-3"));
    fixture_assert_gets(fixture, SET, "1-3 1-4");
}

static void test_held_home(void **state)
{
    Fixture *fixture = *state;
    gint64 wake;

    fixture->registry->held_home = true;
    assert_false(look_at(fixture, 1, &wake));
    assert_int_equal(wake, 0);
    assert_false(look_at(fixture, LONG, &wake));
    assert_int_equal(count(fixture), 4);
    /* Its time begins now. */
    fixture->registry->held_home = false;
    assert_false(look_at(fixture, LONG, &wake));
    assert_true(wake > LONG);
    assert_true(look_at(fixture, wake, &wake));
    assert_int_equal(count(fixture), 0);
}

/* What nobody else would get isn't taken from who had it, either. */
static void test_switched_off(void **state)
{
    Fixture *fixture = *state;
    gint64 wake;

    fixture->registry->enabled = false;
    assert_false(look_at(fixture, 1, &wake));
    assert_int_equal(wake, 0);
    assert_false(look_at(fixture, LONG, &wake));
    assert_int_equal(count(fixture), 4);
}

/* Another life of the machine is given nothing that it didn't have. */
static void test_off_while_held_home(void **state)
{
    Fixture *fixture = *state;

    fixture->registry->held_home = true;
    assert_false(look(fixture));
    registry_machine(fixture->registry, DESK)->info->state = MACHINE_STATE_SHUTOFF;
    assert_true(look(fixture));
    assert_int_equal(count(fixture), 0);
}

static void test_back_in_the_machine(void **state)
{
    Fixture *fixture = *state;

    /* Not before it was seen out. */
    fixture_put_into(fixture, "1-1", POOL);
    assert_false(look(fixture));
    g_ptr_array_set_size(registry_machine(fixture->registry, DESK)->info->hostdevs, 0);
    assert_false(look(fixture));
    fixture_put_into(fixture, "1-1", POOL);
    assert_true(look(fixture));
    assert_false(is_reserved(fixture, "1-1"));
    assert_true(is_reserved(fixture, "1-2"));
}

/* What a damaged one has stays with it: it comes back. */
static void test_damaged(void **state)
{
    Fixture *fixture = *state;
    static const char *const ids[] = { POOL, PINNED };

    for (gsize i = 0; i < G_N_ELEMENTS(ids); i++)
        registry_assignment(fixture->registry, ids[i])->damage = g_strdup("line 3");
    registry_group(fixture->registry, "pair")->damage = g_strdup("line 3");
    fixture->registry->damaged_groups = 1;
    assert_false(look(fixture));
    assert_int_equal(count(fixture), 4);
    fixture_assert_gets(fixture, POOL, "1-1");
    fixture_assert_gets(fixture, PINNED, "1-2");
    fixture_assert_gets(fixture, SET, "1-3 1-4");
    assert_int_equal(allocation_want(fixture->allocation, registry_device(fixture->registry, "1-1"))->verdict,
                     VERDICT_GO);
}

static void not_wanted(Fixture *fixture)
{
    registry_assignment(fixture->registry, POOL)->wanted = false;
    registry_assignment(fixture->registry, PINNED)->releasing = true;
    registry_assignment(fixture->registry, SET)->wanted = false;
}

static void no_match(Fixture *fixture)
{
    Group *keys = registry_group(fixture->registry, "keys"),
          *pair = registry_group(fixture->registry, "pair");
    Assignment *pinned = registry_assignment(fixture->registry, PINNED);

    ((GroupRule *)keys->rules->pdata[0])->enabled = false;
    for (guint i = 0; i < pair->rules->len; i++)
        ((GroupRule *)pair->rules->pdata[i])->enabled = false;
    rule_unref(pinned->rule);
    pinned->rule = rule_parse("serial=ZZZZ", NULL);
    memberships_rebuild(fixture->memberships);
}

static void machine_off(Fixture *fixture)
{
    registry_machine(fixture->registry, DESK)->info->state = MACHINE_STATE_SHUTOFF;
}

static void machine_gone(Fixture *fixture)
{
    registry_remove_machine(fixture->registry, registry_machine(fixture->registry, DESK));
}

static void assignments_gone(Fixture *fixture)
{
    static const char *const ids[] = { POOL, PINNED, SET };

    for (gsize i = 0; i < G_N_ELEMENTS(ids); i++)
        registry_remove_assignment(fixture->registry, registry_assignment(fixture->registry, ids[i]));
}

static void another_tenants(Fixture *fixture)
{
    static const char *const names[] = { "1-1", "1-2", "1-3", "1-4" };

    registry_add_tenant(fixture->registry, tenant_new("lab"));
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        registry_device(fixture->registry, names[i])->tenant = g_strdup("lab");
}

static void unplugged(Fixture *fixture)
{
    static const char *const names[] = { "1-1", "1-2", "1-3", "1-4" };

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        registry_remove_device(fixture->registry, registry_device(fixture->registry, names[i]));
}

/* As another program has them. */
static void foreign(Fixture *fixture)
{
    static const char *const names[] = { "1-1", "1-2", "1-3", "1-4" };

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        fixture_put_foreign(fixture, names[i], LOFT);
}

/* What somebody decided, plugged or stopped. */
static void test_reservations_end(void **state)
{
    static void (*const reasons[])(Fixture * fixture) = {
        not_wanted,       no_match,        machine_off, machine_gone,
        assignments_gone, another_tenants, unplugged,   foreign,
    };
    Fixture *fixture;

    for (gsize i = 0; i < G_N_ELEMENTS(reasons); i++) {
        fixture_teardown(state);
        set_up(state);
        fixture = *state;
        assert_false(look(fixture));
        reasons[i](fixture);
        assert_true(look(fixture));
        /* What the half of a set that is left is good for is known once the reservation of the other one is
         * over. */
        look(fixture);
        if (count(fixture) != 0)
            fail_msg("reason %zu: %u are reserved still", i, count(fixture));
        assert_false(look(fixture));
    }
}

/* A set that lacks one is nothing. */
static void test_incomplete_set(void **state)
{
    Fixture *fixture = *state;

    registry_remove_device(fixture->registry, registry_device(fixture->registry, "1-3"));
    assert_true(look(fixture));
    look(fixture);
    assert_false(is_reserved(fixture, "1-4"));
    assert_true(is_reserved(fixture, "1-1"));
}

static void test_no_more_than_its_number(void **state)
{
    Fixture *fixture = *state;

    fixture_plug(fixture, fixture_make_device(fixture, "1-5", 0x0529, 1, "EEEE-5"));
    fixture_put_into(fixture, "1-5", POOL);
    fixture_look(fixture);
    reservations_set(fixture->registry->reservations, "1-5", POOL, RESERVATION_REATTACH);
    assert_true(look(fixture));
    assert_true(is_reserved(fixture, "1-1") != is_reserved(fixture, "1-5"));
}

/* Another machine has it. */
static void test_taken(void **state)
{
    Fixture *fixture = *state;

    fixture_assign(fixture, "0aaaaaaa", STUDIO, "keys", NULL, "1");
    fixture_put_into(fixture, "1-1", "0aaaaaaa");
    assert_true(look(fixture));
    assert_false(is_reserved(fixture, "1-1"));
}

/* A reset's own are not ended here. */
static void test_reservations_of_resets(void **state)
{
    Fixture *fixture = *state;

    reservations_set(fixture->registry->reservations, "1-1", POOL, RESERVATION_RESET);
    reservations_set(fixture->registry->reservations, "1-2", PINNED, RESERVATION_RETURN);
    not_wanted(fixture);
    assert_true(look(fixture));
    assert_true(is_reserved(fixture, "1-1"));
    assert_true(is_reserved(fixture, "1-2"));
    assert_false(is_reserved(fixture, "1-3"));
    assert_false(look(fixture));
}

/* What is taken out is kept for who is to have it again, and for nobody else. */
static void test_begin(void **state)
{
    Fixture *fixture = *state;
    Reservations *reservations = fixture->registry->reservations;
    const Hostdev *pool, *pinned, *set, *unsteady;

    registry_device(fixture->registry, "1-4")->steady_at = G_MAXINT64;
    reservations_end(reservations, "1-4");
    reservations_end(reservations, "1-1");
    reservations_end(reservations, "1-2");
    reservations_set(reservations, "1-3", SET, RESERVATION_RETURN);
    pool = fixture_put_into(fixture, "1-1", POOL);
    pinned = fixture_put_into(fixture, "1-2", PINNED);
    set = fixture_put_into(fixture, "1-3", SET);
    unsteady = fixture_put_into(fixture, "1-4", SET);
    registry_assignment(fixture->registry, PINNED)->releasing = true;
    fixture_look(fixture);
    reattach_begin(fixture->allocation, pool, 0);
    reattach_begin(fixture->allocation, pinned, 0);
    reattach_begin(fixture->allocation, set, 0);
    reattach_begin(fixture->allocation, unsteady, 0);
    assert_true(reservations_is_for(reservations, "1-1", POOL));
    assert_int_equal(reservations_find(reservations, "1-1")->kind, RESERVATION_REATTACH);
    assert_false(is_reserved(fixture, "1-2"));
    assert_false(is_reserved(fixture, "1-4"));
    assert_int_equal(reservations_find(reservations, "1-3")->kind, RESERVATION_RETURN);
}

/* What is held home comes back as well, once that is over. */
static void test_begin_to_hold_home(void **state)
{
    Fixture *fixture = *state;
    const Hostdev *pool;

    reservations_end(fixture->registry->reservations, "1-1");
    pool = fixture_put_into(fixture, "1-1", POOL);
    fixture->registry->held_home = true;
    fixture_look(fixture);
    reattach_begin(fixture->allocation, pool, 0);
    assert_true(reservations_is_for(fixture->registry->reservations, "1-1", POOL));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reservations_last),
        TEST(test_no_way_back),
        TEST(test_waits_as_long_as_it_takes),
        TEST(test_held_home),
        TEST(test_switched_off),
        TEST(test_off_while_held_home),
        TEST(test_back_in_the_machine),
        TEST(test_reservations_end),
        TEST(test_damaged),
        TEST(test_incomplete_set),
        TEST(test_taken),
        TEST(test_no_more_than_its_number),
        TEST(test_reservations_of_resets),
        TEST(test_begin),
        TEST(test_begin_to_hold_home),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
