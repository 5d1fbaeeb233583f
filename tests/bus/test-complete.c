/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What usbferry says may come next on a command line; tests/check-completion.py has what shells make of it.
 */

#include "tests/bus/cmocka-include.h"

#include <signal.h>
#include <string.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_words, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_names, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
