/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When the next turn is due: at once after a rest or a short turn, when the events pause, or when it has
 * waited long enough. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/reconciler/pace.h"

#define MS    G_TIME_SPAN_MILLISECOND
#define BEGAN (100 * G_USEC_PER_SEC)
#define TOOK  (5 * MS)
#define ENDED (BEGAN + TOOK)
#define REST  (20 * TOOK)

static Pace after(gint64 took)
{
    Pace pace = {};

    pace_turned(&pace, took, ENDED);
    return pace;
}

static void the_first_one_is_due_at_once(void **state)
{
    Pace pace = {};

    assert_int_equal(pace_due(&pace, BEGAN), BEGAN);
}

static void it_is_due_at_once_after_a_rest(void **state)
{
    Pace pace = after(TOOK);

    assert_int_equal(pace_due(&pace, ENDED + REST), ENDED + REST);
    assert_int_equal(pace_due(&pace, ENDED + REST + 7), ENDED + REST + 7);
}

static void it_is_due_when_the_events_pause(void **state)
{
    Pace pace = after(TOOK);

    assert_int_equal(pace_due(&pace, ENDED), ENDED + TOOK);
    assert_int_equal(pace_due(&pace, ENDED + MS), ENDED + MS + TOOK);
}

static void events_without_a_pause_hold_it_up_for_the_rest_and_no_longer(void **state)
{
    Pace pace = after(TOOK);

    for (gint64 now = ENDED; now < ENDED + REST; now += MS)
        assert_true(pace_due(&pace, now) <= ENDED + REST);
    assert_int_equal(pace_due(&pace, ENDED + REST - 1), ENDED + REST);
}

static void one_after_a_short_turn_is_due_at_once(void **state)
{
    Pace pace = after(2 * MS - 1);

    assert_int_equal(pace_due(&pace, ENDED), ENDED);
    pace = after(2 * MS);
    assert_int_equal(pace_due(&pace, ENDED), ENDED + 2 * MS);
}

static void a_long_turn_holds_up_no_longer_than_one_of_ten_ms(void **state)
{
    Pace pace = after(500 * MS);

    assert_int_equal(pace_due(&pace, ENDED), ENDED + 10 * MS);
    assert_int_equal(pace_due(&pace, ENDED + 200 * MS), ENDED + 200 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_one_is_due_at_once),
        cmocka_unit_test(it_is_due_at_once_after_a_rest),
        cmocka_unit_test(it_is_due_when_the_events_pause),
        cmocka_unit_test(events_without_a_pause_hold_it_up_for_the_rest_and_no_longer),
        cmocka_unit_test(one_after_a_short_turn_is_due_at_once),
        cmocka_unit_test(a_long_turn_holds_up_no_longer_than_one_of_ten_ms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
