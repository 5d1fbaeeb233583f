/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Nothing from the bus may act on a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <locale.h>

#include "client/bus/escape.h"

static void test_escape(void **state)
{
    static const struct {
        const char *raw, *text;
    } cases[] = {
        { NULL, "" },
        { "Tast\xc3\xa4tur", "Tast\xc3\xa4tur" },
        { "a\033[31mb\x7f", "a\\x1b[31mb\\x7f" },
        { "a\xc2\x9b"
          "31m",
          "a\\x9b31m" },                           /* CSI in one character */
        { "a\xe2\x80\xaetxt", "a\\u202etxt" },     /* right-to-left override */
        { "a\xe2\x80\xa8z", "a\\u2028z" },         /* line separator */
        { "a\xff\xc3(\xc3", "a\\xff\\xc3(\\xc3" }, /* no UTF-8, and cut off */
        { "a\nb\r", "a\\x0ab\\x0d" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = escape_text(cases[i].raw);
        assert_string_equal(text, cases[i].text);
    }

    /* no line of a message stands where ours do */
    g_autofree char *message = escape_message("two:\nusbferry: done\r\n");
    assert_string_equal(message, "two:\n  usbferry: done\\x0d\n  ");
}

/* What the locale has no character for. */
static void test_strange(void **state)
{
    assert_non_null(setlocale(LC_ALL, "C"));
    g_autofree char *from_elsewhere = escape_text("Tast\xc3\xa4tur \xe2\x82\xac \xe2\x80\xa6");
    g_autofree char *ours = escape_strange("a\n\tb \xe2\x80\xa6 \xc3\xa4");
    assert_string_equal(from_elsewhere, "Tast\\xe4tur \\u20ac ...");
    assert_string_equal(ours, "a\n\tb ... \\xe4");

    assert_non_null(setlocale(LC_ALL, "C.UTF-8"));
    g_autofree char *same = escape_strange("a\n\xe2\x80\xa6 \xc3\xa4");
    assert_string_equal(same, "a\n\xe2\x80\xa6 \xc3\xa4");
}

/* A command that is printed means the same when it is typed. */
static void test_word(void **state)
{
    static const struct {
        const char *raw, *word;
    } cases[] = {
        { "win11", "win11" },         { "3-1.2", "3-1.2" },   { "my vm", "'my vm'" },
        { "a;reboot", "'a;reboot'" }, { "$(id)", "'$(id)'" }, { "", "''" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *word = escape_word(cases[i].raw);

        assert_string_equal(word, cases[i].word);
    }
}

int main(void)
{
    setlocale(LC_ALL, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escape),
        cmocka_unit_test(test_strange),
        cmocka_unit_test(test_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
