/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is written to the hardware, and what its refusals are called. A folder stands for a port. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <glib/gstdio.h>

#include <cmocka.h>

#include "daemon/base/error.h"
#include "daemon/usb/usb-ops.h"

static int set_up(void **state)
{
    *state = g_dir_make_tmp("ferry-port-XXXXXX", NULL);
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    g_autofree char *folder = *state, *path = g_build_filename(folder, "disable", NULL);

    g_remove(path);
    g_rmdir(folder);
    return 0;
}

static void a_port_is_switched_by_its_file(void **state)
{
    g_autofree char *path = g_build_filename(*state, "disable", NULL), *off = NULL, *on = NULL;

    assert_true(g_file_set_contents(path, "?", -1, NULL));
    assert_true(usb_ops.switch_port(*state, false, NULL));
    assert_true(g_file_get_contents(path, &off, NULL, NULL));
    assert_string_equal(off, "1");
    assert_true(usb_ops.switch_port(*state, true, NULL));
    assert_true(g_file_get_contents(path, &on, NULL, NULL));
    assert_string_equal(on, "0");
}

static void a_port_without_a_switch_is_none(void **state)
{
    g_autofree char *path = g_build_filename(*state, "disable", NULL);
    g_autoptr(GError) error = NULL;

    assert_false(usb_ops.switch_port(*state, true, &error));
    assert_true(g_error_matches(error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_DEVICE));
    /* Nothing is made where there was nothing. */
    assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
}

static void what_the_kernel_refuses_has_failed(void **state)
{
    g_autofree char *path = g_build_filename(*state, "disable", NULL);
    g_autoptr(GError) error = NULL;

    /* A folder can't be written to, by root neither. */
    assert_int_equal(g_mkdir(path, 0700), 0);
    assert_false(usb_ops.switch_port(*state, true, &error));
    assert_true(g_error_matches(error, FERRY_ERROR, FERRY_ERROR_RESET_FAILED));
    g_rmdir(path);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_port_is_switched_by_its_file),
        TEST(a_port_without_a_switch_is_none),
        TEST(what_the_kernel_refuses_has_failed),
    };

    return cmocka_run_group_tests_name("usb-ops", tests, NULL, NULL);
}
