/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rule of one device, and which serials are worth being in it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/rules/pin.h"
#include "tests/unit/rules/keyboard.h"

static void assert_pins(const Device *device, bool unique, const char *text)
{
    g_autoptr(Rule) rule = rule_for_device(device, unique);
    g_autofree char *printed = rule_print(rule);
    g_autoptr(Rule) again = keyboard_rule(printed);
    g_autofree char *printed_again = rule_print(again);

    assert_string_equal(printed, text);
    assert_string_equal(printed_again, text);
    assert_true(rule_matches(rule, device, KEYBOARD_NODE));
    assert_true(rule_matches(again, device, KEYBOARD_NODE));
}

static void test_for_device(void **state)
{
    g_autoptr(Device) device = keyboard();
    g_autofree char *quotes = g_strnfill(512, '"');

    assert_pins(device, true, "vendor=046d product=00c1 serial=\"AB\\*12\\\\x\"");
    assert_pins(device, false, "vendor=046d product=00c1 port=pci-0000:00:14.0/1.2");

    /* a serial that can't be written, and none */
    keyboard_set(&device->serial, quotes);
    assert_pins(device, true, "vendor=046d product=00c1 port=pci-0000:00:14.0/1.2");
    keyboard_set(&device->serial, "");
    assert_pins(device, true, "vendor=046d product=00c1 port=pci-0000:00:14.0/1.2");

    keyboard_set(&device->socket, "");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_for_device),
        cmocka_unit_test(test_serial_is_sane),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
