/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The registry: the order in which assignments are made. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/fixture.h"

static Assignment *add(Fixture *fixture, const char *id, int64_t sequence)
{
    Assignment *assignment = fixture_make_assignment(fixture, id, DESK, NULL, "vendor=0529", "1");

    assignment->sequence = sequence;
    registry_add_assignment(fixture->registry, assignment);
    return assignment;
}

static void test_next_sequence(void **state)
{
    Fixture *fixture = *state;
    Registry *registry = fixture->registry;

    assert_true(registry_next_sequence(registry) == 1);
    add(fixture, "aaaaaaaa", 7);
    add(fixture, "bbbbbbbb", 1700000000000000);
    assert_true(registry_next_sequence(registry) == 1700000000000001);
    registry_remove_assignment(registry, registry_assignment(registry, "bbbbbbbb"));
    assert_true(registry_next_sequence(registry) == 8);
    /* a hand has written that */
    add(fixture, "cccccccc", ASSIGNMENT_SEQUENCE_MAX);
    assert_true(registry_next_sequence(registry) == ASSIGNMENT_SEQUENCE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_next_sequence, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
