/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The steps of a reset. Those of a power cycle are in test-port-steps.c. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/reset/resetting.h"

static void a_device_at_home_is_reset_and_stays(void **state)
{
    Resetting *self = *state;
    g_autofree char *expected = g_strdup_printf("reset 1:%u", resetting_key(self)->device_number);

    resetting_begin(self, RESET_METHOD_RESET);
    resetting_assert_reserved(self, RESERVATION_RESET);
    assert_false(resetting_turn(self));
    resetting_work_until(self, RESET_STEP_COMING_BACK);
    resetting_assert_log(expected);
    assert_false(resetting_turn(self));
    resetting_assert_error(self, NULL);
    resetting_assert_over(self);
    assert_null(self->error);
}

static void a_device_is_not_reset_in_its_machine(void **state)
{
    Resetting *self = *state;
    gint64 wake = 0;

    resetting_attach(self);
    resetting_begin(self, RESET_METHOD_RESET);
    assert_false(resetting_turn_at(self, RESETTING_EARLY, &wake));
    assert_int_equal(self->reset->step, RESET_STEP_TAKING_OUT);
    assert_int_equal(wake, self->reset->deadline);
    resetting_assert_log("");
    resetting_detach(self);
    assert_false(resetting_turn(self));
    assert_int_equal(self->reset->step, RESET_STEP_WORKING);
}

/* It is out of its machine only to be put in again, and goes back there. */
static void a_device_that_is_attached_anew_goes_back(void **state)
{
    Resetting *self = *state;

    resetting_attach(self);
    resetting_detach(self);
    resetting_key(self)->state = DEVICE_STATE_ATTACHING;
    reservations_set(self->fixture->registry->reservations, RESETTING_KEY, RESETTING_ASSIGNMENT,
                     RESERVATION_REATTACH);
    resetting_begin(self, RESET_METHOD_RESET);
    resetting_assert_reserved(self, RESERVATION_RESET);
    assert_false(resetting_turn(self));
    resetting_work_until(self, RESET_STEP_COMING_BACK);
    assert_false(resetting_turn(self));
    assert_false(resetting_turn(self));
    assert_int_equal(self->reset->step, RESET_STEP_GIVING_BACK);
    resetting_assert_reserved(self, RESERVATION_RETURN);
    fixture_put_into(self->fixture, RESETTING_KEY, RESETTING_ASSIGNMENT);
    assert_true(resetting_turn(self));
    resetting_assert_error(self, NULL);
}

static void what_does_not_come_out_is_not_reset(void **state)
{
    Resetting *self = *state;

    resetting_attach(self);
    resetting_begin(self, RESET_METHOD_RESET);
    assert_false(resetting_turn_at(self, self->reset->deadline, NULL));
    resetting_assert_error(self, "did not come out of VM");
    assert_int_equal(self->reset->step, RESET_STEP_GIVING_BACK);
    resetting_assert_log("");
}

static void what_may_be_in_a_machine_is_not_reset(void **state)
{
    Resetting *self = *state;
    gint64 wake = 0;

    resetting_begin(self, RESET_METHOD_RESET);
    registry_machine(self->fixture->registry, LOFT)->stale = true;
    assert_false(resetting_turn_at(self, RESETTING_EARLY, &wake));
    assert_int_equal(self->reset->step, RESET_STEP_TAKING_OUT);
    assert_int_equal(wake, self->reset->deadline);
    assert_false(resetting_turn_at(self, self->reset->deadline, NULL));
    resetting_assert_error(self, "may be in a VM still");
    resetting_assert_log("");
    resetting_assert_over(self);
}

static void what_is_another_one_now_is_not_reset(void **state)
{
    Resetting *self = *state;

    resetting_begin(self, RESET_METHOD_RESET);
    resetting_enumerate(self);
    assert_false(resetting_turn(self));
    resetting_assert_error(self, "was unplugged before it could be reset");
    resetting_assert_log("");
    /* What is in its socket now is as any other. */
    assert_null(reservations_find(self->fixture->registry->reservations, RESETTING_KEY));
    resetting_assert_ends(self);
    assert_non_null(self->error);
}

static void an_error_of_the_kernel_is_told(void **state)
{
    Resetting *self = *state;

    resetting_begin(self, RESET_METHOD_RESET);
    fake_usb_fail(FAKE_USB_RESET, FERRY_ERROR_RESET_FAILED, 1);
    resetting_turn(self);
    resetting_work_until(self, RESET_STEP_GIVING_BACK);
    resetting_assert_error(self, "no luck");
    resetting_assert_over(self);
}

/* The kernel enumerates it anew, which takes a while. */
static void what_comes_out_as_another_one_is_waited_for(void **state)
{
    Resetting *self = *state;
    gint64 wake = 0;

    resetting_begin(self, RESET_METHOD_RESET);
    fake_usb_fail(FAKE_USB_RESET, FERRY_ERROR_NO_SUCH_DEVICE, 1);
    resetting_turn(self);
    resetting_work_until(self, RESET_STEP_COMING_BACK);
    assert_false(resetting_turn_at(self, RESETTING_EARLY, &wake));
    assert_int_equal(self->reset->step, RESET_STEP_COMING_BACK);
    assert_int_equal(wake, self->reset->deadline);
    resetting_enumerate(self);
    assert_false(resetting_turn(self));
    resetting_assert_error(self, NULL);
    resetting_assert_over(self);
}

static void what_does_not_come_back_is_told(void **state)
{
    Resetting *self = *state;

    resetting_begin(self, RESET_METHOD_RESET);
    fake_usb_fail(FAKE_USB_RESET, FERRY_ERROR_NO_SUCH_DEVICE, 1);
    resetting_turn(self);
    resetting_work_until(self, RESET_STEP_COMING_BACK);
    assert_false(resetting_turn_at(self, self->reset->deadline, NULL));
    resetting_assert_error(self, "did not come back after the reset");
    resetting_assert_over(self);
}

static void it_is_over_when_its_machine_has_it_again(void **state)
{
    Resetting *self = *state;
    gint64 wake = 0;

    resetting_attach(self);
    resetting_begin(self, RESET_METHOD_RESET);
    resetting_detach(self);
    resetting_turn(self);
    resetting_work_until(self, RESET_STEP_COMING_BACK);
    assert_false(resetting_turn(self));
    assert_int_equal(self->reset->step, RESET_STEP_GIVING_BACK);
    assert_false(resetting_turn_at(self, RESETTING_EARLY, &wake));
    assert_int_equal(wake, self->reset->deadline);
    resetting_assert_reserved(self, RESERVATION_RETURN);
    fixture_put_into(self->fixture, RESETTING_KEY, RESETTING_ASSIGNMENT);
    assert_true(resetting_turn(self));
    resetting_assert_error(self, NULL);
}

static void who_changed_his_mind_is_not_waited_for(void **state)
{
    Resetting *self = *state;

    resetting_attach(self);
    resetting_begin(self, RESET_METHOD_RESET);
    resetting_detach(self);
    resetting_turn(self);
    resetting_work_until(self, RESET_STEP_COMING_BACK);
    assert_false(resetting_turn(self));
    registry_assignment(self->fixture->registry, RESETTING_ASSIGNMENT)->wanted = false;
    resetting_assert_over(self);
    assert_null(self->error);
}

static void what_does_not_get_back_in_is_told(void **state)
{
    Resetting *self = *state;

    resetting_attach(self);
    resetting_begin(self, RESET_METHOD_RESET);
    resetting_detach(self);
    resetting_turn(self);
    resetting_work_until(self, RESET_STEP_COMING_BACK);
    assert_false(resetting_turn(self));
    assert_true(resetting_turn_at(self, self->reset->deadline, NULL));
    resetting_assert_error(self, "is not back in its VM");
    assert_int_equal(self->answers, 1);
}

static void what_failed_is_told_when_the_device_is_back(void **state)
{
    Resetting *self = *state;

    resetting_attach(self);
    resetting_begin(self, RESET_METHOD_RESET);
    resetting_detach(self);
    fake_usb_fail(FAKE_USB_RESET, FERRY_ERROR_RESET_FAILED, 1);
    resetting_turn(self);
    resetting_work_until(self, RESET_STEP_GIVING_BACK);
    assert_false(resetting_turn(self));
    assert_int_equal(self->answers, 0);
    fixture_put_into(self->fixture, RESETTING_KEY, RESETTING_ASSIGNMENT);
    assert_true(resetting_turn(self));
    reset_answer(self->reset);
    assert_int_equal(self->answers, 1);
    assert_non_null(self->error);
}

static void a_late_reset_goes_on_when_its_queue_is_idle(void **state)
{
    Resetting *self = *state;

    resetting_begin(self, RESET_METHOD_RESET);
    fake_usb_fail(FAKE_USB_RESET, FERRY_ERROR_TIMEOUT, 1);
    resetting_turn(self);
    resetting_work_until(self, RESET_STEP_STUCK);
    /* Who waits is told at once, and once. */
    assert_int_equal(self->answers, 1);
    resetting_assert_error(self, "the kernel did not come back from the reset");
    assert_false(resetting_turn_at(self, G_MAXINT64, NULL));
    assert_int_equal(self->reset->step, RESET_STEP_STUCK);
    reset_queue_idle(self->reset);
    assert_int_equal(self->reset->step, RESET_STEP_COMING_BACK);
    resetting_turn(self);
    assert_true(resetting_turn(self));
    reset_answer(self->reset);
    assert_int_equal(self->answers, 1);
}

static void an_idle_queue_means_nothing_to_others(void **state)
{
    Resetting *self = *state;

    resetting_begin(self, RESET_METHOD_RESET);
    reset_queue_idle(self->reset);
    assert_int_equal(self->reset->step, RESET_STEP_TAKING_OUT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, resetting_set_up, resetting_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_device_at_home_is_reset_and_stays),
        TEST(a_device_is_not_reset_in_its_machine),
        TEST(a_device_that_is_attached_anew_goes_back),
        TEST(what_does_not_come_out_is_not_reset),
        TEST(what_may_be_in_a_machine_is_not_reset),
        TEST(what_is_another_one_now_is_not_reset),
        TEST(an_error_of_the_kernel_is_told),
        TEST(what_comes_out_as_another_one_is_waited_for),
        TEST(what_does_not_come_back_is_told),
        TEST(it_is_over_when_its_machine_has_it_again),
        TEST(who_changed_his_mind_is_not_waited_for),
        TEST(what_does_not_get_back_in_is_told),
        TEST(what_failed_is_told_when_the_device_is_back),
        TEST(a_late_reset_goes_on_when_its_queue_is_idle),
        TEST(an_idle_queue_means_nothing_to_others),
    };

    return cmocka_run_group_tests_name("steps", tests, NULL, NULL);
}
