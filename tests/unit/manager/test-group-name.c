/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names for groups that nobody named. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/text.h"
#include "daemon/manager/group-name.h"
#include "daemon/model/group.h"
#include "daemon/usb/device.h"

static void test_made_names(void **state)
{
    static const struct {
        const char *text;
        const char *name;
    } texts[] = {
        { "Keyboard K120", "keyboard-k120" },
        { "  USB 2.0 (Hub)!! ", "usb-2-0-hub" },
        { "../..", "" },
        { "日本", "" },
        { "", "" },
        { "ÄB", "b" },
    };
    g_autofree char *long_text = g_strnfill(500, 'X');
    g_autofree char *long_name = group_name_from_text(long_text);

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autofree char *name = group_name_from_text(texts[i].text);

        assert_string_equal(name, texts[i].name);
        assert_true(!*name || group_name_is_valid(name));
    }
    assert_int_equal(strlen(long_name), GROUP_NAME_BASE_MAX);
}

static void assert_name_of(const GPtrArray *devices, const char *expected)
{
    g_autofree char *name = group_name_for_devices(devices);

    assert_string_equal(name, expected);
}

/* What they have in common, and what can be in a name. */
static void test_names_for_devices(void **state)
{
    g_autoptr(Device) first = device_new("1-1"), second = device_new("1-2");
    g_autoptr(GPtrArray) devices = g_ptr_array_new();

    first->class_name = "hid-keyboard";
    second->class_name = "storage";
    g_ptr_array_add(devices, first);
    assert_name_of(devices, "hid-keyboard");
    text_replace(&first->vendor, "Logitech");
    assert_name_of(devices, "logitech");
    text_replace(&first->product, "K120");
    assert_name_of(devices, "k120");
    text_replace(&first->product, "日本");
    assert_name_of(devices, "logitech");

    g_ptr_array_add(devices, second);
    text_replace(&second->product, "M90");
    text_replace(&second->vendor, "Logitech");
    assert_name_of(devices, "logitech");
    text_replace(&second->vendor, "Sony");
    assert_name_of(devices, "devices");
    second->class_name = "hid-keyboard";
    assert_name_of(devices, "hid-keyboard");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_made_names),
        cmocka_unit_test(test_names_for_devices),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
