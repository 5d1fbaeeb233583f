/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Texts that are cut and broken to fit, in the C locale. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/view/text.h"
#include "tests/unit/client/fixture.h"

static void test_cut(void **state)
{
    static const struct {
        const char *text;
        int width;
        const char *cut;
    } cases[] = {
        { "keyboard", 8, "keyboard" }, { "keyboard", 7, "keyb..." }, { "a keyboard", 5, "a..." },
        { "keyboard", 3, "key" },      { "keyboard", 0, "" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *cut = text_cut(cases[i].text, cases[i].width);
        assert_string_equal(cut, cases[i].cut);
    }
}

static void test_wrap(void **state)
{
    static const struct {
        const char *text;
        int width;
        const char *lines;
    } cases[] = {
        { "one two three", 0, "one two three" },
        { "one two three", 13, "one two three" },
        { "one two three", 8, "one two|three" },
        { "one two three", 7, "one two|three" },
        { "one two three", 4, "one|two|thre|e" },
        { "one  two ", 3, "one|two" },
        { "", 10, "" },
        { "abc", 1, "a|b|c" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GPtrArray) lines = text_wrap(cases[i].text, cases[i].width);
        g_ptr_array_add(lines, NULL);
        g_autofree char *joined = g_strjoinv("|", (char **)lines->pdata);
        assert_string_equal(joined, cases[i].lines);
    }
}

static void test_terminal_width(void **state)
{
    g_setenv("COLUMNS", "40", true);
    assert_int_equal(terminal_width(), 40);
    g_setenv("COLUMNS", "nonsense", true);
    assert_true(terminal_width() >= 0);
    g_unsetenv("COLUMNS");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_wrap),
        cmocka_unit_test(test_terminal_width),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
