/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of resets share. */

#include "tests/bus/cmocka-include.h"

#include "tests/bus/reset-calls.h"

#include <string.h>

void reset_plug(Fixture *fixture, const char *sysname, const char *serial)
{
    g_autofree char *path = fixture_device_path(sysname);

    fixture_plug(fixture, sysname, "046d", "c31c", serial, "Keyboard K120");
    fixture_wait_object(fixture, path, FERRY_INTERFACE_DEVICE, true);
}

void reset_wait_state(Fixture *fixture, const char *path, const char *state)
{
    fixture_wait(fixture, path, FERRY_INTERFACE_ASSIGNMENT, "State", state);
}

char *reset_give(Fixture *fixture, const char *sysname, const char *uuid)
{
    char *assignment = fixture_assign(fixture, sysname, uuid);

    reset_wait_state(fixture, assignment, "attached");
    return assignment;
}

void reset_allow(Fixture *fixture, const char *assignment, const char *setting, bool value)
{
    sd_bus_message_unref(fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Update", "a{sv}",
                                         1, setting, "b", (int)value));
}

typedef struct Shown {
    const char *uuid;
    const char *text;
    bool there;
} Shown;

static bool is_shown(Fixture *fixture, void *userdata)
{
    const Shown *shown = userdata;

    g_free(fixture->last_seen);
    fixture->last_seen = fixture_script(fixture, "show %s", shown->uuid);
    return (strstr(fixture->last_seen, shown->text) != NULL) == shown->there;
}

void reset_wait_machine(Fixture *fixture, const char *uuid, const char *text, bool there)
{
    Shown shown = { uuid, text, there };
    g_autofree char *what = g_strdup_printf("%s has %s: %s", uuid, text, there ? "yes" : "no");

    fixture_wait_for(fixture, is_shown, &shown, what);
}

static bool usb_shows(Fixture *fixture, void *text)
{
    g_free(fixture->last_seen);
    fixture->last_seen = fixture_script(fixture, "usb show");
    return strstr(fixture->last_seen, text) != NULL;
}

void reset_wait_usb(Fixture *fixture, const char *text)
{
    fixture_wait_for(fixture, usb_shows, (void *)text, text);
}

static bool log_says(Fixture *fixture, void *text)
{
    g_autofree char *path = g_build_filename(fixture->dir, "daemon.log", NULL);
    g_autofree char *log = NULL;

    return g_file_get_contents(path, &log, NULL, NULL) && strstr(log, text);
}

void reset_wait_log(Fixture *fixture, const char *text)
{
    fixture_wait_for(fixture, log_says, (void *)text, text);
}

/* ------------------------------------------------------------------ calls that are answered later */

static int on_reply(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    const sd_bus_error *error = sd_bus_message_get_error(reply);
    Pending *pending = userdata;

    pending->done = true;
    if (error)
        pending->error = g_strdup_printf("%s: %s", error->name, error->message);
    return 0;
}

void reset_begin(Fixture *fixture, Pending *pending, const char *path, const char *interface,
                 const char *member, const char *method)
{
    *pending = (Pending){};
    /* Without a method there is nothing behind the 0. */
    assert_true(sd_bus_call_method_async(fixture->bus, NULL, FERRY_BUS_NAME, path, interface, member,
                                         on_reply, pending, "a{sv}", method ? 1 : 0, "Method", "s",
                                         method) >= 0);
}

static bool is_done(Fixture *fixture, void *pending)
{
    return ((Pending *)pending)->done;
}

void reset_end(Fixture *fixture, Pending *pending, const char *error)
{
    fixture_wait_for(fixture, is_done, pending, "the reset is answered");
    if (!error != !pending->error || (error && !strstr(pending->error, error))) {
        fixture_print_log(fixture);
        fail_msg("answered with %s, expected %s", pending->error ? pending->error : "success", error);
    }
    g_clear_pointer(&pending->error, g_free);
}
