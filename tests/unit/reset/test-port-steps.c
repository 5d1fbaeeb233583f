/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The steps of a power cycle. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/reset/resetting.h"

#define PORT "/sys/devices/none/usb1/1-0:1.0/usb1-port4"

/* As often is a port switched on before its reset ends without it. */
#define POWER_TRIES 10

static void a_port_is_off_for_a_while_and_then_on(void **state)
{
    Resetting *self = *state;
    gint64 wake = 0;

    resetting_begin(self, RESET_METHOD_POWER_CYCLE);
    resetting_turn(self);
    /* The note first. */
    assert_non_null(self->reset->note);
    resetting_work_until(self, RESET_STEP_WORKING);
    resetting_work_until(self, RESET_STEP_POWER_OFF);
    resetting_assert_log("off " PORT);
    assert_false(resetting_turn_at(self, RESETTING_EARLY, &wake));
    assert_int_equal(wake, self->reset->next_at);
    assert_int_equal(self->reset->step, RESET_STEP_POWER_OFF);
    assert_false(resetting_turn_at(self, self->reset->next_at, NULL));
    resetting_work_until(self, RESET_STEP_COMING_BACK);
    resetting_assert_log("on " PORT);
    assert_null(self->reset->note);
    /* The same one, still to go. */
    assert_false(resetting_turn(self));
    assert_int_equal(self->reset->step, RESET_STEP_COMING_BACK);
    resetting_enumerate(self);
    resetting_turn(self);
    resetting_assert_error(self, NULL);
    resetting_assert_over(self);
}

static void a_port_without_a_switch_is_told(void **state)
{
    Resetting *self = *state;

    resetting_begin(self, RESET_METHOD_POWER_CYCLE);
    fake_usb_fail(FAKE_USB_OFF, FERRY_ERROR_NO_SUCH_DEVICE, 1);
    resetting_turn(self);
    resetting_work_until(self, RESET_STEP_WORKING);
    /* The other half may be off. */
    resetting_work_until(self, RESET_STEP_WORKING);
    resetting_work_until(self, RESET_STEP_COMING_BACK);
    resetting_assert_log("off " PORT " on " PORT);
    resetting_assert_error(self, "the kernel offers no such switch");
    resetting_turn(self);
    resetting_assert_over(self);
}

static void a_port_that_stays_off_is_left_to_its_note(void **state)
{
    Resetting *self = *state;
    gint64 wake = 0;

    resetting_begin(self, RESET_METHOD_POWER_CYCLE);
    fake_usb_fail(FAKE_USB_ON, FERRY_ERROR_RESET_FAILED, POWER_TRIES);
    resetting_turn(self);
    resetting_work_until(self, RESET_STEP_WORKING);
    resetting_work_until(self, RESET_STEP_POWER_OFF);
    for (int i = 0; i < POWER_TRIES - 1; i++) {
        resetting_turn_at(self, self->reset->next_at, NULL);
        resetting_work_until(self, RESET_STEP_POWER_RETRY);
        resetting_assert_error(self, NULL);
    }
    resetting_turn_at(self, self->reset->next_at, NULL);
    resetting_work_until(self, RESET_STEP_COMING_BACK);
    resetting_assert_error(self, "its port cannot be switched on again");
    assert_null(self->reset->note);
    /* From here on it is tried without the reset. */
    g_free(fake_usb_take_log());
    self->changes = 0;
    power_cycles_turn(self->context.power_cycles, 1, &wake);
    fake_usb_run_until(resetting_has_changed, self);
    resetting_assert_log("on " PORT);
}

static void at_the_end_of_the_service_it_is_on(void **state)
{
    Resetting *self = *state;

    resetting_begin(self, RESET_METHOD_POWER_CYCLE);
    reset_switch_on_now(self->reset);
    resetting_assert_log("");
    resetting_turn(self);
    resetting_work_until(self, RESET_STEP_WORKING);
    resetting_work_until(self, RESET_STEP_POWER_OFF);
    resetting_assert_log("off " PORT);
    reset_switch_on_now(self->reset);
    resetting_assert_log("on " PORT);
}

/* A worker that has not begun to switch it off doesn't begin any more. */
static void at_the_end_of_the_service_nothing_is_switched_off(void **state)
{
    Resetting *self = *state;

    resetting_begin(self, RESET_METHOD_POWER_CYCLE);
    resetting_turn(self);
    assert_non_null(self->reset->note);
    reset_switch_on_now(self->reset);
    resetting_assert_log("on " PORT);
    resetting_work_until(self, RESET_STEP_WORKING);
    resetting_work_until(self, RESET_STEP_WORKING);
    resetting_work_until(self, RESET_STEP_COMING_BACK);
    resetting_assert_log("on " PORT);
}

static void a_port_that_the_kernel_holds_is_left_to_the_next_start(void **state)
{
    Resetting *self = *state;

    resetting_begin(self, RESET_METHOD_POWER_CYCLE);
    fake_usb_fail(FAKE_USB_OFF, FERRY_ERROR_TIMEOUT, 1);
    resetting_turn(self);
    resetting_work_until(self, RESET_STEP_WORKING);
    resetting_work_until(self, RESET_STEP_STUCK);
    resetting_assert_log("off " PORT);
    reset_switch_on_now(self->reset);
    resetting_assert_log("");
    /* Unless it comes back before. */
    reset_queue_idle(self->reset);
    resetting_work_until(self, RESET_STEP_COMING_BACK);
    resetting_assert_log("on " PORT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, resetting_set_up, resetting_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_port_is_off_for_a_while_and_then_on),
        TEST(a_port_without_a_switch_is_told),
        TEST(a_port_that_stays_off_is_left_to_its_note),
        TEST(at_the_end_of_the_service_it_is_on),
        TEST(at_the_end_of_the_service_nothing_is_switched_off),
        TEST(a_port_that_the_kernel_holds_is_left_to_the_next_start),
    };

    return cmocka_run_group_tests_name("port-steps", tests, NULL, NULL);
}
