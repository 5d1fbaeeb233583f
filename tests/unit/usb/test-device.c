/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/base/text.h"
#include "daemon/usb/device.h"

#define MAX_INTERFACES 8

/* Interfaces as udev writes them, device class, and the name that must come out. */
static const struct {
    const char *interfaces;
    uint8_t device_class;
    const char *class_name;
} cases[] = {
    { "030101", 0, "hid-keyboard" },
    { "030102", 0, "hid-mouse" },
    { "030000", 0, "hid" },
    { "030001", 0, "hid" }, /* the protocol only means something for boot devices */
    { "030101:030102:030000", 0, "hid-keyboard" },
    { "030102:030000", 0, "hid-mouse" },
    { "030101:ff0000", 0, "hid-keyboard" },
    { "030101:0b0000", 0, "composite" }, /* a security key types, too */
    { "080650", 0, "storage" },
    { "080650:080662", 0, "storage" },
    { "080650:030000", 0, "composite" }, /* a stick that types */
    { "080650:ffffff", 0, "composite" }, /* a modem with its driver disc */
    { "0e0100:0e0200", 0xEF, "video" },
    { "0e0100:010100:030000", 0xEF, "video" },
    { "010100:010200", 0, "audio" },
    { "010100:030000", 0, "audio" },
    { "010100:030101", 0, "composite" },
    { "070102", 0, "printer" },
    { "070102:ffcc00", 0, "printer" },
    { "070102:080650", 0, "composite" },
    { "0b0000", 0, "smartcard" },
    { "020600:0a0000", 0x02, "network" },
    { "020d00:0a0001", 0, "network" },
    { "020e00:020201:0a0002", 0, "network" },
    { "e00103", 0, "network" },
    { "0202ff:0a0000", 0, "network" },
    { "ef0401:0a0000", 0, "network" },
    { "020201:0a0000", 0x02, "serial" },
    { "e00101", 0xE0, "bluetooth" },
    { "e00101:ffffff:fe0101", 0xFF, "bluetooth" },
    { "090000", 0x09, "hub" },
    { "090001:090002", 0x09, "hub" },
    { "ff0000", 0, "vendor" },
    { "ff0000:fe0101", 0, "vendor" },
    { "fe0101", 0, "other" },
    { "060101", 0, "other" },
    { "060101:080650", 0, "composite" },
    { "", 0x09, "hub" },
    { "", 0xFF, "vendor" },
    { "", 0x00, "other" },
};

static gsize read_interfaces(const char *text, DeviceInterface *interfaces)
{
    gsize n = 0;
    unsigned c, s, p;

    for (; sscanf(text, "%2x%2x%2x", &c, &s, &p) == 3; text += 7) {
        interfaces[n++] = (DeviceInterface){ (uint8_t)c, (uint8_t)s, (uint8_t)p };
        if (strlen(text) < 7)
            break;
    }
    return n;
}

static void test_class(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        DeviceInterface interfaces[MAX_INTERFACES];
        gsize n = read_interfaces(cases[i].interfaces, interfaces);
        const char *name = device_class_from_interfaces(cases[i].device_class, interfaces, n);

        if (g_strcmp0(name, cases[i].class_name) != 0)
            fail_msg("%s is %s and not %s", cases[i].interfaces, name, cases[i].class_name);
        assert_true(g_strv_contains(device_class_names(), name));
    }
}

static void test_every_class_is_known(void **state)
{
    /* whatever a device claims, the name is one of the list */
    for (unsigned c = 0; c <= 0xFF; c++)
        for (unsigned s = 0; s <= 0xFF; s++) {
            DeviceInterface interfaces[] = { { (uint8_t)c, (uint8_t)s, 0 }, { (uint8_t)s, (uint8_t)c, 1 } };

            assert_true(g_strv_contains(device_class_names(),
                                        device_class_from_interfaces((uint8_t)c, interfaces, 2)));
        }
    assert_int_equal(g_strv_length((char **)device_class_names()), 15);
}

static void test_states(void **state)
{
    for (int i = 0; i < _DEVICE_STATE_MAX; i++) {
        assert_non_null(device_state_to_string((DeviceState)i));
        assert_int_equal(device_state_from_string(device_state_to_string((DeviceState)i)), i);
    }
    assert_null(device_state_to_string(_DEVICE_STATE_MAX));
    assert_null(device_state_to_string(_DEVICE_STATE_INVALID));
    assert_int_equal(device_state_from_string("gone"), _DEVICE_STATE_INVALID);
    assert_int_equal(device_state_from_string(NULL), _DEVICE_STATE_INVALID);
    assert_string_equal(device_state_to_string(DEVICE_STATE_QUARANTINED), "quarantined");
}

static void test_describe(void **state)
{
    g_autoptr(Device) device = device_new("3-1.2");
    g_autofree char *bare = NULL, *with_vendor = NULL, *with_product = NULL;

    device->vendor_id = 0x046d;
    device->product_id = 0xc31c;
    bare = device_describe(device);
    assert_string_equal(bare, "046d:c31c (3-1.2)");

    g_free(device->vendor);
    device->vendor = g_strdup("Logitech, Inc.");
    with_vendor = device_describe(device);
    assert_string_equal(with_vendor, "046d:c31c \"Logitech, Inc.\" (3-1.2)");

    g_free(device->product);
    device->product = g_strdup("19\" Keyboard");
    with_product = device_describe(device);
    assert_string_equal(with_product, "046d:c31c \"19\\\" Keyboard\" (3-1.2)");
}

static void test_new(void **state)
{
    g_autoptr(Device) device = device_new("usb1");

    assert_string_equal(device->sysname, "usb1");
    assert_string_equal(device->serial, "");
    assert_string_equal(device->class_name, "other");
    assert_null(device->hub);
    assert_int_equal(device->state, DEVICE_STATE_HOST);
    assert_null(device_free(NULL));
}

static void test_behind(void **state)
{
    static const struct {
        const char *sysname, *hub;
        bool is_behind;
    } pairs[] = {
        { "3-1.2", "3-1", true },     { "3-1.2.4", "3-1", true }, { "3-1.2", "usb3", true },
        { "3-1", "usb3", true },      { "3-1", "3-1", false },    { "3-12", "3-1", false },
        { "3-1", "3-1.2", false },    { "13-1", "usb3", false },  { "3-1", "usb1", false },
        { "3-1.12", "3-1.1", false },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(pairs); i++)
        if (device_is_behind(pairs[i].sysname, pairs[i].hub) != pairs[i].is_behind)
            fail_msg("%s is%s behind %s", pairs[i].sysname, pairs[i].is_behind ? "" : " not", pairs[i].hub);
}

/* A newer look tells facts; where the device is, it doesn't know. */
static void test_take_facts(void **state)
{
    g_autoptr(Device) device = device_new("3-1.2");
    Device *newer = device_new("3-1.2");
    const char *sysname = device->sysname;

    device->state = DEVICE_STATE_ATTACHED;
    device->machine_uuid = g_strdup("uuid");
    device->assignment_id = g_strdup("k3xw90ab");
    device->tenant = g_strdup("acme");
    device->steady_at = 5;
    device->udev_instance = 1234567;
    newer->instance = 7;
    newer->udev_instance = 7654321;
    newer->vendor_id = 0x046d;
    g_free(newer->product);
    newer->product = g_strdup("Keyboard");
    newer->hub = g_strdup("3-1");
    device_take_facts(device, newer);
    device_free(newer);
    assert_ptr_equal(device->sysname, sysname);
    assert_int_equal(device->instance, 7);
    /* udev's record of it was made anew: what was attached by the first one still is. */
    assert_true(device_is_instance(device, 7));
    assert_true(device_is_instance(device, 1234567));
    assert_false(device_is_instance(device, 7654321));
    assert_false(device_is_instance(device, 0));
    assert_int_equal(device->vendor_id, 0x046d);
    assert_string_equal(device->product, "Keyboard");
    assert_string_equal(device->hub, "3-1");
    assert_int_equal(device->state, DEVICE_STATE_ATTACHED);
    assert_string_equal(device->machine_uuid, "uuid");
    assert_string_equal(device->assignment_id, "k3xw90ab");
    assert_string_equal(device->tenant, "acme");
    assert_int_equal(device->steady_at, 5);
}

static void test_label_and_icon(void **state)
{
    g_autoptr(Device) device = device_new("1-1");
    g_autofree char *by_ids = NULL, *by_vendor = NULL, *by_product = NULL;

    device->vendor_id = 0x046d;
    device->product_id = 0xc31c;
    by_ids = device_label(device);
    assert_string_equal(by_ids, "046d:c31c");
    text_replace(&device->vendor, "Logitech");
    by_vendor = device_label(device);
    assert_string_equal(by_vendor, "Logitech");
    text_replace(&device->product, "Keyboard K120");
    by_product = device_label(device);
    assert_string_equal(by_product, "Keyboard K120");

    assert_string_equal(device_icon(device), DEVICE_ICON_GENERIC);
    for (const char *const *name = device_class_names(); *name; name++) {
        device->class_name = *name;
        assert_true(strlen(device_icon(device)) < DEVICE_ICON_MAX);
    }
    device->class_name = "hid-keyboard";
    assert_string_equal(device_icon(device), "input-keyboard");
    device->class_name = "bluetooth";
    assert_string_equal(device_icon(device), "network-wireless");
    device->class_name = "hub";
    assert_string_equal(device_icon(device), DEVICE_ICON_GENERIC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_label_and_icon),
        cmocka_unit_test(test_class),
        cmocka_unit_test(test_every_class_is_known),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_describe),
        cmocka_unit_test(test_new),
        cmocka_unit_test(test_behind),
        cmocka_unit_test(test_take_facts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
