/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Groups that nobody named: the service makes a name, another one for each. */

#include "tests/bus/cmocka-include.h"

#include <string.h>

#include "tests/bus/group-calls.h"
#include "tests/bus/memory-folder.h"

/* The group's path, in an answer that it frees. */
static char *take_group(sd_bus_message *reply)
{
    const char *path = NULL;
    char *copy;

    assert_true(sd_bus_message_read(reply, "o", &path) >= 0);
    copy = g_strdup(path);
    sd_bus_message_unref(reply);
    return copy;
}

static void assert_name(Fixture *fixture, const char *group, const char *name)
{
    g_autofree char *its = group ? fixture_get(fixture, group, FERRY_INTERFACE_GROUP, "Name") : NULL;
    g_autofree char *path = group_path(name);

    if (g_strcmp0(its, name) != 0 || g_strcmp0(group, path) != 0)
        fail_msg("the group at %s is called %s, expected %s", group, its, name);
}

static void test_create_group(void **state)
{
    Fixture *fixture = *state;
    static const struct {
        const char *class_name;
        const char *name;
    } groups[] = { { "generic", "group" }, { "generic", "group-2" }, { "SmartCard", "smartcard" } };

    for (gsize i = 0; i < G_N_ELEMENTS(groups); i++) {
        g_autofree char *group =
            take_group(fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "CreateGroup",
                                       "sa{sv}", "", 1, "Class", "s", groups[i].class_name));

        assert_name(fixture, group, groups[i].name);
    }
}

static void test_passthrough(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *first = fixture_device_path("1-1");
    g_autofree char *second = fixture_device_path("1-2");
    g_autofree char *one = NULL;
    g_autofree char *both = NULL;

    fixture_plug(fixture, "1-1", "0529", "0001", "", "HASP 3.25 (Größe/L)");
    fixture_plug(fixture, "1-2", "0529", "0002", "", "../../etc");
    fixture_wait_object(fixture, first, FERRY_INTERFACE_DEVICE, true);
    fixture_wait_object(fixture, second, FERRY_INTERFACE_DEVICE, true);
    one = take_group(fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "MakePassthrough",
                                     "aosa{sv}", 1, first, "", 0));
    assert_name(fixture, one, "hasp-3-25-gr-e-l");
    wait_list(fixture, one, FERRY_INTERFACE_GROUP, "Devices", "1-1");
    /* They have the vendor in common. */
    both = take_group(fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "MakePassthrough",
                                      "aosa{sv}", 2, first, second, "", 0));
    assert_name(fixture, both, "lab");
    wait_list(fixture, both, FERRY_INTERFACE_GROUP, "Devices", "1-1; 1-2");
}

/* ------------------------------------------------------------------ at the same time */

typedef struct Answers {
    unsigned n;
    char *groups[4];
    char *error;
} Answers;

static int take_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    Answers *answers = userdata;

    if (sd_bus_message_is_method_error(reply, NULL))
        answers->error = g_strdup(sd_bus_message_get_error(reply)->message);
    else
        answers->groups[answers->n] = take_group(sd_bus_message_ref(reply));
    answers->n++;
    return 0;
}

static bool all_answered(Fixture *fixture, void *userdata)
{
    return ((const Answers *)userdata)->n == G_N_ELEMENTS(((Answers *)NULL)->groups);
}

static void test_at_once(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-1");
    Answers answers = { .n = 0 };

    fixture_plug(fixture, "1-1", "0529", "0001", "", "Dongle");
    fixture_wait_object(fixture, device, FERRY_INTERFACE_DEVICE, true);
    /* All are sent before any is answered. */
    for (gsize i = 0; i < G_N_ELEMENTS(answers.groups); i++)
        assert_true(sd_bus_call_method_async(fixture->bus, NULL, FERRY_BUS_NAME, FERRY_PATH_ROOT,
                                             FERRY_INTERFACE_MANAGER, "MakePassthrough", take_answer,
                                             &answers, "aosa{sv}", 1, device, "", 0) >= 0);
    fixture_wait_for(fixture, all_answered, &answers, "all are answered");
    assert_null(answers.error);
    for (gsize i = 0; i < G_N_ELEMENTS(answers.groups); i++) {
        g_autofree char *name = i == 0 ? g_strdup("dongle") : g_strdup_printf("dongle-%zu", i + 1);

        assert_name(fixture, answers.groups[i], name);
        wait_list(fixture, answers.groups[i], FERRY_INTERFACE_GROUP, "Devices", "1-1");
        g_free(answers.groups[i]);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, groups_setup, groups_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_create_group),
        TEST(test_passthrough),
        TEST(test_at_once),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
