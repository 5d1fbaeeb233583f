/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One table of exit statuses for every verb: what is wrong, not allowed or not there ends with the status
 * that the name of its error has, in words and as JSON. */

#include "tests/bus/cmocka-include.h"

#include <stdlib.h>
#include <string.h>

#include "client/bus/outcome.h"
#include "tests/bus/memory-folder.h"
#include "tests/bus/run-client.h"

/* The text of a member of the last line, which is an object. New string; NULL = there is none. */
static char *member(const char *err, const char *name)
{
    const char *start = g_strrstr_len(err, (gssize)strlen(err) - 1, "\n");
    g_autofree char *key = g_strdup_printf("\"%s\":", name);
    const char *found = strstr(start ? start : err, key);

    if (!found)
        return NULL;
    found += strlen(key);
    return *found == '"' ? g_strndup(found + 1, strcspn(found + 1, "\""))
                         : g_strndup(found, strcspn(found, ",}"));
}

/* Whoever ran it. */
static void check(Fixture *fixture, const char *line, const Said *said, int status)
{
    g_autofree char *name = member(said->err, "error"), *code = member(said->err, "exit-status");

    if (said->status == status && name && code && atoi(code) == status &&
        (*name ? (int)outcome_from_error_name(name) == status : status <= USAGE))
        return;
    fixture_print_log(fixture);
    fail_msg("usbferry %s: exit %d, expected %d\n%s%s", line, said->status, status, said->out, said->err);
}

/* The verbs that the help lists. New array. */
static char **all_verbs(Fixture *fixture)
{
    g_auto(Said) said = client_run(fixture, "--help");
    g_auto(GStrv) lines = g_strsplit(strstr(said.out, "Verbs:\n") + strlen("Verbs:\n"), "\n", -1);
    GPtrArray *verbs = g_ptr_array_new();

    for (char **line = lines; g_str_has_prefix(*line, "  "); line++)
        if (!g_str_has_prefix(*line, "  ("))
            g_ptr_array_add(verbs, g_strndup(*line + 2, (gsize)(strstr(*line + 2, "  ") - *line - 2)));
    assert_true(verbs->len > 30);
    g_ptr_array_add(verbs, NULL);
    return (char **)g_ptr_array_free(verbs, FALSE);
}

static void test_usage(void **state)
{
    Fixture *fixture = *state;
    g_auto(GStrv) verbs = all_verbs(fixture);

    for (char **verb = verbs; *verb; verb++) {
        g_autofree char *wrong = g_strdup_printf("%s --nonsense --json", *verb);
        g_autofree char *help = g_strdup_printf("%s --help", *verb);
        g_autofree char *usage = g_strdup_printf("usbferry %s [OPTION", *verb);
        g_auto(Said) said = client_run(fixture, wrong);

        check(fixture, wrong, &said, USAGE);
        client_expect(fixture, help, DONE, usage, NULL);
    }
}

static void make(Fixture *fixture)
{
    client_plug_keyboard(fixture, "1-2", "KBD-A", "Keyboard K120");
    client_plug_keyboard(fixture, "1-3", "KBD-B", "Keyboard K120");
    client_expect(fixture, "group add keys", DONE, "keys", NULL);
    client_expect(fixture, "rule add keys serial=KBD-Z", DONE, "1", NULL);
    client_expect(fixture, "tenant add acme", DONE, "acme", NULL);
    client_expect(fixture, "give 1-3 desk --name mine", DONE, "attached", NULL);
}

static void test_not_found(void **state)
{
    static const char *const lines[] = {
        "show none",
        "give none desk",
        "give 1-2 none",
        "take none",
        "take 1-3 studio",
        "detach none",
        "attach none",
        "retry none",
        "set none --priority 1",
        "watch none",
        "wait none",
        "wait 1-2",
        "reset none",
        "explain none",
        "passthrough none",
        "group show none",
        "group set none --priority 1",
        "group rm none",
        "rule add none vendor=1234",
        "rule set none 1 --enable",
        "rule set keys 9 --enable",
        "rule rm none 1",
        "rule rm keys 9",
        "rule test vendor=1234 --group none",
        "tenant show none",
        "tenant set none --no-members",
        "tenant rm none",
        "tenant machine none desk",
        "tenant machine acme none",
        "tenant grant none 1-2",
        "tenant grant acme none",
        "tenant revoke none 1-2",
        "tenant revoke acme none",
        "show /org/usbferry1/device/none",
    };
    Fixture *fixture = *state;

    make(fixture);
    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autofree char *line = g_strdup_printf("%s --json", lines[i]);
        g_auto(Said) said = client_run(fixture, line);

        check(fixture, line, &said, NOT_FOUND);
    }
}

static void test_denied(void **state)
{
    static const char *const lines[] = {
        "give 1-2 desk",
        "take 1-3",
        "take desk",
        "take --all",
        "detach mine",
        "attach mine",
        "retry mine",
        "reset 1-2",
        "passthrough 1-2",
        "group add other",
        "group set keys --priority 1",
        "group rm keys",
        "rule add keys vendor=1234",
        "rule set keys 1 --disable",
        "rule rm keys 1",
        "tenant add other",
        "tenant set acme --no-members",
        "tenant rm acme",
        "tenant machine acme desk",
        "tenant grant acme 1-2",
        "set mine --priority 1",
        "enable",
        "disable",
    };
    Fixture *fixture = *state;

    make(fixture);
    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autofree char *line = g_strdup_printf("%s --json", lines[i]);
        g_auto(Said) said = client_run_as(FIXTURE_OTHER, line);

        check(fixture, line, &said, DENIED);
    }
}

static void test_busy(void **state)
{
    static const char *const lines[] = { "give 1-3 studio", "group rm pool", "rule rm pool 1", "take 1-4" };
    Fixture *fixture = *state;

    make(fixture);
    client_plug_keyboard(fixture, "1-4", "KBD-C", "Keyboard K120");
    client_plug_keyboard(fixture, "1-5", "KBD-D", "Keyboard K120");
    client_expect(fixture, "group add pool", DONE, "pool", NULL);
    client_expect(fixture, "rule add pool vendor=046d", DONE, "1", NULL);
    client_expect(fixture, "give pool desk --quantity all", DONE, "attached", NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autofree char *line = g_strdup_printf("%s --json", lines[i]);
        g_auto(Said) said = client_run(fixture, line);

        check(fixture, line, &said, BUSY);
    }
}

/* The table of the manual page is the program's: each name stands in the row of its status. */
static void test_manual(void **state)
{
    g_autofree char *folder = g_path_get_dirname(g_getenv("FERRY_TEST_MANUAL")), *text = NULL;
    g_autofree char *page = g_build_filename(folder, "usbferry.1.rst", NULL);
    int status = -1, n = 0;

    assert_true(g_file_get_contents(page, &text, NULL, NULL));
    const char *table = strstr(text, "\nStatus Meaning, and the names of errors");
    assert_non_null(table);
    g_auto(GStrv) lines = g_strsplit(strstr(table, "\n0 "), "\n", -1);
    for (char **line = lines + 1; **line != '='; line++) {
        g_auto(GStrv) parts = g_strsplit(*line, "*", -1);

        if (g_ascii_isdigit(**line))
            status = atoi(*line);
        for (guint i = 1; i < g_strv_length(parts); i += 2) {
            g_autofree char *name = g_strconcat("org.usbferry1.Error.", parts[i], NULL);

            if (!g_ascii_isupper(*parts[i])) /* "", of a verb in bold */
                continue;
            if ((int)outcome_from_error_name(name) != status)
                fail_msg("%s stands at status %d", parts[i], status);
            n++;
        }
    }
    assert_true(n > 20);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_usage), TEST(test_not_found),          TEST(test_denied),
        TEST(test_busy),  cmocka_unit_test(test_manual),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
