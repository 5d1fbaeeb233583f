/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The names of the ways to reset. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/reset/method.h"

static void names_go_both_ways(void **state)
{
    for (int i = 0; i < _RESET_METHOD_MAX; i++)
        assert_int_equal(reset_method_from_string(reset_method_to_string((ResetMethod)i)), i);
    assert_string_equal(reset_method_to_string(RESET_METHOD_RESET), "reset");
    assert_string_equal(reset_method_to_string(RESET_METHOD_POWER_CYCLE), "power-cycle");
}

static void other_names_are_refused(void **state)
{
    assert_int_equal(reset_method_from_string("Reset"), _RESET_METHOD_INVALID);
    assert_int_equal(reset_method_from_string(""), _RESET_METHOD_INVALID);
    assert_int_equal(reset_method_from_string(NULL), _RESET_METHOD_INVALID);
    assert_null(reset_method_to_string(_RESET_METHOD_MAX));
    assert_null(reset_method_to_string(_RESET_METHOD_INVALID));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_go_both_ways),
        cmocka_unit_test(other_names_are_refused),
    };

    return cmocka_run_group_tests_name("method", tests, NULL, NULL);
}
