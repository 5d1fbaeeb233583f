/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/base/error.h"
#include "daemon/model/find-device.h"

static void set(char **field, const char *text)
{
    g_free(*field);
    *field = g_strdup(text);
}

static const struct {
    const char *sysname;
    unsigned bus, number;
    uint16_t vendor_id, product_id;
    const char *vendor, *product, *serial, *class_name, *socket;
    bool is_hub;
} plugged[] = {
    { "usb3", 3, 1, 0x1d6b, 0x0002, "Linux Foundation", "2.0 root hub", "0000:00:14.0", "hub", "pci-0/",
      true },
    { "3-1", 3, 2, 0x05e3, 0x0610, "GenesysLogic", "USB2.1 Hub", "", "hub", "pci-0/1", true },
    { "3-1.1", 3, 7, 0x046d, 0xc31c, "Logitech, Inc.", "Keyboard K120", "", "hid-keyboard", "pci-0/1.1" },
    { "3-1.2", 3, 8, 0x046d, 0xc077, "Logitech, Inc.", "Optical Mouse", "", "hid-mouse", "pci-0/1.2" },
    { "3-2", 3, 10, 0x0781, 0x5567, "SanDisk", "Cruzer Größe", "4C530001", "storage", "pci-0/2" },
    { "4-1", 4, 3, 0x0781, 0x5567, "SanDisk", "Cruzer", "4C530002", "storage", "pci-0/ss-1" },
    { "4-2", 4, 4, 0x0003, 0x0007, "", "", "3-2", "vendor", "pci-0/4" },
    { "4-3", 4, 5, 0x0fff, 0x0001, "Storage Works", "Mouse Trap", "keyboard", "smartcard", "pci-0/5" },
    /* strangers that call themselves as other devices are called by the program */
    { "4-6", 4, 6, 0x0bad, 0x0001, "My Printer", "1-7", "009:009", "vendor", "pci-0/6" },
    { "4-7", 4, 7, 0x0bad, 0x0002, "", "pci-0000:00:15.0/9", "1234:abcd", "vendor", "pci-0/7" },
    { "4-8", 4, 8, 0x0bad, 0x0003, "Smartcard", "", "2004.888", "vendor", "pci-0/8" },
};

static void drop_device(gpointer device)
{
    device_free(device);
}

static GPtrArray *devices(void)
{
    GPtrArray *array = g_ptr_array_new_with_free_func(drop_device);

    for (gsize i = 0; i < G_N_ELEMENTS(plugged); i++) {
        Device *device = device_new(plugged[i].sysname);

        device->bus_number = plugged[i].bus;
        device->device_number = plugged[i].number;
        device->vendor_id = plugged[i].vendor_id;
        device->product_id = plugged[i].product_id;
        set(&device->vendor, plugged[i].vendor);
        set(&device->product, plugged[i].product);
        set(&device->serial, plugged[i].serial);
        set(&device->socket, plugged[i].socket);
        device->class_name = plugged[i].class_name;
        device->is_hub = plugged[i].is_hub;
        g_ptr_array_add(array, device);
    }
    return array;
}

static const struct {
    const char *selector, *sysname; /* NULL = NO_SUCH_DEVICE, "" = AMBIGUOUS */
} cases[] = {
    { "3-1.1", "3-1.1" },
    { " 3-1.1\n", "3-1.1" },
    { "3-1", "3-1" }, /* hubs by sysname */
    { "usb3", "usb3" },
    { "3-2", "" }, /* a port, and what another one says of itself */
    { "003:007", "3-1.1" },
    { "3:7", "3-1.1" },
    { "003:001", "usb3" },
    { "3:99", NULL },
    { "3:0", NULL },
    { "0003:0007", "4-2" },
    { "003:0007", NULL },
    { "0003:7", NULL },
    { "046d:c31c", "3-1.1" },
    { "046D:C31C", "3-1.1" },
    { "046d:c31", NULL },
    { "46d:c31c", NULL },
    { "046d:c31c0", NULL },
    { "046d:", NULL },
    { "05e3:0610", NULL }, /* hubs not by ids, class and text */
    { "hub", NULL },
    { "root hub", NULL },
    { "0000:00:14.0", NULL }, /* nor by serial */
    { "0781:5567", "" },
    { "pci-0/1.2", "3-1.2" },
    { "pci-0/1", "3-1" },
    { "pci-0/", "usb3" },
    { "4C530002", "4-1" },
    { "4c530002", NULL }, /* case matters in a serial */
    { "keyboard", "" },   /* a class, and the serial of another one */
    { "hid-keyboard", "3-1.1" },
    { "mouse", "3-1.2" }, /* class before a part of a text */
    { "MOUSE", "3-1.2" },
    { "smartcard", "" }, /* and the whole name of another one's maker */
    { "SMARTCARD", "" },
    { "storage", "" },
    { "hid", NULL },
    { "k120", "3-1.1" },
    { "logitech", "" },
    { "logitech, inc. keyboard", "3-1.1" },
    { "GRÖẞE", "3-2" },
    { "works", "4-3" },
    /* Words of the program's that nothing has, but in its own texts. */
    { "printer", NULL },
    { "1-7", NULL },
    { "009:009", NULL },
    { "1234:abcd", NULL },
    { "pci-0000:00:15.0/9", NULL },
    { "2004.888", "4-8" }, /* a serial that looks like nothing of the program's */
    { "nothing like it", NULL },
    { "", NULL },
    { "   ", NULL },
};

static void test_find(void **state)
{
    g_autoptr(GPtrArray) all = devices();

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        Device *device = find_device(cases[i].selector, all, &error);
        FerryError code = cases[i].sysname ? FERRY_ERROR_AMBIGUOUS : FERRY_ERROR_NO_SUCH_DEVICE;

        if (cases[i].sysname && *cases[i].sysname) {
            if (!device || strcmp(device->sysname, cases[i].sysname) != 0)
                fail_msg("%s: %s", cases[i].selector, device ? device->sysname : error->message);
            assert_null(error);
        } else {
            if (device)
                fail_msg("%s finds %s", cases[i].selector, device->sysname);
            assert_true(g_error_matches(error, FERRY_ERROR, (int)code));
        }
    }
}

static void test_ambiguous_lists_the_matches(void **state)
{
    g_autoptr(GPtrArray) all = devices();
    g_autoptr(GError) error = NULL;

    assert_null(find_device("Cruzer", all, &error));
    assert_true(g_error_matches(error, FERRY_ERROR, FERRY_ERROR_AMBIGUOUS));
    assert_non_null(strstr(error->message, "\"Cruzer\": 2 devices"));
    assert_non_null(strstr(error->message, "\n0781:5567 \"Cruzer Größe\" (3-2)\n0781:5567 \"Cruzer\" (4-1)"));
}

static void assert_text(const char *selector, FerryError code, const char *text)
{
    g_autoptr(GPtrArray) all = devices();
    g_autoptr(GError) error = NULL;

    assert_null(find_device(selector, all, &error));
    assert_true(g_error_matches(error, FERRY_ERROR, (int)code));
    assert_string_equal(error->message, text);
}

/* What the program calls so comes first, and who only says so is marked. */
static void test_impostors(void **state)
{
    assert_text("keyboard", FERRY_ERROR_AMBIGUOUS,
                "\"keyboard\": 2 devices are called so, use the name in parentheses of one of them:\n"
                "046d:c31c \"Keyboard K120\" (3-1.1)\n0fff:0001 \"Mouse Trap\" (4-3), which calls itself so");
    /* The name in parentheses would lead here again. */
    assert_text("3-2", FERRY_ERROR_AMBIGUOUS,
                "\"3-2\": 2 devices are called so, use bus and device number (003:007) or the path of one of "
                "them:\n0781:5567 \"Cruzer Größe\" (3-2)\n0003:0007 (4-2), which calls itself so");
    assert_text("printer", FERRY_ERROR_NO_SUCH_DEVICE,
                "\"printer\": no USB device has this port, number or class; what a device says of itself is "
                "not taken for it, use the name in parentheses:\n"
                "0bad:0001 \"1-7\" (4-6), which calls itself so");
}

static void test_long_list_ends(void **state)
{
    g_autoptr(GPtrArray) many = g_ptr_array_new_with_free_func(drop_device);
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) lines = NULL;

    for (int i = 1; i <= 100; i++) {
        g_autofree char *sysname = g_strdup_printf("3-%d", i);
        Device *device = device_new(sysname);

        device->class_name = "storage";
        g_ptr_array_add(many, device);
    }
    assert_null(find_device("storage", many, &error));
    lines = g_strsplit(error->message, "\n", -1);
    assert_int_equal(g_strv_length(lines), 18);
    assert_string_equal(lines[17], "and 84 more");

    /* what is no number isn't the number 0 */
    g_clear_error(&error);
    assert_null(find_device("nothing", many, &error));
    assert_true(g_error_matches(error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_DEVICE));
}

static void test_dirty_text(void **state)
{
    g_autoptr(GPtrArray) all = devices();
    g_autoptr(GError) error = NULL;

    assert_null(find_device("x\033[2J\xff\"", all, &error));
    assert_string_equal(error->message, "\"x [2J\xef\xbf\xbd\\\"\": no USB device is called so");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),       cmocka_unit_test(test_ambiguous_lists_the_matches),
        cmocka_unit_test(test_impostors),  cmocka_unit_test(test_long_list_ends),
        cmocka_unit_test(test_dirty_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
