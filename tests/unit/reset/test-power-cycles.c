/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Notes about ports that are off: their files, and the tries until the ports are on. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <glib/gstdio.h>

#include <cmocka.h>

#include "daemon/reset/power-cycles.h"
#include "tests/unit/reset/fake-usb.h"

#define PORT "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-0:1.0/usb1-port4"
#define NOTE "k3xw90ab"

typedef struct Cycles {
    char *top;
    char *runtime;
    Store *store;
    UsbJobs jobs;
    PowerCycles *cycles;
    unsigned changes; /* since the last run_until_changed() */
    unsigned stored;
} Cycles;

static void changed(void *userdata)
{
    ((Cycles *)userdata)->changes++;
}

static int set_up(void **state)
{
    Cycles *self = g_new0(Cycles, 1);
    g_autofree char *stored = NULL;

    fake_usb_clear();
    self->top = g_dir_make_tmp("ferry-power-XXXXXX", NULL);
    stored = g_build_filename(self->top, "state", NULL);
    self->runtime = g_build_filename(self->top, "run", NULL);
    self->store = store_new(stored, self->runtime, NULL);
    assert_non_null(self->store);
    /* One worker: what was pushed before is done before. */
    self->jobs.pool = worker_pool_new(1, NULL, NULL);
    self->jobs.ops = &fake_usb;
    self->cycles = power_cycles_new(&self->jobs, self->store, changed, self);
    *state = self;
    return 0;
}

static int tear_down(void **state)
{
    Cycles *self = *state;
    const char *const command[] = { "rm", "-rf", self->top, NULL };

    power_cycles_free(self->cycles);
    worker_pool_free(self->jobs.pool);
    store_free(self->store);
    g_spawn_sync(NULL, (char **)command, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
    g_free(self->top);
    g_free(self->runtime);
    g_free(self);
    return 0;
}

static char *note_path(const Cycles *self, const char *note)
{
    return g_build_filename(self->runtime, "power-cycles", note, NULL);
}

static bool has_changed(void *userdata)
{
    return ((const Cycles *)userdata)->changes > 0;
}

static void run_until_changed(Cycles *self)
{
    fake_usb_run_until(has_changed, self);
    self->changes = 0;
}

static void assert_log(const char *expected)
{
    g_autofree char *log = fake_usb_take_log();

    assert_string_equal(log, expected);
}

static void note_stored(const GError *error, void *userdata)
{
    Cycles *self = userdata;

    assert_null(error);
    self->stored++;
}

static bool is_stored(void *userdata)
{
    return ((const Cycles *)userdata)->stored > 0;
}

typedef struct File {
    Cycles *self;
    const char *note;
} File;

static bool is_gone(void *userdata)
{
    const File *file = userdata;
    g_autofree char *path = note_path(file->self, file->note);

    return !g_file_test(path, G_FILE_TEST_EXISTS);
}

/* Writes a note as the service before this one has left it. */
static void leave_note(Cycles *self, const char *note, const char *text)
{
    g_autofree char *path = note_path(self, note), *folder = g_path_get_dirname(path);

    assert_int_equal(g_mkdir_with_parents(folder, 0700), 0);
    assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void looked(const GError *error, void *userdata)
{
    changed(userdata);
}

/* Nothing is on its way to the hardware. */
static void assert_quiet(Cycles *self)
{
    self->changes = 0;
    usb_jobs_reset(&self->jobs, "sentinel", &(UsbAddress){ .bus_number = 1, .device_number = 1 }, looked,
                   self);
    run_until_changed(self);
    assert_log("reset 1:1");
}

static void a_note_is_a_file_until_it_is_deleted(void **state)
{
    Cycles *self = *state;
    g_autofree char *note = power_cycles_note(self->cycles, PORT "\n" PORT "2", note_stored, self);
    g_autofree char *path = note_path(self, note), *text = NULL;
    File file = { .self = self, .note = note };

    fake_usb_run_until(is_stored, self);
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    assert_non_null(strstr(text, "[PowerCycle]\nPorts=" PORT "\\n" PORT "2\n"));
    power_cycles_delete(self->cycles, note);
    fake_usb_run_until(is_gone, &file);
    assert_log("");
}

static void what_was_left_off_is_switched_on(void **state)
{
    Cycles *self = *state;
    File file = { .self = self, .note = NOTE };
    gint64 wake = 0;

    leave_note(self, NOTE, "[PowerCycle]\nPorts=" PORT "\\n" PORT "2\n");
    assert_true(power_cycles_restore(self->cycles, NULL));
    assert_true(self->changes > 0);
    self->changes = 0;
    power_cycles_turn(self->cycles, 1, &wake);
    /* Not twice at the same time. */
    power_cycles_turn(self->cycles, 1, &wake);
    run_until_changed(self);
    assert_log("on " PORT " on " PORT "2");
    fake_usb_run_until(is_gone, &file);
    power_cycles_turn(self->cycles, G_MAXINT64, &wake);
    assert_int_equal(wake, 0);
}

/* Whoever writes into that folder must not have files of his choice written to as root. */
static void only_ports_are_written_to(void **state)
{
    static const char *const bad[] = {
        "[PowerCycle]\nPorts=/etc\n",
        "[PowerCycle]\nPorts=" PORT "\\n/etc/passwd\n",
        "[PowerCycle]\nPorts=/sys/devices/pci0000:00/usb1/../../../etc/x-port1\n",
        "[PowerCycle]\nPorts=\n",
        "[PowerCycle]\n",
        "[Other]\nPorts=" PORT "\n",
        "nothing\n",
    };
    Cycles *self = *state;
    File file = { .self = self, .note = NOTE };
    gint64 wake = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        leave_note(self, NOTE, bad[i]);
        assert_true(power_cycles_restore(self->cycles, NULL));
        if (self->changes > 0)
            fail_msg("%s was taken for a note", bad[i]);
        assert_false(is_gone(&file)); /* somebody may want to see it */
    }
    power_cycles_turn(self->cycles, G_MAXINT64, &wake);
    assert_int_equal(wake, 0);
}

static void what_fails_is_tried_again_later_and_later(void **state)
{
    static const gint64 delays[] = { 1, 2, 4, 8, 16, 32, 60, 60 };
    Cycles *self = *state;
    gint64 now = 1, wake = 0;

    power_cycles_take_over(self->cycles, NOTE, PORT);
    fake_usb_fail(FAKE_USB_ON, FERRY_ERROR_RESET_FAILED, G_N_ELEMENTS(delays));
    self->changes = 0;
    for (gsize i = 0; i < G_N_ELEMENTS(delays); i++) {
        gint64 before = g_get_monotonic_time();

        power_cycles_turn(self->cycles, now, &wake);
        run_until_changed(self);
        assert_log("on " PORT);
        /* Not before its time. */
        power_cycles_turn(self->cycles, before, &wake);
        assert_true(wake >= before + delays[i] * G_USEC_PER_SEC);
        assert_true(wake <= g_get_monotonic_time() + delays[i] * G_USEC_PER_SEC);
        now = wake;
        wake = 0;
    }
    power_cycles_turn(self->cycles, now, &wake);
    run_until_changed(self);
    assert_log("on " PORT);
    power_cycles_turn(self->cycles, G_MAXINT64, &wake);
    assert_quiet(self);
}

/* A late job holds its queue: nothing is tried behind it, and at once when it is back. */
static void a_late_try_is_waited_for(void **state)
{
    Cycles *self = *state;
    gint64 wake = 0;

    power_cycles_take_over(self->cycles, NOTE, PORT);
    fake_usb_fail(FAKE_USB_ON, FERRY_ERROR_TIMEOUT, 1);
    self->changes = 0;
    power_cycles_turn(self->cycles, 1, &wake);
    run_until_changed(self);
    assert_log("on " PORT);
    power_cycles_turn(self->cycles, G_MAXINT64, &wake);
    power_cycles_queue_idle(self->cycles, "usb-reset-other");
    power_cycles_turn(self->cycles, G_MAXINT64, &wake);
    assert_quiet(self);
    assert_int_equal(wake, 0);
    power_cycles_queue_idle(self->cycles, "usb-reset-" NOTE);
    power_cycles_turn(self->cycles, 1, &wake);
    run_until_changed(self);
    assert_log("on " PORT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_note_is_a_file_until_it_is_deleted),
        TEST(what_was_left_off_is_switched_on),
        TEST(only_ports_are_written_to),
        TEST(what_fails_is_tried_again_later_and_later),
        TEST(a_late_try_is_waited_for),
    };

    return cmocka_run_group_tests_name("power-cycles", tests, NULL, NULL);
}
