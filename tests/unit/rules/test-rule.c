/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rules: what they match, and which of two is the more exact one. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/rules/keyboard.h"

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
        g_autoptr(Rule) rule = keyboard_rule(match_cases[i].rule);

        if (rule_matches(rule, device, KEYBOARD_NODE) != match_cases[i].matches)
            fail_msg("%s", match_cases[i].rule);
    }
}

/* "hub=3-1" is neither "3-12" nor "3-10.1". */
static void test_hub_ends_at_a_dot(void **state)
{
    g_autoptr(Device) device = keyboard();
    g_autoptr(Rule) by_name = keyboard_rule("hub=3-1"), by_socket = keyboard_rule("hub=pci-0000:00:14.0/1");

    keyboard_set(&device->sysname, "3-12");
    keyboard_set(&device->socket, "pci-0000:00:14.0/12");
    assert_false(rule_matches(by_name, device, KEYBOARD_NODE));
    assert_false(rule_matches(by_socket, device, KEYBOARD_NODE));
}

static void test_fixed_and_bare_device(void **state)
{
    g_autoptr(Device) device = device_new("1-1");
    g_autoptr(Rule) fixed = keyboard_rule("removable=no"),
                    bare = keyboard_rule("serial=\"\" name=\"\" manufacturer=\"\"");
    g_autoptr(Rule) code = keyboard_rule("class!=*:*:*"), one = keyboard_rule("name=?");

    assert_true(rule_matches(fixed, device, KEYBOARD_NODE));
    assert_true(rule_matches(bare, device, KEYBOARD_NODE));
    assert_true(rule_matches(code, device, KEYBOARD_NODE));
    assert_false(rule_matches(one, device, KEYBOARD_NODE));
}

/* "?" after "*" is a whole character, too. */
static void test_characters_after_a_star(void **state)
{
    g_autoptr(Device) device = device_new("1-1");
    g_autoptr(Rule) one = keyboard_rule("name=*?x"), two = keyboard_rule("name=*??x");

    keyboard_set(&device->product, "ßx");
    assert_true(rule_matches(one, device, KEYBOARD_NODE));
    assert_false(rule_matches(two, device, KEYBOARD_NODE));
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
    rule = keyboard_rule(text->str);
    keyboard_set(&device->serial, serial);
    assert_false(rule_matches(rule, device, KEYBOARD_NODE));
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
            g_autoptr(Rule) rule = keyboard_rule(specificities[step][i]);
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
    g_autoptr(Rule) rule =
        keyboard_rule("vendor=46D product=* serial=\"a\\* \\\"\\\\\" serial=A* port!=3-1 name=B "
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
        g_autoptr(Rule) a = keyboard_rule(pairs[i].a), b = keyboard_rule(pairs[i].b);

        if (rule_may_meet(a, b) != pairs[i].may || rule_may_meet(b, a) != pairs[i].may)
            fail_msg("%s and %s", pairs[i].a, pairs[i].b);
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
        cmocka_unit_test(test_specificity),
        cmocka_unit_test(test_exact),
        cmocka_unit_test(test_may_meet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
