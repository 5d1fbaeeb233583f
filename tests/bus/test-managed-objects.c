/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All objects in one message: what the bus would cut the service off for isn't sent. The filter itself, in
 * front of objects that only it knows of. */

#include "tests/bus/cmocka-include.h"

#include "daemon/manager/object-bytes.h"
#include "dbus/bus/limits.h"
#include "dbus/bus/sd-bus-cleanup.h"
#include "dbus/service/managed-objects.h"
#include "tests/bus/fixture.h"
#include "tests/bus/memory-folder.h"

typedef struct Answer {
    sd_bus *service, *caller;
    char *name; /* of the error, "ok"; NULL = not yet */
} Answer;

static int note_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    Answer *answer = userdata;
    const sd_bus_error *its = sd_bus_message_get_error(reply);

    answer->name = g_strdup(its ? its->name : "ok");
    return 0;
}

static bool is_answered(Fixture *fixture, void *userdata)
{
    Answer *answer = userdata;

    while (sd_bus_process(answer->service, NULL) > 0)
        continue;
    while (sd_bus_process(answer->caller, NULL) > 0)
        continue;
    return answer->name;
}

/* What a caller hears. New string. */
static char *ask(Fixture *fixture, sd_bus *service, const char *interface, const char *member)
{
    Answer answer = { .service = service, .caller = fixture_connect(fixture, FIXTURE_STRANGER) };
    g_autoptr(sd_bus_message) message = NULL;
    const char *name;

    assert_true(sd_bus_get_unique_name(service, &name) >= 0);
    assert_true(sd_bus_message_new_method_call(answer.caller, &message, name, FERRY_PATH_ROOT, interface,
                                               member) >= 0);
    assert_true(sd_bus_call_async(answer.caller, NULL, message, note_answer, &answer, UINT64_MAX) >= 0);
    assert_true(sd_bus_flush(answer.caller) >= 0);
    fixture_wait_for(fixture, is_answered, &answer, "the call is answered");
    sd_bus_flush_close_unref(answer.caller);
    return answer.name;
}

static void assert_answer(Fixture *fixture, sd_bus *service, const char *expected)
{
    g_autofree char *all = ask(fixture, service, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects");
    g_autofree char *ping = ask(fixture, service, "org.freedesktop.DBus.Peer", "Ping");

    assert_string_equal(all, expected);
    assert_string_equal(ping, "ok");
}

static void plug_until(Registry *registry, gsize bytes)
{
    while (object_bytes_of_all(registry) <= bytes)
        for (guint n = 1000; n > 0; n--) {
            g_autofree char *sysname = g_strdup_printf("1-%u", g_hash_table_size(registry->devices));

            registry_add_device(registry, device_new(sysname));
        }
}

static void test_what_the_bus_does_not_take(void **state)
{
    Fixture *fixture = *state;
    sd_bus *service = fixture_connect(fixture, 0);
    g_autoptr(Registry) registry = registry_new("host");

    assert_true(sd_bus_add_object_manager(service, NULL, FERRY_PATH_ROOT) >= 0);
    assert_true(sd_bus_add_filter(service, NULL, managed_objects_check, registry) >= 0);
    assert_answer(fixture, service, "ok");
    plug_until(registry, OBJECTS_BYTES_MAX);
    assert_answer(fixture, service, "ok");
    plug_until(registry, LIMIT_MESSAGE);
    assert_answer(fixture, service, FERRY_ERROR_PREFIX "LimitExceeded");
    sd_bus_flush_close_unref(service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_the_bus_does_not_take, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
