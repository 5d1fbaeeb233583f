/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What usbferry says may come next on a command line; tests/check-completion.py has what shells make of it.
 */

#include "tests/bus/cmocka-include.h"

#include <signal.h>
#include <string.h>

#include "dbus/bus/sd-bus-cleanup.h"
#include "tests/bus/deadline.h"
#include "tests/bus/memory-folder.h"
#include "tests/bus/run-client.h"

/* Just these words are offered, in this order. */
static void offers(Fixture *fixture, const char *typed, const char *words)
{
    g_autofree char *line = g_strdup_printf("--complete %s", typed);
    g_auto(Said) said = client_run(fixture, line);
    g_auto(GStrv) lines = g_strsplit(said.out, "\n", -1);
    g_autoptr(GString) found = g_string_new(NULL);

    for (char **one = lines; *one && **one; one++)
        g_string_append_printf(found, "%s%.*s", found->len > 0 ? "|" : "", (int)strcspn(*one, "\t"), *one);
    if (said.status == DONE && g_str_equal(found->str, words) && !*said.err)
        return;
    fixture_print_log(fixture);
    fail_msg("usbferry %s: %s, expected %s\n%s", line, found->str, words, said.err);
}

static void test_words(void **state)
{
    Fixture *fixture = *state;

    offers(fixture, "ta", "take");
    offers(fixture, "group ''", "show|add|set|rm");
    offers(fixture, "help wai", "wait");
    offers(fixture, "list ''", "devices|vms|assignments|groups|tenants");
    offers(fixture, "list vms --out", "--output");
    offers(fixture, "list -o vm,sta", "vm,state");
    offers(fixture, "list --output=vm,sta", "--output=vm,state");
    offers(fixture, "give --quant", "--quantity");
    offers(fixture, "give --quantity a", "all");
    offers(fixture, "give --allow-guest-reset=y", "--allow-guest-reset=yes");
    offers(fixture, "--js", "--json");
    offers(fixture, "--json wa", "wait|watch");
    offers(fixture, "group add --class sm", "smartcard");
    offers(fixture, "wait x --until par", "partial");
    offers(fixture, "rule add keys v", "vendor=");
    offers(fixture, "apply ''", "");
    offers(fixture, "nonsense ''", "");
    offers(fixture, "group nonsense ''", "");
    offers(fixture, "", "");
    offers(fixture, "-H ''", "");
    offers(fixture, "--host-", "--host-timeout");
    offers(fixture, "list --host-", "--host-timeout");
    offers(fixture, "give --host-", "");
    offers(fixture, "--host-timeout 3 wai", "wait");

    g_autofree char *file = g_build_filename(fixture->dir, "usbferry", "hosts", NULL);
    g_autofree char *folder = g_path_get_dirname(file);
    assert_int_equal(g_mkdir_with_parents(folder, 0755), 0);
    assert_true(g_file_set_contents(file, "root@near\nfar # slow\n", -1, NULL));
    g_setenv("XDG_CONFIG_HOME", fixture->dir, true);
    offers(fixture, "-H ''", "root@near|far");
    offers(fixture, "list -H f", "far");
    g_unsetenv("XDG_CONFIG_HOME");
}

static void test_names(void **state)
{
    Fixture *fixture = *state;

    g_free(fixture_script(fixture, "define 33333333-3333-3333-3333-333333333333 -odd"));
    client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard K120");
    client_plug_keyboard(fixture, "1-3", "KBD-B", "Second $(one)");
    client_expect(fixture, "group add keys", DONE, "keys", NULL);
    client_expect(fixture, "rule add keys serial=KBD-A", DONE, "1", NULL);
    client_expect(fixture, "rule add keys serial=KBD-B", DONE, "2", NULL);
    client_expect(fixture, "give 1-2 desk --name 'my own'", DONE, "attached", NULL);

    offers(fixture, "give ''", "1-2|Keyboard K120|1-3|Second $(one)|keys|desk|studio");
    offers(fixture, "give 1-3 st", "studio");
    offers(fixture, "give 1-3 keys de", "desk");
    offers(fixture, "take m", "my own");
    offers(fixture, "wait 'my own' --wait ''", "");
    offers(fixture, "detach ''", "1-2|Keyboard K120|1-3|Second $(one)|my own");
    offers(fixture, "rule rm keys ''", "1|2");
    offers(fixture, "rule set keys 1 ser", "serial=");
    offers(fixture, "rule test vendor=046d --group k", "keys");
    offers(fixture, "group set k", "keys");
    offers(fixture, "group add k", "");
    offers(fixture, "show desk st", "studio");
    offers(fixture, "explain keys ''", "");

    fixture_stop_daemon(fixture, SIGTERM);
    offers(fixture, "give ''", "");
}

/* ------------------------------------------------------------------ what it costs */

/* Sees every call on the bus. */
static sd_bus *begin_monitor(Fixture *fixture)
{
    sd_bus *monitor = NULL;

    assert_true(sd_bus_new(&monitor) >= 0);
    assert_true(sd_bus_set_address(monitor, fixture->address) >= 0);
    assert_true(sd_bus_set_bus_client(monitor, true) >= 0);
    assert_true(sd_bus_set_monitor(monitor, true) >= 0);
    assert_true(sd_bus_start(monitor) >= 0);
    assert_true(sd_bus_call_method(monitor, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                   "org.freedesktop.DBus.Monitoring", "BecomeMonitor", NULL, NULL, "asu", 1,
                                   "type='method_call'", 0) >= 0);
    return monitor;
}

/* Others' calls of the service, until the test itself calls it. */
static unsigned count_calls(Fixture *fixture, sd_bus *monitor)
{
    const char *own = NULL;
    unsigned n = 0;

    assert_true(sd_bus_get_unique_name(fixture->bus, &own) >= 0);
    g_free(fixture_get(fixture, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Settling"));
    for (;;) {
        g_autoptr(sd_bus_message) message = NULL;
        int r = sd_bus_process(monitor, &message);

        assert_true(r >= 0);
        if (r == 0)
            assert_true(sd_bus_wait(monitor, DEADLINE_US) > 0);
        if (!message || g_strcmp0(sd_bus_message_get_destination(message), FERRY_BUS_NAME) != 0)
            continue;
        if (g_strcmp0(sd_bus_message_get_sender(message), own) == 0)
            return n;
        n++;
    }
}

/* A fetch is two calls: for all that there is, and for the service itself. */
#define FETCH_CALLS 2

/* However many kinds of things are offered, a TAB is one fetch or none. */
static void test_one_fetch(void **state)
{
    Fixture *fixture = *state;

    client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard K120");
    client_plug_keyboard(fixture, "1-3", "KBD-B", "Keyboard K120");
    client_expect(fixture, "group add keys", DONE, "keys", NULL);
    sd_bus *monitor = begin_monitor(fixture);
    offers(fixture, "give ''", "1-2|1-3|keys|desk|studio");
    assert_int_equal(count_calls(fixture, monitor), FETCH_CALLS);
    offers(fixture, "list vms --out", "--output");
    assert_int_equal(count_calls(fixture, monitor), 0);
    sd_bus_flush_close_unref(monitor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_words, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_names, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_one_fetch, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
