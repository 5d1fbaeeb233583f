/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Terms: when they begin and end, by a clock that is the test's, and what is left after a restart, a reboot,
 * a sleep, and a clock that was set. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "daemon/model/term.h"

#define S ((int64_t)G_USEC_PER_SEC)

static struct {
    int64_t boottime, realtime;
} host;

int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
gint64 __wrap_g_get_real_time(void);

int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
    assert_int_equal(clock, CLOCK_BOOTTIME);
    *time = (struct timespec){ .tv_sec = host.boottime / S, .tv_nsec = host.boottime % S * 1000 };
    return 0;
}

gint64 __wrap_g_get_real_time(void)
{
    return host.realtime;
}

static int set_up(void **state)
{
    host.boottime = 1000 * S;
    host.realtime = 1800000000 * S;
    return 0;
}

static void test_begins_and_ends(void **state)
{
    Term term = { .seconds = 20 };

    assert_true(term_is_to_begin(&term));
    assert_false(term_is_over(&term, term_now()));
    assert_int_equal(term_seconds_left(&term, term_now()), 0);
    term_begin(&term);
    assert_false(term_is_to_begin(&term));
    assert_int_equal(term_seconds_left(&term, term_now()), 20);
    assert_true(term.ends_clock == host.realtime + 20 * S);
    host.boottime += 1;
    assert_int_equal(term_seconds_left(&term, term_now()), 20);
    host.boottime += 20 * S - 2;
    assert_int_equal(term_seconds_left(&term, term_now()), 1);
    assert_false(term_is_over(&term, term_now()));
    host.boottime += 1;
    assert_true(term_is_over(&term, term_now()));
    assert_int_equal(term_seconds_left(&term, term_now()), 0);
}

static void test_none(void **state)
{
    Term term = {};

    term_begin(&term);
    assert_true(term.ends_at == 0);
    assert_false(term_is_to_begin(&term));
    assert_false(term_is_over(&term, G_MAXINT64));
    assert_null(term_print_end(&term));
}

static void test_the_first_one_counts(void **state)
{
    Term trial = { .seconds = 20 }, lease = { .seconds = 60 };

    assert_null(term_next(&trial, &lease));
    term_begin(&lease);
    assert_ptr_equal(term_next(&trial, &lease), &lease);
    term_begin(&trial);
    assert_ptr_equal(term_next(&trial, &lease), &trial);
    lease.ends_at = trial.ends_at - 1;
    assert_ptr_equal(term_next(&trial, &lease), &lease);
    trial = (Term){};
    assert_ptr_equal(term_next(&trial, &lease), &lease);
}

/* The service ended and began; the clock was set meanwhile, by years. */
static void test_the_same_boot(void **state)
{
    Term term = { .seconds = 20 }, again = { .seconds = 20 };
    g_autofree char *text = NULL;

    term_begin(&term);
    text = term_print_end(&term);
    host.boottime += 5 * S;
    host.realtime -= 100000000 * S;
    assert_true(term_read_end(&again, text));
    term_bound(&again);
    assert_int_equal(term_seconds_left(&again, term_now()), 15);
    assert_true(again.ends_clock == term.ends_clock);
}

/* Its boot is another one than this. */
static char *print_of_last_boot(const Term *term)
{
    return g_strdup_printf("%" G_GINT64_FORMAT " %" G_GINT64_FORMAT " 00000000-0000-0000-0000-000000000000",
                           (gint64)term->ends_clock, (gint64)term->ends_at);
}

static Term reboot(const Term *term, int64_t took)
{
    Term again = { .seconds = term->seconds };
    g_autofree char *text = print_of_last_boot(term);

    host.boottime = 3 * S;
    host.realtime += took;
    assert_true(term_read_end(&again, text));
    term_bound(&again);
    return again;
}

static void test_a_reboot(void **state)
{
    Term term = { .seconds = 7200 }, again;

    term_begin(&term);
    again = reboot(&term, 90 * S);
    assert_int_equal(term_seconds_left(&again, term_now()), 7110);
    assert_true(again.ends_clock == term.ends_clock);
}

static void test_it_ended_while_the_host_was_off(void **state)
{
    Term term = { .seconds = 20 }, again;

    term_begin(&term);
    again = reboot(&term, 3600 * S);
    assert_true(term_is_over(&again, term_now()));
}

/* Of a host without a clock it is 1970: not more than the whole. */
static void test_a_reboot_into_the_past(void **state)
{
    Term term = { .seconds = 20 }, again;

    term_begin(&term);
    again = reboot(&term, -1700000000 * S);
    assert_int_equal(term_seconds_left(&again, term_now()), 20);
}

static void test_bad_texts(void **state)
{
    static const char *const texts[] = { "",       "1",       "1 2",    "0 1 a",
                                         "1 0 a",  "a 1 b",   "1 a b",  "-1 1 a",
                                         "1 -1 a", "1 1.5 a", " 1 1 a", "9223372036854775808 1 a" };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        Term term = { .seconds = 20 };

        if (term_read_end(&term, texts[i]))
            fail_msg("taken: %s", texts[i]);
        assert_true(term.ends_at == 0);
    }
}

/* A hand wrote it: no more than the whole, and no overflow. */
static void test_far_away(void **state)
{
    Term term = { .seconds = 20 };

    assert_true(term_read_end(&term, "9223372036854775807 9223372036854775807 x"));
    term_bound(&term);
    assert_int_equal(term_seconds_left(&term, term_now()), 20);
}

static void test_texts(void **state)
{
    static const struct {
        uint32_t seconds;
        const char *text;
    } lengths[] = { { 1, "1 s" },        { 20, "20 s" },  { 60, "1 min" },
                    { 61, "1 min 1 s" }, { 7200, "2 h" }, { 90000, "1 d 1 h" } };

    for (gsize i = 0; i < G_N_ELEMENTS(lengths); i++) {
        g_autofree char *text = term_length_text(lengths[i].seconds);

        assert_string_equal(text, lengths[i].text);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_up)
    const struct CMUnitTest tests[] = {
        TEST(test_begins_and_ends),
        TEST(test_none),
        TEST(test_the_first_one_counts),
        TEST(test_the_same_boot),
        TEST(test_a_reboot),
        TEST(test_it_ended_while_the_host_was_off),
        TEST(test_a_reboot_into_the_past),
        TEST(test_bad_texts),
        TEST(test_far_away),
        TEST(test_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
