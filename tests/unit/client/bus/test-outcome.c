/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Errors of the bus and the exit statuses that they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include "client/bus/outcome.h"

static void test_outcomes(void **state)
{
    static const struct {
        const char *name;
        Outcome outcome;
    } cases[] = {
        { "org.usbferry1.Error.NoSuchDevice", OUTCOME_NOT_FOUND },
        { "org.usbferry1.Error.DeviceBusy", OUTCOME_BUSY },
        { "org.usbferry1.Error.Ambiguous", OUTCOME_USAGE },
        { "org.usbferry1.Error.Hypervisor", OUTCOME_FAILED },
        { "org.usbferry1.Error.OfALaterVersion", OUTCOME_FAILED },
        { "org.freedesktop.DBus.Error.AccessDenied", OUTCOME_DENIED },
        { "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", OUTCOME_DENIED },
        { "org.freedesktop.DBus.Error.UnknownObject", OUTCOME_NOT_FOUND },
        { "com.example.Error.DeviceBusy", OUTCOME_FAILED },
        { "DeviceBusy", OUTCOME_FAILED },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_int_equal(outcome_from_error_name(cases[i].name), cases[i].outcome);

    sd_bus_error bus_error =
        SD_BUS_ERROR_MAKE_CONST("org.usbferry1.Error.DeviceBusy", "046d:c31c is attached\033[2J");
    g_autoptr(GError) error = error_from_bus(&bus_error, -EBUSY);
    g_autoptr(GError) error_copy = error_with_text(error, g_strdup("other"));
    assert_int_equal(error->code, OUTCOME_BUSY);
    assert_string_equal(error->message, "046d:c31c is attached\\x1b[2J");
    assert_string_equal(error_name(error), "org.usbferry1.Error.DeviceBusy");
    assert_true(error_is_named(error, "DeviceBusy"));
    assert_string_equal(error_name(error_copy), "org.usbferry1.Error.DeviceBusy");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outcomes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
