/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Several hosts in one list: one that answers, one that takes its time, one that is dead. A script in the
 * place of ssh leads to them. */

#include "tests/bus/cmocka-include.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/bus/memory-folder.h"
#include "tests/bus/run-client.h"

/* The slow one goes on only when the good one is asked, too: one after the other would never come to an end.
 */
static const char ssh[] =
    "#!/bin/sh\n"
    "echo \"$@\" >> \"$HOSTS_FOLDER/asked\"\n"
    "case \" $* \" in\n"
    "*' dead '*) exit 255 ;;\n"
    "*' talks '*) echo Welcome, what a nice day ;;\n"
    "*' slow '*) cat \"$HOSTS_FOLDER/pipe\" > /dev/null ;;\n"
    "*' good '*) if [ -p \"$HOSTS_FOLDER/pipe\" ]; then echo > \"$HOSTS_FOLDER/pipe\" & fi ;;\n"
    "esac\n"
    "exec systemd-stdio-bridge -p \"$DBUS_SYSTEM_BUS_ADDRESS\"\n";

static void use_ssh(Fixture *fixture)
{
    g_autofree char *script = g_build_filename(fixture->dir, "ssh", NULL);
    g_autofree char *path = g_strdup_printf("%s:%s", fixture->dir, g_getenv("PATH"));
    g_autofree char *hosts = g_build_filename(fixture->dir, "usbferry", "hosts", NULL);
    g_autofree char *folder = g_path_get_dirname(hosts);

    assert_true(g_file_set_contents(script, ssh, -1, NULL));
    assert_int_equal(chmod(script, 0755), 0);
    assert_int_equal(g_mkdir_with_parents(folder, 0755), 0);
    assert_true(g_file_set_contents(hosts, "# ours\ngood\n\n dead # for years\n", -1, NULL));
    g_setenv("PATH", path, true);
    g_setenv("HOSTS_FOLDER", fixture->dir, true);
    g_setenv("XDG_CONFIG_HOME", fixture->dir, true);
}

static void test_three(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *pipe = g_build_filename(fixture->dir, "pipe", NULL);
    g_autofree char *path = g_strdup(g_getenv("PATH"));

    use_ssh(fixture);
    client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard K120");
    assert_int_equal(mkfifo(pipe, 0600), 0);
    g_auto(Said) said = client_run(fixture, "-H slow -H good -H dead list devices -o device,state");
    assert_int_equal(unlink(pipe), 0);
    client_expect_said(fixture, &said, "list", FAILED, "HOST",
                       "usbferry: dead: no connection to the bus of dead\n");
    /* a line of headings, and one for each of the two */
    g_auto(GStrv) lines = g_strsplit(said.out, "\n", -1);
    assert_int_equal(g_strv_length(lines), 4);
    assert_true(g_str_has_prefix(lines[0], "HOST"));
    assert_string_equal(lines[1], lines[2]);
    assert_non_null(strstr(lines[1], " 1-2    host"));

    client_expect(fixture, "list vms -H good", DONE, "desk", NULL);
    /* alone, what helps is told */
    client_expect(fixture, "-H dead", FAILED, NULL, "try: ssh dead systemd-stdio-bridge --version\n");
    client_expect(fixture, "give 1-2 desk -H dead", FAILED, NULL, "lets you in without a question");
    client_expect(fixture, "list -H talks", FAILED, NULL, "prints something at login");
    client_expect(fixture, "-H talks -H good list vms", FAILED, "desk",
                  "usbferry: talks: what comes from talks is not its bus\n");
    client_expect(fixture, "--all-hosts", FAILED, "HOST", "usbferry: dead: ");
    client_expect(fixture, "list vms --all-hosts --json", FAILED, "\"host\": \"", "\"text\":\"dead: ");
    client_expect(fixture, "-H good list vms -H good --json", DONE, "\"vm\": \"desk\"", NULL);

    /* what changes something goes to one */
    client_expect(fixture, "give 1-2 desk --all-hosts", USAGE, NULL, "one host at a time");
    client_expect(fixture, "give 1-2 desk -H good", DONE, "attached", NULL);
    fixture_stop_daemon(fixture, SIGTERM);
    client_expect(fixture, "list -H good", FAILED, NULL,
                  "the service usbferryd is not running on good, and the bus there cannot start it\n"
                  "  Is usbferry installed there? ssh good systemctl status usbferryd tells more\n");
    client_expect(fixture, "list -H -x", USAGE, NULL, "-H needs the name of a host");
    g_setenv("XDG_CONFIG_HOME", "/nowhere", true);
    client_expect(fixture, "list --all-hosts", USAGE, NULL, "/nowhere/usbferry/hosts names no hosts");
    g_setenv("PATH", path, true);
    g_unsetenv("XDG_CONFIG_HOME");
    g_unsetenv("HOSTS_FOLDER");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_three, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
