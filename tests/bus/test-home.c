/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ways home: a try that nobody confirms, a lease, three times out and in, and a VM that hangs or is paused by
 * an I/O error. Time is the script's. */

#include "tests/bus/cmocka-include.h"

#include <signal.h>
#include <string.h>

#include "tests/bus/group-calls.h"
#include "tests/bus/memory-folder.h"
#include "tests/bus/reset-calls.h"
#include "tests/bus/run-client.h"

#define ASSIGNMENT FERRY_INTERFACE_ASSIGNMENT

/* More than the test itself takes until it has looked. In seconds; in milliseconds when it is over. */
#define TRY_S   100
#define OVER_MS (TRY_S * 1000 + 1000)

static void pass(Fixture *fixture, unsigned ms)
{
    g_free(fixture_script(fixture, "run %u", ms));
}

/* New string: the assignment. */
static char *give(Fixture *fixture, const char *source, const char *machine, const char *option,
                  uint32_t seconds)
{
    g_autofree char *desk = fixture_machine_path(machine);
    sd_bus_message *reply = fixture_call_ok(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign",
                                            "ooa{sv}", source, desk, 1, option, "u", seconds);
    const char *path;
    char *copy;

    assert_true(sd_bus_message_read(reply, "o", &path) >= 0);
    copy = g_strdup(path);
    sd_bus_message_unref(reply);
    return copy;
}

/* One keyboard, given for a try and attached. New string. */
static char *try_keyboard(Fixture *fixture, uint32_t seconds)
{
    g_autofree char *device = fixture_device_path("1-2");
    char *assignment;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = give(fixture, device, FIXTURE_DESK, "TryFor", seconds);
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "attached");
    return assignment;
}

/* Its machines are there again as well. */
static void kill_and_start(Fixture *fixture)
{
    fixture_stop_daemon(fixture, SIGKILL);
    fixture_start_daemon(fixture);
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    g_free(fixture_script(fixture, "define %s studio", FIXTURE_STUDIO));
    g_free(fixture_script(fixture, "connect"));
    fixture_wait(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Settling", "false");
    g_free(fixture_script(fixture, "start %s", FIXTURE_DESK));
}

static unsigned left(Fixture *fixture, const char *assignment)
{
    g_autofree char *text = fixture_get(fixture, assignment, ASSIGNMENT, "ExpiresIn");

    return (unsigned)g_ascii_strtoull(text, NULL, 10);
}

static bool is_counting(Fixture *fixture, void *assignment)
{
    return left(fixture, assignment) > 0;
}

static void wait_counting(Fixture *fixture, char *assignment)
{
    fixture_wait_for(fixture, is_counting, assignment, "its time runs");
}

static void confirm(Fixture *fixture, const char *assignment)
{
    sd_bus_message_unref(fixture_call_ok(fixture, assignment, ASSIGNMENT, "Confirm", ""));
}

/* ------------------------------------------------------------------ tries and leases */

static bool says_that_it_is_a_try(Fixture *fixture, void *assignment)
{
    g_autofree char *reason = fixture_get(fixture, assignment, ASSIGNMENT, "Reason");

    return strstr(reason, "unless it is confirmed") != NULL;
}

static void test_nobody_confirms(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = try_keyboard(fixture, TRY_S), *text = NULL;

    wait_counting(fixture, assignment);
    fixture_wait(fixture, assignment, ASSIGNMENT, "Trial", "true");
    fixture_wait_for(fixture, says_that_it_is_a_try, assignment, "the try to be told");
    pass(fixture, TRY_S * 500);
    fixture_assert(fixture, left(fixture, assignment) <= TRY_S / 2);
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "attached");
    pass(fixture, TRY_S * 500 + 1000);
    fixture_wait_object(fixture, assignment, ASSIGNMENT, false);
    reset_wait_machine(fixture, FIXTURE_DESK, "046d", false);
    text = fixture_call_error(fixture, "NoSuchAssignment", assignment, ASSIGNMENT, "Confirm", "");
    fixture_assert(fixture, strstr(text, "without a confirmation"));
}

static void test_nobody_confirms_and_the_service_is_killed(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = try_keyboard(fixture, TRY_S);

    wait_counting(fixture, assignment);
    pass(fixture, 0);
    kill_and_start(fixture);
    fixture_wait_object(fixture, assignment, ASSIGNMENT, true);
    fixture_assert(fixture, is_counting(fixture, assignment));
    pass(fixture, OVER_MS);
    fixture_wait_object(fixture, assignment, ASSIGNMENT, false);
}

static void test_confirmed(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = try_keyboard(fixture, TRY_S);

    wait_counting(fixture, assignment);
    confirm(fixture, assignment);
    fixture_wait(fixture, assignment, ASSIGNMENT, "Trial", "false");
    assert_int_equal(left(fixture, assignment), 0);
    kill_and_start(fixture);
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "attached");
    pass(fixture, 30000);
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "attached");
}

/* Its VM is off: nobody has seen yet how that goes. */
static void test_time_begins_with_the_device(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2"), *assignment = NULL;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = give(fixture, device, FIXTURE_STUDIO, "TryFor", TRY_S);
    pass(fixture, 60000);
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "waiting-machine");
    assert_int_equal(left(fixture, assignment), 0);
    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    wait_counting(fixture, assignment);
    pass(fixture, OVER_MS);
    fixture_wait_object(fixture, assignment, ASSIGNMENT, false);
}

/* The host's clock is set, to yesterday and to the next year. */
static void test_the_clock_is_set(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = try_keyboard(fixture, 100);

    wait_counting(fixture, assignment);
    g_free(fixture_script(fixture, "jump -86400"));
    pass(fixture, 50000);
    g_free(fixture_script(fixture, "jump 31536000"));
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "attached");
    fixture_assert(fixture, left(fixture, assignment) > 0 && left(fixture, assignment) <= 50);
    pass(fixture, 51000);
    fixture_wait_object(fixture, assignment, ASSIGNMENT, false);
}

/* The disk takes nothing: the keyboard comes home all the same. */
static void test_without_a_disk(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = try_keyboard(fixture, TRY_S);

    wait_counting(fixture, assignment);
    pass(fixture, 0);
    fixture_break_disk(fixture);
    pass(fixture, OVER_MS);
    reset_wait_machine(fixture, FIXTURE_DESK, "046d", false);
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "detaching");
    fixture_mend_disk(fixture);
    pass(fixture, 31000);
    fixture_wait_object(fixture, assignment, ASSIGNMENT, false);
}

static void test_a_lease_of_a_pool(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *keys = group_create(fixture, "keys"), *first = NULL, *second = NULL;

    g_free(fixture_script(fixture, "start %s", FIXTURE_STUDIO));
    group_add_rule(fixture, keys, "vendor=046d");
    reset_plug(fixture, "1-2", "KBD-0001");
    first = give(fixture, keys, FIXTURE_DESK, "LeaseFor", TRY_S);
    fixture_wait(fixture, first, ASSIGNMENT, "State", "attached");
    second = give(fixture, keys, FIXTURE_STUDIO, "LeaseFor", 0);
    fixture_wait(fixture, second, ASSIGNMENT, "ReasonCode", "none-free");
    pass(fixture, OVER_MS);
    fixture_wait(fixture, second, ASSIGNMENT, "State", "attached");
    fixture_wait_object(fixture, first, ASSIGNMENT, false);
}

/* ------------------------------------------------------------------ three times out and in */

static void replug(Fixture *fixture, unsigned out_ms, unsigned in_ms)
{
    g_autofree char *device = fixture_device_path("1-2");

    fixture_unplug(fixture, "1-2");
    fixture_wait_object(fixture, device, FERRY_INTERFACE_DEVICE, false);
    pass(fixture, out_ms);
    reset_plug(fixture, "1-2", "KBD-0001");
    pass(fixture, in_ms);
}

static void test_three_times(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    g_auto(Said) given = { 0 };

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = reset_give(fixture, "1-2", FIXTURE_DESK);
    for (unsigned i = 0; i < 3; i++)
        replug(fixture, 700, 700);
    pass(fixture, 3000);
    fixture_wait(fixture, assignment, ASSIGNMENT, "ReasonCode", "replugged");
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "disabled");
    reset_wait_machine(fixture, FIXTURE_DESK, "046d", false);
    pass(fixture, 0);
    kill_and_start(fixture);
    pass(fixture, 60000);
    fixture_wait(fixture, assignment, ASSIGNMENT, "ReasonCode", "replugged");
    given = client_run(fixture, "give 1-2 desk");
    assert_int_equal(given.status, DONE);
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "attached");
}

static void test_a_cable_that_flaps(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = reset_give(fixture, "1-2", FIXTURE_DESK);
    for (unsigned i = 0; i < 20; i++)
        replug(fixture, 0, 0);
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "quarantined");
    pass(fixture, 400000);
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "attached");
}

/* ------------------------------------------------------------------ VMs that are unwell */

static void wait_device(Fixture *fixture, const char *state, const char *code)
{
    g_autofree char *device = fixture_device_path("1-2");

    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", state);
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "ReasonCode", code);
}

static void test_hangs(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = reset_give(fixture, "1-2", FIXTURE_DESK);
    pass(fixture, 10000);
    g_free(fixture_script(fixture, "hang %s", FIXTURE_DESK));
    pass(fixture, 28000);
    wait_device(fixture, "attached", "attached");
    pass(fixture, 12000);
    wait_device(fixture, "waiting", "machine-unwell");
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "waiting-machine");
    g_free(fixture_script(fixture, "resume %s", FIXTURE_DESK));
    pass(fixture, 10000);
    wait_device(fixture, "attached", "attached");
}

static void test_paused_by_an_error(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = reset_give(fixture, "1-2", FIXTURE_DESK);
    g_free(fixture_script(fixture, "pause %s", FIXTURE_DESK));
    pass(fixture, 60000);
    wait_device(fixture, "attached", "attached"); /* somebody wanted that */
    g_free(fixture_script(fixture, "ill %s", FIXTURE_DESK));
    wait_device(fixture, "waiting", "machine-unwell");
    reset_wait_machine(fixture, FIXTURE_DESK, "046d", false);
    g_free(fixture_script(fixture, "unpause %s", FIXTURE_DESK));
    wait_device(fixture, "attached", "attached");
    fixture_wait(fixture, assignment, ASSIGNMENT, "State", "attached");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_nobody_confirms),    TEST(test_nobody_confirms_and_the_service_is_killed),
        TEST(test_confirmed),          TEST(test_time_begins_with_the_device),
        TEST(test_the_clock_is_set),   TEST(test_without_a_disk),
        TEST(test_a_lease_of_a_pool),  TEST(test_three_times),
        TEST(test_a_cable_that_flaps), TEST(test_hangs),
        TEST(test_paused_by_an_error),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
