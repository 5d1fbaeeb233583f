/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Quarantines: three in a row, longer each time, forgotten after a calm, and never more than so many. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/model/quarantine.h"

#define SECONDS G_USEC_PER_SEC
#define START   (1000 * SECONDS)
#define SOCKET  "pci-0000:00:14.0/4"
#define OTHER   "pci-0000:00:14.0/5"

typedef struct Fixture {
    Quarantines *quarantines;
    Device *device;
    gint64 now;
} Fixture;

static Device *make(const char *socket, const char *serial)
{
    Device *device = device_new("1-4");

    device->vendor_id = 0x1050;
    device->product_id = 0x0407;
    g_free(device->socket);
    device->socket = g_strdup(socket);
    g_free(device->serial);
    device->serial = g_strdup(serial);
    return device;
}

static int set_up(void **state)
{
    Fixture *fixture = g_new0(Fixture, 1);

    fixture->quarantines = quarantines_new();
    fixture->device = make(SOCKET, "");
    fixture->now = START;
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    Fixture *fixture = *state;

    quarantines_free(fixture->quarantines);
    device_free(fixture->device);
    g_free(fixture);
    return 0;
}

static bool strike(Fixture *fixture)
{
    return quarantines_strike(fixture->quarantines, fixture->device, QUARANTINE_FLAPS, NULL, fixture->now);
}

/* How long the device is held back from now on, in seconds; 0 = not. */
static int held(Fixture *fixture, const Device *device)
{
    const Quarantine *found = quarantines_find(fixture->quarantines, device, fixture->now);

    return found ? (int)((found->until - fixture->now) / SECONDS) : 0;
}

static void two_are_none(void **state)
{
    Fixture *fixture = *state;

    assert_false(strike(fixture));
    assert_false(strike(fixture));
    assert_int_equal(held(fixture, fixture->device), 0);
}

static void three_in_a_row_are_held_back(void **state)
{
    Fixture *fixture = *state;

    strike(fixture);
    fixture->now += 59 * SECONDS;
    strike(fixture);
    fixture->now += 59 * SECONDS;
    assert_true(strike(fixture));
    assert_int_equal(held(fixture, fixture->device), 5);
    fixture->now += 5 * SECONDS - 1;
    assert_non_null(quarantines_find(fixture->quarantines, fixture->device, fixture->now));
    fixture->now++;
    assert_null(quarantines_find(fixture->quarantines, fixture->device, fixture->now));
}

static void a_calm_in_between_forgets(void **state)
{
    Fixture *fixture = *state;

    strike(fixture);
    strike(fixture);
    fixture->now += 60 * SECONDS;
    assert_false(strike(fixture));
    assert_false(strike(fixture));
    assert_true(strike(fixture));
}

/* Each time that it goes wrong at once again it takes twice as long, up to five minutes. */
static void the_wait_is_doubled(void **state)
{
    static const int waits[] = { 5, 10, 20, 40, 80, 160, 300, 300 };
    Fixture *fixture = *state;

    strike(fixture);
    strike(fixture);
    for (gsize i = 0; i < G_N_ELEMENTS(waits); i++) {
        assert_true(strike(fixture));
        assert_int_equal(held(fixture, fixture->device), waits[i]);
        fixture->now += (waits[i] + 1) * SECONDS;
        assert_int_equal(held(fixture, fixture->device), 0);
    }
    /* As long as the last wait, and no strike. */
    fixture->now += 299 * SECONDS;
    assert_false(strike(fixture));
}

/* A plug that somebody still fumbles with: it isn't worse for each turn. */
static void while_it_is_held_back_the_same_wait_begins_anew(void **state)
{
    Fixture *fixture = *state;

    for (int i = 0; i < 20; i++) {
        strike(fixture);
        fixture->now += SECONDS;
    }
    assert_int_equal(held(fixture, fixture->device), 4);
}

static void the_socket_counts_whoever_is_in_it(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(Device) there = make(SOCKET, "YK1"), elsewhere = make(OTHER, "");

    for (int i = 0; i < 3; i++)
        strike(fixture);
    assert_int_equal(held(fixture, there), 5);
    assert_int_equal(held(fixture, elsewhere), 0);
}

static void who_hops_is_known_by_its_serial(void **state)
{
    static const char *const sockets[] = { SOCKET, OTHER, "pci-0000:00:14.0/6", "pci-0000:00:14.0/7" };
    Fixture *fixture = *state;
    bool is_held = false;

    for (gsize i = 0; i < G_N_ELEMENTS(sockets); i++) {
        g_autoptr(Device) device = make(sockets[i], "YK1");

        if (i > 0) {
            assert_true(quarantines_left_just_now(fixture->quarantines, device, fixture->now));
            is_held = quarantines_strike(fixture->quarantines, device, QUARANTINE_FLAPS, NULL, fixture->now);
            /* seen where it is now */
            assert_int_equal(held(fixture, device) > 0, is_held);
        }
        quarantines_note_left(fixture->quarantines, device, fixture->now);
        fixture->now += QUARANTINE_RETURN_US;
    }
    assert_true(is_held);
}

/* A series with one serial for all: the others go on. */
static void who_stays_in_its_socket_is_known_by_that(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(Device) one = make(SOCKET, "0001"), twin = make(OTHER, "0001");

    for (int i = 0; i < 3; i++) {
        quarantines_note_left(fixture->quarantines, one, fixture->now);
        quarantines_strike(fixture->quarantines, one, QUARANTINE_FLAPS, NULL, fixture->now);
    }
    assert_int_equal(held(fixture, one), 5);
    assert_int_equal(held(fixture, twin), 0);
}

static void an_end_is_at_once(void **state)
{
    Fixture *fixture = *state;

    for (int i = 0; i < 3; i++)
        strike(fixture);
    assert_true(quarantines_end(fixture->quarantines, fixture->device, fixture->now));
    assert_int_equal(held(fixture, fixture->device), 0);
    assert_false(quarantines_end(fixture->quarantines, fixture->device, fixture->now));
    assert_false(strike(fixture));
}

static void it_says_why_and_until_when(void **state)
{
    Fixture *fixture = *state;
    const Quarantine *found;
    g_autoptr(GDateTime) until = NULL;
    g_autofree char *text = NULL, *clock = NULL, *expected = NULL, *lost = NULL;

    for (int i = 0; i < 4; i++)
        strike(fixture);
    found = quarantines_find(fixture->quarantines, fixture->device, fixture->now);
    until = g_date_time_new_from_unix_local(found->until_clock / SECONDS);
    clock = g_date_time_format(until, "%H:%M:%S");
    text = quarantine_text(found);
    expected = g_strdup_printf("it left and came back 4 times in a row; it is held back until %s", clock);
    assert_string_equal(text, expected);
    assert_true(ABS(found->until_clock - g_get_real_time() - 5 * SECONDS) < 60 * SECONDS);

    quarantines_strike(fixture->quarantines, fixture->device, QUARANTINE_LOST, "nobody has it", fixture->now);
    lost = quarantine_text(found);
    assert_true(g_str_has_prefix(
        lost,
        "its VM lost it 5 times in a row, the last time because nobody has it; it is held back until "));
}

/* However many serials a device makes up, and whatever hangs where. */
static void places_are_bounded(void **state)
{
    Fixture *fixture = *state;

    for (int i = 0; i < 3; i++)
        strike(fixture);
    for (int i = 0; i < 3 * QUARANTINES_MAX; i++) {
        g_autofree char *serial = g_strdup_printf("%d", i), *socket = g_strdup_printf("pci/%d", i);
        g_autoptr(Device) device = make(socket, serial);

        quarantines_note_left(fixture->quarantines, device, fixture->now);
        assert_true(quarantines_count(fixture->quarantines) <= QUARANTINES_MAX);
    }
    assert_int_equal(quarantines_count(fixture->quarantines), QUARANTINES_MAX);
    /* Those that are held back are the last to be forgotten. */
    assert_int_equal(held(fixture, fixture->device), 5);

    /* All of them are over when the next one comes. */
    fixture->now += 90 * SECONDS;
    quarantines_note_left(fixture->quarantines, fixture->device, fixture->now);
    quarantines_note_left(fixture->quarantines, fixture->device, fixture->now);
    {
        g_autoptr(Device) device = make(OTHER, "");

        quarantines_note_left(fixture->quarantines, device, fixture->now);
    }
    assert_int_equal(quarantines_count(fixture->quarantines), 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(two_are_none),
        TEST(three_in_a_row_are_held_back),
        TEST(a_calm_in_between_forgets),
        TEST(the_wait_is_doubled),
        TEST(while_it_is_held_back_the_same_wait_begins_anew),
        TEST(the_socket_counts_whoever_is_in_it),
        TEST(who_hops_is_known_by_its_serial),
        TEST(who_stays_in_its_socket_is_known_by_that),
        TEST(an_end_is_at_once),
        TEST(it_says_why_and_until_when),
        TEST(places_are_bounded),
    };

    return cmocka_run_group_tests_name("quarantine", tests, NULL, NULL);
}
