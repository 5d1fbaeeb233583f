/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every code has a name that nobody else has. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/base/error.h"

static void names_go_both_ways(void **state)
{
    for (int i = 0; i < _FERRY_ERROR_MAX; i++) {
        assert_non_null(ferry_error_to_name((FerryError)i));
        assert_int_equal(ferry_error_from_name(ferry_error_to_name((FerryError)i)), i);
    }
    assert_string_equal(ferry_error_to_name(FERRY_ERROR_NO_SUCH_DEVICE), "NoSuchDevice");
}

static void others_have_none(void **state)
{
    assert_null(ferry_error_to_name(_FERRY_ERROR_MAX));
    assert_null(ferry_error_to_name(_FERRY_ERROR_INVALID));
    assert_int_equal(ferry_error_from_name("nosuchdevice"), _FERRY_ERROR_INVALID);
    assert_int_equal(ferry_error_from_name(NULL), _FERRY_ERROR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_go_both_ways),
        cmocka_unit_test(others_have_none),
    };

    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
