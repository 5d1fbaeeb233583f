/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who comes first: each part of the order decides what the parts before it left open. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/allocation/priority.h"
#include "tests/unit/fixture.h"

#define OLDER   "bbbbbbbb"
#define YOUNGER "aaaaaaaa"

/* Two pools with the same rule; the older assignment comes first by nothing but its age. */
static int set_up(void **state)
{
    fixture_setup(state);
    fixture_plug(*state, fixture_make_device(*state, "1-1", 0x0529, 1, "AAAA-1"));
    fixture_add_group(*state, "keys", (const char *const[]){ "vendor=0529", NULL });
    fixture_add_group(*state, "others", (const char *const[]){ "vendor=0529", NULL });
    fixture_assign(*state, OLDER, DESK, "keys", NULL, "1");
    fixture_assign(*state, YOUNGER, STUDIO, "others", NULL, "1");
    return 0;
}

static void assert_first(Fixture *fixture, const char *id, bool also_for_sets)
{
    g_autoptr(Attachments) attachments = attachments_new(fixture->registry);
    const Device *device = registry_device(fixture->registry, "1-1");
    const Assignment *first = registry_assignment(fixture->registry, id);
    const Assignment *other =
        registry_assignment(fixture->registry, g_str_equal(id, OLDER) ? YOUNGER : OLDER);

    assert_true(priority_compare(fixture->registry, attachments, device, first, other) > 0);
    assert_true(priority_compare(fixture->registry, attachments, device, other, first) < 0);
    assert_true((priority_compare_sets(fixture->registry, first, other) > 0) == also_for_sets);
    assert_true((priority_compare_sets(fixture->registry, other, first) < 0) == also_for_sets);
}

static void test_each_part(void **state)
{
    Fixture *fixture = *state;
    Assignment *older = registry_assignment(fixture->registry, OLDER);
    Assignment *younger = registry_assignment(fixture->registry, YOUNGER);

    assert_first(fixture, OLDER, true);
    younger->sequence = older->sequence;
    assert_first(fixture, YOUNGER, true); /* the smaller id */
    older->rule = rule_parse("vendor=0529 product=0001", NULL);
    assert_first(fixture, OLDER, false);
    registry_group(fixture->registry, "others")->priority = 1;
    assert_first(fixture, YOUNGER, true);
    older->priority = 1;
    assert_first(fixture, OLDER, true);
    fixture_put_into(fixture, "1-1", YOUNGER);
    assert_first(fixture, YOUNGER, false);
}

static void assert_why(Fixture *fixture, const char *id, const char *expected)
{
    g_autoptr(Attachments) attachments = attachments_new(fixture->registry);
    g_autofree char *why =
        priority_why(fixture->registry, attachments, registry_device(fixture->registry, "1-1"),
                     registry_assignment(fixture->registry, id),
                     registry_assignment(fixture->registry, g_str_equal(id, OLDER) ? YOUNGER : OLDER));

    if (expected)
        assert_string_equal(why, expected);
    else
        assert_null(why);
}

/* Whoever comes second is told why, in the order of what decides. */
static void test_why(void **state)
{
    Fixture *fixture = *state;
    Assignment *older = registry_assignment(fixture->registry, OLDER);

    assert_why(fixture, OLDER, "it is older");
    assert_why(fixture, YOUNGER, NULL);
    registry_assignment(fixture->registry, YOUNGER)->quantity_kind = QUANTITY_SET;
    assert_why(fixture, YOUNGER, "it takes a whole set, and sets are filled first");
    registry_machine(fixture->registry, DESK)->info->state = MACHINE_STATE_SHUTOFF;
    assert_why(fixture, YOUNGER, "VM \"desk\" is not running");
    older->rule = rule_parse("vendor=0529 product=0001", NULL);
    assert_why(fixture, OLDER, "its rule is more exact");
    registry_group(fixture->registry, "others")->priority = 7;
    assert_why(fixture, YOUNGER, "its group's priority is higher (7, not 0)");
    older->priority = 1;
    assert_why(fixture, OLDER, "its priority is higher (1, not 0)");
    fixture_put_into(fixture, "1-1", YOUNGER);
    assert_why(fixture, YOUNGER, "its VM has it");
}

/* A rule of the group counts as well as one of the assignment. */
static void test_specificity_of_the_group(void **state)
{
    Fixture *fixture = *state;

    group_add_rule(registry_group(fixture->registry, "others"), rule_parse("serial=AAAA-1", NULL), "admin");
    memberships_rebuild(fixture->memberships);
    assert_first(fixture, YOUNGER, false);
}

static bool has_it(Fixture *fixture, const char *id)
{
    g_autoptr(Attachments) attachments = attachments_new(fixture->registry);

    return priority_has_it(fixture->registry, attachments, registry_assignment(fixture->registry, id),
                           registry_device(fixture->registry, "1-1"));
}

static void test_has_it(void **state)
{
    Fixture *fixture = *state;
    Assignment *older = registry_assignment(fixture->registry, OLDER);

    assert_false(has_it(fixture, OLDER));
    fixture_put_into(fixture, "1-1", OLDER);
    assert_true(has_it(fixture, OLDER));
    assert_false(has_it(fixture, YOUNGER));
    /* The assignment is another machine's now. */
    g_free(older->machine_uuid);
    older->machine_uuid = g_strdup(LOFT);
    assert_false(has_it(fixture, OLDER));
    /* As long as a reset takes, wherever the device is. */
    reservations_set(fixture->registry->reservations, "1-1", YOUNGER, RESERVATION_RESET);
    assert_true(has_it(fixture, YOUNGER));
    assert_false(has_it(fixture, OLDER));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_part),
        TEST(test_why),
        TEST(test_specificity_of_the_group),
        TEST(test_has_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
