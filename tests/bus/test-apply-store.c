/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Apply and the store: what is answered is stored, all of it or nothing, one at a time. */

#include "tests/bus/cmocka-include.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

#include "tests/bus/apply-calls.h"
#include "tests/bus/group-calls.h"
#include "tests/bus/memory-folder.h"

/* Killed right after the answer: all of it is there. */
static void test_answered_means_stored(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *before = NULL, *after = NULL;

    g_free(apply(fixture, APPLY_TWO));
    fixture_stop_daemon(fixture, SIGKILL);
    fixture_start_daemon(fixture);
    fixture_wait_object(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, true);
    after = apply_export(fixture);
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    g_free(fixture_script(fixture, "connect"));
    assert_string_equal(after, APPLY_TWO);
}

static void test_what_cannot_be_stored_is_not_done(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *keys = group_create_with(fixture, "keys", "vendor=0529");
    g_autofree char *text = apply_export(fixture);
    g_autofree char *new_path = group_path("new");
    char *stored;

    fixture_break_disk(fixture);
    stored = apply_store_state(fixture);
    apply_refuse(fixture, APPLY_GOOD "[Group]\nName=keys\n[Assignment]\nName=x\nMachine=desk\nGroup=new\n",
                 false, "Storage", "");
    apply_assert_untouched(fixture, g_strdup(text), stored);
    fixture_wait_object(fixture, new_path, FERRY_INTERFACE_GROUP, false);
    fixture_mend_disk(fixture);
    /* nothing is left locked */
    group_add_rule(fixture, keys, "vendor=0001");
    g_free(apply(fixture, APPLY_GOOD));
    fixture_wait_object(fixture, new_path, FERRY_INTERFACE_GROUP, true);
}

typedef struct Answers {
    unsigned n;
    unsigned refused; /* with LimitExceeded or, for a group that is being made, AlreadyExists */
} Answers;

static int count_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    Answers *answers = userdata;

    answers->n++;
    if (sd_bus_message_is_method_error(reply, FERRY_ERROR_PREFIX "LimitExceeded") ||
        sd_bus_message_is_method_error(reply, FERRY_ERROR_PREFIX "AlreadyExists"))
        answers->refused++;
    else
        assert_false(sd_bus_message_is_method_error(reply, NULL));
    return 0;
}

static bool two_answered(Fixture *fixture, void *userdata)
{
    const Answers *answers = userdata;

    while (sd_bus_process(fixture->bus, NULL) > 0)
        ;
    return answers->n >= 2;
}

static bool all_answered(Fixture *fixture, void *userdata)
{
    return two_answered(fixture, userdata) && ((const Answers *)userdata)->n == 3;
}

/* While one is on its way to the disk, others wait outside. */
static void test_one_at_a_time(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_create_with(fixture, "g0", "vendor=0529");
    Answers answers = {};

    disk_script_hold(fixture->disk, true);
    assert_true(sd_bus_call_method_async(fixture->bus, NULL, FERRY_BUS_NAME, FERRY_PATH_ROOT,
                                         FERRY_INTERFACE_MANAGER, "Apply", count_answer, &answers, "ssa{sv}",
                                         "[Group]\nName=g0\n", APPLY_SOURCE, 0) >= 0);
    assert_true(sd_bus_call_method_async(fixture->bus, NULL, FERRY_BUS_NAME, FERRY_PATH_ROOT,
                                         FERRY_INTERFACE_MANAGER, "Apply", count_answer, &answers, "ssa{sv}",
                                         APPLY_GOOD, APPLY_SOURCE, 0) >= 0);
    assert_true(sd_bus_call_method_async(fixture->bus, NULL, FERRY_BUS_NAME, group, FERRY_INTERFACE_GROUP,
                                         "AddRule", count_answer, &answers, "sa{sv}", "vendor=1", 0) >= 0);
    fixture_wait_for(fixture, two_answered, &answers, "two answers");
    assert_int_equal(answers.refused, 2);
    disk_script_hold(fixture->disk, false);
    fixture_wait_for(fixture, all_answered, &answers, "three answers");
    assert_int_equal(answers.refused, 2);
}

typedef struct Killing {
    char *journal;
    Answers answers;
} Killing;

static bool under_way(Fixture *fixture, void *userdata)
{
    const Killing *killing = userdata;

    while (sd_bus_process(fixture->bus, NULL) > 0)
        ;
    return killing->answers.n > 0 || g_file_test(killing->journal, G_FILE_TEST_EXISTS);
}

/* Killed in the middle of writing: all of it is there. */
static void test_killed_in_between(void **state)
{
    Fixture *fixture = *state;
    enum { GROUPS = 200, ROUNDS = 2 };

    for (int round = 0; round < ROUNDS; round++) {
        g_autoptr(GString) text = g_string_new(NULL);
        Killing killing = { .journal = fixture_state_path(fixture, "journal") };
        sd_bus_slot *slot = NULL;
        g_autofree char *after = NULL;

        for (int i = 0; i < GROUPS; i++)
            g_string_append_printf(text, "%s[Group]\nName=g%03d\nPriority=%d\n", i > 0 ? "\n" : "", i,
                                   round + 1);
        assert_true(sd_bus_call_method_async(fixture->bus, &slot, FERRY_BUS_NAME, FERRY_PATH_ROOT,
                                             FERRY_INTERFACE_MANAGER, "Apply", count_answer, &killing.answers,
                                             "ssa{sv}", text->str, APPLY_SOURCE, 0) >= 0);
        fixture_wait_for(fixture, under_way, &killing, "the change is under way");
        sd_bus_slot_unref(slot);
        fixture_stop_daemon(fixture, SIGKILL);
        fixture_start_daemon(fixture);
        fixture_wait_object(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, true);
        after = apply_export(fixture);
        assert_string_equal(after, text->str);
        assert_false(g_file_test(killing.journal, G_FILE_TEST_EXISTS));
        g_free(killing.journal);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, groups_setup, groups_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_answered_means_stored),
        TEST(test_what_cannot_be_stored_is_not_done),
        TEST(test_one_at_a_time),
        TEST(test_killed_in_between),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
