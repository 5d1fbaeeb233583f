/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When something is repaired again that couldn't be repaired. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/reconciler/repair.h"

#define SECOND ((gint64)G_USEC_PER_SEC)
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)

/* So many tries in a day. */
static unsigned try_for_a_day(Repair *repair, const char *about, gint64 *now)
{
    gint64 end = *now + DAY;
    unsigned tries = 0;

    while (*now < end) {
        gint64 wake = 0;

        if (repair_is_due(repair, about, *now, &wake)) {
            repair_begin(repair, *now);
            tries++;
            continue;
        }
        assert_true(wake > *now);
        *now = wake;
    }
    return tries;
}

static void clear(Repair *repair)
{
    g_free(repair->about);
    g_free(repair->error);
}

/* Soon at first, and hardly ever in the end. */
static void test_backs_off(void **state)
{
    Repair repair = { 0 };
    gint64 now = DAY;
    unsigned first = try_for_a_day(&repair, "image", &now), second = try_for_a_day(&repair, "image", &now);

    assert_in_range(first, 20, 40);
    assert_in_range(second, 23, 25);
    clear(&repair);
}

static void test_tries_at_once_what_is_new(void **state)
{
    Repair repair = { 0 };
    gint64 now = DAY, wake = 0;

    try_for_a_day(&repair, "image", &now);
    now = repair.last_at + 2 * SECOND;
    assert_false(repair_is_due(&repair, "image", now, &wake));
    assert_true(repair_is_due(&repair, "another image", now, &wake));
    repair_begin(&repair, now);
    /* But not all the time. */
    wake = 0;
    assert_false(repair_is_due(&repair, "image", now, &wake));
    assert_int_equal(wake, now + SECOND);
    clear(&repair);
}

static void test_forgets(void **state)
{
    Repair repair = { 0 };
    gint64 now = DAY, wake = 0;

    try_for_a_day(&repair, "image", &now);
    now = repair.last_at + 2 * SECOND;
    assert_false(repair_is_due(&repair, "image", now, &wake));
    repair_forget_failures(&repair);
    assert_true(repair_is_due(&repair, "image", now, &wake));
    clear(&repair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_backs_off),
        cmocka_unit_test(test_tries_at_once_what_is_new),
        cmocka_unit_test(test_forgets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
