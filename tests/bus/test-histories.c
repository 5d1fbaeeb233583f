/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random histories, as many as the time allows: see history.h.
 *
 * FERRY_HISTORY_SECONDS   how long (40)
 * FERRY_HISTORY_COUNT     at most so many
 * FERRY_HISTORY_SEED      the first seed; the others count on from it. Without it, a new one each day
 * FERRY_HISTORY_STEPS     "3,7,12": of one history these steps alone, as a failure prints them
 * FERRY_HISTORY_GO_ON     set: after a failure, too
 * FERRY_HISTORY_AS_IT_IS  set: doesn't look for a shorter one that fails */

#include "tests/bus/cmocka-include.h"

#include "tests/bus/history.h"
#include "tests/bus/memory-folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { USUAL_SECONDS = 40, SECONDS_PER_DAY = 86400, SEEDS_PER_DAY = 20000 };

/* For the shortest one that fails. */
#define SHRINK_US (120 * G_USEC_PER_SEC)

static guint32 number_from(const char *name, guint32 usual)
{
    const char *text = g_getenv(name);

    return text && *text ? (guint32)g_ascii_strtoull(text, NULL, 10) : usual;
}

/* What must not be, or NULL. The story is given when it failed. */
static char *run(Fixture *fixture, guint32 seed, const GArray *steps, char **ret_story)
{
    World *world = world_new(fixture, seed);
    char *failure;

    for (guint i = 0; i < steps->len && !world->failure; i++) {
        const Step *step = &g_array_index(steps, Step, i);
        gsize before = world->story->len;

        if (step->left_out)
            continue;
        history_take_step(world, step);
        if (world->story->len > before) {
            g_autofree char *number = g_strdup_printf("%2u ", i);

            g_string_insert(world->story, (gssize)before, number);
        }
    }
    world_calm(world);
    check_at_rest(world);
    failure = g_strdup(world->failure);
    if (failure && ret_story)
        *ret_story = g_strdup(world->story->str);
    world_free(world);
    return failure;
}

/* The same kind of failure: the text up to the first number or name in it may differ. */
static bool is_same(const char *a, const char *b)
{
    const char *tail_a = strrchr(a, ':'), *tail_b = strrchr(b, ':');

    return tail_a && tail_b ? strcmp(tail_a, tail_b) == 0 : strncmp(a, b, 8) == 0;
}

/* Leaves out steps, many at once first, as long as it still fails. */
static void shrink(Fixture *fixture, guint32 seed, GArray *steps, const char *failure)
{
    gint64 until = g_get_monotonic_time() + SHRINK_US;

    for (guint size = steps->len / 2; size > 0; size /= 2)
        for (guint from = steps->len; from > 0 && g_get_monotonic_time() < until;) {
            guint first = from > size ? from - size : 0;
            g_autofree char *now = NULL;
            g_autoptr(GArray) fewer = g_array_copy(steps);
            bool any = false;

            for (guint i = first; i < from; i++) {
                any |= !g_array_index(fewer, Step, i).left_out;
                g_array_index(fewer, Step, i).left_out = true;
            }
            from = first;
            if (!any)
                continue;
            now = run(fixture, seed, fewer, NULL);
            if (now && is_same(now, failure))
                memcpy(steps->data, fewer->data, steps->len * sizeof(Step));
        }
}

static char *print_steps(const GArray *steps)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < steps->len; i++)
        if (!g_array_index(steps, Step, i).left_out)
            g_string_append_printf(text, "%s%u", text->len ? "," : "", i);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void leave_out(GArray *steps, const char *list)
{
    g_auto(GStrv) numbers = g_strsplit(list, ",", -1);

    for (guint i = 0; i < steps->len; i++) {
        g_autofree char *number = g_strdup_printf("%u", i);

        g_array_index(steps, Step, i).left_out = !g_strv_contains((const char *const *)numbers, number);
    }
}

static void report(Fixture *fixture, guint32 seed, GArray *steps, const char *failure)
{
    g_autofree char *story = NULL, *now = NULL, *list = NULL;

    fprintf(stderr, "---- seed %u: %s\n", seed, failure);
    if (!g_getenv("FERRY_HISTORY_AS_IT_IS")) {
        fprintf(stderr, "---- looking for a shorter one\n");
        shrink(fixture, seed, steps, failure);
    }
    list = print_steps(steps);
    now = run(fixture, seed, steps, &story);
    if (!now)
        fprintf(stderr, "---- the shortest one that failed doesn't fail each time\n");
    fprintf(stderr, "---- %s\n%s", now ? now : failure, story ? story : "");
    fixture_print_log(fixture);
    fprintf(stderr,
            "---- again: FERRY_HISTORY_SEED=%u FERRY_HISTORY_STEPS=%s meson test -C BUILD histories "
            "--verbose\n",
            seed, list);
}

static double cpu_seconds(void)
{
    struct rusage own, children;

    (void)getrusage(RUSAGE_SELF, &own);
    (void)getrusage(RUSAGE_CHILDREN, &children);
    return (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec + children.ru_utime.tv_sec +
                    children.ru_stime.tv_sec) +
           (double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec + children.ru_utime.tv_usec +
                    children.ru_stime.tv_usec) /
               G_USEC_PER_SEC;
}

/* 0 = none is under way. */
static guint32 under_way;

static int tear_down(void **state)
{
    if (under_way)
        fprintf(stderr,
                "---- seed %u: the test itself failed there\n"
                "---- again: FERRY_HISTORY_SEED=%u FERRY_HISTORY_COUNT=1 meson test -C BUILD histories "
                "--verbose\n",
                under_way, under_way);
    return fixture_teardown(state);
}

static void test_histories(void **state)
{
    Fixture *fixture = *state;
    const char *list = g_getenv("FERRY_HISTORY_STEPS");
    guint32 seed =
        number_from("FERRY_HISTORY_SEED",
                    (guint32)(g_get_real_time() / G_USEC_PER_SEC / SECONDS_PER_DAY) * SEEDS_PER_DAY);
    guint most = list ? 1 : number_from("FERRY_HISTORY_COUNT", G_MAXUINT), n = 0, failed = 0;
    gint64 until =
        g_get_monotonic_time() + number_from("FERRY_HISTORY_SECONDS", USUAL_SECONDS) * G_TIME_SPAN_SECOND;
    bool goes_on = g_getenv("FERRY_HISTORY_GO_ON") != NULL;
    double began = cpu_seconds();

    for (; n < most && (failed == 0 || goes_on) && (g_get_monotonic_time() < until || n == 0); n++) {
        g_autoptr(GArray) steps = history_draw(seed + n, HISTORY_STEPS);
        g_autofree char *failure = NULL;

        if (list)
            leave_out(steps, list);
        under_way = seed + n;
        failure = run(fixture, seed + n, steps, NULL);
        under_way = 0;
        if (!failure)
            continue;
        failed++;
        if (goes_on)
            fprintf(stderr, "---- seed %u: %s\n", seed + n, failure);
        else
            report(fixture, seed + n, steps, failure);
    }
    print_message("# %u histories from seed %u on, %u failed, %.2f s of CPU each\n", n, seed, failed,
                  (cpu_seconds() - began) / n);
    assert_int_equal(failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_histories, fixture_setup, tear_down),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
