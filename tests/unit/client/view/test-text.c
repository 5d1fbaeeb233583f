/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The client's pure parts that make text: nothing from the bus may act on a terminal or break JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/bus/client.h"
#include "client/bus/escape.h"
#include "client/view/json.h"
#include "client/verbs/options.h"
#include "client/bus/outcome.h"
#include "client/bus/variant.h"
#include "client/verbs/verbs.h"

static void test_escape(void **state)
{
    static const struct {
        const char *raw, *text;
    } cases[] = {
        { NULL, "" },
        { "Tast\xc3\xa4tur", "Tast\xc3\xa4tur" },
        { "a\033[31mb\x7f", "a\\x1b[31mb\\x7f" },
        { "a\xc2\x9b"
          "31m",
          "a\\x9b31m" },                           /* CSI in one character */
        { "a\xe2\x80\xaetxt", "a\\u202etxt" },     /* right-to-left override */
        { "a\xe2\x80\xa8z", "a\\u2028z" },         /* line separator */
        { "a\xff\xc3(\xc3", "a\\xff\\xc3(\\xc3" }, /* no UTF-8, and cut off */
        { "a\nb\r", "a\\x0ab\\x0d" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = escape_text(cases[i].raw);
        assert_string_equal(text, cases[i].text);
    }

    /* no line of a message stands where ours do */
    g_autofree char *message = escape_message("two:\nusbferry: done\r\n");
    assert_string_equal(message, "two:\n  usbferry: done\\x0d\n  ");
}

static void test_json(void **state)
{
    static const struct {
        const char *value, *json;
    } cases[] = {
        { "'a\"\\\\'", "\"a\\\"\\\\\"" },
        { "'\\u001b\\u009b\\u202e\\u00e4'", "\"\\u001b\\u009b\\u202e\xc3\xa4\"" },
        { "'\\U000e0001'", "\"\\udb40\\udc01\"" }, /* a format character beyond the first plane */
        { "{'A': <true>, 'B': <uint64 18446744073709551615>, 'C': <int32 -1>}",
          "{\"A\":true,\"B\":18446744073709551615,\"C\":-1}" },
        { "@a(os) [('/', 'host')]", "[[\"/\",\"host\"]]" },
        { "@a(yyy) [(3, 1, 255)]", "[[3,1,255]]" },
        { "@as []", "[]" },
        { "@a{sv} {}", "{}" },
        { "@mv nothing", "null" },
        { "[<1.5>, <'x'>]", "[1.5,\"x\"]" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GVariant) value = g_variant_ref_sink(g_variant_new_parsed(cases[i].value));
        g_autofree char *json = json_from_variant(value, /* pretty= */ false);
        assert_string_equal(json, cases[i].json);
    }

    g_autoptr(GVariant) value = g_variant_ref_sink(g_variant_new_parsed("{'a': <[1, 2]>, 'b': <@as []>}"));
    g_autofree char *json = json_from_variant(value, /* pretty= */ true);
    assert_string_equal(json, "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": []\n}");
}

static void test_variant_to_text(void **state)
{
    g_autoptr(GVariant) value =
        g_variant_ref_sink(g_variant_new_parsed("[{'a': <true>, 'b': <('x', uint16 7)>}, {'c': <'\\n'>}]"));
    g_autofree char *text = variant_to_text(value);
    assert_string_equal(text, "a=yes, b=x 7, c=\\x0a");

    g_autofree char *none = variant_to_text(NULL);
    assert_string_equal(none, "");
}

static void test_outcomes(void **state)
{
    static const struct {
        const char *name;
        Outcome outcome;
    } cases[] = {
        { "org.usbferry1.Error.NoSuchDevice", OUTCOME_NOT_FOUND },
        { "org.usbferry1.Error.DeviceBusy", OUTCOME_BUSY },
        { "org.usbferry1.Error.Ambiguous", OUTCOME_USAGE },
        { "org.usbferry1.Error.Hypervisor", OUTCOME_FAILED },
        { "org.usbferry1.Error.OfALaterVersion", OUTCOME_FAILED },
        { "org.freedesktop.DBus.Error.AccessDenied", OUTCOME_DENIED },
        { "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", OUTCOME_DENIED },
        { "org.freedesktop.DBus.Error.UnknownObject", OUTCOME_NOT_FOUND },
        { "com.example.Error.DeviceBusy", OUTCOME_FAILED },
        { "DeviceBusy", OUTCOME_FAILED },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_int_equal(outcome_from_error_name(cases[i].name), cases[i].outcome);

    sd_bus_error bus_error =
        SD_BUS_ERROR_MAKE_CONST("org.usbferry1.Error.DeviceBusy", "046d:c31c is attached\033[2J");
    g_autoptr(GError) error = error_from_bus(&bus_error, -EBUSY);
    assert_int_equal(error->code, OUTCOME_BUSY);
    assert_string_equal(error->message, "DeviceBusy: 046d:c31c is attached\\x1b[2J");
}

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
        Client client = { .verb = verb_find("give") };
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
        cmocka_unit_test(test_escape),          cmocka_unit_test(test_json),
        cmocka_unit_test(test_variant_to_text), cmocka_unit_test(test_outcomes),
        cmocka_unit_test(test_options),         cmocka_unit_test(test_verbs),
        cmocka_unit_test(test_option_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
