/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Nothing from the bus may act on a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escape),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
