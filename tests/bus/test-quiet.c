/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* While nothing happens nothing is looked at: a minute after the last thing that happened all machines are
 * read once, and then no more. */

#include "tests/bus/cmocka-include.h"

#include "tests/bus/memory-folder.h"
#include "tests/bus/reset-calls.h"

/* "attach=1 detach=0 …": what the hypervisor was asked so far. */
static char *counts(Fixture *fixture)
{
    return fixture_script(fixture, "counts");
}

static void pass(Fixture *fixture, unsigned ms)
{
    g_free(fixture_script(fixture, "run %u", ms));
}

static void test_quiet(void **state)
{
    enum { A_MINUTE_MS = 61000, AN_HOUR_MS = 3600000 };
    Fixture *fixture = *state;
    g_autofree char *assignment = NULL, *before = NULL, *after = NULL, *later = NULL;

    reset_plug(fixture, "1-2", "KBD-0001");
    assignment = reset_give(fixture, "1-2", FIXTURE_DESK);
    before = counts(fixture);
    pass(fixture, A_MINUTE_MS);
    after = counts(fixture);
    assert_string_not_equal(after, before);
    pass(fixture, AN_HOUR_MS);
    later = counts(fixture);
    assert_string_equal(later, after);
    fixture_wait(fixture, assignment, FERRY_INTERFACE_ASSIGNMENT, "State", "attached");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_quiet, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, memory_folder_enter, memory_folder_leave);
}
