/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Figures that people may set: as they are written, their ranges, and what can't go together. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <glib.h>

#include "daemon/base/tuning.h"

#define S ((gint64)G_USEC_PER_SEC)

static void test_usual(void **state)
{
    const TuningSet usual = {};
    Tuning which = _TUNING_MAX;

    assert_null(tuning_contradiction(&usual, &which));
    assert_int_equal(which, _TUNING_MAX);
    for (Tuning tuning = 0; tuning < _TUNING_MAX; tuning++) {
        g_autofree char *text = tuning_print(tuning, tuning_get(tuning));
        TuningSet set = {};

        assert_int_equal(tuning_get(tuning), tuning_in_set(&usual, tuning));
        assert_true(tuning_parse(&set, tuning, text));
        assert_memory_equal(&set, &usual, sizeof set);
    }
    assert_int_equal(tuning_get(TUNING_HANG), MACHINE_HANGS_US);
    assert_int_equal(tuning_get(TUNING_ASSIGNMENTS), ASSIGNMENTS_MAX);
}

static void test_good(void **state)
{
    static const struct {
        Tuning tuning;
        const char *text;
        gint64 value;
    } rows[] = {
        { TUNING_GROUPS, "1", 1 },
        { TUNING_ASSIGNMENTS_PER_USER, "0", 0 },
        { TUNING_ASSIGNMENTS_PER_USER, "1024", 1024 },
        { TUNING_HANG, "10s", 10 * S },
        { TUNING_HANG, "10min", 600 * S },
        { TUNING_HANG, "12500ms", 12500 * S / 1000 },
        { TUNING_QUARANTINE_LAST, "1h", 3600 * S },
        { TUNING_POWER_OFF, "500ms", S / 2 },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        TuningSet set = {};

        assert_true(tuning_parse(&set, rows[i].tuning, rows[i].text));
        assert_int_equal(tuning_in_set(&set, rows[i].tuning), rows[i].value);
    }
}

static void test_bad(void **state)
{
    static const struct {
        Tuning tuning;
        const char *text;
    } rows[] = {
        { TUNING_GROUPS, "" },
        { TUNING_GROUPS, "0" },
        { TUNING_GROUPS, "1025" },
        { TUNING_GROUPS, "-1" },
        { TUNING_GROUPS, "+5" },
        { TUNING_GROUPS, " 5" },
        { TUNING_GROUPS, "5s" },
        { TUNING_GROUPS, "5.0" },
        { TUNING_GROUPS, "0x10" },
        { TUNING_GROUPS, "99999999999999999999" },
        { TUNING_HANG, "" },
        { TUNING_HANG, "s" },
        { TUNING_HANG, "30" },
        { TUNING_HANG, "30 s" },
        { TUNING_HANG, "30sec" },
        { TUNING_HANG, "30S" },
        { TUNING_HANG, "1.5min" },
        { TUNING_HANG, "9s" },
        { TUNING_HANG, "9999ms" },
        { TUNING_HANG, "11min" },
        { TUNING_HANG, "1h" },
        { TUNING_HANG, "-30s" },
        { TUNING_HANG, "9223372036854775807h" },
        { TUNING_HANG, "5124095576030432h" },
        { TUNING_STEADY, "0s" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const TuningSet usual = {};
        TuningSet set = {};

        assert_false(tuning_parse(&set, rows[i].tuning, rows[i].text));
        assert_memory_equal(&set, &usual, sizeof set);
    }
}

static void test_expected(void **state)
{
    g_autofree char *limit = tuning_expected(TUNING_QUESTIONS_PER_USER);
    g_autofree char *time = tuning_expected(TUNING_POWER_OFF);

    assert_string_equal(limit, "a number from 1 to 64");
    assert_string_equal(time, "a time from 500ms to 30s, such as 2s");
}

static void assert_contradiction(Tuning one, const char *text, const char *expected)
{
    TuningSet set = {};
    Tuning which = _TUNING_MAX;
    g_autofree char *contradiction = NULL;

    assert_true(tuning_parse(&set, one, text));
    contradiction = tuning_contradiction(&set, &which);
    if (!expected) {
        assert_null(contradiction);
        return;
    }
    assert_string_equal(contradiction, expected);
    assert_int_equal(which, one);
}

static void test_contradictions(void **state)
{
    assert_contradiction(TUNING_PING, "29s", NULL);
    assert_contradiction(TUNING_PING, "30s", "Hang=30s must be more than Ping=30s");
    assert_contradiction(TUNING_QUARANTINE_FIRST, "5min", NULL);
    assert_contradiction(TUNING_QUARANTINE_FIRST, "6min",
                         "QuarantineLast=5min must be at least QuarantineFirst=6min");
    assert_contradiction(TUNING_QUARANTINE_LAST, "4s",
                         "QuarantineLast=4s must be at least QuarantineFirst=5s");
    assert_contradiction(TUNING_ASSIGNMENTS, "257", NULL);
    assert_contradiction(TUNING_ASSIGNMENTS, "256",
                         "Assignments=256 must be more than AssignmentsForRoot=256");
}

static void test_set(void **state)
{
    const TuningSet usual = {};
    TuningSet set = {};

    assert_true(tuning_parse(&set, TUNING_HANG, "1min"));
    tuning_set(&set);
    assert_int_equal(tuning_get(TUNING_HANG), 60 * S);
    assert_int_equal(tuning_get(TUNING_PING), PING_US);
    tuning_set(&usual);
    assert_int_equal(tuning_get(TUNING_HANG), MACHINE_HANGS_US);
}

/* usbferry.conf(5) has each with what is usual and its range. */
static void test_page(void **state)
{
    const char *path = g_getenv("FERRY_SETTINGS_PAGE");
    g_autofree char *page = NULL;

    assert_non_null(path);
    assert_true(g_file_get_contents(path, &page, NULL, NULL));
    for (Tuning tuning = 0; tuning < _TUNING_MAX; tuning++) {
        g_autofree char *usual = tuning_print(tuning, tuning_get(tuning));
        g_autofree char *expected = tuning_expected(tuning);
        const char *range = strstr(expected, "from ");
        g_autofree char *bounds = g_strndup(range, strcspn(range, ","));
        g_autofree char *line = g_strdup_printf("\n%s=%s, %s\n", tuning_key(tuning), usual, bounds);

        if (!strstr(page, line))
            fail_msg("the page has no line \"%s\"", g_strstrip(line));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_usual),    cmocka_unit_test(test_good),           cmocka_unit_test(test_bad),
        cmocka_unit_test(test_expected), cmocka_unit_test(test_contradictions), cmocka_unit_test(test_set),
        cmocka_unit_test(test_page),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
