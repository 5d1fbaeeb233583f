/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who pulls and plugs a device three times is a person; a cable that flaps isn't one. The clock is the
 * test's. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/model/replugs.h"

#define MS ((gint64)1000)
#define ID "aaaaaaaa"

typedef struct World {
    Replugs *replugs;
    Device *device;
    gint64 now;
    unsigned told;
    bool busy;
    gint64 wake;
} World;

static Device *make(const char *socket, const char *serial)
{
    Device *device = device_new("1-2");

    device->vendor_id = 0x046d;
    device->product_id = 0xc31c;
    g_free(device->socket);
    device->socket = g_strdup(socket);
    g_free(device->serial);
    device->serial = g_strdup(serial);
    return device;
}

static int set_up(void **state)
{
    World *world = g_new0(World, 1);

    world->replugs = replugs_new();
    world->device = make("pci-0000:00:14.0/2", "");
    world->now = 1000 * G_USEC_PER_SEC;
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    World *world = *state;

    replugs_free(world->replugs);
    device_free(world->device);
    g_free(world);
    return 0;
}

static void leave(World *world, gint64 out)
{
    replugs_note_left(world->replugs, world->device, ID, world->now);
    world->now += out;
}

static void come(World *world, gint64 in)
{
    replugs_note_came(world->replugs, world->device, world->now);
    world->now += in;
}

static void replug(World *world, unsigned times, gint64 out, gint64 in)
{
    for (unsigned i = 0; i < times; i++) {
        leave(world, out);
        come(world, in);
    }
}

static bool take(const char *id, const char *sysname, void *userdata)
{
    World *world = userdata;

    if (world->busy)
        return false;
    assert_string_equal(id, ID);
    assert_string_equal(sysname, "1-2");
    world->told++;
    return true;
}

static unsigned told(World *world)
{
    world->wake = 0;
    replugs_take_due(world->replugs, world->now, &world->wake, take, world);
    return world->told;
}

static void test_three_times_and_rest(void **state)
{
    World *world = *state;

    replug(world, 2, 700 * MS, 900 * MS);
    leave(world, 700 * MS);
    come(world, 0);
    assert_int_equal(told(world), 0);
    assert_true(world->wake == world->now + REPLUG_REST_US);
    world->now += REPLUG_REST_US - 1;
    assert_int_equal(told(world), 0);
    world->now += 1;
    assert_int_equal(told(world), 1);
    assert_int_equal(told(world), 1);
    assert_true(world->wake == 0);
}

static void test_at_the_bounds(void **state)
{
    World *world = *state;

    replug(world, 3, REPLUG_OUT_US, REPLUG_IN_US);
    world->now += REPLUG_REST_US;
    assert_int_equal(told(world), 1);
}

static void test_twice_is_nothing(void **state)
{
    World *world = *state;

    replug(world, 2, 700 * MS, 700 * MS);
    world->now += 60 * G_USEC_PER_SEC;
    assert_int_equal(told(world), 0);
}

/* A fourth time, before it has rested: nobody knows what that is. */
static void test_four_times_is_nothing(void **state)
{
    World *world = *state;

    replug(world, 4, 700 * MS, 700 * MS);
    world->now += 60 * G_USEC_PER_SEC;
    assert_int_equal(told(world), 0);
}

static void test_slowly_is_nothing(void **state)
{
    World *world = *state;

    replug(world, 3, 2000 * MS, 2100 * MS);
    world->now += 60 * G_USEC_PER_SEC;
    assert_int_equal(told(world), 0);
}

/* 20 times in 10 seconds, by itself; and it stops somewhere. */
static void test_a_cable_that_flaps(void **state)
{
    static const struct {
        gint64 out, in;
    } cables[] = { { 250 * MS, 250 * MS }, { 499 * MS, 1 * MS }, { 1 * MS, 499 * MS }, { 0, 0 } };

    for (gsize i = 0; i < G_N_ELEMENTS(cables); i++) {
        World *world = *state;

        for (unsigned times = 1; times <= 20; times++) {
            replug(world, times, cables[i].out, cables[i].in);
            world->now += 60 * G_USEC_PER_SEC;
            assert_int_equal(told(world), 0);
        }
    }
}

/* Longer away than a contact bounces, but on and on: each three of them are followed by a fourth. */
static void test_a_slow_one_that_goes_on(void **state)
{
    World *world = *state;

    for (unsigned i = 0; i < 50; i++) {
        replug(world, 1, 600 * MS, 600 * MS);
        assert_int_equal(told(world), 0);
    }
}

/* One bad one in between: it begins anew, and three good ones count again. */
static void test_it_begins_anew(void **state)
{
    World *world = *state;

    replug(world, 2, 700 * MS, 700 * MS);
    replug(world, 1, 50 * MS, 700 * MS);
    world->now += REPLUG_REST_US;
    assert_int_equal(told(world), 0);
    replug(world, 3, 700 * MS, 700 * MS);
    world->now += REPLUG_REST_US;
    assert_int_equal(told(world), 1);
    replug(world, 3, 700 * MS, 700 * MS);
    world->now += REPLUG_REST_US;
    assert_int_equal(told(world), 2);
}

/* Another one in the same socket, or the same one in another, is another. */
static void test_another_device(void **state)
{
    World *world = *state;
    Device *others[] = { make("pci-0000:00:14.0/3", ""), make("pci-0000:00:14.0/2", "S") };

    for (gsize i = 0; i < G_N_ELEMENTS(others); i++) {
        replug(world, 2, 700 * MS, 700 * MS);
        leave(world, 700 * MS);
        replugs_note_came(world->replugs, others[i], world->now);
        world->now += 60 * G_USEC_PER_SEC;
        assert_int_equal(told(world), 0);
        device_free(others[i]);
    }
}

/* Nobody's device comes home from nowhere. */
static void test_nobodys(void **state)
{
    World *world = *state;

    for (unsigned i = 0; i < 3; i++) {
        replugs_note_left(world->replugs, world->device, NULL, world->now);
        world->now += 700 * MS;
        come(world, 700 * MS);
    }
    world->now += REPLUG_REST_US;
    assert_int_equal(told(world), 0);
}

/* At the second time it may have come to nobody yet. */
static void test_whose_it_was_at_first(void **state)
{
    World *world = *state;

    leave(world, 700 * MS);
    come(world, 700 * MS);
    for (unsigned i = 0; i < 2; i++) {
        replugs_note_left(world->replugs, world->device, NULL, world->now);
        world->now += 700 * MS;
        come(world, 700 * MS);
    }
    world->now += REPLUG_REST_US;
    assert_int_equal(told(world), 1);
}

static void test_told_when_it_can_be(void **state)
{
    World *world = *state;

    replug(world, 3, 700 * MS, 700 * MS);
    world->now += REPLUG_REST_US;
    world->busy = true;
    assert_int_equal(told(world), 0);
    world->busy = false;
    assert_int_equal(told(world), 1);
}

static void test_many_are_forgotten(void **state)
{
    World *world = *state;

    for (unsigned i = 0; i < 3 * REPLUGS_MAX; i++) {
        g_autofree char *socket = g_strdup_printf("pci-0000:00:15.0/%u", i);
        Device *one = make(socket, "");

        replugs_note_left(world->replugs, one, ID, world->now);
        device_free(one);
    }
    replug(world, 3, 700 * MS, 700 * MS);
    world->now += 60 * G_USEC_PER_SEC;
    assert_int_equal(told(world), 0); /* there was no room */
    replug(world, 3, 700 * MS, 700 * MS);
    world->now += REPLUG_REST_US;
    assert_int_equal(told(world), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_three_times_and_rest),    TEST(test_at_the_bounds),
        TEST(test_twice_is_nothing),        TEST(test_four_times_is_nothing),
        TEST(test_slowly_is_nothing),       TEST(test_a_cable_that_flaps),
        TEST(test_a_slow_one_that_goes_on), TEST(test_it_begins_anew),
        TEST(test_another_device),          TEST(test_nobodys),
        TEST(test_whose_it_was_at_first),   TEST(test_told_when_it_can_be),
        TEST(test_many_are_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
