/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls that come while an earlier one is still being stored. */

#include "tests/bus/cmocka-include.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

#include "tests/bus/memory-folder.h"
#include "tests/bus/tenant-calls.h"

typedef struct Answer {
    bool done;
    char *error; /* "name: text"; NULL = none */
    int number;  /* of a property */
} Answer;

static int note_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    Answer *answer = userdata;
    const sd_bus_error *its = sd_bus_message_get_error(reply);

    answer->done = true;
    if (its)
        answer->error = g_strdup_printf("%s: %s", its->name, its->message);
    else if (sd_bus_message_has_signature(reply, "v"))
        assert_true(sd_bus_message_read(reply, "v", "i", &answer->number) > 0);
    return 0;
}

#define BEGIN(fixture, answer, path, interface, member, ...)                                            \
    assert_true(sd_bus_call_method_async((fixture)->bus, NULL, FERRY_BUS_NAME, path, interface, member, \
                                         note_answer, answer, __VA_ARGS__) >= 0)

static bool both_are_done(Fixture *fixture, void *userdata)
{
    const Answer *answers = userdata;

    while (sd_bus_process(fixture->bus, NULL) > 0)
        ;
    return answers[0].done && answers[1].done;
}

/* The first one succeeds, the second one is refused with this name and text; NULL = it is fine, too. */
static void end_both(Fixture *fixture, Answer *answers, const char *name, const char *text)
{
    assert_true(sd_bus_flush(fixture->bus) >= 0);
    fixture_wait_for(fixture, both_are_done, answers, "both are answered");
    if (answers[0].error)
        fail_msg("%s", answers[0].error);
    if (name)
        fixture_assert(fixture,
                       answers[1].error && strstr(answers[1].error, name) && strstr(answers[1].error, text));
    else
        fixture_assert(fixture, !answers[1].error);
    g_free(answers[1].error);
}

static int ignore_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    return 0;
}

/* What is stored after this takes a while. */
static void keep_the_store_at_work(Fixture *fixture)
{
    enum { GROUPS = 100 };

    for (int i = 0; i < GROUPS; i++)
        assert_true(sd_bus_call_method_async(fixture->bus, NULL, FERRY_BUS_NAME, FERRY_PATH_ROOT,
                                             FERRY_INTERFACE_MANAGER, "CreateGroup", ignore_answer, NULL,
                                             "sa{sv}", "", 0) >= 0);
}

/* Nothing of a change shows, and nothing is ordered for it, before it is durable. */
static void test_a_change_that_cannot_be_stored(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    g_autofree char *counts = NULL;
    Answer answers[2] = { 0 };

    groups_plug(fixture, "1-1", "0529:0001", "KEY-1");
    assignment = fixture_assign(fixture, "1-1", FIXTURE_DESK);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    fixture_break_disk(fixture);
    keep_the_store_at_work(fixture);
    BEGIN(fixture, &answers[1], assignment, FERRY_INTERFACE_ASSIGNMENT, "Update", "a{sv}", 1, "Priority", "i",
          9);
    BEGIN(fixture, &answers[0], assignment, "org.freedesktop.DBus.Properties", "Get", "ss",
          FERRY_INTERFACE_ASSIGNMENT, "Priority");
    end_both(fixture, answers, "Storage", "");
    assert_int_equal(answers[0].number, 0);
    keep_the_store_at_work(fixture);
    g_free(fixture_call_error(fixture, "Storage", assignment, FERRY_INTERFACE_ASSIGNMENT, "Detach", ""));
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
    counts = fixture_script(fixture, "counts");
    fixture_assert(fixture, strstr(counts, "detach=0"));
    fixture_mend_disk(fixture);
    sd_bus_message_unref(fixture_call_ok(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Update", "a{sv}",
                                         1, "Priority", "i", 9));
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Priority", "9");
}

static void test_apply_and_a_delete_of_its_pool(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_create_with(fixture, "pool", "vendor=0529");
    Answer answers[2] = { 0 };

    BEGIN(fixture, &answers[0], FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Apply", "ssa{sv}",
          "[Assignment]\nName=x\nMachine=desk\nGroup=pool\n", "file", 0);
    BEGIN(fixture, &answers[1], group, FERRY_INTERFACE_GROUP, "Delete", "a{sv}", 0);
    end_both(fixture, answers, "GroupInUse", "draws from it");
}

static void test_apply_and_a_grant_of_its_device(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *tenant = tenant_create_with(fixture, "acme", "user:daemon", FIXTURE_STUDIO);
    g_autofree char *device = fixture_device_path("1-1");
    Answer answers[2] = { 0 };

    groups_plug(fixture, "1-1", "0529:0001", "KEY-1");
    BEGIN(fixture, &answers[0], FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Apply", "ssa{sv}",
          "[Assignment]\nName=x\nMachine=desk\nSelector=serial=KEY-1\n", "file", 0);
    BEGIN(fixture, &answers[1], tenant, FERRY_INTERFACE_TENANT, "Grant", "aosa{sv}", 1, device, "keys", 0);
    end_both(fixture, answers, "DeviceBusy", "");
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "attached");
}

static void test_a_declaration_that_cannot_be_stored(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *machine = fixture_machine_path(FIXTURE_DESK);

    groups_plug(fixture, "1-1", "0529:0001", "KEY-1");
    fixture_break_disk(fixture);
    g_free(fixture_call_error(fixture, "Storage", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Apply",
                              "ssa{sv}", "[Assignment]\nName=x\nMachine=desk\nSelector=serial=KEY-1\n",
                              "file", 0));
    wait_list(fixture, machine, FERRY_INTERFACE_MACHINE, "Assignments", "");
    fixture_mend_disk(fixture);
    g_free(fixture_assign(fixture, "1-1", FIXTURE_DESK));
}

static bool is_refused_while_it_goes(const char *error)
{
    return error && strstr(error, "LimitExceeded") && strstr(error, "try again");
}

/* Where storing takes no time it may be gone by then. */
static bool is_gone(const char *error)
{
    return error && (strstr(error, "NoSuchGroup") || strstr(error, "UnknownObject"));
}

static void test_a_group_that_is_being_deleted(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *machine = fixture_machine_path(FIXTURE_DESK);

    for (int round = 0; round < 3; round++) {
        g_autofree char *group = group_create_with(fixture, "pool", "vendor=0529");
        Answer answers[2] = { 0 };

        if (round == 0)
            BEGIN(fixture, &answers[0], FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Apply", "ssa{sv}",
                  "[Group]\nName=other\n", "file", 1, "Prune", "b", 1);
        else
            BEGIN(fixture, &answers[0], group, FERRY_INTERFACE_GROUP, "Delete", "a{sv}", 0);
        if (round == 2)
            BEGIN(fixture, &answers[1], FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Apply", "ssa{sv}",
                  "[Assignment]\nName=x\nMachine=desk\nGroup=pool\n", "file", 0);
        else
            BEGIN(fixture, &answers[1], group, FERRY_INTERFACE_GROUP, "Assign", "oa{sv}", machine, 0);
        assert_true(sd_bus_flush(fixture->bus) >= 0);
        fixture_wait_for(fixture, both_are_done, answers, "both are answered");
        fixture_assert(fixture, !answers[0].error);
        fixture_assert(fixture, is_refused_while_it_goes(answers[1].error) || is_gone(answers[1].error));
        g_free(answers[1].error);
        fixture_wait_object(fixture, group, FERRY_INTERFACE_GROUP, false);
    }
}

static void test_a_group_that_is_being_changed(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_create_with(fixture, "pool", "vendor=0529");
    g_autofree char *machine = fixture_machine_path(FIXTURE_DESK);
    Answer answers[2] = { 0 };

    BEGIN(fixture, &answers[0], group, FERRY_INTERFACE_GROUP, "Update", "a{sv}", 1, "Priority", "i", 1);
    BEGIN(fixture, &answers[1], group, FERRY_INTERFACE_GROUP, "Assign", "oa{sv}", machine, 0);
    end_both(fixture, answers, NULL, NULL);
}

/* The signal comes before the delete is durable. */
static void test_a_drop_in_for_a_group_that_is_being_deleted(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *group = group_create_with(fixture, "pool", "vendor=0529");
    g_autofree char *file = groups_drop_in("etc", "pool.conf", "[Group]\nName=pool\n");
    g_autofree char *machine = fixture_machine_path(FIXTURE_DESK);
    Answer answers[2] = { 0 };

    disk_script_hold(fixture->disk, true);
    BEGIN(fixture, &answers[0], group, FERRY_INTERFACE_GROUP, "Delete", "a{sv}", 0);
    /* When this is refused the delete is under way. */
    BEGIN(fixture, &answers[1], group, FERRY_INTERFACE_GROUP, "Assign", "oa{sv}", machine, 0);
    assert_true(sd_bus_flush(fixture->bus) >= 0);
    while (!answers[1].done) {
        assert_true(sd_bus_wait(fixture->bus, G_USEC_PER_SEC) >= 0);
        while (sd_bus_process(fixture->bus, NULL) > 0)
            ;
    }
    assert_int_equal(kill(fixture->daemon_pid, SIGHUP), 0);
    disk_script_hold(fixture->disk, false);
    end_both(fixture, answers, "LimitExceeded", "is being deleted");
    fixture_wait(fixture, group, FERRY_INTERFACE_GROUP, "File", file);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, groups_setup, groups_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_change_that_cannot_be_stored),
        TEST(test_apply_and_a_delete_of_its_pool),
        TEST(test_apply_and_a_grant_of_its_device),
        TEST(test_a_declaration_that_cannot_be_stored),
        TEST(test_a_group_that_is_being_deleted),
        TEST(test_a_group_that_is_being_changed),
        TEST(test_a_drop_in_for_a_group_that_is_being_deleted),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
