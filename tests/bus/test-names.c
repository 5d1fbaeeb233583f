/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names that look like something else: what a device says of itself never stands for what people mean, and
 * what people call their machines is found however it looks. */

#include "tests/bus/cmocka-include.h"

#include <string.h>

#include "tests/bus/group-calls.h"
#include "tests/bus/memory-folder.h"
#include "tests/bus/reset-calls.h"
#include "tests/bus/run-client.h"

#define ROOT_HUB "/sys/devices/pci0000:00/0000:00:14.0/usb1"
#define ANEW     "33333333-3333-3333-3333-333333333333"

/* A stick: no class of the tests but its own is called so. */
static void plug(Fixture *fixture, const char *sysname, const char *serial, const char *name)
{
    g_autofree char *path = fixture_device_path(sysname);
    g_autofree char *syspath = g_strconcat(ROOT_HUB "/", sysname, NULL);

    fixture_plug(fixture, sysname, "0bad", "0001", serial, "");
    fixture_wait_object(fixture, path, FERRY_INTERFACE_DEVICE, true);
    umockdev_testbed_set_property(fixture->bed, syspath, "ID_USB_INTERFACES", ":080650:");
    fixture_change(fixture, sysname, "product", name);
    fixture_wait(fixture, path, FERRY_INTERFACE_DEVICE, "Class", "storage");
}

static void assert_said(Fixture *fixture, const char *line, int status, const char *text)
{
    g_auto(Said) said = client_run(fixture, line);

    if (said.status != status || !strstr(said.err, text) || (status != DONE && *said.out))
        fixture_print_log(fixture);
    assert_int_equal(said.status, status);
    if (!strstr(said.err, text))
        fail_msg("%s: not in: %s", text, said.err);
}

static void test_a_machine_like_an_option(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *machine = fixture_machine_path(ANEW);
    g_autofree char *shown = NULL;

    reset_plug(fixture, "1-2", "KBD-0001");
    g_free(fixture_script(fixture, "define %s -v", ANEW));
    g_free(fixture_script(fixture, "start %s", ANEW));
    fixture_wait(fixture, machine, FERRY_INTERFACE_MACHINE, "State", "running");
    assert_said(fixture, "give 1-2 -- -v", DONE, "");
    shown = fixture_script(fixture, "show %s", ANEW);
    fixture_assert(fixture, strstr(shown, "046d:c31c"));
    assert_said(fixture, "take -- -v", DONE, "");
    assert_said(fixture, "give -- 1-2 -v", DONE, "");
}

/* A stick that calls itself as the program calls the keyboard. */
static void test_a_device_that_calls_itself_a_class(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *error = NULL;

    plug(fixture, "1-5", "keyboard", "Stick");
    assert_said(fixture, "explain 1-5", DONE, "");
    reset_plug(fixture, "1-2", "KBD-0001");
    error = fixture_call_error(fixture, "Ambiguous", FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "GetDevice",
                               "s", "keyboard");
    fixture_assert(fixture, strstr(error, "(1-2)") && strstr(error, "(1-5)"));
    assert_said(fixture, "give keyboard desk", USAGE, "046d:c31c");
    assert_said(fixture, "give 1-2 desk", DONE, "");
}

/* And one like a port that is empty: it is not given in its place. */
static void test_a_device_that_calls_itself_a_port(void **state)
{
    Fixture *fixture = *state;

    plug(fixture, "1-5", "1-2", "Stick");
    assert_said(fixture, "give 1-2 desk", NOT_FOUND, "0bad:0001 \"Stick\" (1-5), which calls itself so");
    reset_plug(fixture, "1-2", "KBD-0001");
    assert_said(fixture, "give 1-2 desk", USAGE, "which calls itself so");
    assert_said(fixture, "give 001:005 desk", DONE, "");
}

static void test_a_device_that_calls_itself_a_group(void **state)
{
    Fixture *fixture = *state;

    reset_plug(fixture, "1-2", "KBD-0001");
    g_free(group_create(fixture, "keys"));
    assert_said(fixture, "rule add keys port=1-2", DONE, "");
    plug(fixture, "1-5", "A-1", "Keys");
    assert_said(fixture, "give keys desk", USAGE, "(1-5), which calls itself so");
    assert_said(fixture, "give /org/usbferry1/group/keys desk", DONE, "");
    /* And a machine: nothing of it is taken home by a word of a stranger's. */
    plug(fixture, "1-6", "desk", "Stick");
    assert_said(fixture, "take desk", USAGE, "(1-6), which calls itself so");
    assert_said(fixture, "take " FIXTURE_DESK, DONE, "");
}

static void test_a_rule_for_whoever_says_so(void **state)
{
    Fixture *fixture = *state;

    assert_said(fixture, "rule test name=key*", DONE, "any device can say so");
    assert_said(fixture, "rule test --json serial=AB12", DONE, "any device can say so");
    {
        g_auto(Said) said = client_run(fixture, "rule test vendor=046d product=c31c serial=AB12");

        assert_string_equal(said.err, "");
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_machine_like_an_option),          TEST(test_a_device_that_calls_itself_a_class),
        TEST(test_a_device_that_calls_itself_a_port), TEST(test_a_device_that_calls_itself_a_group),
        TEST(test_a_rule_for_whoever_says_so),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
