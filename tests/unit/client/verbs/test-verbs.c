/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verb that the words begin with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/bus/outcome.h"
#include "client/verbs/examples.h"
#include "client/verbs/verbs.h"

static void test_verbs(void **state)
{
    static const struct {
        const char *line, *name; /* NULL = there is none */
        unsigned used;
    } cases[] = {
        { "list devices", "list", 1 },
        { "group", "group", 1 },
        { "group --json", "group", 1 },
        { "group add keys", "group add", 2 },
        { "rule test vendor=*", "rule test", 2 },
        { "group frobnicate", NULL, 0 },
        { "frobnicate", NULL, 0 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(GStrv) words = g_strsplit(cases[i].line, " ", -1);
        g_autoptr(GError) error = NULL;
        unsigned used = 0;

        const Verb *verb = verb_find_words(words, &used, &error);
        assert_int_equal(g_strcmp0(verb ? verb->name : NULL, cases[i].name), 0);
        assert_int_equal(used, cases[i].used);
        assert_int_equal(g_error_matches(error, CLIENT_ERROR, OUTCOME_USAGE), !cases[i].name);
    }

    char *none[] = { NULL }, *one_word[] = { (char *)"group add", NULL };
    g_autoptr(GError) error = NULL;
    unsigned used = 7;
    const Verb *verb = verb_find_words(none, &used, &error);
    assert_ptr_equal(verb, verb_find(NULL));
    assert_int_equal(used, 0);
    assert_null(verb_find_words(one_word, &used, &error));
}

/* Every verb can be found, says what it does, and is in the help. */
static void test_help(void **state)
{
    static const char *const names[] = { "list", "give", "group add", "tenant revoke", "disable" };
    g_autofree char *help = verbs_help();

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        const Verb *verb = verb_find(names[i]);
        assert_non_null(verb->run);
        assert_non_null(strstr(help, verb->summary));
    }
    assert_null(verb_find("no such verb"));
}

/* Every line of the help that names a verb has examples, and each begins with just that verb. */
static void test_examples(void **state)
{
    g_autofree char *help = verbs_help();
    g_auto(GStrv) rows = g_strsplit(help, "\n", -1);
    unsigned found = 0;

    for (char **row = rows; *row; row++) {
        if (!g_str_has_prefix(*row, "  ") || g_str_has_prefix(*row, "  (none)"))
            continue;
        g_auto(GStrv) columns = g_strsplit(*row + 2, "  ", 2);
        const char *examples = examples_of(columns[0]);
        if (!examples)
            fail_msg("%s has no example", columns[0]);
        g_auto(GStrv) lines = g_strsplit(examples, "\n", -1);
        for (char **line = lines; *line; line++) {
            g_auto(GStrv) words = NULL;
            g_autoptr(GError) error = NULL;
            unsigned used;

            assert_true(g_shell_parse_argv(*line, NULL, &words, NULL));
            assert_string_equal(words[0], "usbferry");
            const Verb *verb = verb_find_words(words + 1, &used, &error);
            if (!verb || g_strcmp0(verb->name, columns[0]) != 0)
                fail_msg("%s: not of the verb %s", *line, columns[0]);
        }
        found++;
    }
    assert_true(found > 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verbs),
        cmocka_unit_test(test_help),
        cmocka_unit_test(test_examples),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
