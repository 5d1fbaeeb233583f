/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether guests may reset: what the assignment says, else its group, else no. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/allocation/guest-reset.h"
#include "tests/unit/fixture.h"

#define POOL "aaaaaaaa"

static int set_up(void **state)
{
    fixture_setup(state);
    fixture_add_group(*state, "keys", (const char *const[]){ "vendor=0529", NULL });
    fixture_assign(*state, POOL, DESK, "keys", NULL, "1");
    return 0;
}

static void test_who_says_it(void **state)
{
    static const struct {
        Choice own, own_all;
        bool group, group_all;
        GuestReset wanted;
    } cases[] = {
        { CHOICE_OPEN, CHOICE_OPEN, false, false, GUEST_RESET_OFF },
        { CHOICE_OPEN, CHOICE_OPEN, true, false, GUEST_RESET_UNINITIALIZED },
        { CHOICE_OPEN, CHOICE_OPEN, false, true, GUEST_RESET_ON },
        { CHOICE_YES, CHOICE_OPEN, false, false, GUEST_RESET_UNINITIALIZED },
        { CHOICE_NO, CHOICE_OPEN, true, false, GUEST_RESET_OFF },
        { CHOICE_OPEN, CHOICE_YES, false, false, GUEST_RESET_ON },
        { CHOICE_OPEN, CHOICE_NO, false, true, GUEST_RESET_OFF },
        { CHOICE_OPEN, CHOICE_NO, true, true, GUEST_RESET_UNINITIALIZED },
        /* All of them includes some. */
        { CHOICE_NO, CHOICE_YES, false, false, GUEST_RESET_ON },
        { CHOICE_NO, CHOICE_OPEN, false, true, GUEST_RESET_ON },
    };
    Fixture *fixture = *state;
    Assignment *assignment = registry_assignment(fixture->registry, POOL);
    Group *group = registry_group(fixture->registry, "keys");

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        assignment->own_guest_reset = cases[i].own;
        assignment->own_guest_resets_all = cases[i].own_all;
        group->allow_guest_reset = cases[i].group;
        group->allow_guest_resets_all = cases[i].group_all;
        if (guest_reset_wanted(fixture->registry, assignment) != cases[i].wanted)
            fail_msg("case %zu", i);
        assert_true(guest_reset_allowed(fixture->registry, assignment) ==
                    (cases[i].wanted != GUEST_RESET_OFF));
        assert_true(guest_resets_all_allowed(fixture->registry, assignment) ==
                    (cases[i].wanted == GUEST_RESET_ON));
    }
}

static void test_no_group(void **state)
{
    Fixture *fixture = *state;
    Assignment *assignment = registry_assignment(fixture->registry, POOL);

    g_free(assignment->group);
    assignment->group = g_strdup("gone");
    assert_int_equal(guest_reset_wanted(fixture->registry, assignment), GUEST_RESET_OFF);
    g_clear_pointer(&assignment->group, g_free);
    assert_int_equal(guest_reset_wanted(fixture->registry, assignment), GUEST_RESET_OFF);
    assignment->own_guest_reset = CHOICE_YES;
    assert_int_equal(guest_reset_wanted(fixture->registry, assignment), GUEST_RESET_UNINITIALIZED);
}

static void test_differs(void **state)
{
    Fixture *fixture = *state;
    Assignment *assignment = registry_assignment(fixture->registry, POOL);
    Hostdev hostdev = { .guest_reset = GUEST_RESET_OFF };

    assert_false(guest_reset_differs(fixture->registry, &hostdev, assignment));
    assignment->own_guest_reset = CHOICE_YES;
    assert_true(guest_reset_differs(fixture->registry, &hostdev, assignment));
    /* A libvirt that doesn't know it: the next try would come out the same. */
    hostdev.guest_reset = GUEST_RESET_DEFAULT;
    assert_false(guest_reset_differs(fixture->registry, &hostdev, assignment));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_who_says_it),
        TEST(test_no_group),
        TEST(test_differs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
