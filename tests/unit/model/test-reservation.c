/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reservations: one for each sysname, and what they say of what is behind a hub. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/model/reservation.h"

#define POOL  "aaaaaaaa"
#define OTHER "bbbbbbbb"

static void test_one_for_each(void **state)
{
    g_autoptr(Reservations) reservations = reservations_new();
    g_autoptr(GPtrArray) sorted = NULL;

    assert_null(reservations_find(reservations, "1-2"));
    reservations_set(reservations, "1-2", POOL, RESERVATION_RESET);
    reservations_set(reservations, "1-1", NULL, RESERVATION_REATTACH);
    reservations_find(reservations, "1-2")->until = 7;
    reservations_set(reservations, "1-2", OTHER, RESERVATION_RETURN);
    sorted = reservations_sorted(reservations);
    assert_int_equal(sorted->len, 2);
    assert_string_equal(((const Reservation *)sorted->pdata[0])->sysname, "1-1");
    assert_string_equal(((const Reservation *)sorted->pdata[1])->assignment_id, OTHER);
    assert_int_equal(((const Reservation *)sorted->pdata[1])->kind, RESERVATION_RETURN);
    assert_int_equal(((const Reservation *)sorted->pdata[1])->until, 0);
    reservations_end(reservations, "1-2");
    reservations_end(reservations, "1-2");
    assert_null(reservations_find(reservations, "1-2"));
    assert_non_null(reservations_find(reservations, "1-1"));
}

static void test_for_whom(void **state)
{
    g_autoptr(Reservations) reservations = reservations_new();

    reservations_set(reservations, "1-1", POOL, RESERVATION_RESET);
    reservations_set(reservations, "1-2", NULL, RESERVATION_RETURN);
    assert_true(reservations_is_for(reservations, "1-1", POOL));
    assert_false(reservations_is_for(reservations, "1-1", OTHER));
    assert_false(reservations_is_for(reservations, "1-2", POOL));
    assert_false(reservations_is_for(reservations, "1-3", POOL));
}

/* The hub's reset reaches what is behind it, and nothing that only looks like it. */
static void test_in_reset(void **state)
{
    static const char *const in_reset[] = { "1-3", "1-3.1", "1-3.1.4", "2-1", "2-1.2" };
    static const char *const not_in_reset[] = { "1-33", "1-1", "3-3.1", "1-4", "1-4.1", "1-5" };
    g_autoptr(Reservations) reservations = reservations_new();

    assert_false(reservations_is_in_reset(reservations, "1-3"));
    reservations_set(reservations, "1-3", NULL, RESERVATION_RESET);
    reservations_set(reservations, "usb2", NULL, RESERVATION_RESET);
    reservations_set(reservations, "1-4", POOL, RESERVATION_RETURN);
    reservations_set(reservations, "1-5", POOL, RESERVATION_REATTACH);
    for (gsize i = 0; i < G_N_ELEMENTS(in_reset); i++)
        assert_true(reservations_is_in_reset(reservations, in_reset[i]));
    for (gsize i = 0; i < G_N_ELEMENTS(not_in_reset); i++)
        assert_false(reservations_is_in_reset(reservations, not_in_reset[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_for_each),
        cmocka_unit_test(test_for_whom),
        cmocka_unit_test(test_in_reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
