/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words of the command line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/bus/outcome.h"
#include "client/verbs/options.h"
#include "client/verbs/verb.h"

static const Verb verb = { "give", "DEVICE… VM", "Gives devices to a VM" };

static void test_options(void **state)
{
    static const struct {
        const char *line; /* words after "usbferry give" */
        bool good;
        const char *host;
    } cases[] = {
        { "keyboard win11", true, NULL },
        { "keyboard mouse win11 --json -H root@far", true, "root@far" },
        { "--json keyboard win11", true, NULL },
        { "keyboard", false, NULL },
        { "keyboard win11 --frobnicate", false, NULL },
        { "keyboard win11 -H -oProxyCommand=true", false, NULL }, /* an option for ssh */
        { "keyboard win11 -H", false, NULL },
        { "keyboard \xff", false, NULL },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Client client = { .verb = &verb };
        g_autoptr(GError) error = NULL;
        g_auto(GStrv) words = g_strsplit(cases[i].line, " ", -1);

        g_auto(GStrv) rest = options_parse(&client, words, NULL, NULL, 2, -1, &error);
        assert_int_equal(rest != NULL, cases[i].good);
        if (rest) {
            assert_string_equal(rest[0], "keyboard");
            assert_int_equal(client.json, strstr(cases[i].line, "--json") != NULL);
            assert_int_equal(g_strcmp0(client.host, cases[i].host), 0);
        } else
            assert_true(g_error_matches(error, CLIENT_ERROR, OUTCOME_USAGE));
        client_done(&client);
    }
}

/* Behind "--" everything is a word, however it begins, and "--" itself is one only there. */
static void test_words_like_options(void **state)
{
    static const struct {
        const char *line, *rest;
    } cases[] = {
        { "keyboard -- -v", "keyboard|-v" },       { "-- keyboard -v", "keyboard|-v" },
        { "keyboard -- win11", "keyboard|win11" }, { "-- keyboard --json", "keyboard|--json" },
        { "keyboard -- --", "keyboard|--" },       { "-- -- --", "--|--" },
        { "keyboard win11 --", "keyboard|win11" }, { "--json keyboard -- -H", "keyboard|-H" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Client client = { .verb = &verb };
        g_autoptr(GError) error = NULL;
        g_auto(GStrv) words = g_strsplit(cases[i].line, " ", -1);

        g_auto(GStrv) rest = options_parse(&client, words, NULL, NULL, 2, -1, &error);
        assert_null(error);
        g_autofree char *joined = g_strjoinv("|", rest);
        assert_string_equal(joined, cases[i].rest);
        client_done(&client);
    }
}

static void test_common(void **state)
{
    const char *words[] = { "-H", "far", "--json", "list", "--noheadings", NULL };
    const char *bad[] = { "--frobnicate", NULL };
    Client client = { 0 };
    g_autoptr(GError) error = NULL;
    bool version;

    /* what follows the verb is the verb's */
    g_auto(GStrv) rest = options_parse_common(&client, (char **)words, "All verbs", &version, &error);
    assert_null(error);
    assert_string_equal(rest[0], "list");
    assert_string_equal(rest[1], "--noheadings");
    assert_true(client.json);
    assert_false(version);
    assert_string_equal(client.host, "far");
    assert_null(options_parse_common(&client, (char **)bad, "All verbs", &version, &error));
    assert_true(g_error_matches(error, CLIENT_ERROR, OUTCOME_USAGE));
    client_done(&client);
}

static void test_option_values(void **state)
{
    static const char *const names[] = { "allow", NULL };
    static const struct {
        const char *line, *implied;
    } cases[] = {
        { "--allow keys", "--allow=yes keys" },
        { "keys --allow=no --allow", "keys --allow=no --allow=yes" },
        { "--allowed -- --allow allow", "--allowed -- --allow allow" },
        { "", "" },
    };
    bool yes;
    int priority;

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(GStrv) words = g_strsplit(cases[i].line, " ", -1);
        g_auto(GStrv) implied = options_imply_yes(words, names);
        g_autofree char *line = g_strjoinv(" ", implied);
        assert_string_equal(line, cases[i].implied);
    }

    assert_true(options_parse_boolean("allow", "Yes", &yes, NULL) && yes);
    assert_true(options_parse_boolean("allow", "false", &yes, NULL) && !yes);
    assert_false(options_parse_boolean("allow", "keys", &yes, NULL));
    assert_true(options_parse_priority("-3", &priority, NULL) && priority == -3);
    assert_false(options_parse_priority("2147483648", &priority, NULL));
    assert_false(options_parse_priority("", &priority, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_words_like_options),
        cmocka_unit_test(test_common),
        cmocka_unit_test(test_option_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
