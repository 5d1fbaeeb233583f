/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzzes rules as text: whatever is taken can be printed and read again, and means the same then. The input
 * is a serial as well: whatever a device calls itself, the rule that pins it finds it again. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "daemon/base/error.h"
#include "daemon/rules/pin.h"
#include "daemon/base/text.h"

#define NODE "host-a"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static Device *make_device(const char *raw)
{
    g_autoptr(Device) device = device_new("3-1.2");

    device->vendor_id = 0x046d;
    device->product_id = 0xc31c;
    g_free(device->serial);
    device->serial = text_sanitize(raw, TEXT_MAX);
    g_free(device->product);
    device->product = text_sanitize(raw, TEXT_MAX);
    g_free(device->socket);
    device->socket = g_strdup("pci-0000:00:14.0/1.2");
    g_free(device->controller);
    device->controller = g_strdup("0000:00:14.0");
    device->n_interfaces = 1;
    device->interfaces = g_new0(DeviceInterface, device->n_interfaces);
    device->interfaces[0] = (DeviceInterface){ 3, 1, 1 };
    device->class_name = "hid-keyboard";
    return g_steal_pointer(&device);
}

static void check_round_trip(const Rule *rule, const Device *device)
{
    g_autofree char *printed = rule_print(rule), *printed_again = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(Rule) again = rule_parse(printed, &error);

    g_assert_no_error(error);
    g_assert_nonnull(again);
    g_assert_true(text_is_clean(printed));
    printed_again = rule_print(again);
    g_assert_cmpstr(printed, ==, printed_again);
    g_assert_cmpint(rule_specificity(rule), ==, rule_specificity(again));
    g_assert_cmpint(rule_matches(rule, device, NODE), ==, rule_matches(again, device, NODE));
    g_assert_cmpstr(rule_exact(rule, "serial"), ==, rule_exact(again, "serial"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup(size > 0 ? (const char *)data : "", size);
    g_autoptr(Device) device = make_device(text);
    g_autoptr(GError) error = NULL;
    g_autoptr(Rule) rule = rule_parse(text, &error), pin = NULL;

    g_assert_cmpint(rule != NULL, ==, error == NULL);
    if (error)
        g_assert_true(g_error_matches(error, FERRY_ERROR, FERRY_ERROR_INVALID_RULE));
    if (rule)
        check_round_trip(rule, device);

    pin = rule_for_device(device, rule_serial_is_sane(device->serial));
    g_assert_true(rule_matches(pin, device, NODE));
    check_round_trip(pin, device);
    return 0;
}
