/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A new user's keyboard, as the README has it: there and back, refused, tried, forced, and its VM killed.
 * What is printed is what stands in the README. */

#include "tests/bus/cmocka-include.h"

#include <string.h>

#include "tests/bus/group-calls.h"
#include "tests/bus/host-calls.h"
#include "tests/bus/memory-folder.h"
#include "tests/bus/run-client.h"

#define FIRST  "1-2"
#define SECOND "1-3"

static void wait_use(Fixture *fixture, const char *sysname, const char *uses)
{
    g_autofree char *path = fixture_device_path(sysname);

    wait_list(fixture, path, FERRY_INTERFACE_DEVICE, "HostUse", uses);
}

static void wait_device(Fixture *fixture, const char *sysname, const char *state)
{
    g_autofree char *path = fixture_device_path(sysname);

    fixture_wait(fixture, path, FERRY_INTERFACE_DEVICE, "State", state);
}

/* One that is plugged in at a seat where somebody sits. */
static int set_up(void **state)
{
    Fixture *fixture;

    if (host_setup(state) != 0)
        return -1;
    fixture = *state;
    client_plug_keyboard(fixture, FIRST, "", "Keyboard K120");
    host_put_keyboard(fixture, FIRST, "input5");
    host_hint(fixture);
    wait_use(fixture, FIRST, "last-keyboard:seat0");
    return 0;
}

static void plug_second(Fixture *fixture)
{
    client_plug_keyboard(fixture, SECOND, "", "Keyboard K120");
    host_put_keyboard(fixture, SECOND, "input6");
    host_hint(fixture);
    wait_use(fixture, FIRST, "");
}

static void test_there_and_back(void **state)
{
    Fixture *fixture = *state;

    plug_second(fixture);
    client_expect(fixture, "give 1-3 desk", DONE,
                  "046d:c31c \"Keyboard K120\" (1-3) is attached to VM \"desk\".", NULL);
    client_expect(fixture, "take 1-3", DONE, "046d:c31c \"Keyboard K120\" (1-3) is on the host.", NULL);
}

static void test_refused(void **state)
{
    Fixture *fixture = *state;

    client_expect(fixture, "list devices -o device,host-use", DONE, "last-keyboard:seat0", NULL);
    client_expect(
        fixture, "give 1-2 desk", BUSY, NULL,
        "usbferry: 046d:c31c \"Keyboard K120\" (1-2) stays with the host (last-keyboard:seat0): it is the "
        "last keyboard of seat0, where somebody sits; plug in another one, or have it forced, best for a "
        "try at first, from which it comes home by itself\n"
        "  An administrator gives it all the same, best for a try: usbferry give 1-2 desk --force --try "
        "20\n"
        "  It is home after 20 s unless it is confirmed, and whenever it is plugged in anew three times.\n");
    wait_device(fixture, FIRST, "host");
}

/* A disk has nothing to be tried for. */
static void test_refused_disk(void **state)
{
    Fixture *fixture = *state;

    groups_plug(fixture, "1-1", "0781:5567", "S-1");
    host_put_disk(fixture, "1-1", "sda1", "8:1\n");
    host_mount(fixture, "8:1", "/home");
    host_hint(fixture);
    wait_use(fixture, "1-1", "mounted:/home");
    client_expect(
        fixture, "give 1-1 desk", BUSY, NULL,
        "or have it forced\n  An administrator gives it all the same: usbferry give 1-1 desk --force\n");
}

static void test_tried(void **state)
{
    Fixture *fixture = *state;

    client_expect(fixture, "give 1-2 desk --force --try 20", DONE, "is attached to VM \"desk\".", NULL);
    g_free(fixture_script(fixture, "run 21000"));
    wait_device(fixture, FIRST, "host");
    /* It is a keyboard for people again, and the last one. */
    wait_use(fixture, FIRST, "last-keyboard:seat0");
    client_expect(fixture, "give 1-2 desk --force --try 20", DONE, "is attached to VM \"desk\".", NULL);
    client_expect(fixture, "confirm", DONE, "stays", NULL);
    g_free(fixture_script(fixture, "run 60000"));
    wait_device(fixture, FIRST, "attached");
}

static void test_forced(void **state)
{
    Fixture *fixture = *state;

    client_expect(fixture, "give 1-2 desk --force", DONE, "is attached to VM \"desk\".", NULL);
    client_expect(fixture, "take --all", DONE, "on the host", NULL);
    wait_device(fixture, FIRST, "host");
}

/* A killed VM has nothing, and it goes back when the VM starts. */
static void test_killed(void **state)
{
    Fixture *fixture = *state;

    plug_second(fixture);
    client_expect(fixture, "give 1-3 desk", DONE, "is attached to VM \"desk\".", NULL);
    g_free(fixture_script(fixture, "stop %s", FIXTURE_DESK));
    wait_device(fixture, SECOND, "waiting");
    client_expect(fixture, "list devices -o device,state", DONE, "waiting", NULL);
    g_free(fixture_script(fixture, "start %s", FIXTURE_DESK));
    wait_device(fixture, SECOND, "attached");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_there_and_back), TEST(test_refused), TEST(test_refused_disk),
        TEST(test_tried),          TEST(test_forced),  TEST(test_killed),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
