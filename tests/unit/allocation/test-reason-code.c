/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each code has its line in the list that front ends translate, and each line there is a code. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/allocation/reason-code.h"

#define ITEM "\n      - "

static void test_all_are_documented(void **state)
{
    g_autofree char *file = g_strdup_printf("%s/org.usbferry1.Assignment.xml", g_getenv("FERRY_TEST_XML"));
    g_autofree char *text = NULL;
    const char *list, *end;
    int n = 0;

    assert_true(g_file_get_contents(file, &text, NULL, NULL));
    list = strstr(text, " ReasonCode:");
    assert_non_null(list);
    end = strstr(list, "-->");
    for (const char *item = strstr(list, ITEM); item && item < end; item = strstr(item + 1, ITEM)) {
        const char *word = item + strlen(ITEM);
        g_autofree char *code = g_strndup(word, strcspn(word, ":"));

        /* In the order of the table, so none is missing and none is there twice. */
        assert_string_equal(code, reason_code_to_string((ReasonCode)n));
        n++;
    }
    assert_int_equal(n, _REASON_CODE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_are_documented),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
