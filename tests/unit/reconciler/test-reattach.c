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
    World *world;

    world_setup(state);
    world = *state;
    world_plug(world, world_make_device(world, "1-1", 0x0529, 1, "AAAA-1"));
    world_plug(world, world_make_device(world, "1-2", 0x0529, 2, "BBBB-2"));
    world_plug(world, world_make_device(world, "1-3", 0x0529, 3, "CCCC-3"));
    world_plug(world, world_make_device(world, "1-4", 0x0529, 4, "DDDD-4"));
    world_add_group(world, "keys", (const char *const[]){ "product=0001", NULL });
    world_add_group(world, "pair", (const char *const[]){ "product=0003", "product=0004", NULL });
    world_assign(world, POOL, DESK, "keys", NULL, "1");
    world_assign(world, PINNED, DESK, NULL, "serial=BBBB-2", "1");
    world_assign(world, SET, DESK, "pair", NULL, "set");
    for (gsize i = 0; i < G_N_ELEMENTS(out); i++)
        reattach_begin(world->registry, out[i].sysname, out[i].id);
    return 0;
}

static bool look_at(World *world, gint64 now, gint64 *ret_wake)
{
    *ret_wake = 0;
    world_look(world);
    return reattach_end_all(world->registry, world->allocation, now, ret_wake);
}

static bool look(World *world)
{
    gint64 wake;

    return look_at(world, 1, &wake);
}

static bool is_reserved(World *world, const char *sysname)
{
    return reservations_find(world->registry->reservations, sysname) != NULL;
}

static guint count(World *world)
{
    g_autoptr(GPtrArray) reservations = reservations_sorted(world->registry->reservations);

    return reservations->len;
}

/* It was taken out, and its way back fails again and again: the others have waited long enough. */
static void test_no_way_back(void **state)
{
    World *world = *state;
    gint64 wake, ignored;

    world_put_into(world, "1-1", POOL);
    world_put_into(world, "1-2", PINNED);
    world_put_into(world, "1-3", SET);
    world_put_into(world, "1-4", SET);
    assert_false(look_at(world, 1, &wake));
    assert_int_equal(wake, 0);
    g_ptr_array_set_size(registry_machine(world->registry, DESK)->info->hostdevs, 0);
    assert_false(look_at(world, 1000, &wake));
    assert_true(wake > 1000);
    assert_false(look_at(world, wake - 1, &ignored));
    assert_int_equal(ignored, wake);
    assert_true(look_at(world, wake, &ignored));
    assert_int_equal(ignored, 0);
    assert_int_equal(count(world), 0);
}

/* What passes by itself. */
static void test_reservations_last(void **state)
{
    World *world = *state;
    Machine *desk = registry_machine(world->registry, DESK);

    assert_false(look(world));
    world->registry->enabled = false;
    assert_false(look(world));
    desk->inspected = false;
    assert_false(look(world));
    world->registry->machines_known = false;
    assert_false(look(world));
    assert_int_equal(count(world), 4);
}

static void test_back_in_the_machine(void **state)
{
    World *world = *state;

    /* Not before it was seen out. */
    world_put_into(world, "1-1", POOL);
    assert_false(look(world));
    g_ptr_array_set_size(registry_machine(world->registry, DESK)->info->hostdevs, 0);
    assert_false(look(world));
    world_put_into(world, "1-1", POOL);
    assert_true(look(world));
    assert_false(is_reserved(world, "1-1"));
    assert_true(is_reserved(world, "1-2"));
}

static void not_wanted(World *world)
{
    registry_assignment(world->registry, POOL)->wanted = false;
    registry_assignment(world->registry, PINNED)->releasing = true;
    registry_assignment(world->registry, SET)->wanted = false;
}

static void no_match(World *world)
{
    Group *keys = registry_group(world->registry, "keys"), *pair = registry_group(world->registry, "pair");
    Assignment *pinned = registry_assignment(world->registry, PINNED);

    ((GroupRule *)keys->rules->pdata[0])->enabled = false;
    for (guint i = 0; i < pair->rules->len; i++)
        ((GroupRule *)pair->rules->pdata[i])->enabled = false;
    rule_free(pinned->rule);
    pinned->rule = rule_parse("serial=ZZZZ", NULL);
    memberships_rebuild(world->memberships);
}

static void machine_off(World *world)
{
    registry_machine(world->registry, DESK)->info->state = MACHINE_STATE_SHUTOFF;
}

static void machine_gone(World *world)
{
    registry_remove_machine(world->registry, registry_machine(world->registry, DESK));
}

static void assignments_gone(World *world)
{
    static const char *const ids[] = { POOL, PINNED, SET };

    for (gsize i = 0; i < G_N_ELEMENTS(ids); i++)
        registry_remove_assignment(world->registry, registry_assignment(world->registry, ids[i]));
}

static void another_tenants(World *world)
{
    static const char *const names[] = { "1-1", "1-2", "1-3", "1-4" };

    registry_add_tenant(world->registry, tenant_new("lab"));
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        registry_device(world->registry, names[i])->tenant = g_strdup("lab");
}

static void unplugged(World *world)
{
    static const char *const names[] = { "1-1", "1-2", "1-3", "1-4" };

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        registry_remove_device(world->registry, registry_device(world->registry, names[i]));
}

/* As another program has them. */
static void foreign(World *world)
{
    static const char *const names[] = { "1-1", "1-2", "1-3", "1-4" };

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        Hostdev *hostdev = g_new0(Hostdev, 1);

        hostdev->alias = g_strdup_printf("hostdev%zu", i);
        hostdev->bus_number = 1;
        hostdev->device_number = registry_device(world->registry, names[i])->device_number;
        g_ptr_array_add(registry_machine(world->registry, LOFT)->info->hostdevs, hostdev);
    }
}

/* What somebody decided, plugged or stopped. */
static void test_reservations_end(void **state)
{
    static void (*const reasons[])(World * world) = {
        not_wanted,       no_match,        machine_off, machine_gone,
        assignments_gone, another_tenants, unplugged,   foreign,
    };
    World *world;

    for (gsize i = 0; i < G_N_ELEMENTS(reasons); i++) {
        world_teardown(state);
        set_up(state);
        world = *state;
        assert_false(look(world));
        reasons[i](world);
        assert_true(look(world));
        /* What the half of a set that is left is good for is known once the reservation of the other one is
         * over. */
        look(world);
        if (count(world) != 0)
            fail_msg("reason %zu: %u are reserved still", i, count(world));
        assert_false(look(world));
    }
}

/* A set that lacks one is nothing. */
static void test_incomplete_set(void **state)
{
    World *world = *state;

    registry_remove_device(world->registry, registry_device(world->registry, "1-3"));
    assert_true(look(world));
    look(world);
    assert_false(is_reserved(world, "1-4"));
    assert_true(is_reserved(world, "1-1"));
}

static void test_no_more_than_its_number(void **state)
{
    World *world = *state;

    world_plug(world, world_make_device(world, "1-5", 0x0529, 1, "EEEE-5"));
    world_put_into(world, "1-5", POOL);
    world_look(world);
    reattach_begin(world->registry, "1-5", POOL);
    assert_true(look(world));
    assert_true(is_reserved(world, "1-1") != is_reserved(world, "1-5"));
}

/* Another machine has it. */
static void test_taken(void **state)
{
    World *world = *state;

    world_assign(world, "0aaaaaaa", STUDIO, "keys", NULL, "1");
    world_put_into(world, "1-1", "0aaaaaaa");
    assert_true(look(world));
    assert_false(is_reserved(world, "1-1"));
}

/* A reset's own are not ended here. */
static void test_reservations_of_resets(void **state)
{
    World *world = *state;

    reservations_set(world->registry->reservations, "1-1", POOL, RESERVATION_RESET);
    reservations_set(world->registry->reservations, "1-2", PINNED, RESERVATION_RETURN);
    not_wanted(world);
    assert_true(look(world));
    assert_true(is_reserved(world, "1-1"));
    assert_true(is_reserved(world, "1-2"));
    assert_false(is_reserved(world, "1-3"));
    reattach_begin(world->registry, "1-1", POOL);
    assert_false(look(world));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reservations_last),       TEST(test_no_way_back),
        TEST(test_back_in_the_machine),     TEST(test_reservations_end),
        TEST(test_incomplete_set),          TEST(test_taken),
        TEST(test_no_more_than_its_number), TEST(test_reservations_of_resets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
