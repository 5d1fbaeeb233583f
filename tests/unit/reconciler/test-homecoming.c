/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When everything is home, and what those hear who wait for it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/base/error.h"
#include "daemon/reconciler/homecoming.h"
#include "tests/unit/fixture.h"

#define FIRST "aaaaaaaa"

typedef struct Told {
    unsigned times;
    FerryError code; /* _FERRY_ERROR_INVALID: everything is home */
    char *text;
} Told;

static void hear(const char *id, const GError *error, void *userdata)
{
    Told *told = userdata;

    assert_true(error ? !id : *id == '\0');
    told->times++;
    told->code = error ? (FerryError)error->code : _FERRY_ERROR_INVALID;
    g_free(told->text);
    told->text = g_strdup(error ? error->message : "");
}

/* DESK has 1-1; everything is known, and is to come home. */
static int set_up(void **state)
{
    Fixture *fixture;
    GHashTableIter iter;
    gpointer machine;

    fixture_setup(state);
    fixture = *state;
    fixture_plug(fixture, fixture_make_device(fixture, "1-1", 0x0529, 1, "AAAA-1"));
    fixture_assign(fixture, FIRST, DESK, NULL, "serial=AAAA-1", "1");
    fixture_put_into(fixture, "1-1", FIRST);
    fixture->registry->held_home = true;
    g_hash_table_iter_init(&iter, fixture->registry->machines);
    while (g_hash_table_iter_next(&iter, NULL, &machine))
        ((Machine *)machine)->inspected = true;
    return 0;
}

static Machine *desk(Fixture *fixture)
{
    return registry_machine(fixture->registry, DESK);
}

/* What is heard in this turn. */
static void assert_told(Fixture *fixture, Homecoming *homecoming, Told *told, unsigned times, FerryError code,
                        const char *text)
{
    gint64 wake = 0;

    homecoming_turn(homecoming, g_get_monotonic_time(), &wake);
    assert_int_equal(told->times, times);
    assert_int_equal(told->times == 0, wake != 0);
    if (times > 0) {
        assert_int_equal(told->code, code);
        assert_string_equal(told->text, text);
    }
    g_clear_pointer(&told->text, g_free);
}

static void test_waits_for_what_is_on_its_way(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(Homecoming) homecoming = homecoming_new(fixture->registry);
    Told told = {};

    homecoming_wait(homecoming, hear, &told);
    assert_told(fixture, homecoming, &told, 0, 0, NULL);
    g_ptr_array_set_size(desk(fixture)->info->hostdevs, 0);
    desk(fixture)->busy = true;
    assert_told(fixture, homecoming, &told, 0, 0, NULL);
    desk(fixture)->busy = false;
    desk(fixture)->stale = true;
    assert_told(fixture, homecoming, &told, 0, 0, NULL);
    desk(fixture)->stale = false;
    fixture->registry->machines_known = false;
    assert_told(fixture, homecoming, &told, 0, 0, NULL);
    fixture->registry->machines_known = true;
    fixture_put_foreign(fixture, "1-1", STUDIO);
    assert_told(fixture, homecoming, &told, 1, _FERRY_ERROR_INVALID, "");
    /* Once. */
    homecoming_turn(homecoming, g_get_monotonic_time(), &(gint64){ 0 });
    assert_int_equal(told.times, 1);
}

/* A machine that hangs, or can't be read, holds nobody up unless it has something. */
static void test_one_that_does_not_answer(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(Homecoming) homecoming = homecoming_new(fixture->registry);
    Machine *studio = registry_machine(fixture->registry, STUDIO);
    Machine *loft = registry_machine(fixture->registry, LOFT);
    Told told = {};

    studio->busy = studio->stuck = true;
    loft->stale = true;
    loft->read_error = g_strdup("no XML");
    g_ptr_array_set_size(desk(fixture)->info->hostdevs, 0);
    homecoming_wait(homecoming, hear, &told);
    assert_told(fixture, homecoming, &told, 1, _FERRY_ERROR_INVALID, "");
}

static void test_it_takes_too_long(void **state)
{
    enum { TOO_LATE_US = 21 * G_USEC_PER_SEC };
    Fixture *fixture = *state;
    g_autoptr(Homecoming) homecoming = homecoming_new(fixture->registry);
    Told told = {};
    gint64 wake = 0;

    homecoming_wait(homecoming, hear, &told);
    homecoming_turn(homecoming, g_get_monotonic_time() + TOO_LATE_US, &wake);
    assert_int_equal(told.code, FERRY_ERROR_TIMEOUT);
    assert_string_equal(told.text, "not everything is home: VM \"desk\"");
    g_free(told.text);
}

static void test_nobody_can_say(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(Homecoming) homecoming = homecoming_new(fixture->registry);
    Told told = {};

    fixture->registry->hypervisor_state = HYPERVISOR_STATE_FAILED;
    homecoming_wait(homecoming, hear, &told);
    assert_told(fixture, homecoming, &told, 1, FERRY_ERROR_HYPERVISOR, "the hypervisor is away: connecting");
}

static void test_given_again_meanwhile(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(Homecoming) homecoming = homecoming_new(fixture->registry);
    Told told = {};

    homecoming_wait(homecoming, hear, &told);
    homecoming_wait(homecoming, hear, &told);
    fixture->registry->held_home = false;
    assert_told(fixture, homecoming, &told, 2, FERRY_ERROR_DISABLED, "devices are given to VMs again");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_waits_for_what_is_on_its_way),
        TEST(test_one_that_does_not_answer),
        TEST(test_it_takes_too_long),
        TEST(test_nobody_can_say),
        TEST(test_given_again_meanwhile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
