/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the client says where people stumbled: who has no right, what a second time does, libvirt that is
 * away, and that what is exported can be applied. */

#include "tests/bus/cmocka-include.h"

#include <string.h>

#include "tests/bus/memory-folder.h"
#include "tests/bus/run-client.h"

static void expect_as_stranger(Fixture *fixture, const char *line, const char *err)
{
    g_auto(Said) said = client_run_as(FIXTURE_OTHER, line);

    client_expect_said(fixture, &said, line, DENIED, NULL, err);
    /* the names of errors are for programs */
    assert_null(strstr(said.err, ".Error."));
}

/* Whoever is refused is told what helps. */
static void test_rights(void **state)
{
    Fixture *fixture = *state;

    client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard K120");
    expect_as_stranger(fixture, "give 1-2 desk", "use sudo, or ssh -t");
    expect_as_stranger(fixture, "give 1-2 desk --no-ask-password", "as --no-ask-password says: use sudo");
    client_expect(fixture, "list assignments --json", DONE, "[]", NULL);
}

static void test_again(void **state)
{
    Fixture *fixture = *state;

    client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard K120");
    client_plug_keyboard(fixture, "1-3", "KBD-B", "Keyboard K120");
    client_expect(fixture, "group add keys", DONE, "keys", NULL);
    client_expect(fixture, "rule add keys class=keyboard", DONE, "1", NULL);
    client_expect(fixture, "rule test class=mouse", DONE, "No device that is plugged in matches.", NULL);
    client_expect(fixture, "give keys desk", DONE, "attached", NULL);
    client_expect(fixture, "give keys desk", DONE, "already.", NULL);
    client_expect(fixture, "give keys desk --quantity 2", FAILED, NULL,
                  "--another makes one more assignment");
    client_expect(fixture, "give keys desk --another", DONE, "attached", NULL);
    client_expect(fixture, "take desk", DONE, "on the host", NULL);
    client_expect(fixture, "take 1-2 1-3", DONE, "(1-3) is on the host already.", NULL);

    /* no two of a VM have one name, so that what is exported can be applied */
    client_expect(fixture, "give 1-2 desk --name mine", DONE, "attached", NULL);
    client_expect(fixture, "give 1-3 desk --name mine", FAILED, NULL, "mine");
    client_expect(fixture, "give 1-3 studio --name mine", DONE, "Waiting", NULL);
    g_auto(Said) exported = client_run(fixture, "export");
    g_autofree char *path = g_build_filename(fixture->dir, "exported", NULL);
    g_autofree char *line = g_strdup_printf("apply %s", path);
    assert_true(g_file_set_contents(path, exported.out, -1, NULL));
    client_expect(fixture, line, DONE, "Nothing to do.", NULL);
}

/* A group isn't taken, and what its name is a part of isn't taken in its place. */
static void test_group_is_no_device(void **state)
{
    Fixture *fixture = *state;

    client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard HASP");
    client_expect(fixture, "group add hasp", DONE, "hasp", NULL);
    client_expect(fixture, "give 1-2 desk", DONE, "attached", NULL);
    client_expect(fixture, "take hasp", USAGE, NULL, "cannot be taken as a whole");
    client_expect(fixture, "list assignments", DONE, "attached", NULL);
}

/* What isn't there is taken by its assignment's name, which is said. */
static void test_unplugged(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *path = fixture_device_path("1-2");

    client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard K120");
    client_expect(fixture, "give 1-2 desk --name mine", DONE, "attached", NULL);
    fixture_unplug(fixture, "1-2");
    fixture_wait_object(fixture, path, FERRY_INTERFACE_DEVICE, false);
    client_expect(fixture, "take K120", NOT_FOUND, NULL, "It is not plugged in; assignment \"mine\"");
    client_expect(fixture, "take mine", DONE, "has ended", NULL);
}

/* What was refused is tried again, and whoever gave it is told so, and what to type. */
static void test_a_failed_give(void **state)
{
    Fixture *fixture = *state;

    client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard K120");
    g_free(fixture_script(fixture, "fail %s 1000 no luck", FIXTURE_DESK));
    client_expect(
        fixture, "give 1-2 desk", FAILED, NULL,
        "no luck.\n  The service goes on trying. usbferry retry 1-2 tries at once, usbferry take 1-2 "
        "gives it up\n");
    client_expect(fixture, "give 1-2 desk", FAILED, NULL, "The service goes on trying.");
    client_expect(fixture, "group add keys", DONE, "keys", NULL);
    client_expect(fixture, "take 1-2", DONE, "on the host", NULL);
    client_expect(fixture, "rule add keys class=keyboard", DONE, "1", NULL);
    client_expect(fixture, "give keys desk", FAILED, NULL, "usbferry retry 'keys to desk' tries at once");
    g_free(fixture_script(fixture, "fail %s 0 -", FIXTURE_DESK));
    client_expect(fixture, "retry 'keys to desk'", DONE, "attached", NULL);
}

/* Once is enough; what would switch it is another command, which is told. */
static void test_the_same_rule_twice(void **state)
{
    Fixture *fixture = *state;

    client_expect(fixture, "group add keys", DONE, "keys", NULL);
    client_expect(fixture, "rule add keys vendor=046d product=c31c", DONE, "Rule keys#1 is added.", NULL);
    client_expect(fixture, "rule add keys 'product=C31C  vendor=46d'", DONE, "Rule keys#1 says so already.",
                  NULL);
    client_expect(fixture, "rule add keys vendor=046d product=c31c --json", DONE, "\"already\"", NULL);
    client_expect(fixture, "rule add keys vendor=046d product=c31c --disabled", FAILED, NULL,
                  "rule 1 of group keys is the same, and it is enabled; usbferry rule set keys 1 --disable");
    client_expect(fixture, "rule set keys 1 --disable", DONE, "changed", NULL);
    client_expect(fixture, "rule add keys vendor=046d product=c31c", FAILED, NULL,
                  "usbferry rule set keys 1 --enable");
    client_expect(fixture, "rule add keys vendor=046d", DONE, "Rule keys#2 is added.", NULL);
    g_auto(Said) rules = client_run(fixture, "rule");
    g_auto(GStrv) lines = g_strsplit(rules.out, "\n", -1);
    assert_int_equal(g_strv_length(lines), 3);
}

/* In words that people say, and by whom, once. */
static void test_taken_home_by_whom(void **state)
{
    Fixture *fixture = *state;

    client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard K120");
    client_expect(fixture, "give 1-2 desk --name mine", DONE, "attached", NULL);
    client_expect(fixture, "detach mine", DONE, "on the host", NULL);
    client_expect(
        fixture, "log", DONE,
        "046d:c31c \"Keyboard K120\" (1-2) came home from VM \"desk\": it was taken home (by root)\n", NULL);
    client_expect(fixture, "attach mine", DONE, "attached", NULL);
    client_expect(fixture, "take mine", DONE, "on the host", NULL);
    client_expect_not(fixture, "log", "is being released");
    client_expect_not(fixture, "log", "by uid");
    g_auto(Said) again = client_run(fixture, "log -n 1");
    assert_non_null(strstr(again.out, "came home from VM \"desk\": it was taken home (by root)\n"));
    /* also where who decided isn't told apart */
    g_auto(Said) stranger = client_run_as(FIXTURE_OTHER, "log");
    assert_null(strstr(stranger.out, "by uid"));
    assert_non_null(strstr(stranger.out, "Keyboard K120"));
}

/* What is wrong by itself is told before what is there is looked at, and nothing is done. */
static void test_arguments_first(void **state)
{
    static const char *const lines[] = { "give keys desk --quantity many", "give keys desk --quantity 0",
                                         "give keys desk --quantity 128", "give none desk --quantity -1" };
    Fixture *fixture = *state;

    client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard K120");
    client_expect(fixture, "group add keys", DONE, "keys", NULL);
    client_expect(fixture, "rule add keys class=keyboard", DONE, "1", NULL);
    client_expect(fixture, "give keys desk", DONE, "attached", NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++)
        client_expect(fixture, lines[i], USAGE, NULL, "--quantity is a number from 1 to 127, all, or set");
    client_expect(fixture, "take keys none", USAGE, NULL, "none");
    client_expect(fixture, "take 'keys to desk'", DONE, "on the host", NULL);

    client_expect(fixture, "give 1-2 none desk", NOT_FOUND, NULL, "none");
    client_expect(fixture, "give 1-2 none", NOT_FOUND, NULL, "none");
    client_expect(fixture, "passthrough 1-2 none", NOT_FOUND, NULL, "none");
    client_expect(fixture, "list assignments --json", DONE, "[]", NULL);
    client_expect(fixture, "give 1-2 desk --name mine", DONE, "attached", NULL);
    client_expect(fixture, "detach mine none", NOT_FOUND, NULL, "none");
    client_expect(fixture, "set mine --name other --priority much", USAGE, NULL, "whole number");
    client_expect(fixture, "show mine -p state --value", DONE, "attached", NULL);
    client_expect(fixture, "detach mine", DONE, "on the host", NULL);
    client_expect(fixture, "attach mine none", NOT_FOUND, NULL, "none");
    client_expect(fixture, "show mine -p state --value", DONE, "disabled", NULL);
}

/* What is on its way home is taken once more without a complaint. */
static void test_on_its_way(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *device = fixture_device_path("1-2");

    client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard K120");
    client_expect(fixture, "give 1-2 desk --name mine", DONE, "attached", NULL);
    g_free(fixture_script(fixture, "keep %s", FIXTURE_DESK));
    client_expect(fixture, "take 1-2 --no-wait", DONE, "ordered", NULL);
    client_expect(fixture, "take 1-2 --no-wait", DONE, "ordered", NULL);
    client_expect(fixture, "take mine --no-wait", DONE, "ordered", NULL);
    g_free(fixture_script(fixture, "let-go %s", FIXTURE_DESK));
    fixture_wait(fixture, device, FERRY_INTERFACE_DEVICE, "State", "host");
    client_expect(fixture, "take 1-2", DONE, "on the host already", NULL);
}

/* Said in the overview, with the VMs, and to who gives something. */
static void test_hypervisor_away(void **state)
{
    Fixture *fixture = *state;

    client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard K120");
    g_free(fixture_script(fixture, "disconnect no socket"));
    fixture_wait(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "HypervisorState", "connecting");
    client_expect(fixture, "", DONE, "The hypervisor scripted:/// is not connected", NULL);
    client_expect(fixture, "list vms", DONE, "desk",
                  "the hypervisor scripted:/// is not connected: this is what was known last");
    client_expect(fixture, "give 1-2 desk", DONE, "the hypervisor is away", NULL);
    client_expect(fixture, "explain 1-2", DONE, "the hypervisor is away", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        TEST(test_rights),
        TEST(test_again),
        TEST(test_group_is_no_device),
        TEST(test_unplugged),
        TEST(test_hypervisor_away),
        TEST(test_a_failed_give),
        TEST(test_the_same_rule_twice),
        TEST(test_taken_home_by_whom),
        TEST(test_arguments_first),
        TEST(test_on_its_way),
#undef TEST
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
