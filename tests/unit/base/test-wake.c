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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_earliest),
        cmocka_unit_test(test_due),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
