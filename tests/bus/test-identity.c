/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which device is which, over all that happens to it: udev's record of it, restarts, twins, other sockets. */

#include "tests/bus/cmocka-include.h"

#include <signal.h>
#include <string.h>

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_udev_makes_its_record_anew),
        TEST(test_kept_over_the_upgrade),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
