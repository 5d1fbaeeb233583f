/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/base/wake.h"

static void test_the_earliest(void **state)
{
    gint64 wake = 0;

    wake_at(&wake, 0);
    assert_int_equal(wake, 0);
    wake_at(&wake, 50);
    assert_int_equal(wake, 50);
    wake_at(&wake, 70);
    assert_int_equal(wake, 50);
    wake_at(&wake, 0);
    assert_int_equal(wake, 50);
    wake_at(&wake, 30);
    assert_int_equal(wake, 30);
}

static void test_due(void **state)
{
    gint64 wake = 0;

    assert_true(wake_is_due(&wake, 0, 40));
    assert_true(wake_is_due(&wake, 39, 40));
    assert_true(wake_is_due(&wake, 40, 40));
    assert_int_equal(wake, 0);
    assert_false(wake_is_due(&wake, 50, 40));
    assert_int_equal(wake, 50);
    assert_false(wake_is_due(&wake, 60, 40));
    assert_int_equal(wake, 50);
    assert_false(wake_is_due(&wake, 41, 40));
    assert_int_equal(wake, 41);
}

#define S G_USEC_PER_SEC

static void test_the_grid(void **state)
{
    assert_int_equal(wake_on_grid(3 * S, WAKE_GRID_US), 10 * S);
    assert_int_equal(wake_on_grid(10 * S, WAKE_GRID_US), 20 * S);
    assert_int_equal(wake_on_grid(10 * S - 1, WAKE_GRID_US), 10 * S);
    assert_int_equal(wake_on_grid(12 * S, 150 * S), 160 * S);
    assert_int_equal(wake_on_grid(8 * S, 3 * S), 10 * S);
    /* There is none before. */
    assert_int_equal(wake_on_grid(11 * S, 3 * S), 14 * S);
}

static gboolean count(gpointer userdata)
{
    ++*(unsigned *)userdata;
    return G_SOURCE_REMOVE;
}

static void test_one_turn_for_all_that_is_due(void **state)
{
    gint64 now = g_get_monotonic_time();
    unsigned due = 0, later = 0;
    guint waits = wake_source(now + G_TIME_SPAN_DAY, count, &later);

    wake_source(now, count, &due);
    wake_source(now, count, &due);
    assert_true(g_main_context_iteration(NULL, FALSE));
    assert_int_equal(due, 2);
    assert_false(g_main_context_iteration(NULL, FALSE));
    assert_int_equal(later, 0);
    assert_true(g_source_remove(waits));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_earliest),
        cmocka_unit_test(test_due),
        cmocka_unit_test(test_the_grid),
        cmocka_unit_test(test_one_turn_for_all_that_is_due),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
