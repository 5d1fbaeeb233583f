/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One device for the tests of rules. */

#include "tests/unit/rules/keyboard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

void keyboard_set(char **field, const char *text)
{
    g_free(*field);
    *field = g_strdup(text);
}

Device *keyboard(void)
{
    g_autoptr(Device) device = device_new("3-1.2");

    device->bus_number = 3;
    device->device_number = 7;
    device->vendor_id = 0x046d;
    device->product_id = 0x00c1;
    keyboard_set(&device->vendor, "Logitech, Inc.");
    keyboard_set(&device->product, "Keyboard K120 \"Größe\"");
    keyboard_set(&device->serial, "AB*12\\x");
    keyboard_set(&device->socket, "pci-0000:00:14.0/1.2");
    keyboard_set(&device->controller, "0000:00:14.0");
    device->n_interfaces = 2;
    device->interfaces = g_new0(DeviceInterface, device->n_interfaces);
    device->interfaces[0] = (DeviceInterface){ 3, 1, 1 };
    device->interfaces[1] = (DeviceInterface){ 3, 0, 0xA0 };
    device->class_name = device_class_from_interfaces(0, device->interfaces, device->n_interfaces);
    device->speed = 12;
    device->removable = true;
    return g_steal_pointer(&device);
}

Rule *keyboard_rule(const char *text)
{
    g_autoptr(GError) error = NULL;
    Rule *rule = rule_parse(text, &error);

    if (!rule)
        fail_msg("%s: %s", text, error->message);
    assert_null(error);
    return rule;
}
