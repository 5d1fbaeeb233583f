/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of many things in one piece of memory. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/allocation/links.h"

#define MANY 100

static void test_each_has_its_own(void **state)
{
    g_autoptr(Links) links = links_new();
    char left[MANY], right[MANY], nobody = 0;
    const Link *link = NULL;

    for (int i = 0; i < MANY; i++) {
        links_add(links, left, &left[i]);
        links_add(links, right, &right[i]);
    }
    link = links_first(links, left);
    for (int i = 0; i < MANY; i++, link = links_next(links, link)) {
        assert_non_null(link);
        assert_ptr_equal(link->to, &left[i]);
    }
    assert_null(link);
    link = links_first(links, right);
    for (int i = 0; i < MANY; i++, link = links_next(links, link)) {
        assert_non_null(link);
        assert_ptr_equal(link->to, &right[i]);
    }
    assert_null(link);
    assert_null(links_first(links, &nobody));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_has_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
