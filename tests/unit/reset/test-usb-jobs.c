/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Jobs for the hardware: what they do with the ports of a line each, and what becomes of errors. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/reset/usb-jobs.h"
#include "tests/unit/reset/fake-usb.h"

#define QUEUE "usb-reset-1-4"

typedef struct Jobs {
    UsbJobs jobs;
    unsigned done;
    GError *error;
} Jobs;

static int set_up(void **state)
{
    Jobs *self = g_new0(Jobs, 1);

    fake_usb_clear();
    self->jobs.pool = worker_pool_new(2, NULL, NULL);
    self->jobs.ops = &fake_usb;
    *state = self;
    return 0;
}

static int tear_down(void **state)
{
    Jobs *self = *state;

    worker_pool_free(self->jobs.pool);
    g_clear_error(&self->error);
    g_free(self);
    return 0;
}

static void done(const GError *error, void *userdata)
{
    Jobs *self = userdata;

    self->done++;
    g_clear_error(&self->error);
    self->error = error ? g_error_copy(error) : NULL;
}

static bool is_done(void *userdata)
{
    return ((const Jobs *)userdata)->done > 0;
}

static void assert_log(const char *expected)
{
    g_autofree char *log = fake_usb_take_log();

    assert_string_equal(log, expected);
}

/* code: _FERRY_ERROR_INVALID for success. */
static void assert_done(Jobs *self, FerryError code, const char *log)
{
    fake_usb_run_until(is_done, self);
    assert_int_equal(self->done, 1);
    self->done = 0;
    if (code == _FERRY_ERROR_INVALID)
        assert_null(self->error);
    else
        assert_true(g_error_matches(self->error, FERRY_ERROR, (gint)code));
    assert_log(log);
}

static void a_reset_takes_the_address_along(void **state)
{
    Jobs *self = *state;
    UsbAddress address = { .bus_number = 1, .device_number = 4 };

    usb_jobs_reset(&self->jobs, QUEUE, &address, done, self);
    address.device_number = 5;
    assert_done(self, _FERRY_ERROR_INVALID, "reset 1:4");
    fake_usb_fail(FAKE_USB_RESET, FERRY_ERROR_NO_SUCH_DEVICE, 1);
    usb_jobs_reset(&self->jobs, QUEUE, &address, done, self);
    assert_done(self, FERRY_ERROR_NO_SUCH_DEVICE, "reset 1:5");
}

static void every_port_is_switched_whatever_fails(void **state)
{
    Jobs *self = *state;

    usb_jobs_switch_on(&self->jobs, QUEUE, "/a\n/b", done, self);
    assert_done(self, _FERRY_ERROR_INVALID, "on /a on /b");
    fake_usb_fail(FAKE_USB_ON, FERRY_ERROR_RESET_FAILED, 1);
    usb_jobs_switch_on(&self->jobs, QUEUE, "/a\n/b", done, self);
    assert_done(self, FERRY_ERROR_RESET_FAILED, "on /a on /b");
}

/* A port that is gone can't be left off, but neither can it be switched off. */
static void a_port_that_is_gone_is_an_error_of_switching_off_only(void **state)
{
    Jobs *self = *state;
    UsbGate *gate = usb_gate_new();

    fake_usb_fail(FAKE_USB_ON, FERRY_ERROR_NO_SUCH_DEVICE, 2);
    usb_jobs_switch_on(&self->jobs, QUEUE, "/a\n/b", done, self);
    assert_done(self, _FERRY_ERROR_INVALID, "on /a on /b");
    fake_usb_fail(FAKE_USB_OFF, FERRY_ERROR_NO_SUCH_DEVICE, 1);
    usb_jobs_switch_off(&self->jobs, QUEUE, "/a\n/b", gate, done, self);
    assert_done(self, FERRY_ERROR_NO_SUCH_DEVICE, "off /a off /b");
    usb_gate_unref(gate);
}

static void nothing_is_switched_off_through_a_closed_gate(void **state)
{
    Jobs *self = *state;
    UsbGate *gate = usb_gate_new();

    usb_jobs_switch_off(&self->jobs, QUEUE, "/a", gate, done, self);
    assert_done(self, _FERRY_ERROR_INVALID, "off /a");
    usb_gate_close(gate);
    usb_gate_wait(gate);
    usb_jobs_switch_off(&self->jobs, QUEUE, "/a\n/b", gate, done, self);
    /* The job has a reference of its own. */
    usb_gate_unref(gate);
    assert_done(self, FERRY_ERROR_RESET_FAILED, "");
}

static void without_a_worker_it_is_done_at_once(void **state)
{
    Jobs *self = *state;
    g_autoptr(GError) error = NULL;

    assert_true(usb_jobs_switch_on_now(&self->jobs, "/a\n/b", &error));
    assert_log("on /a on /b");
    fake_usb_fail(FAKE_USB_ON, FERRY_ERROR_RESET_FAILED, 2);
    assert_false(usb_jobs_switch_on_now(&self->jobs, "/a\n/b", &error));
    assert_true(g_error_matches(error, FERRY_ERROR, FERRY_ERROR_RESET_FAILED));
    assert_int_equal(self->done, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_reset_takes_the_address_along),
        TEST(every_port_is_switched_whatever_fails),
        TEST(a_port_that_is_gone_is_an_error_of_switching_off_only),
        TEST(nothing_is_switched_off_through_a_closed_gate),
        TEST(without_a_worker_it_is_done_at_once),
    };

    return cmocka_run_group_tests_name("usb-jobs", tests, NULL, NULL);
}
