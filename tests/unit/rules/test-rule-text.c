/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rules as text: what is read is printed, and what is wrong is shown by its column. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/base/error.h"
#include "tests/unit/rules/keyboard.h"

static const struct {
    const char *text, *canonical;
} print_cases[] = {
    { "  product=C1   vendor=46d ", "vendor=046d product=00c1" },
    { "vendor=\"046d\"", "vendor=046d" },
    { "vendor=2 vendor!=1 vendor=1 vendor=0002", "vendor=0001 vendor=0002 vendor!=0001" },
    { "serial=\"AB12\"", "serial=AB12" },
    { "serial=\"a b\\\"\"", "serial=\"a b\\\"\"" },
    { "serial=\"a\\*\\?\\\\\"", "serial=\"a\\*\\?\\\\\"" },
    { "serial=\"*\"", "serial=*" },
    { "serial!=\"\"", "serial!=\"\"" },
    { "serial=a=b!c", "serial=a=b!c" },
    { "name=ÄRGER", "name=ärger" },
    { "class=Keyboard", "class=hid-keyboard" },
    { "class=HID class=3:*:0A", "class=03:*:0a class=hid" },
    { "port=3:1.2 hub=3:1", "port=3-1.2 hub=3-1" },
    { "port=pci-0000:00:14.0/ss-1", "port=pci-0000:00:14.0/ss-1" },
    { "controller=0000:00:1A.0 node=Host-A", "controller=0000:00:1a.0 node=host-a" },
    { "speed=480 removable=YES", "removable=yes speed=480" },
    { "speed=1 removable=no node=a controller=b hub=1-1 port=1-1 class=hid manufacturer=c name=d serial=e "
      "product=1 vendor=1",
      "vendor=0001 product=0001 serial=e name=d manufacturer=c class=hid port=1-1 hub=1-1 controller=b node=a "
      "removable=no speed=1" },
};

static void test_print(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(print_cases); i++) {
        g_autoptr(Rule) rule = keyboard_rule(print_cases[i].text);
        g_autofree char *text = rule_print(rule);

        assert_string_equal(text, print_cases[i].canonical);
    }
}

/* The column of the first thing that is wrong, and a part of what is said about it. */
static const struct {
    const char *text;
    unsigned column;
    const char *expected;
} error_cases[] = {
    { "", 1, "a key: vendor, product" },
    { "   ", 4, "a key" },
    { "=", 1, "a key" },
    { "foo=1", 1, "removable or speed" },
    { "Vendor=1", 1, "a key" },
    { "vendor=1 vendor2=1", 16, "= or !=" },
    { "vendor=1 foo=1", 10, "a key" },
    { "vendor", 7, "= or !=" },
    { "vendor =1", 7, "= or !=" },
    { "vendor!1", 8, "=" },
    { "vendor==1", 8, "1 to 4 hex digits or *" },
    { "vendor=", 8, "a value" },
    { "vendor= product=1", 8, "a value" },
    { "vendor=0x1", 9, "hex digits" },
    { "vendor=04xz", 10, "hex digits" },
    { "vendor=12345", 12, "hex digits" },
    { "vendor=*1", 8, "hex digits" },
    { "vendor=1*", 9, "hex digits" },
    { "vendor=\"\"", 9, "hex digits" },
    { "vendor=\"04 \"", 11, "hex digits" },
    { "vendor=\"1\\*\"", 10, "hex digits" },
    { "vendor=\"1\\\"\"", 10, "hex digits" },
    { "product=g", 9, "hex digits" },
    { "serial=", 8, "a value" },
    { "serial=a\"b", 9, "no quote" },
    { "serial=a\\b", 9, "no quote or backslash" },
    { "serial=\"ab", 11, "\" at the end" },
    { "serial=\"ab\\", 11, "\\\\" },
    { "serial=\"ab\\n\"", 11, "\\\\" },
    { "serial=\"ab\"c", 12, "a space" },
    { "serial=\"ab\"vendor=1", 12, "a space" },
    { "serial=ü\"", 9, "no quote" }, /* columns are characters */
    { "serial=a\tb", 9, "a printable character" },
    { "vendor=1\n", 9, "a printable character" },
    { "zonk serial=\xe2\x80\xae", 13, "a printable character" },
    { "serial=ü\xff", 9, "UTF-8" },
    { "serial=\xef\xbf\xbf", 8, "a printable character" },
    { "class=", 7, "a value" },
    { "class=board", 7, "the name of a class" },
    { "class=hid*", 7, "the name of a class" },
    { "class=03:01", 12, "cc:ss:pp" },
    { "class=03:01:", 13, "cc:ss:pp" },
    { "class=03:01:01:01", 15, "cc:ss:pp" },
    { "class=003:01:01", 9, "cc:ss:pp" },
    { "class=03:g1:01", 10, "cc:ss:pp" },
    { "class=03::01", 10, "cc:ss:pp" },
    { "class=03:0*:01", 11, "cc:ss:pp" },
    { "port=3", 7, "a socket" },
    { "port=3-", 8, "a socket" },
    { "port=3-0", 8, "a socket" },
    { "port=3-1.", 10, "a socket" },
    { "port=3-1..2", 10, "a socket" },
    { "port=3-256", 10, "a socket" },
    { "port=3-1.2x", 11, "a socket" },
    { "port=003:1", 6, "a socket" },
    { "port=1000-1", 9, "a socket" },
    { "port=usb3", 6, "a socket" },
    { "port=3.1", 7, "a socket" },
    { "port=3-1:1.0", 9, "a socket" },
    { "port=/1", 6, "a socket" },
    { "port=pci-0000:00:14.0/1.*", 25, "a socket" },
    { "port=pci-0000:00:14.0/ss-", 26, "a socket" },
    { "port=pci-0000:00:14.0/ss1", 23, "a socket" },
    { "port=pci-*/1", 10, "a socket" },
    { "hub=pci-0000:00:14.0/1/2", 23, "a socket" },
    { "hub=\"pci 1/1\"", 9, "a socket" },
    { "removable=maybe", 11, "yes or no" },
    { "speed=fast", 7, "a number of Mbit/s" },
    { "speed=480M", 10, "a number of Mbit/s" },
    { "speed=0", 7, "a number of Mbit/s" },
    { "speed=1.5", 8, "a number of Mbit/s" },
    { "speed=999999999", 15, "a number of Mbit/s" },
};

static void assert_error(const char *text, unsigned column, const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Rule) rule = rule_parse(text, &error);
    g_autofree char *prefix = g_strdup_printf("rule, column %u: expected ", column);

    if (rule)
        fail_msg("%s is taken", text);
    assert_true(g_error_matches(error, FERRY_ERROR, FERRY_ERROR_INVALID_RULE));
    if (!g_str_has_prefix(error->message, prefix) || !strstr(error->message, expected))
        fail_msg("%s: %s (and not column %u, %s)", text, error->message, column, expected);
    assert_true(g_utf8_validate(error->message, -1, NULL));
}

static void test_errors(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(error_cases); i++)
        assert_error(error_cases[i].text, error_cases[i].column, error_cases[i].expected);
    assert_null(rule_parse("vendor", NULL));
}

static void test_length(void **state)
{
    g_autoptr(GString) text = g_string_new("serial=");
    g_autoptr(GString) grows = g_string_new(NULL);
    g_autoptr(Rule) rule = NULL;

    while (text->len < RULE_TEXT_MAX)
        g_string_append_c(text, 'x');
    rule = keyboard_rule(text->str);
    g_string_append_c(text, 'x');
    assert_error(text->str, RULE_TEXT_MAX + 1, "the end");

    /* short enough as it is, but not when it is printed */
    for (int i = 0; i < 0x64; i++)
        g_string_append_printf(grows, "vendor=%x ", i + 1);
    assert_true(grows->len <= RULE_TEXT_MAX);
    assert_error(grows->str, (unsigned)grows->len + 1, "less");
}

/* What can stand behind each key, as somebody could write it. */
static const char *const pieces[] = {
    "vendor=%x",       "vendor=*",        "product=%X",    "serial=%t",
    "name=%t",         "manufacturer=%t", "class=hid",     "class=Video",
    "class=%b:*:%b",   "port=%n-%n.%n",   "port=%n:%n",    "port=pci-0000:00:14.0/%n.%n",
    "hub=pci-1/ss-%n", "hub=pci-1/",      "controller=%t", "node=%t",
    "removable=yes",   "removable=NO",    "speed=%n",
};

static void append_text_value(GString *text, GRand *rand)
{
    static const char *const characters[] = { "a", "B", "*", "?", "\\*", "\\?", "\\\\", "\\\"",
                                              " ", "=", "!", "ß", "Ⱥ",   "Ꭰ",   "İ",    "/" };
    gint32 length = g_rand_int_range(rand, 0, 8);

    g_string_append_c(text, '"');
    for (gint32 i = 0; i < length; i++)
        g_string_append(text, characters[g_rand_int_range(rand, 0, G_N_ELEMENTS(characters))]);
    g_string_append_c(text, '"');
}

static char *generate(GRand *rand)
{
    g_autoptr(GString) text = g_string_new(NULL);
    gint32 n = g_rand_int_range(rand, 1, 6);

    for (gint32 i = 0; i < n; i++) {
        const char *piece = pieces[g_rand_int_range(rand, 0, G_N_ELEMENTS(pieces))];

        g_string_append_c(text, ' ');
        for (; *piece; piece++) {
            if (*piece == '=' && g_rand_boolean(rand)) {
                g_string_append(text, "!=");
            } else if (*piece != '%') {
                g_string_append_c(text, *piece);
            } else if (*++piece == 't') {
                append_text_value(text, rand);
            } else if (*piece == 'n') {
                g_string_append_printf(text, "%d", g_rand_int_range(rand, 1, 256));
            } else if (*piece == 'b') {
                g_string_append_printf(text, "%x", (unsigned)g_rand_int_range(rand, 0, 256));
            } else {
                g_string_append_printf(text, "%x", (unsigned)g_rand_int_range(rand, 0, 65536));
            }
        }
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void test_parse_of_print_is_identity(void **state)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(20240501);
    g_autoptr(Device) device = keyboard();

    for (int i = 0; i < 20000; i++) {
        g_autofree char *text = generate(rand);
        g_autoptr(Rule) rule = keyboard_rule(text);
        g_autofree char *printed = rule_print(rule);
        g_autoptr(Rule) again = keyboard_rule(printed);
        g_autofree char *printed_again = rule_print(again);

        assert_string_equal(printed, printed_again);
        assert_int_equal(rule_specificity(rule), rule_specificity(again));
        assert_int_equal(rule_matches(rule, device, KEYBOARD_NODE),
                         rule_matches(again, device, KEYBOARD_NODE));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_print),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_parse_of_print_is_identity),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
