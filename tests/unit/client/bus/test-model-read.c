/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All objects, straight out of a message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/bus/model-read.h"
#include "client/bus/variant.h"

typedef struct Fixture {
    sd_bus *bus;
    int other_end;
} Fixture;

static int set_up(void **state)
{
    Fixture *fixture = g_new0(Fixture, 1);
    int fds[2];

    assert_true(sd_bus_new(&fixture->bus) >= 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(sd_bus_set_fd(fixture->bus, fds[0], fds[0]), 0);
    assert_true(sd_bus_start(fixture->bus) >= 0);
    fixture->other_end = fds[1];
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    Fixture *fixture = *state;

    sd_bus_close_unref(fixture->bus);
    close(fixture->other_end);
    g_free(fixture);
    return 0;
}

static Model *read_text(Fixture *fixture, const char *text, GError **error)
{
    g_autoptr(GVariant) values = g_variant_ref_sink(g_variant_new_parsed(text));
    g_autoptr(sd_bus_message) message = NULL;

    assert_true(sd_bus_message_new_method_call(fixture->bus, &message, NULL, "/a", "a.b", "C") >= 0);
    assert_true(variant_append(message, values) >= 0);
    assert_true(sd_bus_message_seal(message, 1, 0) >= 0);
    assert_true(sd_bus_message_rewind(message, true) >= 0);
    return model_read(message, error);
}

#define DEVICE  "/org/usbferry1/device/a"
#define MACHINE "/org/usbferry1/machine/b"

static void test_read(void **state)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Model) model =
        read_text(*state,
                  "({objectpath '" DEVICE "': {'org.freedesktop.DBus.Peer': @a{sv} {},"
                  "  'org.usbferry1.Device': {'SysName': <'1-2'>, 'Speed': <uint32 12>, 'Groups': <@ao []>}},"
                  " '" MACHINE "': {'org.usbferry1.Machine': {'Name': <'desk'>}},"
                  " '/of/another': {'com.example': {'Name': <'desk'>}}},)",
                  &error);

    assert_null(error);
    assert_int_equal(g_hash_table_size(model->objects), 2);

    const Object *device = model_get(model, DEVICE, KIND_DEVICE);
    assert_non_null(device);
    assert_int_equal(device->names->len, 3);
    assert_string_equal(device->names->pdata[0], "SysName");
    assert_string_equal(object_string(device, "SysName"), "1-2");
    assert_int_equal(object_number(device, "Speed"), 12);
    assert_true(g_variant_is_of_type(object_value(device, "Groups"), G_VARIANT_TYPE("ao")));
    assert_string_equal(object_name(model_get(model, MACHINE, KIND_MACHINE)), "desk");
}

/* No service sends it; a property that stands twice is the first one. */
static void test_twice(void **state)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Model) model =
        read_text(*state,
                  "([{objectpath '" DEVICE
                  "', [{'org.usbferry1.Device', [{'SysName', <'1-2'>}, {'SysName', <'3-4'>}]}]}],)",
                  &error);

    assert_null(error);
    const Object *device = model_get(model, DEVICE, KIND_DEVICE);
    assert_int_equal(device->names->len, 1);
    assert_string_equal(object_string(device, "SysName"), "1-2");
}

static void test_another_form(void **state)
{
    g_autoptr(GError) error = NULL;

    assert_null(read_text(*state, "({'a': {'b': <true>}},)", &error));
    assert_string_equal(error->message, "the service's answer has an unknown form");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_twice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_another_form, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
