/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Everything at once, and then quiet: what the service says, what the machines have and what was decided must
 * agree, and what was acknowledged is there.
 *
 * FERRY_TEST_SEED and FERRY_TEST_CALLS choose another run than the usual one. The seed gives the same steps,
 * but what each of them meets is a matter of time: run it several times. */

#include "tests/bus/cmocka-include.h"

#include "tests/bus/memory-folder.h"
#include "tests/bus/storm.h"

#define SEED  20260102
#define STEPS 600

/* From the last step until all agrees: longer than the pause after an attach that failed several times. */
#define CALM_US (240 * G_USEC_PER_SEC)

/* What a reset waits for comes within this. */
#define REPLUG_US (2 * G_USEC_PER_SEC)

static unsigned from_environment(const char *name, unsigned usual)
{
    const char *text = g_getenv(name);

    return text ? (unsigned)g_ascii_strtoull(text, NULL, 10) : usual;
}

static void converge(Storm *storm)
{
    gint64 deadline = g_get_monotonic_time() + CALM_US;
    gint64 replug_at = g_get_monotonic_time() + REPLUG_US;

    for (;;) {
        g_autofree char *wrong = NULL;

        while (sd_bus_process(storm->fixture->bus, NULL) > 0)
            continue;
        storm_reset_held(storm);
        wrong = storm_check(storm);
        if (!wrong)
            return;
        if (g_get_monotonic_time() > deadline || !fixture_daemon_lives(storm->fixture)) {
            fixture_print_log(storm->fixture);
            fail_msg("seed %u: it does not converge: %s", storm->seed, wrong);
        }
        if (storm->open > 0 && g_get_monotonic_time() > replug_at) {
            storm_replug(storm);
            replug_at = g_get_monotonic_time() + REPLUG_US;
        }
        (void)sd_bus_wait(storm->fixture->bus, 50 * G_TIME_SPAN_MILLISECOND);
    }
}

static void run(Fixture *fixture, bool kills)
{
    Storm *storm = storm_new(fixture, from_environment("FERRY_TEST_SEED", SEED), kills);
    guint n = from_environment("FERRY_TEST_CALLS", STEPS);
    gint64 began = g_get_monotonic_time(), calmed;

    print_message("# seed %u\n", storm->seed);
    for (guint i = 0; i < n; i++)
        storm_step(storm);
    calmed = g_get_monotonic_time();
    storm_calm(storm);
    converge(storm);
    print_message("# %u calls worked; storm %.1f s, calm %.1f s\n", storm->worked,
                  (double)(calmed - began) / G_USEC_PER_SEC,
                  (double)(g_get_monotonic_time() - calmed) / G_USEC_PER_SEC);
    storm_reset_all(storm);
    converge(storm);
    storm_free(storm);
}

static void test_storm(void **state)
{
    run(*state, false);
}

static void test_storm_with_kills(void **state)
{
    run(*state, true);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_storm),
        TEST(test_storm_with_kills),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
