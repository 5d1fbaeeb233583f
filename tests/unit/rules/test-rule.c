/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/base/error.h"
#include "daemon/rules/rule.h"

#define NODE "host-a"

static void set(char **field, const char *text)
{
    g_free(*field);
    *field = g_strdup(text);
}

/* A keyboard behind a hub. */
static Device *keyboard(void)
{
    g_autoptr(Device) device = device_new("3-1.2");

    device->bus_number = 3;
    device->device_number = 7;
    device->vendor_id = 0x046d;
    device->product_id = 0x00c1;
    set(&device->vendor, "Logitech, Inc.");
    set(&device->product, "Keyboard K120 \"Größe\"");
    set(&device->serial, "AB*12\\x");
    set(&device->socket, "pci-0000:00:14.0/1.2");
    set(&device->controller, "0000:00:14.0");
    device->n_interfaces = 2;
    device->interfaces = g_new0(DeviceInterface, device->n_interfaces);
    device->interfaces[0] = (DeviceInterface){ 3, 1, 1 };
    device->interfaces[1] = (DeviceInterface){ 3, 0, 0xA0 };
    device->class_name = device_class_from_interfaces(0, device->interfaces, device->n_interfaces);
    device->speed = 12;
    device->removable = true;
    return g_steal_pointer(&device);
}

static Rule *parse(const char *text)
{
    g_autoptr(GError) error = NULL;
    Rule *rule = rule_parse(text, &error);

    if (!rule)
        fail_msg("%s: %s", text, error->message);
    assert_null(error);
    return rule;
}

/* Every key, matching and not matching the keyboard. */
static const struct {
    const char *rule;
    bool matches;
} match_cases[] = {
    { "vendor=046d", true },
    { "vendor=46D", true },
    { "vendor=*", true },
    { "vendor=046e", false },
    { "vendor!=046d", false },
    { "vendor!=046e", true },
    { "vendor!=*", false },
    { "product=c1", true },
    { "product=c10", false },
    { "serial=\"AB\\*12\\\\x\"", true },
    { "serial=\"ab\\*12\\\\x\"", false },
    { "serial=AB*", true },
    { "serial=AB?12?x", true },
    { "serial=AB?12?", false },
    { "serial=*x", true },
    { "serial=*2*x", true },
    { "serial=*B*B*", false },
    { "serial=\"\\*12\\\\x\"", false },
    { "serial=\"\"", false },
    { "serial!=\"\"", true },
    { "serial=*", true },
    { "name=\"KEYBOARD k120 \\\"GRÖSSE\\\"\"", false }, /* folding is by character: ß is not ss */
    { "name=\"KEYBOARD k120 \\\"GRÖẞE\\\"\"", true },
    { "name=*gr?ße*", true },
    { "name=*gr??ße*", false },
    { "name=keyboard", false },
    { "manufacturer=logitech*", true },
    { "manufacturer=\"logitech, inc.\"", true },
    { "manufacturer=microsoft", false },
    { "class=hid-keyboard", true },
    { "class=HID-Keyboard", true },
    { "class=hid", false },
    { "class=03:01:01", true },
    { "class=3:1:1", true },
    { "class=03:*:a0", true },
    { "class=*:*:*", true },
    { "class=03:01:02", false },
    { "class=08:*:*", false },
    { "class!=08:*:*", true },
    { "class!=03:00:*", false },
    { "port=pci-0000:00:14.0/1.2", true },
    { "port=pci-0000:00:14.0/1", false },
    { "port=pci-0000:00:14.0/ss-1.2", false },
    { "port=3-1.2", true },
    { "port=3:1.2", true },
    { "port=3-1", false },
    { "hub=pci-0000:00:14.0/", true },
    { "hub=pci-0000:00:14.0/1", true },
    { "hub=pci-0000:00:14.0/1.2", true },
    { "hub=pci-0000:00:14.0/1.2.1", false },
    { "hub=pci-0000:00:14.0/2", false },
    { "hub=pci-0000:00:15.0/", false },
    { "hub=3-1", true },
    { "hub=3:1.2", true },
    { "hub=3-2", false },
    { "hub!=3-1", false },
    { "controller=0000:00:14.0", true },
    { "controller=*:14.?", true },
    { "controller=0000:00:1a.0", false },
    { "node=HOST-A", true },
    { "node=host-*", true },
    { "node=host-b", false },
    { "node!=host-b", true },
    { "removable=yes", true },
    { "removable=No", false },
    { "removable!=no", true },
    { "speed=12", true },
    { "speed=480", false },
    { "speed!=480", true },
    { "vendor=046d product=00c1 node=host-a", true },
    { "vendor=046d product=00c1 node=host-b", false },
    { "serial=AB* serial=*x", true },
    { "serial=AB* serial=*y", false },
    { "port!=3-1 port!=3-1.2", false },
};

static void test_matches(void **state)
{
    g_autoptr(Device) device = keyboard();

    for (gsize i = 0; i < G_N_ELEMENTS(match_cases); i++) {
        g_autoptr(Rule) rule = parse(match_cases[i].rule);

        if (rule_matches(rule, device, NODE) != match_cases[i].matches)
            fail_msg("%s", match_cases[i].rule);
    }
}

/* "hub=3-1" is neither "3-12" nor "3-10.1". */
static void test_hub_ends_at_a_dot(void **state)
{
    g_autoptr(Device) device = keyboard();
    g_autoptr(Rule) by_name = parse("hub=3-1"), by_socket = parse("hub=pci-0000:00:14.0/1");

    set(&device->sysname, "3-12");
    set(&device->socket, "pci-0000:00:14.0/12");
    assert_false(rule_matches(by_name, device, NODE));
    assert_false(rule_matches(by_socket, device, NODE));
}

static void test_fixed_and_bare_device(void **state)
{
    g_autoptr(Device) device = device_new("1-1");
    g_autoptr(Rule) fixed = parse("removable=no"), bare = parse("serial=\"\" name=\"\" manufacturer=\"\"");
    g_autoptr(Rule) code = parse("class!=*:*:*"), one = parse("name=?");

    assert_true(rule_matches(fixed, device, NODE));
    assert_true(rule_matches(bare, device, NODE));
    assert_true(rule_matches(code, device, NODE));
    assert_false(rule_matches(one, device, NODE));
}

/* "?" after "*" is a whole character, too. */
static void test_characters_after_a_star(void **state)
{
    g_autoptr(Device) device = device_new("1-1");
    g_autoptr(Rule) one = parse("name=*?x"), two = parse("name=*??x");

    set(&device->product, "ßx");
    assert_true(rule_matches(one, device, NODE));
    assert_false(rule_matches(two, device, NODE));
}

/* A pattern that takes forever when every star is tried everywhere. */
static void test_many_stars(void **state)
{
    g_autoptr(Device) device = keyboard();
    g_autoptr(GString) text = g_string_new("serial=");
    g_autoptr(Rule) rule = NULL;
    g_autofree char *serial = g_strnfill(500, 'a');

    for (int i = 0; i < 200; i++)
        g_string_append(text, "*a");
    g_string_append(text, "*b");
    rule = parse(text->str);
    set(&device->serial, serial);
    assert_false(rule_matches(rule, device, NODE));
}

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
        g_autoptr(Rule) rule = parse(print_cases[i].text);
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
    { "class=keyboard", 7, "the name of a class" },
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
    rule = parse(text->str);
    g_string_append_c(text, 'x');
    assert_error(text->str, RULE_TEXT_MAX + 1, "the end");

    /* short enough as it is, but not when it is printed */
    for (int i = 0; i < 0x64; i++)
        g_string_append_printf(grows, "vendor=%x ", i + 1);
    assert_true(grows->len <= RULE_TEXT_MAX);
    assert_error(grows->str, (unsigned)grows->len + 1, "less");
}

/* The weakest first; equal numbers stand in one line. */
static const char *const specificities[][7] = {
    { "vendor=*", "vendor!=046d", "product=1", "serial=A*", "serial=\"\"", "node=a", "removable=yes" },
    { "name=a", "manufacturer=a", "name=a manufacturer=a speed=12", "name=a controller=*" },
    { "controller=0000:00:14.0", "controller=0000:00:14.0 name=a" },
    { "class=hid", "class=03:01:01", "class=hid class!=storage controller=a" },
    { "vendor=046d", "vendor=046d product=*", "vendor=046d product!=1 class=hid" },
    { "hub=3-1", "hub=3-1 vendor=046d" },
    { "vendor=046d product=1", "vendor=046d product=1 serial=A* hub=3-1" },
    { "port=3-1", "port=pci-0000:00:14.0/1", "vendor=046d product=1 port=3-1" },
    { "serial=A", "serial=\"A\\*\"", "vendor=046d product=1 serial=A", "serial=A port!=3-1" },
    { "serial=A port=3-1", "vendor=046d product=1 serial=A port=3-1" },
};

static void test_specificity(void **state)
{
    int last = -1;

    for (gsize step = 0; step < G_N_ELEMENTS(specificities); step++) {
        int here = -1;

        for (gsize i = 0; i < G_N_ELEMENTS(specificities[0]) && specificities[step][i]; i++) {
            g_autoptr(Rule) rule = parse(specificities[step][i]);
            int value = rule_specificity(rule);

            if (i == 0)
                here = value;
            if (value != here || value <= last)
                fail_msg("%s: %d", specificities[step][i], value);
        }
        last = here;
    }
}

static void test_exact(void **state)
{
    g_autoptr(Rule) rule = parse("vendor=46D product=* serial=\"a\\* \\\"\\\\\" serial=A* port!=3-1 name=B "
                                 "class=03:*:*");

    assert_string_equal(rule_exact(rule, "vendor"), "046d");
    assert_null(rule_exact(rule, "product"));
    assert_string_equal(rule_exact(rule, "serial"), "a* \"\\");
    assert_null(rule_exact(rule, "port"));
    assert_string_equal(rule_exact(rule, "name"), "b");
    assert_null(rule_exact(rule, "class"));
    assert_null(rule_exact(rule, "node"));
    assert_null(rule_exact(rule, "no such key"));
}

static void assert_pins(const Device *device, bool unique, const char *text)
{
    g_autoptr(Rule) rule = rule_for_device(device, unique);
    g_autofree char *printed = rule_print(rule);
    g_autoptr(Rule) again = parse(printed);
    g_autofree char *printed_again = rule_print(again);

    assert_string_equal(printed, text);
    assert_string_equal(printed_again, text);
    assert_true(rule_matches(rule, device, NODE));
    assert_true(rule_matches(again, device, NODE));
}

static void test_for_device(void **state)
{
    g_autoptr(Device) device = keyboard();
    g_autofree char *quotes = g_strnfill(512, '"');

    assert_pins(device, true, "vendor=046d product=00c1 serial=\"AB\\*12\\\\x\"");
    assert_pins(device, false, "vendor=046d product=00c1 port=pci-0000:00:14.0/1.2");

    /* a serial that can't be written, and none */
    set(&device->serial, quotes);
    assert_pins(device, true, "vendor=046d product=00c1 port=pci-0000:00:14.0/1.2");
    set(&device->serial, "");
    assert_pins(device, true, "vendor=046d product=00c1 port=pci-0000:00:14.0/1.2");

    set(&device->socket, "");
    assert_pins(device, false, "vendor=046d product=00c1 port=3-1.2");
}

static void test_serial_is_sane(void **state)
{
    static const char *const good[] = { "AB12", "4C530001", "0000000000A1", "2012092621", "K1234", "ünïq" };
    static const char *const bad[] = {
        "",
        "A",
        "123",
        "aaaa",
        "000000000000",
        "000000000001",
        "1234",
        "123456789",
        "0123456789",
        "1234567890",
        "4321",
        "9876543210",
        "ABCDEF",
        "0123456789ABCDEF",
        "fedcba",
        "89AB",
        "\xef\xbf\xbd\xef\xbf\xbd-12",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(good); i++)
        if (!rule_serial_is_sane(good[i]))
            fail_msg("%s", good[i]);
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        if (rule_serial_is_sane(bad[i]))
            fail_msg("%s", bad[i]);
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

static void test_may_meet(void **state)
{
    static const struct {
        const char *a, *b;
        bool may;
    } pairs[] = {
        { "vendor=0529", "vendor=0529 product=0001 serial=KEY-1", true },
        { "vendor=0529 product=0001 serial=KEY-1", "vendor=529 product=1", true },
        { "class=storage", "name=*", true },
        { "serial=KEY-*", "serial=KEY-1", true },
        { "serial!=KEY-1", "serial=KEY-1", true }, /* a maybe */
        { "vendor=0529", "vendor=0530", false },
        { "vendor=0529 product=0002", "product=0001", false },
        { "serial=KEY-1", "serial=KEY-2", false },
        { "port=pci-0000:00:14.0/1", "port=pci-0000:00:14.0/2", false },
        { "port=1-1", "port=1-2", false },
        { "port=1-1", "port=pci-0000:00:14.0/2", true }, /* who knows */
    };

    for (gsize i = 0; i < G_N_ELEMENTS(pairs); i++) {
        g_autoptr(Rule) a = parse(pairs[i].a), b = parse(pairs[i].b);

        if (rule_may_meet(a, b) != pairs[i].may || rule_may_meet(b, a) != pairs[i].may)
            fail_msg("%s and %s", pairs[i].a, pairs[i].b);
    }
}

static void test_parse_of_print_is_identity(void **state)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(20240501);
    g_autoptr(Device) device = keyboard();

    for (int i = 0; i < 20000; i++) {
        g_autofree char *text = generate(rand);
        g_autoptr(Rule) rule = parse(text);
        g_autofree char *printed = rule_print(rule);
        g_autoptr(Rule) again = parse(printed);
        g_autofree char *printed_again = rule_print(again);

        assert_string_equal(printed, printed_again);
        assert_int_equal(rule_specificity(rule), rule_specificity(again));
        assert_int_equal(rule_matches(rule, device, NODE), rule_matches(again, device, NODE));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matches),
        cmocka_unit_test(test_hub_ends_at_a_dot),
        cmocka_unit_test(test_fixed_and_bare_device),
        cmocka_unit_test(test_characters_after_a_star),
        cmocka_unit_test(test_many_stars),
        cmocka_unit_test(test_print),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_specificity),
        cmocka_unit_test(test_exact),
        cmocka_unit_test(test_may_meet),
        cmocka_unit_test(test_for_device),
        cmocka_unit_test(test_serial_is_sane),
        cmocka_unit_test(test_parse_of_print_is_identity),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
