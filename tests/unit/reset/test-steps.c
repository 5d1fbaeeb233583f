/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The steps of a reset, with a pool of real workers and hardware that does what a test says. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/reset/steps.h"
#include "tests/unit/fixture.h"
#include "tests/unit/reset/fake-usb.h"

#define KEY  "1-4"
#define PORT "/sys/devices/none/usb1/1-0:1.0/usb1-port4"
#define ID   "aaaaaaaa"

/* Before every deadline. */
#define EARLY 1

/* As often is a port switched on before its reset ends without it. */
#define POWER_TRIES 10

typedef struct Resetting {
    Fixture *fixture;
    char *top;
    Store *store;
    ResetContext context;
    Reset *reset;
    unsigned changes; /* since the last job */
    unsigned answers;
    GError *error; /* of the answer */
} Resetting;

static void changed(void *userdata)
{
    ((Resetting *)userdata)->changes++;
}

static void done(const GError *error, void *userdata)
{
    Resetting *self = userdata;

    self->answers++;
    self->error = error ? g_error_copy(error) : NULL;
}

/* A key that is assigned to the desk, and the worlds around it. */
static int set_up(void **state)
{
    Resetting *self = g_new0(Resetting, 1);
    g_autofree char *stored = NULL, *runtime = NULL;
    void *fixture = NULL;
    Device *key;

    fake_usb_clear();
    fixture_setup(&fixture);
    self->fixture = fixture;
    key = fixture_make_device(self->fixture, KEY, 0x1050, 0x0407, "YK1");
    key->hub = g_strdup("usb1");
    g_free(key->syspath);
    key->syspath = g_strdup("/sys/devices/none/usb1/1-4");
    fixture_plug(self->fixture, key);
    fixture_assign(self->fixture, ID, DESK, NULL, "serial=YK1", "1");

    self->top = g_dir_make_tmp("ferry-reset-XXXXXX", NULL);
    stored = g_build_filename(self->top, "state", NULL);
    runtime = g_build_filename(self->top, "run", NULL);
    self->store = store_new(stored, runtime, NULL);
    self->context = (ResetContext){ .registry = self->fixture->registry,
                                    .jobs = { .pool = worker_pool_new(2, NULL, NULL), .ops = &fake_usb },
                                    .changed = changed,
                                    .userdata = self };
    self->context.power_cycles = power_cycles_new(&self->context.jobs, self->store, changed, self);
    *state = self;
    return 0;
}

static int tear_down(void **state)
{
    Resetting *self = *state;
    const char *const command[] = { "rm", "-rf", self->top, NULL };
    void *fixture = self->fixture;

    if (self->reset)
        reset_free(self->reset);
    power_cycles_free(self->context.power_cycles);
    worker_pool_free(self->context.jobs.pool);
    store_free(self->store);
    fixture_teardown(&fixture);
    g_spawn_sync(NULL, (char **)command, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
    g_clear_error(&self->error);
    g_free(self->top);
    g_free(self);
    return 0;
}

static Device *key_of(Resetting *self)
{
    return registry_device(self->fixture->registry, KEY);
}

/* As if the desk had it and everybody knew. */
static void attach(Resetting *self)
{
    Device *key = key_of(self);

    fixture_put_into(self->fixture, KEY, ID);
    key->state = DEVICE_STATE_ATTACHED;
    g_free(key->assignment_id);
    key->assignment_id = g_strdup(ID);
}

static void detach(Resetting *self)
{
    g_ptr_array_set_size(registry_machine(self->fixture->registry, DESK)->info->hostdevs, 0);
}

static void begin(Resetting *self, ResetMethod method)
{
    self->reset = reset_new(&self->context, key_of(self), method, done, self, NULL);
    assert_int_equal(self->reset->step, RESET_STEP_TAKING_OUT);
}

/* wake: NULL when it doesn't matter. */
static bool turn_at(Resetting *self, gint64 now, gint64 *wake)
{
    gint64 any = 0;

    fixture_look(self->fixture);
    return reset_turn(self->reset, self->fixture->allocation, now, wake ? wake : &any);
}

static bool turn(Resetting *self)
{
    return turn_at(self, EARLY, NULL);
}

static bool has_changed(void *userdata)
{
    return ((const Resetting *)userdata)->changes > 0;
}

/* Until a job comes back, after which the reset is in this step. */
static void work_until(Resetting *self, ResetStep step)
{
    assert_int_equal(self->reset->step, RESET_STEP_WORKING);
    self->changes = 0;
    fake_usb_run_until(has_changed, self);
    assert_int_equal(self->reset->step, step);
}

static void assert_log(const char *expected)
{
    g_autofree char *log = fake_usb_take_log();

    assert_string_equal(log, expected);
}

static void assert_reserved(Resetting *self, ReservationKind kind)
{
    const Reservation *reservation = reservations_find(self->fixture->registry->reservations, KEY);

    assert_non_null(reservation);
    assert_int_equal(reservation->kind, kind);
}

/* part: of the text of the error that it ends with; NULL = none. */
static void assert_error(const Resetting *self, const char *part)
{
    const GError *error = self->reset->error;

    if (!part) {
        assert_null(error);
        return;
    }
    assert_true(g_error_matches(error, FERRY_ERROR, FERRY_ERROR_RESET_FAILED));
    if (!strstr(error->message, part))
        fail_msg("\"%s\" doesn't say \"%s\"", error->message, part);
}

/* At the next turn. */
static void assert_ends(Resetting *self)
{
    assert_int_equal(self->reset->step, RESET_STEP_GIVING_BACK);
    assert_true(turn(self));
    assert_null(reservations_find(self->fixture->registry->reservations, KEY));
    assert_int_equal(self->answers, 0);
    reset_answer(self->reset);
    reset_answer(self->reset);
    assert_int_equal(self->answers, 1);
}

/* Nobody is to have it back: over at the next turn. */
static void assert_over(Resetting *self)
{
    assert_reserved(self, RESERVATION_RETURN);
    assert_ends(self);
}

/* Another enumeration in the same place. */
static void enumerate(Resetting *self)
{
    Device *key = key_of(self);

    key->instance += 100;
    key->device_number += 100;
}

static void a_device_at_home_is_reset_and_stays(void **state)
{
    Resetting *self = *state;
    g_autofree char *expected = g_strdup_printf("reset 1:%u", key_of(self)->device_number);

    begin(self, RESET_METHOD_RESET);
    assert_reserved(self, RESERVATION_RESET);
    assert_false(turn(self));
    work_until(self, RESET_STEP_COMING_BACK);
    assert_log(expected);
    assert_false(turn(self));
    assert_error(self, NULL);
    assert_over(self);
    assert_null(self->error);
}

static void a_device_is_not_reset_in_its_machine(void **state)
{
    Resetting *self = *state;
    gint64 wake = 0;

    attach(self);
    begin(self, RESET_METHOD_RESET);
    assert_false(turn_at(self, EARLY, &wake));
    assert_int_equal(self->reset->step, RESET_STEP_TAKING_OUT);
    assert_int_equal(wake, self->reset->deadline);
    assert_log("");
    detach(self);
    assert_false(turn(self));
    assert_int_equal(self->reset->step, RESET_STEP_WORKING);
}

/* It is out of its machine only to be put in again, and goes back there. */
static void a_device_that_is_attached_anew_goes_back(void **state)
{
    Resetting *self = *state;

    attach(self);
    detach(self);
    key_of(self)->state = DEVICE_STATE_ATTACHING;
    reservations_set(self->fixture->registry->reservations, KEY, ID, RESERVATION_REATTACH);
    begin(self, RESET_METHOD_RESET);
    assert_reserved(self, RESERVATION_RESET);
    assert_false(turn(self));
    work_until(self, RESET_STEP_COMING_BACK);
    assert_false(turn(self));
    assert_false(turn(self));
    assert_int_equal(self->reset->step, RESET_STEP_GIVING_BACK);
    assert_reserved(self, RESERVATION_RETURN);
    fixture_put_into(self->fixture, KEY, ID);
    assert_true(turn(self));
    assert_error(self, NULL);
}

static void what_does_not_come_out_is_not_reset(void **state)
{
    Resetting *self = *state;

    attach(self);
    begin(self, RESET_METHOD_RESET);
    assert_false(turn_at(self, self->reset->deadline, NULL));
    assert_error(self, "did not come out of VM");
    assert_int_equal(self->reset->step, RESET_STEP_GIVING_BACK);
    assert_log("");
}

static void what_may_be_in_a_machine_is_not_reset(void **state)
{
    Resetting *self = *state;
    gint64 wake = 0;

    begin(self, RESET_METHOD_RESET);
    registry_machine(self->fixture->registry, LOFT)->stale = true;
    assert_false(turn_at(self, EARLY, &wake));
    assert_int_equal(self->reset->step, RESET_STEP_TAKING_OUT);
    assert_int_equal(wake, self->reset->deadline);
    assert_false(turn_at(self, self->reset->deadline, NULL));
    assert_error(self, "may be in a VM still");
    assert_log("");
    assert_over(self);
}

static void what_is_another_one_now_is_not_reset(void **state)
{
    Resetting *self = *state;

    begin(self, RESET_METHOD_RESET);
    enumerate(self);
    assert_false(turn(self));
    assert_error(self, "was unplugged before it could be reset");
    assert_log("");
    /* What is in its socket now is as any other. */
    assert_null(reservations_find(self->fixture->registry->reservations, KEY));
    assert_ends(self);
    assert_non_null(self->error);
}

static void an_error_of_the_kernel_is_told(void **state)
{
    Resetting *self = *state;

    begin(self, RESET_METHOD_RESET);
    fake_usb_fail(FAKE_USB_RESET, FERRY_ERROR_RESET_FAILED, 1);
    turn(self);
    work_until(self, RESET_STEP_GIVING_BACK);
    assert_error(self, "no luck");
    assert_over(self);
}

/* The kernel enumerates it anew, which takes a while. */
static void what_comes_out_as_another_one_is_waited_for(void **state)
{
    Resetting *self = *state;
    gint64 wake = 0;

    begin(self, RESET_METHOD_RESET);
    fake_usb_fail(FAKE_USB_RESET, FERRY_ERROR_NO_SUCH_DEVICE, 1);
    turn(self);
    work_until(self, RESET_STEP_COMING_BACK);
    assert_false(turn_at(self, EARLY, &wake));
    assert_int_equal(self->reset->step, RESET_STEP_COMING_BACK);
    assert_int_equal(wake, self->reset->deadline);
    enumerate(self);
    assert_false(turn(self));
    assert_error(self, NULL);
    assert_over(self);
}

static void what_does_not_come_back_is_told(void **state)
{
    Resetting *self = *state;

    begin(self, RESET_METHOD_RESET);
    fake_usb_fail(FAKE_USB_RESET, FERRY_ERROR_NO_SUCH_DEVICE, 1);
    turn(self);
    work_until(self, RESET_STEP_COMING_BACK);
    assert_false(turn_at(self, self->reset->deadline, NULL));
    assert_error(self, "did not come back after the reset");
    assert_over(self);
}

static void it_is_over_when_its_machine_has_it_again(void **state)
{
    Resetting *self = *state;
    gint64 wake = 0;

    attach(self);
    begin(self, RESET_METHOD_RESET);
    detach(self);
    turn(self);
    work_until(self, RESET_STEP_COMING_BACK);
    assert_false(turn(self));
    assert_int_equal(self->reset->step, RESET_STEP_GIVING_BACK);
    assert_false(turn_at(self, EARLY, &wake));
    assert_int_equal(wake, self->reset->deadline);
    assert_reserved(self, RESERVATION_RETURN);
    fixture_put_into(self->fixture, KEY, ID);
    assert_true(turn(self));
    assert_error(self, NULL);
}

static void who_changed_his_mind_is_not_waited_for(void **state)
{
    Resetting *self = *state;

    attach(self);
    begin(self, RESET_METHOD_RESET);
    detach(self);
    turn(self);
    work_until(self, RESET_STEP_COMING_BACK);
    assert_false(turn(self));
    registry_assignment(self->fixture->registry, ID)->wanted = false;
    assert_over(self);
    assert_null(self->error);
}

static void what_does_not_get_back_in_is_told(void **state)
{
    Resetting *self = *state;

    attach(self);
    begin(self, RESET_METHOD_RESET);
    detach(self);
    turn(self);
    work_until(self, RESET_STEP_COMING_BACK);
    assert_false(turn(self));
    assert_true(turn_at(self, self->reset->deadline, NULL));
    assert_error(self, "is not back in its VM");
    assert_int_equal(self->answers, 1);
}

static void a_late_reset_goes_on_when_its_queue_is_idle(void **state)
{
    Resetting *self = *state;

    begin(self, RESET_METHOD_RESET);
    fake_usb_fail(FAKE_USB_RESET, FERRY_ERROR_TIMEOUT, 1);
    turn(self);
    work_until(self, RESET_STEP_STUCK);
    /* Who waits is told at once, and once. */
    assert_int_equal(self->answers, 1);
    assert_error(self, "the kernel did not come back from the reset");
    assert_false(turn_at(self, G_MAXINT64, NULL));
    assert_int_equal(self->reset->step, RESET_STEP_STUCK);
    reset_queue_idle(self->reset);
    assert_int_equal(self->reset->step, RESET_STEP_COMING_BACK);
    turn(self);
    assert_true(turn(self));
    reset_answer(self->reset);
    assert_int_equal(self->answers, 1);
}

static void an_idle_queue_means_nothing_to_others(void **state)
{
    Resetting *self = *state;

    begin(self, RESET_METHOD_RESET);
    reset_queue_idle(self->reset);
    assert_int_equal(self->reset->step, RESET_STEP_TAKING_OUT);
}

/* ------------------------------------------------------------------ power cycles */

static void a_port_is_off_for_a_while_and_then_on(void **state)
{
    Resetting *self = *state;
    gint64 wake = 0;

    begin(self, RESET_METHOD_POWER_CYCLE);
    turn(self);
    /* The note first. */
    assert_non_null(self->reset->note);
    work_until(self, RESET_STEP_WORKING);
    work_until(self, RESET_STEP_POWER_OFF);
    assert_log("off " PORT);
    assert_false(turn_at(self, EARLY, &wake));
    assert_int_equal(wake, self->reset->next_at);
    assert_int_equal(self->reset->step, RESET_STEP_POWER_OFF);
    assert_false(turn_at(self, self->reset->next_at, NULL));
    work_until(self, RESET_STEP_COMING_BACK);
    assert_log("on " PORT);
    assert_null(self->reset->note);
    /* The same one, still to go. */
    assert_false(turn(self));
    assert_int_equal(self->reset->step, RESET_STEP_COMING_BACK);
    enumerate(self);
    turn(self);
    assert_error(self, NULL);
    assert_over(self);
}

static void a_port_without_a_switch_is_told(void **state)
{
    Resetting *self = *state;

    begin(self, RESET_METHOD_POWER_CYCLE);
    fake_usb_fail(FAKE_USB_OFF, FERRY_ERROR_NO_SUCH_DEVICE, 1);
    turn(self);
    work_until(self, RESET_STEP_WORKING);
    /* The other half may be off. */
    work_until(self, RESET_STEP_WORKING);
    work_until(self, RESET_STEP_COMING_BACK);
    assert_log("off " PORT " on " PORT);
    assert_error(self, "the kernel offers no such switch");
    turn(self);
    assert_over(self);
}

static void a_port_that_stays_off_is_left_to_its_note(void **state)
{
    Resetting *self = *state;
    gint64 wake = 0;

    begin(self, RESET_METHOD_POWER_CYCLE);
    fake_usb_fail(FAKE_USB_ON, FERRY_ERROR_RESET_FAILED, POWER_TRIES);
    turn(self);
    work_until(self, RESET_STEP_WORKING);
    work_until(self, RESET_STEP_POWER_OFF);
    for (int i = 0; i < POWER_TRIES - 1; i++) {
        turn_at(self, self->reset->next_at, NULL);
        work_until(self, RESET_STEP_POWER_RETRY);
        assert_error(self, NULL);
    }
    turn_at(self, self->reset->next_at, NULL);
    work_until(self, RESET_STEP_COMING_BACK);
    assert_error(self, "its port cannot be switched on again");
    assert_null(self->reset->note);
    /* From here on it is tried without the reset. */
    g_free(fake_usb_take_log());
    self->changes = 0;
    power_cycles_turn(self->context.power_cycles, 1, &wake);
    fake_usb_run_until(has_changed, self);
    assert_log("on " PORT);
}

static void at_the_end_of_the_service_it_is_on(void **state)
{
    Resetting *self = *state;

    begin(self, RESET_METHOD_POWER_CYCLE);
    reset_switch_on_now(self->reset);
    assert_log("");
    turn(self);
    work_until(self, RESET_STEP_WORKING);
    work_until(self, RESET_STEP_POWER_OFF);
    assert_log("off " PORT);
    reset_switch_on_now(self->reset);
    assert_log("on " PORT);
}

/* A worker that has not begun to switch it off doesn't begin any more. */
static void at_the_end_of_the_service_nothing_is_switched_off(void **state)
{
    Resetting *self = *state;

    begin(self, RESET_METHOD_POWER_CYCLE);
    turn(self);
    assert_non_null(self->reset->note);
    reset_switch_on_now(self->reset);
    assert_log("on " PORT);
    work_until(self, RESET_STEP_WORKING);
    work_until(self, RESET_STEP_WORKING);
    work_until(self, RESET_STEP_COMING_BACK);
    assert_log("on " PORT);
}

static void a_port_that_the_kernel_holds_is_left_to_the_next_start(void **state)
{
    Resetting *self = *state;

    begin(self, RESET_METHOD_POWER_CYCLE);
    fake_usb_fail(FAKE_USB_OFF, FERRY_ERROR_TIMEOUT, 1);
    turn(self);
    work_until(self, RESET_STEP_WORKING);
    work_until(self, RESET_STEP_STUCK);
    assert_log("off " PORT);
    reset_switch_on_now(self->reset);
    assert_log("");
    /* Unless it comes back before. */
    reset_queue_idle(self->reset);
    work_until(self, RESET_STEP_COMING_BACK);
    assert_log("on " PORT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
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
        TEST(a_late_reset_goes_on_when_its_queue_is_idle),
        TEST(an_idle_queue_means_nothing_to_others),
        TEST(a_port_is_off_for_a_while_and_then_on),
        TEST(a_port_without_a_switch_is_told),
        TEST(a_port_that_stays_off_is_left_to_its_note),
        TEST(at_the_end_of_the_service_it_is_on),
        TEST(at_the_end_of_the_service_nothing_is_switched_off),
        TEST(a_port_that_the_kernel_holds_is_left_to_the_next_start),
    };

    return cmocka_run_group_tests_name("steps", tests, NULL, NULL);
}
