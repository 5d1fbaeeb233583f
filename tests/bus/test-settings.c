/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usbferry.conf: limits and times that are set count, a reload is enough for them, and a bad file changes
 * nothing. Time is the script's. */

#include "tests/bus/cmocka-include.h"

#include <signal.h>
#include <string.h>

#include "tests/bus/group-calls.h"
#include "tests/bus/host-calls.h"
#include "tests/bus/memory-folder.h"
#include "tests/bus/reset-calls.h"
#include "tests/bus/settings.h"

#define KEYBOARD "1-2"

#define REPLUGS_MAX 20

static bool log_says(Fixture *fixture, void *words)
{
    return settings_times_in_log(fixture, words) > 0;
}

static void start_anew(Fixture *fixture)
{
    fixture_stop_daemon(fixture, SIGTERM);
    fixture_start_daemon(fixture);
    fixture_wait_object(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, true);
}

static void create_refused(Fixture *fixture, const char *name)
{
    g_autofree char *text = fixture_call_error(fixture, "LimitExceeded", FERRY_PATH_ROOT,
                                               FERRY_INTERFACE_MANAGER, "CreateGroup", "sa{sv}", name, 0);

    fixture_assert(fixture, strstr(text, "delete some first"));
}

static void test_limit_at_the_start(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *one = NULL;

    settings_write(fixture, "[Limits]\nGroups=1\n");
    start_anew(fixture);
    one = group_create(fixture, "one");
    create_refused(fixture, "two");
}

static void test_limit_by_a_reload(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *one = group_create(fixture, "one"), *two = group_create(fixture, "two"), *three = NULL;

    settings_reload(fixture, "[Limits]\nGroups=1\n");
    create_refused(fixture, "three");
    /* What is there stays, and can be used. */
    group_add_rule(fixture, two, "vendor=046d");
    settings_reload(fixture, "[Limits]\nGroups=3\n");
    three = group_create(fixture, "three");
    create_refused(fixture, "four");
}

static void test_bad_file(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *one = group_create(fixture, "one");

    settings_reload(fixture, "[Limits]\nGroups=1\n");
    settings_reload(fixture, "[Limits]\nGroups=5\n[Times]\nHang=3s\n");
    fixture_wait_for(fixture, log_says,
                     (gpointer) "usbferry.conf:4: Hang: \"3s\" is not a time from 10s to 10min", "the line");
    fixture_assert(fixture, log_says(fixture, (gpointer) "the settings stay as they were"));
    create_refused(fixture, "two");
    /* A service that starts has none of before. */
    start_anew(fixture);
    g_free(group_create(fixture, "two"));
    fixture_assert(fixture, log_says(fixture, (gpointer) "the file is not obeyed"));
}

static void wait_state(Fixture *fixture, const char *state, const char *code)
{
    g_autofree char *device = fixture_device_path(KEYBOARD);

    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", state);
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "ReasonCode", code);
}

static void pass(Fixture *fixture, unsigned ms)
{
    g_free(fixture_script(fixture, "run %u", ms));
}

/* 30 s are usual: see test-home.c. */
static void test_time(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    settings_reload(fixture, "[Times]\nHang=2min\nPing=20s\n");
    reset_plug(fixture, KEYBOARD, "KBD-0001");
    assignment = reset_give(fixture, KEYBOARD, FIXTURE_DESK);
    pass(fixture, 25000);
    g_free(fixture_script(fixture, "hang %s", FIXTURE_DESK));
    pass(fixture, 110000);
    wait_state(fixture, "attached", "attached");
    pass(fixture, 35000);
    wait_state(fixture, "waiting", "machine-unwell");
}

static bool is_waiting_or_attached(Fixture *fixture, void *userdata)
{
    g_autofree char *device = fixture_device_path(KEYBOARD);
    g_autofree char *code = fixture_get(fixture, device, FERRY_INTERFACE_DEVICE, "ReasonCode");

    *(bool *)userdata = g_strcmp0(code, "unsteady") == 0;
    return *(bool *)userdata || g_strcmp0(code, "attached") == 0;
}

/* Out and in within two seconds. On a host that is too busy for that it takes another time. */
static void replug_quickly(Fixture *fixture)
{
    g_autofree char *device = fixture_device_path(KEYBOARD);
    bool waits = false;

    for (int i = 0; i < REPLUGS_MAX && !waits; i++) {
        fixture_unplug(fixture, KEYBOARD);
        fixture_wait_object(fixture, device, FERRY_INTERFACE_DEVICE, false);
        reset_plug(fixture, KEYBOARD, "KBD-0001");
        fixture_wait_for(fixture, is_waiting_or_attached, &waits, "it to be where it is to be");
    }
    fixture_assert(fixture, waits);
}

/* One second is usual. */
static void test_time_of_a_plug(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    settings_reload(fixture, "[Times]\nSteady=30s\n");
    reset_plug(fixture, KEYBOARD, "KBD-0001");
    assignment = reset_give(fixture, KEYBOARD, FIXTURE_DESK);
    replug_quickly(fixture);
    pass(fixture, 15000);
    wait_state(fixture, "waiting", "unsteady");
    pass(fixture, 16000);
    wait_state(fixture, "attached", "attached");
}

static void test_guards_by_a_reload(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-1");

    groups_plug(fixture, "1-1", "0781:5567", "S-1");
    host_put_disk(fixture, "1-1", "sda1", "8:1\n");
    host_mount(fixture, "8:1", "/home");
    host_hint(fixture);
    wait_list(fixture, device, FERRY_INTERFACE_DEVICE, "HostUse", "mounted:/home");
    settings_reload(fixture, "[Guards]\nMounted=false\n");
    wait_list(fixture, device, FERRY_INTERFACE_DEVICE, "HostUse", "");
    settings_reload(fixture, "");
    wait_list(fixture, device, FERRY_INTERFACE_DEVICE, "HostUse", "mounted:/home");
}

static void test_at_the_next_start(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *one = NULL;

    settings_reload(fixture, "[Limits]\nWorkers=3\n");
    fixture_wait_for(fixture, log_says, (gpointer) "count from the next start of the service on",
                     "what doesn't count yet");
    one = group_create(fixture, "one");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_limit_at_the_start),
        TEST(test_limit_by_a_reload),
        TEST(test_bad_file),
        TEST(test_time),
        TEST(test_time_of_a_plug),
        cmocka_unit_test_setup_teardown(test_guards_by_a_reload, host_setup, fixture_teardown),
        TEST(test_at_the_next_start),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
