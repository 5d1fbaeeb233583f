/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Things that happen at the same time. */

#include "tests/bus/cmocka-include.h"

#include <string.h>

#include "tests/bus/fixture.h"
#include "tests/bus/memory-folder.h"

#define CALLERS 2

static void plug(Fixture *fixture, const char *sysname, const char *serial)
{
    g_autofree char *path = fixture_device_path(sysname);

    fixture_plug(fixture, sysname, "0529", "0001", serial, "HASP dongle");
    fixture_wait_object(fixture, path, FERRY_INTERFACE_DEVICE, true);
}

static void wait_assignment(Fixture *fixture, const char *path, const char *state)
{
    fixture_wait(fixture, path, FERRY_INTERFACE_ASSIGNMENT, "State", state);
}

static void call(Fixture *fixture, const char *path, const char *member)
{
    sd_bus_message_unref(fixture_call_ok(fixture, path, FERRY_INTERFACE_ASSIGNMENT, member, ""));
}

static void release(Fixture *fixture, const char *path)
{
    sd_bus_message_unref(fixture_call_ok(fixture, path, FERRY_INTERFACE_ASSIGNMENT, "Release", "a{sv}", 0));
}

static bool desk_is_rid_of_it(Fixture *fixture, void *userdata)
{
    g_autofree char *shown = fixture_script(fixture, "show %s", FIXTURE_DESK);

    return strstr(shown, "0529") == NULL;
}

/* So many attaches are with the hypervisor and don't come back. */
static bool is_held(Fixture *fixture, void *userdata)
{
    g_autofree char *counts = fixture_script(fixture, "counts");
    g_autofree char *expected = g_strdup_printf("held=%d", *(const int *)userdata);

    return strstr(counts, expected) != NULL;
}

static void wait_held(Fixture *fixture, int n)
{
    fixture_wait_for(fixture, is_held, &n, "the attach is with the hypervisor");
}

static bool machine_has(Fixture *fixture, const char *uuid, const char *text)
{
    g_autofree char *shown = fixture_script(fixture, "show %s", uuid);

    return strstr(shown, text) != NULL;
}

/* ------------------------------------------------------------------ two callers */

typedef struct Answers {
    unsigned good;
    unsigned busy;
    unsigned others;
} Answers;

static int note_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    Answers *answers = userdata;
    const sd_bus_error *its = sd_bus_message_get_error(reply);

    if (!its)
        answers->good++;
    else if (strcmp(its->name, FERRY_ERROR_PREFIX "DeviceBusy") == 0)
        answers->busy++;
    else
        answers->others++;
    return 0;
}

typedef struct Race {
    sd_bus *callers[CALLERS];
    Answers answers;
} Race;

static bool all_answered(Fixture *fixture, void *userdata)
{
    Race *race = userdata;

    for (int i = 0; i < CALLERS; i++)
        while (sd_bus_process(race->callers[i], NULL) > 0)
            continue;
    return race->answers.good + race->answers.busy + race->answers.others == CALLERS;
}

static void test_two_callers_one_device(void **state)
{
    Fixture *fixture = *state;
    Race race = { .answers = { 0 } };
    g_autofree char *device = fixture_device_path("1-2");

    plug(fixture, "1-2", "AAAA-1");
    for (int i = 0; i < CALLERS; i++)
        race.callers[i] = fixture_connect(fixture, 0);
    for (int i = 0; i < CALLERS; i++) {
        g_autofree char *machine = fixture_machine_path(i ? FIXTURE_STUDIO : FIXTURE_DESK);

        assert_true(sd_bus_call_method_async(race.callers[i], NULL, FERRY_BUS_NAME, FERRY_PATH_ROOT,
                                             FERRY_INTERFACE_MANAGER, "Assign", note_answer, &race.answers,
                                             "ooa{sv}", device, machine, 0) >= 0);
        assert_true(sd_bus_flush(race.callers[i]) >= 0);
    }
    fixture_wait_for(fixture, all_answered, &race, "both callers are answered");
    assert_int_equal(race.answers.good, 1);
    assert_int_equal(race.answers.busy, 1);
    for (int i = 0; i < CALLERS; i++)
        sd_bus_flush_close_unref(race.callers[i]);
}

/* ------------------------------------------------------------------ orders in flight */

/* The attach may still come about: until that is known the device is nobody else's. */
static void test_release_while_attaching(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *assignment = NULL;
    g_autofree char *again = NULL;

    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    plug(fixture, "1-2", "AAAA-1");
    g_free(fixture_script(fixture, "hold %s", FIXTURE_DESK));
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    wait_held(fixture, 1);
    release(fixture, assignment);
    wait_assignment(fixture, assignment, "detaching");
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "detaching");
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "Assignment", assignment);

    /* The next one waits for that. */
    again = fixture_assign(fixture, "1-2", FIXTURE_STUDIO);
    wait_assignment(fixture, again, "waiting-device");
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "detaching");
    fixture_assert(fixture, !machine_has(fixture, FIXTURE_STUDIO, "0529"));
    g_free(fixture_script(fixture, "resume %s", FIXTURE_DESK));
    wait_assignment(fixture, again, "attached");
    fixture_wait_object(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, false);
    fixture_assert(fixture, !machine_has(fixture, FIXTURE_DESK, "0529"));
}

/* The guest keeps the device although its removal was ordered, and then it is wanted again. */
static void test_attach_after_a_detach_that_lingers(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    plug(fixture, "1-2", "AAAA-1");
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    wait_assignment(fixture, assignment, "attached");
    g_free(fixture_script(fixture, "keep %s", FIXTURE_DESK));
    call(fixture, assignment, "Detach");
    wait_assignment(fixture, assignment, "detaching");
    call(fixture, assignment, "Attach");
    wait_assignment(fixture, assignment, "attached");
}

static void test_swapped_during_an_attach(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");
    g_autofree char *assignment = NULL;

    plug(fixture, "1-2", "AAAA-1");
    g_free(fixture_script(fixture, "hold %s", FIXTURE_DESK));
    assignment = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    wait_held(fixture, 1);
    fixture_unplug(fixture, "1-2");
    plug(fixture, "1-2", "BBBB-2");
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "Serial", "BBBB-2");
    g_free(fixture_script(fixture, "resume %s", FIXTURE_DESK));
    wait_assignment(fixture, assignment, "waiting-device");
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "host");
    fixture_wait_for(fixture, desk_is_rid_of_it, NULL, "what came of the attach is removed");
}

static void test_undefined_while_assigned(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    plug(fixture, "1-2", "AAAA-1");
    assignment = fixture_assign(fixture, "1-2", FIXTURE_STUDIO);
    wait_assignment(fixture, assignment, "waiting-machine");
    g_free(fixture_script(fixture, "undefine %s", FIXTURE_STUDIO));
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Error",
                 FERRY_ERROR_PREFIX "NoSuchMachine");
    release(fixture, assignment);
    fixture_wait_object(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, false);
}

/* ------------------------------------------------------------------ many machines that hang */

#define STUCK 5

static void test_five_machines_hang(void **state)
{
    Fixture *fixture = *state;
    char *uuids[STUCK], *assignments[STUCK];
    g_autofree char *moving = NULL;

    for (int i = 0; i < STUCK; i++) {
        g_autofree char *path = NULL;
        g_autofree char *sysname = g_strdup_printf("1-%d", 3 + i);
        g_autofree char *serial = g_strdup_printf("STUCK-%d", i);

        uuids[i] = g_strdup_printf("44444444-4444-4444-4444-44444444444%d", i);
        path = fixture_machine_path(uuids[i]);
        g_free(fixture_script(fixture, "define %s stuck%d", uuids[i], i));
        g_free(fixture_script(fixture, "start %s", uuids[i]));
        fixture_wait(fixture, path, FERRY_INTERFACE_MACHINE, "State", "running");
        plug(fixture, sysname, serial);
    }
    plug(fixture, "1-2", "AAAA-1");
    /* Each is given up some time after its hold: the rest is quick. */
    for (int i = 0; i < STUCK; i++) {
        g_autofree char *sysname = g_strdup_printf("1-%d", 3 + i);

        g_free(fixture_script(fixture, "hold %s", uuids[i]));
        assignments[i] = fixture_assign(fixture, sysname, uuids[i]);
        wait_held(fixture, i + 1);
        wait_assignment(fixture, assignments[i], "attaching");
    }
    moving = fixture_assign(fixture, "1-2", FIXTURE_DESK);
    wait_assignment(fixture, moving, "attached");
    for (int i = 0; i < STUCK; i++) {
        g_autofree char *still = fixture_get(fixture, assignments[i], FERRY_INTERFACE_ASSIGNMENT, "State");

        /* Nobody had to wait until one of them was given up. */
        assert_string_equal(still, "attaching");
        g_free(fixture_script(fixture, "resume %s", uuids[i]));
        wait_assignment(fixture, assignments[i], "attached");
        g_free(uuids[i]);
        g_free(assignments[i]);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_two_callers_one_device),
        TEST(test_release_while_attaching),
        TEST(test_attach_after_a_detach_that_lingers),
        TEST(test_swapped_during_an_attach),
        TEST(test_undefined_while_assigned),
        TEST(test_five_machines_hang),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
