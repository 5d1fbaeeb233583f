/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Budgets: a minute's worth for each subject, counted by itself. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/base/budget.h"

#define MINUTE (60 * G_USEC_PER_SEC)

static void each_has_its_own(void **state)
{
    g_autoptr(Budgets) budgets = budgets_new(2, 8);
    unsigned left_out = 99;

    assert_true(budgets_take(budgets, "a", 1, &left_out));
    assert_int_equal(left_out, 0);
    assert_true(budgets_take(budgets, "a", 2, &left_out));
    assert_false(budgets_take(budgets, "a", 3, &left_out));
    assert_false(budgets_take(budgets, "a", MINUTE, &left_out));
    assert_true(budgets_take(budgets, "b", 4, &left_out));
    /* the minute begins with the first one */
    assert_true(budgets_take(budgets, "a", MINUTE + 1, &left_out));
    assert_int_equal(left_out, 2);
    assert_true(budgets_take(budgets, "a", MINUTE + 2, &left_out));
    assert_int_equal(left_out, 0);
}

static void many_are_not_remembered(void **state)
{
    g_autoptr(Budgets) budgets = budgets_new(1, 2);
    unsigned left_out;

    assert_true(budgets_take(budgets, "a", 1, &left_out));
    assert_true(budgets_take(budgets, "b", 1, &left_out));
    assert_false(budgets_take(budgets, "a", 1, &left_out));
    assert_true(budgets_take(budgets, "c", 1, &left_out));
    assert_true(budgets_take(budgets, "a", 1, &left_out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_has_its_own),
        cmocka_unit_test(many_are_not_remembered),
    };

    return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
