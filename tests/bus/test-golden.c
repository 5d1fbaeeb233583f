/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the client prints, letter by letter: help, tables as wide as terminals are, JSON. The files are in
 * tests/bus/golden; FERRY_GOLDEN_UPDATE=1 in the environment writes them anew, and git shows what was
 * changed. All is English in UTF-8, but for what a German reads, and for what the C locale gets. */

#include "tests/bus/cmocka-include.h"

#include <stdlib.h>
#include <string.h>

#include "client/verbs/verbs.h"
#include "tests/bus/memory-folder.h"
#include "tests/bus/run-client.h"

/* What is another one each time. New string. */
static char *make_steady(char **ids, const char *text)
{
    static const struct {
        const char *pattern, *instead;
    } moving[] = {
        { "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.+-]+Z?", "TIME" },
        { "(?<=/assignment/)[0-9A-Za-z_]+", "ID" },
        { "\"host\": \"[^\"]*\"", "\"host\": \"HOST\"" },
        { "\\b[0-9]{3}:[0-9]{3}\\b", "BUS:DEV" },
        /* what GLib says, which not every system has in other languages */
        { "(?m)^Aufruf:$", "Usage:" },
        { "(?m)^Hilfeoptionen:$", "Help Options:" },
        { "(?m)^Anwendungsoptionen:$", "Application Options:" },
        { "(?m)Hilfeoptionen anzeigen$", "Show help options" },
        { "\\[OPTION ?…\\]", "[OPTION…]" },
    };
    GString *raw = g_string_new(text);

    for (; ids && *ids; ids++)
        if (**ids)
            g_string_replace(raw, *ids, "ASSIGNID", 0);
    char *steady = g_string_free(raw, FALSE);

    for (gsize i = 0; i < G_N_ELEMENTS(moving); i++) {
        g_autoptr(GRegex) regex = g_regex_new(moving[i].pattern, 0, 0, NULL);
        char *next = g_regex_replace_literal(regex, steady, -1, 0, moving[i].instead, 0, NULL);

        g_free(steady);
        steady = next;
    }
    return steady;
}

/* The ids of assignments, which are other ones each time, and as long. New array. */
static char **find_ids(Fixture *fixture)
{
    g_auto(Said) said = client_run(fixture, "list assignments -o assignment-id --noheadings");

    return g_strsplit_set(said.out, " \n", -1);
}

/* said: to be as in the file of this name. */
static void compare_text(char **ids, const char *name, const char *line, const char *said)
{
    g_autofree char *path = g_strdup_printf("%s/%s.txt", g_getenv("FERRY_TEST_GOLDEN"), name);
    g_autofree char *expected = NULL, *actual = make_steady(ids, said);

    if (g_getenv("FERRY_GOLDEN_UPDATE")) {
        assert_true(g_file_set_contents(path, actual, -1, NULL));
        return;
    }
    if (!g_file_get_contents(path, &expected, NULL, NULL) || !g_str_equal(expected, actual))
        fail_msg("usbferry %s: not as in %s:\n%s--- expected\n%s", line, path, actual,
                 expected ? expected : "(there is no such file)\n");
}

/* ids: of assignments, NULL = there are none. name: of the file. columns: how wide the terminal is, NULL = it
 * is none. */
static void compare(Fixture *fixture, char **ids, const char *name, const char *line, const char *columns)
{
    if (columns)
        g_setenv("COLUMNS", columns, true);
    g_auto(Said) said = client_run(fixture, line);
    g_unsetenv("COLUMNS");
    if (said.status != DONE)
        fail_msg("usbferry %s: %s", line, said.err);
    compare_text(ids, name, line, said.out);
}

/* ------------------------------------------------------------------ in English */

static void make(Fixture *fixture)
{
    client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard K120");
    client_plug_keyboard(fixture, "1-11", "KBD-B",
                         "Keyboard K120 of the very long kind that nobody can read");
    client_plug_keyboard(fixture, "1-3", "KBD-C", "Keyboard K120");
    client_expect(fixture, "group add keys --description 'For whoever sits at a desk'", DONE, "keys", NULL);
    client_expect(fixture, "rule add keys serial=KBD-A", DONE, "1", NULL);
    client_expect(fixture, "rule add keys 'serial=KBD-B class=keyboard'", DONE, "2", NULL);
    client_expect(fixture, "give keys desk --quantity 2 --name pool", DONE, "attached", NULL);
    client_expect(fixture, "give 1-3 studio --name waiting", DONE, "Waiting", NULL);
}

static void test_tables(void **state)
{
    static const struct {
        const char *name, *line;
    } tables[] = {
        { "overview", "" },
        { "tree", "list --tree" },
        { "devices", "list -o device,class,model,usb-id,serial,vm,vm-state,groups,rules,state,reason" },
        { "vms", "list vms" },
        { "assignments", "list assignments" },
        { "groups", "list groups" },
        { "show", "show waiting -p assignment,devices,vm,state,wanted,has,reason,reason-code,selector" },
        { "explain", "explain 1-2" },
    };
    static const char *const widths[] = { "40", "80", "200" };
    Fixture *fixture = *state;

    make(fixture);
    g_auto(GStrv) ids = find_ids(fixture);
    for (gsize i = 0; i < G_N_ELEMENTS(tables); i++)
        for (gsize j = 0; j < G_N_ELEMENTS(widths); j++) {
            g_autofree char *name = g_strdup_printf("%s-%s", tables[i].name, widths[j]);
            compare(fixture, ids, name, tables[i].line, widths[j]);
        }
}

static void test_json(void **state)
{
    static const struct {
        const char *name, *line;
    } outputs[] = {
        { "json-overview", "--json" },
        { "json-devices", "list devices --json" },
        { "json-assignments", "list assignments --json" },
        { "json-groups", "list groups --json" },
        { "json-explain", "explain 1-2 --json" },
    };
    Fixture *fixture = *state;

    make(fixture);
    g_auto(GStrv) ids = find_ids(fixture);
    for (gsize i = 0; i < G_N_ELEMENTS(outputs); i++)
        compare(fixture, ids, outputs[i].name, outputs[i].line, NULL);
}

static void test_help(void **state)
{
    static const char *const verbs[] = { "",      "give", "take",      "list",      "show",    "set",
                                         "watch", "wait", "group add", "rule test", "explain", "reset" };
    Fixture *fixture = *state;

    for (gsize i = 0; i < G_N_ELEMENTS(verbs); i++) {
        g_autofree char *line = g_strdup_printf("%s --help", verbs[i]);
        g_autofree char *name =
            g_strdelimit(g_strdup_printf("help%s%s", *verbs[i] ? "-" : "", verbs[i]), " ", '-');
        compare(fixture, NULL, name, line, NULL);
    }
}

/* ------------------------------------------------------------------ in other languages */

/* The client that reads the catalogues of the build, and the locales that it made. */
static void begin_language(const char *locale)
{
    g_setenv("FERRY_TEST_CLIENT", g_getenv("FERRY_TEST_CLIENT_HERE"), true);
    g_setenv("LOCPATH", g_getenv("FERRY_TEST_LOCALES"), true);
    g_setenv("LC_ALL", locale, true);
}

static int end_language(void **state)
{
    g_setenv("FERRY_TEST_CLIENT", g_getenv("FERRY_TEST_CLIENT_BUILT"), true);
    g_unsetenv("LOCPATH");
    g_setenv("LC_ALL", "C.UTF-8", true);
    return fixture_teardown(state);
}

static void compare_failure(Fixture *fixture, const char *name, const char *line, int status)
{
    g_auto(Said) said = client_run(fixture, line);

    assert_int_equal(said.status, status);
    compare_text(NULL, name, line, said.err);
}

static void test_german(void **state)
{
    Fixture *fixture = *state;

    make(fixture);
    g_auto(GStrv) ids = find_ids(fixture);
    begin_language("de_DE.utf8");
    compare(fixture, NULL, "de-help", "--help", NULL);
    compare(fixture, NULL, "de-help-give", "help give", NULL);
    compare(fixture, NULL, "de-help-list", "help list", NULL);
    compare(fixture, ids, "de-overview", "", "80");
    compare(fixture, ids, "de-assignments", "list assignments", "80");
    compare(fixture, ids, "de-show", "show waiting -p assignment,vm,state,reason,reason-code", "80");
    compare(fixture, ids, "de-explain", "explain 1-2", "80");
    compare(fixture, ids, "de-explain-waiting", "explain waiting", "80");
    compare(fixture, ids, "de-rule-test", "rule test serial=KBD-C --group keys", "80");
    compare(fixture, ids, "de-give", "give 1-3 studio", NULL);
    compare(fixture, ids, "de-group-set", "group set keys --description Tastaturen", NULL);
    compare_failure(fixture, "de-no-device", "give tastatur desk", NOT_FOUND);
    compare_failure(fixture, "de-no-verb", "giev tastatur desk", USAGE);
    compare_failure(fixture, "de-too-many", "rescan twice", USAGE);
    /* programs read the same in every language */
    compare(fixture, ids, "json-assignments", "list assignments --json", NULL);
}

static void expect_ascii(Fixture *fixture, const char *line)
{
    g_auto(Said) said = client_run(fixture, line);

    if (!g_str_is_ascii(said.out) || !g_str_is_ascii(said.err))
        fail_msg("usbferry %s: not ASCII:\n%s%s", line, said.out, said.err);
}

/* Also what devices and people say, and what GLib does. */
static void test_ascii(void **state)
{
    static const char *const lines[] = { "",         "list",          "list assignments", "explain 1-4",
                                         "show 1-4", "show keyboard", "give Übel desk",   "give 1-4 desk",
                                         "take 1-4", "giéb",          "list -o Größe",    "give --höher" };
    Fixture *fixture = *state;
    gsize n;
    const Verb *const *verbs = verbs_all(&n);

    client_plug_keyboard(fixture, "1-4", "KBD-Ü", "Größe … 10 €, eine Tastatur für alle, die Ü schreiben");
    begin_language("C");
    g_setenv("COLUMNS", "40", true);
    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++)
        expect_ascii(fixture, lines[i]);
    for (gsize i = 0; i < n; i++) {
        g_autofree char *line = g_strdup_printf("%s --help", verbs[i]->name ?: "");
        expect_ascii(fixture, line);
    }
    g_unsetenv("COLUMNS");
    compare(fixture, NULL, "c-help-give", "help give", NULL);
    compare(fixture, NULL, "c-devices", "list -o device,model", "40");
    /* an old terminal: nobody there could read the catalogue */
    begin_language("de_DE.iso88591");
    expect_ascii(fixture, "--help");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_tables),
        TEST(test_json),
        TEST(test_help),
        cmocka_unit_test_setup_teardown(test_german, fixture_setup, end_language),
        cmocka_unit_test_setup_teardown(test_ascii, fixture_setup, end_language),
    };

    g_setenv("LC_ALL", "C.UTF-8", true);
    g_setenv("FERRY_TEST_CLIENT_BUILT", g_getenv("FERRY_TEST_CLIENT"), true);
    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
