/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the hardware is to do and what was done to it, behind one lock: workers and the test share it. */

#include "tests/unit/reset/fake-usb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A job takes microseconds. */
#define DEADLINE_S 120

static struct {
    GMutex lock;
    GString *log;
    FerryError codes[_FAKE_USB_CALL_MAX];
    unsigned times[_FAKE_USB_CALL_MAX];
} fake;

static bool take_call(FakeUsbCall call, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);

static bool take_call(FakeUsbCall call, GError **error, const char *format, ...)
{
    va_list arguments;
    bool fails;

    g_mutex_lock(&fake.lock);
    if (!fake.log)
        fake.log = g_string_new(NULL);
    if (fake.log->len)
        g_string_append_c(fake.log, ' ');
    va_start(arguments, format);
    g_string_append_vprintf(fake.log, format, arguments);
    va_end(arguments);
    fails = fake.times[call] > 0;
    if (fails) {
        fake.times[call]--;
        g_set_error(error, FERRY_ERROR, (gint)fake.codes[call], "no luck");
    }
    g_mutex_unlock(&fake.lock);
    return !fails;
}

static bool reset(const UsbAddress *address, GError **error)
{
    return take_call(FAKE_USB_RESET, error, "reset %u:%u", address->bus_number, address->device_number);
}

static bool switch_port(const char *folder, bool on, GError **error)
{
    return take_call(on ? FAKE_USB_ON : FAKE_USB_OFF, error, "%s %s", on ? "on" : "off", folder);
}

const UsbOps fake_usb = { .reset = reset, .switch_port = switch_port };

void fake_usb_clear(void)
{
    g_free(fake_usb_take_log());
    g_mutex_lock(&fake.lock);
    for (int i = 0; i < _FAKE_USB_CALL_MAX; i++)
        fake.times[i] = 0;
    g_mutex_unlock(&fake.lock);
}

void fake_usb_fail(FakeUsbCall call, FerryError code, unsigned times)
{
    g_mutex_lock(&fake.lock);
    fake.codes[call] = code;
    fake.times[call] = times;
    g_mutex_unlock(&fake.lock);
}

char *fake_usb_take_log(void)
{
    char *text;

    g_mutex_lock(&fake.lock);
    text = fake.log ? g_string_free(g_steal_pointer(&fake.log), FALSE) : g_strdup("");
    g_mutex_unlock(&fake.lock);
    return text;
}

static gboolean too_late(gpointer late)
{
    *(bool *)late = true;
    return G_SOURCE_REMOVE;
}

void fake_usb_run_until(bool (*is_so)(void *userdata), void *userdata)
{
    bool late = false;
    guint deadline = g_timeout_add_seconds(DEADLINE_S, too_late, &late);

    while (!is_so(userdata) && !late)
        g_main_context_iteration(NULL, TRUE);
    if (late)
        fail_msg("nothing came within %d s", DEADLINE_S);
    g_source_remove(deadline);
}
