/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Places in the queue of a group: higher priority first, then who is older. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/allocation/places.h"
#include "tests/unit/fixture.h"

#define MANY     40
#define GROUPS   3
#define CHANGES  500
#define HIGHEST  3
#define TIES     20
#define SEED     4711
#define ID_WIDTH "a%07d"

/* By asking everybody. */
static guint count(Registry *registry, const Assignment *assignment)
{
    GHashTableIter iter;
    gpointer value;
    guint place = 1;

    g_hash_table_iter_init(&iter, registry->assignments);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Assignment *other = value;

        place += other->wanted && !assignment_is_ending(other) &&
                 g_strcmp0(other->group, assignment->group) == 0 &&
                 other->state == ASSIGNMENT_STATE_WAITING_DEVICE &&
                 (other->priority > assignment->priority ||
                  (other->priority == assignment->priority && other->sequence < assignment->sequence));
    }
    return place;
}

static void assert_all(Registry *registry, Places *places)
{
    g_autoptr(GPtrArray) assignments = registry_list(registry, registry->assignments);

    for (guint i = 0; i < assignments->len; i++) {
        const Assignment *assignment = assignments->pdata[i];

        if (assignment->group)
            assert_int_equal(places_of(places, assignment), count(registry, assignment));
    }
}

/* Of some that wait, some that don't and some that are as old: whoever changes, everybody knows the place. */
static void test_as_counted(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(GRand) random = g_rand_new_with_seed(SEED);
    g_autoptr(GPtrArray) assignments = NULL;
    g_autoptr(Places) places = NULL;

    for (int i = 0; i < MANY; i++) {
        g_autofree char *id = g_strdup_printf(ID_WIDTH, i);
        g_autofree char *group = g_strdup_printf("group-%d", i % GROUPS);
        Assignment *assignment = fixture_make_assignment(fixture, id, DESK, group, NULL, "1");

        assignment->priority = g_rand_int_range(random, 0, HIGHEST);
        assignment->sequence = g_rand_int_range(random, 0, TIES);
        assignment->wanted = i % 7 != 0;
        assignment->releasing = i % 11 == 0;
        assignment->state = (AssignmentState)g_rand_int_range(random, 0, _ASSIGNMENT_STATE_MAX);
        registry_add_assignment(fixture->registry, assignment);
    }
    fixture_assign(fixture, "bbbbbbbb", DESK, NULL, "vendor=*", "1");
    places = places_new(fixture->registry);
    places_note(places, registry_assignment(fixture->registry, "bbbbbbbb"));
    assert_all(fixture->registry, places);
    assignments = registry_list(fixture->registry, fixture->registry->assignments);
    for (int i = 0; i < CHANGES; i++) {
        Assignment *assignment = assignments->pdata[g_rand_int_range(random, 0, (gint32)assignments->len)];

        assignment->state = g_rand_boolean(random)
                                ? ASSIGNMENT_STATE_WAITING_DEVICE
                                : (AssignmentState)g_rand_int_range(random, 0, _ASSIGNMENT_STATE_MAX);
        places_note(places, assignment);
        assert_all(fixture->registry, places);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_as_counted, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
