/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names out of paths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/bus/path.h"

static void test_path(void **state)
{
    static const struct {
        const char *path, *name;
        bool valid;
    } cases[] = {
        { "/org/usbferry1/group/keyboard_2dk120_2e2", "keyboard-k120.2", true },
        { "/org/usbferry1/device/3_2d1_2e2", "3-1.2", true },
        { "/org/usbferry1/assignment/abcd1234", "abcd1234", true },
        { "/org/usbferry1/thing/x", "/org/usbferry1/thing/x", true },
        { "/org/usbferry1/device/", "/org/usbferry1/device/", false },
        { "/com/example/device/x", "/com/example/device/x", false },
        { "/", "", false },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *name = path_to_name(cases[i].path);
        assert_string_equal(name, cases[i].name);
        assert_int_equal(path_is_valid(cases[i].path), cases[i].valid);
    }
}

/* One id in four begins with a digit, which sd-bus escapes at the beginning of an element of a path. */
static void test_assignment(void **state)
{
    static const char *const ids[] = { "abcd2345", "2pcfqq65" };

    for (gsize i = 0; i < G_N_ELEMENTS(ids); i++) {
        g_autofree char *path = path_of_assignment(ids[i]);
        g_autofree char *name = path_to_name(path);

        assert_true(path_is_valid(path));
        assert_string_equal(name, ids[i]);
        assert_string_equal(path, i == 0 ? "/org/usbferry1/assignment/abcd2345"
                                         : "/org/usbferry1/assignment/_32pcfqq65");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_assignment),
        cmocka_unit_test(test_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
