/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One device for each rule, all or nothing. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/allocation/set-matching.h"
#include "tests/unit/fixture.h"

static int set_up(void **state)
{
    fixture_setup(state);
    fixture_plug(*state, fixture_make_device(*state, "1-1", 0x0529, 1, "AAAA-1"));
    fixture_plug(*state, fixture_make_device(*state, "1-2", 0x0529, 1, "BBBB-2"));
    fixture_plug(*state, fixture_make_device(*state, "1-3", 0x0529, 1, "CCCC-3"));
    fixture_plug(*state, fixture_make_device(*state, "1-4", 0x046d, 7, ""));
    return 0;
}

/* sysnames: "1-1 1-2", the ones to prefer first. expected: NULL = nothing. */
static void assert_chooses(Fixture *fixture, const char *group, const char *sysnames, const char *expected)
{
    g_auto(GStrv) names = g_strsplit(sysnames, " ", -1);
    g_autoptr(GPtrArray) devices = g_ptr_array_new();
    g_autoptr(GPtrArray) chosen = NULL;
    g_autoptr(GString) text = g_string_new(NULL);

    for (char **name = names; *name; name++)
        g_ptr_array_add(devices, registry_device(fixture->registry, *name));
    chosen = set_matching_choose(registry_group(fixture->registry, group), fixture->registry->node, devices);
    for (guint i = 0; chosen && i < chosen->len; i++)
        g_string_append_printf(text, "%s%s", i ? " " : "", ((const Device *)chosen->pdata[i])->sysname);
    if (expected)
        assert_non_null(chosen);
    else
        assert_null(chosen);
    assert_string_equal(text->str, expected ? expected : "");
}

static void test_all_or_nothing(void **state)
{
    Fixture *fixture = *state;

    fixture_add_group(fixture, "pair", (const char *const[]){ "vendor=0529", "vendor=046d", NULL });
    assert_chooses(fixture, "pair", "1-1 1-4", "1-1 1-4");
    assert_chooses(fixture, "pair", "1-1 1-2 1-3", NULL);
    assert_chooses(fixture, "pair", "1-4", NULL);
}

static void test_those_to_prefer(void **state)
{
    Fixture *fixture = *state;

    fixture_add_group(fixture, "two", (const char *const[]){ "vendor=0529", "vendor=0529", NULL });
    assert_chooses(fixture, "two", "1-3 1-2 1-1", "1-3 1-2");
}

/* Whoever fits two rules moves on, along a chain if need be. */
static void test_moves(void **state)
{
    Fixture *fixture = *state;

    fixture_add_group(
        fixture, "chain",
        (const char *const[]){ "vendor=0529", "vendor=0529 serial!=CCCC-3", "serial=AAAA-1", NULL });
    assert_chooses(fixture, "chain", "1-1 1-2 1-3", "1-1 1-2 1-3");
    assert_chooses(fixture, "chain", "1-1 1-2", NULL);
    assert_chooses(fixture, "chain", "1-2 1-3 1-4", NULL);
}

static void test_rules_that_do_not_count(void **state)
{
    Fixture *fixture = *state;
    Group *group;

    fixture_add_group(fixture, "pair", (const char *const[]){ "vendor=0529", "vendor=9999", NULL });
    group = registry_group(fixture->registry, "pair");
    assert_chooses(fixture, "pair", "1-1 1-2", NULL);
    ((GroupRule *)group->rules->pdata[1])->enabled = false;
    assert_chooses(fixture, "pair", "1-1 1-2", "1-1");
    /* No rule is no set. */
    ((GroupRule *)group->rules->pdata[0])->enabled = false;
    assert_chooses(fixture, "pair", "1-1 1-2", NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_all_or_nothing),
        TEST(test_those_to_prefer),
        TEST(test_moves),
        TEST(test_rules_that_do_not_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
