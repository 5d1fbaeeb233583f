/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tries and leases: they begin with the device, hold on the disk, end by themselves, and are confirmed or
 * prolonged. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include <glib/gstdio.h>

#include "daemon/allocation/allocation.h"
#include "daemon/base/text.h"
#include "daemon/manager/assignments.h"
#include "daemon/manager/homes.h"
#include "daemon/manager/internal.h"
#include "daemon/manager/terms.h"
#include "tests/unit/manager/core.h"

#define ID         "aaaaaaaa"
#define FILE_OF_IT "state/assignments/" ID

static Assignment *assign(Core *core, unsigned try_for, unsigned lease_for)
{
    Assignment *assignment = assignment_new(ID);

    text_replace(&assignment->name, "x");
    assignment->machine_uuid = g_strdup(DESK);
    text_replace(&assignment->machine_name, "desk");
    assignment->rule = rule_parse("vendor=0529", NULL);
    g_free(assignment->selector);
    assignment->selector = rule_print(assignment->rule);
    assignment->stored = true;
    assignment->sequence = 1;
    assignment->trial.seconds = try_for;
    assignment->lease.seconds = lease_for;
    registry_add_assignment(core->registry, assignment);
    return assignment;
}

static void look(Core *core)
{
    g_autoptr(Allocation) allocation = allocation_new(core->registry, 1);

    terms_look(allocation, core->manager);
    homes_look(allocation, core->manager);
}

static bool is_resting(const Core *core)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, core->registry->assignments);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (((const Assignment *)value)->saving)
            return false;
    return !core->manager->homes_saving;
}

static void rest(Core *core)
{
    while (!is_resting(core))
        g_main_context_iteration(NULL, TRUE);
}

static void assert_file(Core *core, const char *part, bool there)
{
    g_autofree char *text = core_file(core, FILE_OF_IT);

    assert_non_null(text);
    if (!strstr(text, part) == there)
        fail_msg("%s in:\n%s", part, text);
}

static void test_begins_with_the_device(void **state)
{
    Core *core = *state;
    Assignment *assignment = assign(core, 20, 3600);

    look(core);
    assert_true(term_is_to_begin(&assignment->trial));
    assert_null(assignment_term(assignment));
    assignment->n_has = 1;
    look(core);
    rest(core);
    assert_ptr_equal(assignment_term(assignment), &assignment->trial);
    assert_true(assignment->lease.ends_at > assignment->trial.ends_at);
    assert_file(core, "\nTryFor=20\nTryEnds=", true);
    assert_file(core, "\nLeaseFor=3600\nLeaseEnds=", true);
    assert_true(core->manager->terms_timer != 0);
    /* It goes on without it. */
    assignment->n_has = 0;
    look(core);
    assert_int_equal(term_seconds_left(&assignment->trial, term_now()), 20);
}

static void end_it(Term *term)
{
    term->ends_at = term_now() - 1;
}

static void test_ends(void **state)
{
    Core *core = *state;
    Assignment *assignment = assign(core, 20, 0);

    assignment->n_has = 1;
    look(core);
    rest(core);
    end_it(&assignment->trial);
    look(core);
    assert_true(assignment->expired);
    assert_true(assignment->saving);
    rest(core);
    assert_true(assignment->releasing);
    assert_null(core_file(core, FILE_OF_IT));
    manager_confirm(core->manager, ID, core_done, core);
    assert_int_equal(core->answers, 1);
    assert_int_equal(core->code, FERRY_ERROR_NO_SUCH_ASSIGNMENT);
    assert_non_null(strstr(registry_ended(core->registry, ID), "without a confirmation"));
    look(core);
    assert_int_equal(core->manager->terms_timer, 0);
}

static void test_a_lease_ends(void **state)
{
    Core *core = *state;
    Assignment *assignment = assign(core, 0, 15);

    assignment->n_has = 1;
    look(core);
    rest(core);
    end_it(&assignment->lease);
    look(core);
    rest(core);
    assert_true(assignment->releasing);
    assert_non_null(strstr(registry_ended(core->registry, ID), "its lease is over"));
}

/* The disk takes nothing: it has nothing all the same, and is released when the disk is good again. */
static void test_ends_without_a_disk(void **state)
{
    Core *core = *state;
    Assignment *assignment = assign(core, 20, 0);
    g_autofree char *folder = g_build_filename(core->folder, "state", NULL);
    g_autofree char *away = g_build_filename(core->folder, "away", NULL);

    assignment->n_has = 1;
    look(core);
    rest(core);
    end_it(&assignment->trial);
    assert_int_equal(g_rename(folder, away), 0);
    look(core);
    rest(core);
    assert_true(assignment->expired);
    assert_false(assignment->releasing);
    look(core);
    assert_false(assignment->saving); /* not at once again */
    assert_true(core->manager->terms_timer != 0);
    assert_int_equal(g_rename(away, folder), 0);
    core->manager->terms_retry_at = term_now();
    look(core);
    rest(core);
    assert_true(assignment->releasing);
}

static void test_what_ended_while_nobody_looked(void **state)
{
    Core *core = *state;
    Assignment *assignment = assign(core, 20, 0);

    terms_restore(core->manager);
    assert_false(assignment->expired);
    end_it(&assignment->trial);
    terms_restore(core->manager);
    assert_true(assignment->expired);
    look(core);
    rest(core);
    assert_true(assignment->releasing);
}

static void test_confirmed(void **state)
{
    Core *core = *state;
    Assignment *assignment = assign(core, 20, 3600);

    assignment->n_has = 1;
    look(core);
    rest(core);
    manager_confirm(core->manager, ID, core_done, core);
    /* It ends while the confirmation is on its way to the disk: who confirmed in time keeps it. */
    end_it(&assignment->trial);
    look(core);
    assert_false(assignment->expired);
    core_wait(core);
    assert_string_equal(core->id, ID);
    assert_file(core, "TryFor", false);
    assert_file(core, "LeaseFor=3600", true);
    look(core);
    assert_false(assignment->expired);
    assert_ptr_equal(assignment_term(assignment), &assignment->lease);
    /* Once more changes nothing. */
    manager_confirm(core->manager, ID, core_done, core);
    assert_int_equal(core->answers, 2);
    assert_string_equal(core->id, ID);
}

static void set_lease(Core *core, uint32_t seconds)
{
    manager_update(core->manager, ID, &(AssignmentUpdate){ .lease_for = &seconds }, core_done, core);
}

static void test_another_lease(void **state)
{
    Core *core = *state;
    Assignment *assignment = assign(core, 0, 0);

    set_lease(core, 60);
    core_wait(core);
    assert_true(term_is_to_begin(&assignment->lease));
    assignment->n_has = 1;
    look(core);
    rest(core);
    assert_int_equal(term_seconds_left(&assignment->lease, term_now()), 60);
    assignment->n_has = 0;
    set_lease(core, 120);
    core_wait(core);
    assert_int_equal(term_seconds_left(&assignment->lease, term_now()), 120);
    set_lease(core, 0);
    core_wait(core);
    assert_null(assignment_term(assignment));
    assert_file(core, "Lease", false);
    set_lease(core, LEASE_SECONDS_MAX + 1);
    assert_int_equal(core->code, FERRY_ERROR_INVALID_OPTION);
}

/* ------------------------------------------------------------------ held */

static void replug(Core *core, Device *device)
{
    gint64 now = g_get_monotonic_time() - 20 * G_USEC_PER_SEC;

    for (unsigned i = 0; i < REPLUG_TIMES; i++) {
        replugs_note_left(core->registry->replugs, device, ID, now);
        now += G_USEC_PER_SEC;
        replugs_note_came(core->registry->replugs, device, now);
        now += G_USEC_PER_SEC;
    }
}

static void test_plugged_in_three_times(void **state)
{
    Core *core = *state;
    Assignment *assignment = assign(core, 0, 0);
    Device *device = core_plug(core, "1-4", 0x0529, "A");

    text_replace(&device->assignment_id, ID);
    replug(core, device);
    assignment->saving = true;
    look(core);
    assert_true(assignment->wanted);
    assignment->saving = false;
    look(core);
    assert_false(assignment->wanted);
    rest(core);
    assert_file(core, "Enabled=false\nReplugged=true\n", true);
    manager_set_wanted(core->manager, ID, true, core_done, core);
    core_wait(core);
    assert_true(assignment->wanted);
    assert_false(assignment->replugged);
    assert_file(core, "Replugged", false);
}

/* A pool has drawn another one meanwhile. */
static void test_plugged_in_and_not_its_any_more(void **state)
{
    Core *core = *state;
    Assignment *assignment = assign(core, 0, 0);
    Device *device = core_plug(core, "1-4", 0x0529, "A");

    replug(core, device);
    look(core);
    assert_true(assignment->wanted);
    assert_false(assignment->unsaved);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, core_setup, core_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_begins_with_the_device),
        TEST(test_ends),
        TEST(test_a_lease_ends),
        TEST(test_ends_without_a_disk),
        TEST(test_what_ended_while_nobody_looked),
        TEST(test_confirmed),
        TEST(test_another_lease),
        TEST(test_plugged_in_three_times),
        TEST(test_plugged_in_and_not_its_any_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
