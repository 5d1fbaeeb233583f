/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which device is which, over all that happens to it: udev's record of it, restarts, twins, other sockets. */

#include "tests/bus/cmocka-include.h"

#include <signal.h>
#include <string.h>

#include "tests/bus/apply-calls.h"
#include "tests/bus/memory-folder.h"
#include "tests/bus/reset-calls.h"

#define KEYBOARD_SYSPATH "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-2"

static void wait_assignment(Fixture *fixture, const char *path, const char *state)
{
    fixture_wait(fixture, path, FERRY_INTERFACE_ASSIGNMENT, "State", state);
}

/* How often a device was put in and taken out, by this process of the service. */
static void assert_counts(Fixture *fixture, const char *expected)
{
    g_autofree char *counts = fixture_script(fixture, "counts");

    g_free(fixture->last_seen);
    fixture->last_seen = g_steal_pointer(&counts);
    fixture_assert(fixture, strstr(fixture->last_seen, expected));
}

/* Something that takes a turn of everything: whatever else was to be done for desk is done as well. */
static void let_all_be_done(Fixture *fixture)
{
    reset_plug(fixture, "1-9", "KBD-0009");
    g_free(reset_give(fixture, "1-9", FIXTURE_DESK));
}

/* ------------------------------------------------------------------ the enumeration */

static void test_udev_makes_its_record_anew(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = reset_give(fixture, "1-2", FIXTURE_DESK);
    fixture_forget_udev_record(fixture, "1-2");
    let_all_be_done(fixture);
    wait_assignment(fixture, assignment, "attached");
    assert_counts(fixture, "attach=2 detach=0");
}

/* "ALIAS=BUS:DEV:…" of what desk has, as a service from before would have called it. New string. */
static char *older_hostdev(Fixture *fixture)
{
    enum { NAME, STATE, LIFE, FIRST };
    enum { UA, USBFERRY, ID, INSTANCE, REST };
    g_autofree char *recorded =
        umockdev_testbed_get_property(fixture->bed, KEYBOARD_SYSPATH, "USEC_INITIALIZED");
    g_autofree char *shown = fixture_script(fixture, "show %s", FIXTURE_DESK);
    g_auto(GStrv) words = g_strsplit(shown, " ", -1);
    g_auto(GStrv) parts = g_strsplit(words[FIRST], "-", REST + 1);

    return g_strdup_printf("ua-usbferry-%s-%s-%s", parts[ID], recorded, parts[REST]);
}

static void test_kept_over_the_upgrade(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    g_autofree char *hostdev = NULL;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = reset_give(fixture, "1-2", FIXTURE_DESK);
    hostdev = older_hostdev(fixture);
    fixture_stop_daemon(fixture, SIGTERM);
    fixture_start_daemon(fixture);
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    g_free(fixture_script(fixture, "carry-on %s 1 %s", FIXTURE_DESK, hostdev));
    g_free(fixture_script(fixture, "connect"));
    wait_assignment(fixture, assignment, "attached");
    /* And stays so when the record is lost after that. */
    fixture_forget_udev_record(fixture, "1-2");
    let_all_be_done(fixture);
    wait_assignment(fixture, assignment, "attached");
    assert_counts(fixture, "attach=1 detach=0");
}

/* ------------------------------------------------------------------ twins */

static bool has_text(Fixture *fixture, void *userdata)
{
    const char *const *words = userdata;
    g_autofree char *name = g_strdup_printf("assignments/%s", words[0]);
    g_autofree char *path = fixture_state_path(fixture, name);
    g_autofree char *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) && strstr(text, words[1]);
}

/* Until the assignment's file has this text. */
static void wait_file(Fixture *fixture, const char *id, const char *text)
{
    const char *words[] = { id, text };

    fixture_wait_for(fixture, has_text, words, text);
}

/* The id in the alias of the first device that desk has. New string. */
static char *id_of_first(Fixture *fixture)
{
    enum { BEFORE, BEHIND, N };
    g_autofree char *shown = fixture_script(fixture, "show %s", FIXTURE_DESK);
    g_auto(GStrv) parts = g_strsplit(shown, "ua-usbferry-", N);

    fixture_assert(fixture, parts[BEFORE] && parts[BEHIND]);
    *strchr(parts[BEHIND], '-') = '\0';
    return g_strdup(parts[BEHIND]);
}

/* Another process of the service, with desk as it was started anew: it has nothing. */
static void restart(Fixture *fixture)
{
    fixture_stop_daemon(fixture, SIGKILL);
    fixture_start_daemon(fixture);
    g_free(fixture_script(fixture, "define %s desk", FIXTURE_DESK));
    g_free(fixture_script(fixture, "start %s", FIXTURE_DESK));
    g_free(fixture_script(fixture, "connect"));
    fixture_wait(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Settling", "false");
}

static void assert_at_home(Fixture *fixture, const char *sysname)
{
    g_autofree char *path = fixture_device_path(sysname);

    fixture_wait(fixture, path, FERRY_INTERFACE_DEVICE, "State", "host");
}

static void assert_reason(Fixture *fixture, const char *assignment, const char *text)
{
    g_autofree char *reason = fixture_get(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "Reason");

    if (!strstr(reason, text)) {
        fixture_print_log(fixture);
        fail_msg("%s: not in: %s", text, reason);
    }
}

static void unplug(Fixture *fixture, const char *sysname)
{
    g_autofree char *path = fixture_device_path(sysname);

    fixture_unplug(fixture, sysname);
    fixture_wait_object(fixture, path, FERRY_INTERFACE_DEVICE, false);
}

/* Series with one serial for all: the second one is there before the first one is pulled. */
static void test_a_twin_arrives_later(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    g_autofree char *second = NULL;
    g_autofree char *id = NULL;

    reset_plug(fixture, "1-5", "KBD-0001");
    assignment = reset_give(fixture, "1-5", FIXTURE_DESK);
    id = id_of_first(fixture);
    reset_plug(fixture, "1-2", "KBD-0001");
    wait_file(fixture, id, "Twins=true");
    unplug(fixture, "1-5");
    wait_assignment(fixture, assignment, "waiting-device");
    let_all_be_done(fixture);
    assert_at_home(fixture, "1-2");
    assert_reason(fixture, assignment, "several devices match");
    assert_reason(fixture, assignment,
                  "may be another one than was assigned, which was in the socket "
                  "pci-0000:00:14.0/5; plug that in there, or give this one by its "
                  "port, 1-2.");
    /* What the reason says. The right one goes on all the same. */
    second = reset_give(fixture, "1-2", FIXTURE_DESK);
    reset_plug(fixture, "1-5", "KBD-0001");
    wait_assignment(fixture, assignment, "attached");
    wait_assignment(fixture, second, "attached");
}

static void test_a_twin_stays_a_twin_over_a_restart(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    g_autofree char *id = NULL;

    reset_plug(fixture, "1-5", "KBD-0001");
    assignment = reset_give(fixture, "1-5", FIXTURE_DESK);
    id = id_of_first(fixture);
    reset_plug(fixture, "1-2", "KBD-0001");
    wait_file(fixture, id, "Twins=true");
    unplug(fixture, "1-5");
    wait_assignment(fixture, assignment, "waiting-device");
    restart(fixture);
    wait_assignment(fixture, assignment, "waiting-device");
    let_all_be_done(fixture);
    assert_at_home(fixture, "1-2");
    assert_counts(fixture, "attach=1 detach=0");
}

/* A serial that nobody else had is followed, and its place with it. */
static void test_the_place_follows_what_is_used(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL;
    g_autofree char *shown = NULL;
    g_autofree char *id = NULL;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = reset_give(fixture, "1-2", FIXTURE_DESK);
    id = id_of_first(fixture);
    unplug(fixture, "1-2");
    wait_assignment(fixture, assignment, "waiting-device");
    reset_plug(fixture, "1-5", "KBD-0001");
    wait_assignment(fixture, assignment, "attached");
    wait_file(fixture, id, "Socket=pci-0000:00:14.0/5");
    /* A twin in its old place changes nothing, not even for the next one who looks. */
    reset_plug(fixture, "1-2", "KBD-0001");
    let_all_be_done(fixture);
    wait_assignment(fixture, assignment, "attached");
    assert_counts(fixture, "attach=3 detach=1");
    wait_file(fixture, id, "Twins=true");
    restart(fixture);
    wait_assignment(fixture, assignment, "attached");
    shown = fixture_script(fixture, "show %s", FIXTURE_DESK);
    fixture_assert(fixture, strstr(shown, "=1:4:046d:c31c") && !strstr(shown, "=1:5:"));
}

/* By ids, before anything is plugged in: what came first stays. */
static void test_a_twin_takes_nothing_away(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *did =
        apply(fixture, "[Assignment]\nName=x\nMachine=desk\nSelector=vendor=046d product=c31c\n");
    g_autofree char *shown = NULL;
    g_autofree char *id = NULL;

    reset_plug(fixture, "1-5", "KBD-0001");
    reset_wait_machine(fixture, FIXTURE_DESK, "=1:3:046d:c31c", true);
    id = id_of_first(fixture);
    wait_file(fixture, id, "Socket=pci-0000:00:14.0/5");
    reset_plug(fixture, "1-2", "KBD-0002");
    wait_file(fixture, id, "Twins=true");
    assert_at_home(fixture, "1-2");
    shown = fixture_script(fixture, "show %s", FIXTURE_DESK);
    fixture_assert(fixture, strstr(shown, "=1:3:046d:c31c"));
    assert_counts(fixture, "attach=1 detach=0");
}

/* Which of the two nobody can tell, so it is neither, and each can be had by its port. */
static void test_two_that_cannot_be_told_apart(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *did = NULL;
    g_autofree char *assignment = NULL;

    reset_plug(fixture, "1-2", "");
    reset_plug(fixture, "1-5", "");
    did = apply(fixture, "[Assignment]\nName=x\nMachine=desk\nSelector=vendor=046d product=c31c\n");
    assignment = reset_give(fixture, "1-5", FIXTURE_DESK);
    assert_at_home(fixture, "1-2");
    unplug(fixture, "1-2");
    reset_plug(fixture, "1-2", "");
    let_all_be_done(fixture);
    assert_at_home(fixture, "1-2");
    assert_counts(fixture, "attach=2 detach=0");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_udev_makes_its_record_anew),     TEST(test_kept_over_the_upgrade),
        TEST(test_a_twin_arrives_later),           TEST(test_a_twin_stays_a_twin_over_a_restart),
        TEST(test_the_place_follows_what_is_used), TEST(test_a_twin_takes_nothing_away),
        TEST(test_two_that_cannot_be_told_apart),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
