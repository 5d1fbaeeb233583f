/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values between the bus and the client, and as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/bus/variant.h"

static void test_variant_to_text(void **state)
{
    g_autoptr(GVariant) value =
        g_variant_ref_sink(g_variant_new_parsed("[{'a': <true>, 'b': <('x', uint16 7)>}, {'c': <'\\n'>}]"));
    g_autofree char *text = variant_to_text(value);
    assert_string_equal(text, "a=yes, b=x 7, c=\\x0a");

    g_autofree char *none = variant_to_text(NULL);
    assert_string_equal(none, "");
}

/* Both ways over a message: what goes in comes out. */
static void test_messages(void **state)
{
    static const char text[] =
        "('x', true, -1, uint32 7, ['a', 'b'], {'K': <'v'>, 'L': <@ao ['/a']>}, [(objectpath '/b', 's')])";
    g_autoptr(GVariant) value = g_variant_ref_sink(g_variant_new_parsed(text));
    g_autoptr(GError) error = NULL;
    sd_bus *bus = NULL;
    sd_bus_message *message = NULL;
    int fds[2];

    assert_true(sd_bus_new(&bus) >= 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(sd_bus_set_fd(bus, fds[0], fds[0]), 0);
    assert_true(sd_bus_start(bus) >= 0);
    assert_true(sd_bus_message_new_method_call(bus, &message, NULL, "/a", "a.b", "C") >= 0);
    assert_true(variant_append(message, value) >= 0);
    assert_true(sd_bus_message_seal(message, 1, 0) >= 0);
    assert_true(sd_bus_message_rewind(message, true) >= 0);
    g_autoptr(GVariant) read = variant_read_all(message, &error);
    assert_null(error);
    assert_true(g_variant_equal(read, value));

    /* there is nothing more */
    assert_null(variant_read(message, &error));
    assert_non_null(error);

    sd_bus_message_unref(message);
    sd_bus_close_unref(bus);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_variant_to_text),
        cmocka_unit_test(test_messages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
