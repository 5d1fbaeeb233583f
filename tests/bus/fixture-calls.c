/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls on the service, and waiting for what it says. */

#include "tests/bus/cmocka-include.h"

#include "tests/bus/deadline.h"
#include "tests/bus/fixture.h"

#include <inttypes.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

#define POLL_US (50 * G_TIME_SPAN_MILLISECOND)

static int call_va(Fixture *fixture, sd_bus_error *error, sd_bus_message **ret_reply, const char *path,
                   const char *interface, const char *member, const char *types, va_list arguments)
{
    sd_bus_message *message = NULL;
    int r;

    assert_true(
        sd_bus_message_new_method_call(fixture->bus, &message, FERRY_BUS_NAME, path, interface, member) >= 0);
    if (types && *types)
        assert_true(sd_bus_message_appendv(message, types, arguments) >= 0);
    r = sd_bus_call(fixture->bus, message, DEADLINE_US, error, ret_reply);
    sd_bus_message_unref(message);
    return r;
}

sd_bus_message *fixture_call_ok(Fixture *fixture, const char *path, const char *interface, const char *member,
                                const char *types, ...)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message *reply = NULL;
    va_list arguments;
    int r;

    va_start(arguments, types);
    r = call_va(fixture, &error, &reply, path, interface, member, types, arguments);
    va_end(arguments);
    if (r < 0) {
        fixture_print_log(fixture);
        fail_msg("%s.%s on %s: %s: %s", interface, member, path, error.name, error.message);
    }
    sd_bus_error_free(&error);
    return reply;
}

char *fixture_call_error(Fixture *fixture, const char *name, const char *path, const char *interface,
                         const char *member, const char *types, ...)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    g_autofree char *full = strchr(name, '.') ? g_strdup(name) : g_strconcat(FERRY_ERROR_PREFIX, name, NULL);
    va_list arguments;
    char *text;
    int r;

    va_start(arguments, types);
    r = call_va(fixture, &error, NULL, path, interface, member, types, arguments);
    va_end(arguments);
    if (r >= 0 || g_strcmp0(error.name, full) != 0) {
        fixture_print_log(fixture);
        fail_msg("%s.%s on %s: %s (%s), expected %s", interface, member, path, r < 0 ? error.name : "success",
                 r < 0 ? error.message : "", full);
    }
    text = g_strdup(error.message);
    sd_bus_error_free(&error);
    return text;
}

static char *encode(const char *prefix, const char *id)
{
    char *encoded = NULL;
    char *path;

    assert_true(sd_bus_path_encode(prefix, id, &encoded) >= 0);
    path = g_strdup(encoded);
    free(encoded);
    return path;
}

char *fixture_device_path(const char *sysname)
{
    return encode(FERRY_PATH_DEVICE_PREFIX, sysname);
}

char *fixture_machine_path(const char *uuid)
{
    return encode(FERRY_PATH_MACHINE_PREFIX, uuid);
}

char *fixture_assign(Fixture *fixture, const char *sysname, const char *uuid)
{
    g_autofree char *device = fixture_device_path(sysname);
    g_autofree char *machine = fixture_machine_path(uuid);
    sd_bus_message *reply = fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign",
                                            "ooa{sv}", device, machine, 0);
    const char *path = NULL;
    char *copy;

    assert_true(sd_bus_message_read(reply, "o", &path) >= 0);
    copy = g_strdup(path);
    sd_bus_message_unref(reply);
    return copy;
}

char *fixture_get(Fixture *fixture, const char *path, const char *interface, const char *property)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message *reply = NULL;
    const char *contents = NULL;
    char type = 0;
    char *text = NULL;
    union {
        const char *string;
        int boolean;
        uint8_t byte;
        uint16_t u16;
        int32_t i32;
        uint32_t u32;
        int64_t i64;
        uint64_t u64;
    } value = { .u64 = 0 };

    if (sd_bus_call_method(fixture->bus, FERRY_BUS_NAME, path, "org.freedesktop.DBus.Properties", "Get",
                           &error, &reply, "ss", interface, property) < 0) {
        sd_bus_error_free(&error);
        return NULL;
    }
    assert_true(sd_bus_message_peek_type(reply, &type, &contents) > 0 && type == 'v');
    assert_true(sd_bus_message_enter_container(reply, 'v', contents) >= 0);
    assert_true(sd_bus_message_peek_type(reply, &type, &contents) > 0);
    switch (type) {
    case 's':
    case 'o':
        assert_true(sd_bus_message_read_basic(reply, type, &value.string) >= 0);
        text = g_strdup(value.string);
        break;
    case 'b':
        assert_true(sd_bus_message_read_basic(reply, type, &value.boolean) >= 0);
        text = g_strdup(value.boolean ? "true" : "false");
        break;
    case 'q':
        assert_true(sd_bus_message_read_basic(reply, type, &value.u16) >= 0);
        text = g_strdup_printf("%u", value.u16);
        break;
    case 'u':
        assert_true(sd_bus_message_read_basic(reply, type, &value.u32) >= 0);
        text = g_strdup_printf("%u", value.u32);
        break;
    case 't':
        assert_true(sd_bus_message_read_basic(reply, type, &value.u64) >= 0);
        text = g_strdup_printf("%" PRIu64, value.u64);
        break;
    case 'i':
        assert_true(sd_bus_message_read_basic(reply, type, &value.i32) >= 0);
        text = g_strdup_printf("%d", value.i32);
        break;
    default:
        text = g_strdup_printf("(%c%s)", type, contents ? contents : "");
        break;
    }
    sd_bus_message_unref(reply);
    return text;
}

void fixture_wait_for(Fixture *fixture, bool (*predicate)(Fixture *fixture, void *userdata), void *userdata,
                      const char *what)
{
    gint64 deadline = g_get_monotonic_time() + DEADLINE_US;

    while (!predicate(fixture, userdata)) {
        while (sd_bus_process(fixture->bus, NULL) > 0)
            continue;
        if (g_get_monotonic_time() > deadline || !fixture_daemon_lives(fixture)) {
            fixture_print_log(fixture);
            fail_msg("waited in vain until %s; last seen: %s", what,
                     fixture->last_seen ? fixture->last_seen : "-");
        }
        /* What has no signal (a file, the script's state) is asked for again. */
        (void)sd_bus_wait(fixture->bus, POLL_US);
    }
}

typedef struct Steady {
    char *(*look)(Fixture *fixture, void *userdata);
    void *userdata;
    char *last;
} Steady;

static bool is_steady(Fixture *fixture, void *userdata)
{
    Steady *self = userdata;
    char *now = self->look(fixture, self->userdata);
    bool steady = g_strcmp0(self->last, now) == 0;

    g_free(self->last);
    self->last = now;
    return steady;
}

char *fixture_wait_steady(Fixture *fixture, char *(*look)(Fixture *fixture, void *userdata), void *userdata)
{
    Steady steady = { .look = look, .userdata = userdata };

    fixture_wait_for(fixture, is_steady, &steady, "nothing changes any more");
    return steady.last;
}

typedef struct Expected {
    const char *path;
    const char *interface;
    const char *property;
    const char *value;
} Expected;

static bool has_value(Fixture *fixture, void *userdata)
{
    Expected *expected = userdata;

    g_free(fixture->last_seen);
    fixture->last_seen = fixture_get(fixture, expected->path, expected->interface, expected->property);
    return g_strcmp0(fixture->last_seen, expected->value) == 0;
}

void fixture_wait(Fixture *fixture, const char *path, const char *interface, const char *property,
                  const char *value)
{
    Expected expected = { .path = path, .interface = interface, .property = property, .value = value };
    g_autofree char *what = g_strdup_printf("%s of %s is %s", property, path, value);

    fixture_wait_for(fixture, has_value, &expected, what);
}

typedef struct Presence {
    const char *path;
    const char *interface;
    bool present;
} Presence;

static bool is_as_expected(Fixture *fixture, void *userdata)
{
    const Presence *presence = userdata;
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message *reply = NULL;
    int r =
        sd_bus_call_method(fixture->bus, FERRY_BUS_NAME, presence->path, "org.freedesktop.DBus.Properties",
                           "GetAll", &error, &reply, "s", presence->interface);

    sd_bus_message_unref(reply);
    sd_bus_error_free(&error);
    return (r >= 0) == presence->present;
}

void fixture_wait_object(Fixture *fixture, const char *path, const char *interface, bool present)
{
    Presence presence = { .path = path, .interface = interface, .present = present };
    g_autofree char *what = g_strdup_printf("%s is %s", path, present ? "there" : "gone");

    fixture_wait_for(fixture, is_as_expected, &presence, what);
}

static bool is_in_the_way(Fixture *fixture, void *userdata)
{
    return g_mkdir_with_parents(userdata, 0700) == 0;
}

/* A folder that isn't empty, where the journal is to be. What is just being stored has its journal first. */
void fixture_break_disk(Fixture *fixture)
{
    g_autofree char *in_the_way = fixture_state_path(fixture, "journal/x");

    fixture_wait_for(fixture, is_in_the_way, in_the_way, "nothing is being stored");
}

void fixture_mend_disk(Fixture *fixture)
{
    g_autofree char *in_the_way = fixture_state_path(fixture, "journal/x");
    g_autofree char *journal = fixture_state_path(fixture, "journal");

    assert_int_equal(g_rmdir(in_the_way), 0);
    assert_int_equal(g_rmdir(journal), 0);
}
