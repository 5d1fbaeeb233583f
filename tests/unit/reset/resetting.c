/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The key, the machine and the hardware around a reset. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/reset/resetting.h"

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
int resetting_set_up(void **state)
{
    Resetting *self = g_new0(Resetting, 1);
    g_autofree char *stored = NULL, *runtime = NULL;
    void *fixture = NULL;
    Device *key;

    fake_usb_clear();
    fixture_setup(&fixture);
    self->fixture = fixture;
    key = fixture_make_device(self->fixture, RESETTING_KEY, 0x1050, 0x0407, "YK1");
    key->hub = g_strdup("usb1");
    g_free(key->syspath);
    key->syspath = g_strdup("/sys/devices/none/usb1/1-4");
    fixture_plug(self->fixture, key);
    fixture_assign(self->fixture, RESETTING_ASSIGNMENT, DESK, NULL, "serial=YK1", "1");

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

int resetting_tear_down(void **state)
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

Device *resetting_key(Resetting *self)
{
    return registry_device(self->fixture->registry, RESETTING_KEY);
}

void resetting_attach(Resetting *self)
{
    Device *key = resetting_key(self);

    fixture_put_into(self->fixture, RESETTING_KEY, RESETTING_ASSIGNMENT);
    key->state = DEVICE_STATE_ATTACHED;
    g_free(key->assignment_id);
    key->assignment_id = g_strdup(RESETTING_ASSIGNMENT);
}

void resetting_detach(Resetting *self)
{
    g_ptr_array_set_size(registry_machine(self->fixture->registry, DESK)->info->hostdevs, 0);
}

void resetting_begin(Resetting *self, ResetMethod method)
{
    self->reset = reset_new(&self->context, resetting_key(self), method, done, self, NULL);
    assert_int_equal(self->reset->step, RESET_STEP_TAKING_OUT);
}

bool resetting_turn_at(Resetting *self, gint64 now, gint64 *wake)
{
    gint64 any = 0;

    fixture_look(self->fixture);
    return reset_turn(self->reset, self->fixture->allocation, now, wake ? wake : &any);
}

bool resetting_turn(Resetting *self)
{
    return resetting_turn_at(self, RESETTING_EARLY, NULL);
}

bool resetting_has_changed(void *userdata)
{
    return ((const Resetting *)userdata)->changes > 0;
}

void resetting_work_until(Resetting *self, ResetStep step)
{
    assert_int_equal(self->reset->step, RESET_STEP_WORKING);
    self->changes = 0;
    fake_usb_run_until(resetting_has_changed, self);
    assert_int_equal(self->reset->step, step);
}

void resetting_assert_log(const char *expected)
{
    g_autofree char *log = fake_usb_take_log();

    assert_string_equal(log, expected);
}

void resetting_assert_reserved(Resetting *self, ReservationKind kind)
{
    const Reservation *reservation = reservations_find(self->fixture->registry->reservations, RESETTING_KEY);

    assert_non_null(reservation);
    assert_int_equal(reservation->kind, kind);
}

void resetting_assert_error(const Resetting *self, const char *part)
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

void resetting_assert_ends(Resetting *self)
{
    assert_int_equal(self->reset->step, RESET_STEP_GIVING_BACK);
    assert_true(resetting_turn(self));
    assert_null(reservations_find(self->fixture->registry->reservations, RESETTING_KEY));
    assert_int_equal(self->answers, 0);
    reset_answer(self->reset);
    reset_answer(self->reset);
    assert_int_equal(self->answers, 1);
}

void resetting_assert_over(Resetting *self)
{
    resetting_assert_reserved(self, RESERVATION_RETURN);
    resetting_assert_ends(self);
}

void resetting_enumerate(Resetting *self)
{
    Device *key = resetting_key(self);

    key->instance += 100;
    key->device_number += 100;
}
