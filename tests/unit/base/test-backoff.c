/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/base/backoff.h"

static void test_doubles_and_then_stays(void **state)
{
    static const gint64 expected[] = { 500, 1000, 2000, 4000, 30000, 30000 };
    const Backoff backoff = { .first_us = 500, .steps = 4, .slow_us = 30000 };

    for (unsigned i = 0; i < G_N_ELEMENTS(expected); i++)
        assert_int_equal(backoff_delay(&backoff, i), expected[i]);
}

/* Whatever failed all night. */
static void test_no_overflow(void **state)
{
    const gint64 minute = 60 * G_USEC_PER_SEC;
    const Backoff backoff = { .first_us = minute, .steps = 31, .slow_us = 7 };

    assert_int_equal(backoff_delay(&backoff, 30), minute << 30);
    assert_int_equal(backoff_delay(&backoff, 31), 7);
    assert_int_equal(backoff_delay(&backoff, G_MAXUINT), 7);
}

static void test_no_steps(void **state)
{
    const Backoff backoff = { .first_us = 500, .slow_us = 30000 };

    assert_int_equal(backoff_delay(&backoff, 0), 30000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_doubles_and_then_stays),
        cmocka_unit_test(test_no_overflow),
        cmocka_unit_test(test_no_steps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
