/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pending: who follows the signals never sees a state that is not meant. Whatever State says while Pending is
 * false is decided; an assignment that is being made says from the first signal on where it will stand. */

#include "tests/bus/cmocka-include.h"

#include <string.h>

#include "tests/bus/fixture.h"
#include "tests/bus/memory-folder.h"

#define GIVES 10

/* What a follower knows of one assignment, from signals alone. */
typedef struct Follower {
    sd_bus *bus;
    char *path; /* the first assignment that was announced; NULL = none yet */
    char *state;
    bool pending;
    GPtrArray
        *seen; /* of char *: "attaching pending", "attached", …, one for each signal that said something */
} Follower;

static void read_properties(Follower *follower, sd_bus_message *message)
{
    bool told = false;
    const char *name, *type, *text;
    int flag;

    assert_true(sd_bus_message_enter_container(message, 'a', "{sv}") >= 0);
    while (sd_bus_message_enter_container(message, 'e', "sv") > 0) {
        assert_true(sd_bus_message_read(message, "s", &name) > 0);
        assert_true(sd_bus_message_peek_type(message, NULL, &type) > 0);
        if (strcmp(name, "State") == 0) {
            assert_true(sd_bus_message_read(message, "v", "s", &text) > 0);
            g_free(follower->state);
            follower->state = g_strdup(text);
            told = true;
        } else if (strcmp(name, "Pending") == 0) {
            assert_true(sd_bus_message_read(message, "v", "b", &flag) > 0);
            follower->pending = flag;
            told = true;
        } else {
            assert_true(sd_bus_message_skip(message, "v") >= 0);
        }
        assert_true(sd_bus_message_exit_container(message) >= 0);
    }
    assert_true(sd_bus_message_exit_container(message) >= 0);
    if (told)
        g_ptr_array_add(follower->seen,
                        g_strconcat(follower->state, follower->pending ? " pending" : "", NULL));
}

static void read_added(Follower *follower, sd_bus_message *message)
{
    const char *path, *interface;

    assert_true(sd_bus_message_read(message, "o", &path) > 0);
    if (!g_str_has_prefix(path, FERRY_PATH_ROOT "/assignment/") || follower->path)
        return;
    follower->path = g_strdup(path);
    assert_true(sd_bus_message_enter_container(message, 'a', "{sa{sv}}") >= 0);
    while (sd_bus_message_enter_container(message, 'e', "sa{sv}") > 0) {
        assert_true(sd_bus_message_read(message, "s", &interface) > 0);
        if (strcmp(interface, FERRY_INTERFACE_ASSIGNMENT) == 0)
            read_properties(follower, message);
        else
            assert_true(sd_bus_message_skip(message, "a{sv}") >= 0);
        assert_true(sd_bus_message_exit_container(message) >= 0);
    }
}

static int on_signal(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    Follower *follower = userdata;
    const char *interface;

    if (sd_bus_message_is_signal(message, "org.freedesktop.DBus.ObjectManager", "InterfacesAdded"))
        read_added(follower, message);
    if (sd_bus_message_is_signal(message, "org.freedesktop.DBus.Properties", "PropertiesChanged") &&
        g_strcmp0(sd_bus_message_get_path(message), follower->path) == 0) {
        assert_true(sd_bus_message_read(message, "s", &interface) > 0);
        if (strcmp(interface, FERRY_INTERFACE_ASSIGNMENT) == 0)
            read_properties(follower, message);
    }
    return 0;
}

static Follower *follow(Fixture *fixture)
{
    Follower *follower = g_new0(Follower, 1);

    follower->seen = g_ptr_array_new_with_free_func(g_free);
    follower->bus = fixture_connect(fixture, 0);
    assert_true(sd_bus_add_match(follower->bus, NULL, "type='signal',sender='" FERRY_BUS_NAME "'", on_signal,
                                 follower) >= 0);
    return follower;
}

static void follower_free(Follower *follower)
{
    sd_bus_flush_close_unref(follower->bus);
    g_ptr_array_unref(follower->seen);
    g_free(follower->state);
    g_free(follower->path);
    g_free(follower);
}

static bool is_decided(Fixture *fixture, void *userdata)
{
    Follower *follower = userdata;

    while (sd_bus_process(follower->bus, NULL) > 0)
        continue;
    return follower->state && !follower->pending && strcmp(follower->state, "attaching") != 0;
}

static void plug(Fixture *fixture, const char *sysname)
{
    g_autofree char *path = fixture_device_path(sysname);

    fixture_plug(fixture, sysname, "046d", "c31c", "", "Keyboard K120");
    fixture_wait_object(fixture, path, FERRY_INTERFACE_DEVICE, true);
}

/* Each thing that was said is one of the words, and the first one is first. */
static void assert_said(Fixture *fixture, const Follower *follower, const char *first,
                        const char *const *words)
{
    g_autofree char *all = NULL;

    g_ptr_array_add(follower->seen, NULL);
    all = g_strjoinv(", ", (char **)follower->seen->pdata);
    g_ptr_array_remove_index(follower->seen, follower->seen->len - 1);
    if (strcmp(follower->seen->pdata[0], first) != 0) {
        fixture_print_log(fixture);
        fail_msg("it began with \"%s\", not \"%s\": %s", (char *)follower->seen->pdata[0], first, all);
    }
    for (guint i = 0; i < follower->seen->len; i++)
        if (!g_strv_contains(words, follower->seen->pdata[i])) {
            fixture_print_log(fixture);
            fail_msg("it said \"%s\": %s", (char *)follower->seen->pdata[i], all);
        }
}

static void test_ten_gives_to_a_machine_that_runs(void **state)
{
    static const char *const words[] = { "attaching pending", "attaching", "attached", NULL };
    Fixture *fixture = *state;

    for (unsigned i = 0; i < GIVES; i++) {
        g_autofree char *sysname = g_strdup_printf("1-%u", i + 1);
        g_autofree char *assignment = NULL;
        Follower *follower = follow(fixture);

        plug(fixture, sysname);
        assignment = fixture_assign(fixture, sysname, FIXTURE_DESK);
        fixture_wait_for(fixture, is_decided, follower, "the assignment is decided");
        assert_said(fixture, follower, "attaching pending", words);
        assert_string_equal(follower->state, "attached");
        follower_free(follower);
    }
}

static void test_a_machine_that_is_off(void **state)
{
    static const char *const words[] = { "waiting-machine pending", "waiting-machine", NULL };
    Fixture *fixture = *state;
    Follower *follower = follow(fixture);
    g_autofree char *assignment = NULL;

    plug(fixture, "1-2");
    assignment = fixture_assign(fixture, "1-2", FIXTURE_STUDIO);
    fixture_wait_for(fixture, is_decided, follower, "the assignment is decided");
    assert_said(fixture, follower, "waiting-machine pending", words);
    follower_free(follower);
}

/* What was stopped and goes on: between the answer and the look at it nothing old counts. */
static void test_attach_is_pending_until_it_was_looked_at(void **state)
{
    static const char *const words[] = { "disabled pending", "attaching pending", "attaching", "attached",
                                         NULL };
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    Follower *follower;

    plug(fixture, "1-2");
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    sd_bus_message_unref(fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Detach", ""));
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "disabled");
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Pending", "false");

    follower = follow(fixture);
    follower->path = g_strdup(assignment);
    follower->state = g_strdup("disabled");
    sd_bus_message_unref(fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Attach", ""));
    while (sd_bus_process(follower->bus, NULL) > 0)
        continue;
    /* The answer has come, so whatever was said before it is here. */
    fixture_assert(fixture, follower->seen->len > 0);
    fixture_wait_for(fixture, is_decided, follower, "the assignment is decided");
    assert_said(fixture, follower, "disabled pending", words);
    assert_string_equal(follower->state, "attached");
    follower_free(follower);
}

/* An attach that failed is tried anew when somebody asks for it: the old failure is none of the new try. */
static void test_a_failure_is_pending_when_it_is_tried_anew(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    Follower *follower;

    plug(fixture, "1-2");
    g_free(fixture_script(fixture, "fail %s 1000 no luck", FIXTURE_DESK));
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "failed");
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Pending", "false");
    g_free(fixture_script(fixture, "fail %s 0 no luck", FIXTURE_DESK));

    follower = follow(fixture);
    follower->path = g_strdup(assignment);
    follower->state = g_strdup("failed");
    follower->pending = true;
    sd_bus_message_unref(fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Attach", ""));
    fixture_wait_for(fixture, is_decided, follower, "the assignment is decided");
    assert_string_equal(follower->state, "attached");
    follower_free(follower);
}

/* A device that has come back a moment ago has to prove steady: that passes by itself, so it is not decided.
 */
static void test_a_device_that_has_to_be_steady_is_pending(void **state)
{
    static const char *const words[] = { "waiting-device pending", "attaching pending", "attaching",
                                         "attached", NULL };
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    Follower *follower;

    plug(fixture, "1-2");
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    fixture_unplug(fixture, "1-2");
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "waiting-device");
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Pending", "false");

    follower = follow(fixture);
    follower->path = g_strdup(assignment);
    follower->state = g_strdup("waiting-device");
    follower->pending = true;
    plug(fixture, "1-2");
    fixture_wait_for(fixture, is_decided, follower, "the assignment is decided");
    for (guint i = 0; i < follower->seen->len; i++)
        fixture_assert(fixture, g_strv_contains(words, follower->seen->pdata[i]));
    assert_string_equal(follower->state, "attached");
    follower_free(follower);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ten_gives_to_a_machine_that_runs),
        TEST(test_a_machine_that_is_off),
        TEST(test_attach_is_pending_until_it_was_looked_at),
        TEST(test_a_failure_is_pending_when_it_is_tried_anew),
        TEST(test_a_device_that_has_to_be_steady_is_pending),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
