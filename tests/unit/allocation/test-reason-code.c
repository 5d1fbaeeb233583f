/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each code has its line in the list that front ends translate, and each line there is a code. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/allocation/reason-code.h"
#include "daemon/allocation/verdict.h"
#include "daemon/base/error.h"

#define ITEM "\n      - "

/* The words in the list of a property's documentation. New array. */
static GPtrArray *documented(const char *property)
{
    g_autofree char *file = g_strdup_printf("%s/org.usbferry1.Assignment.xml", g_getenv("FERRY_TEST_XML"));
    g_autofree char *text = NULL, *heading = g_strdup_printf("\n      %s:", property);
    GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
    const char *list, *end;

    assert_true(g_file_get_contents(file, &text, NULL, NULL));
    list = strstr(text, heading);
    assert_non_null(list);
    end = strstr(list, "-->");
    for (const char *item = strstr(list, ITEM); item && item < end; item = strstr(item + 1, ITEM)) {
        const char *word = item + strlen(ITEM);

        g_ptr_array_add(words, g_strndup(word, strcspn(word, ":")));
    }
    return words;
}

/* In the order of the table, so none is missing and none is there twice. */
static void test_all_are_documented(void **state)
{
    g_autoptr(GPtrArray) words = documented("ReasonCode");

    assert_int_equal(words->len, _REASON_CODE_MAX);
    for (guint i = 0; i < words->len; i++)
        assert_string_equal(words->pdata[i], reason_code_to_string((ReasonCode)i));
}

static bool is_among(const GPtrArray *words, const char *word)
{
    for (guint i = 0; i < words->len; i++)
        if (g_str_equal(words->pdata[i], word))
            return true;
    return false;
}

static void test_states_and_errors_too(void **state)
{
    g_autoptr(GPtrArray) states = documented("State"), errors = documented("Error");

    assert_int_equal(states->len, _ASSIGNMENT_STATE_MAX);
    for (int i = 0; i < _ASSIGNMENT_STATE_MAX; i++)
        assert_true(is_among(states, assignment_state_to_string((AssignmentState)i)));
    for (guint i = 0; i < errors->len; i++)
        assert_true(ferry_error_from_name(errors->pdata[i]) != _FERRY_ERROR_INVALID);
    /* Besides, what status.c says of itself, and what comes back from an attach. */
    for (int verdict = 0; verdict < _VERDICT_MAX; verdict++)
        assert_true(!*verdict_error(verdict) || is_among(errors, verdict_error(verdict)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_are_documented),
        cmocka_unit_test(test_states_and_errors_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
