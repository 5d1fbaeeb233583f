/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who is to have what: sets are all or nothing, pools go round, and no order of events matters. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "daemon/config/assignment-text.h"
#include "daemon/config/group-text.h"
#include "tests/unit/fixture.h"

#define SHUFFLES 100

static void plug_dongles(Fixture *fixture)
{
    fixture_plug(fixture, fixture_make_device(fixture, "1-1", 0x0529, 1, "AAAA-1"));
    fixture_plug(fixture, fixture_make_device(fixture, "1-2", 0x0529, 1, "BBBB-2"));
    fixture_plug(fixture, fixture_make_device(fixture, "1-3", 0x0529, 1, "CCCC-3"));
    fixture_plug(fixture, fixture_make_device(fixture, "1-4", 0x0529, 1, "DDDD-4"));
}

/* Four dongles, three machines, one of them pinned to a serial: everybody has one, the fourth is free. */
static void test_pool(void **state)
{
    Fixture *fixture = *state;

    plug_dongles(fixture);
    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=0529", NULL });
    fixture_assign(fixture, "aaaaaaaa", DESK, "keys", NULL, "1");
    fixture_assign(fixture, "bbbbbbbb", STUDIO, "keys", NULL, "1");
    fixture_assign(fixture, "cccccccc", LOFT, "keys", "serial=AAAA-1", "1");
    fixture_look(fixture);
    fixture_assert_gets(fixture, "cccccccc", "1-1");
    fixture_assert_gets(fixture, "aaaaaaaa", "1-2");
    fixture_assert_gets(fixture, "bbbbbbbb", "1-3");
    assert_null(allocation_want(fixture->allocation, registry_device(fixture->registry, "1-4")));
}

/* Nobody gets a number that a machine lists for another program: the next one is drawn. */
static void test_listed_number(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *text = NULL;

    plug_dongles(fixture);
    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=0529", NULL });
    fixture_assign(fixture, "aaaaaaaa", DESK, "keys", NULL, "1");
    fixture_put_foreign(fixture, "1-1", STUDIO)->product_id = 2;
    fixture_look(fixture);
    fixture_assert_gets(fixture, "aaaaaaaa", "1-2");
    text = allocation_verdict_text(fixture->allocation, registry_assignment(fixture->registry, "aaaaaaaa"),
                                   registry_device(fixture->registry, "1-1"), VERDICT_NUMBER_LISTED);
    assert_non_null(strstr(text, "VM \"studio\" still lists the number of 0529:0001 (1-1), 1:"));
}

/* What a machine that doesn't answer would draw, the others would miss. What it has stays. */
static void test_stuck(void **state)
{
    Fixture *fixture = *state;

    plug_dongles(fixture);
    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=0529", NULL });
    fixture_assign(fixture, "aaaaaaaa", DESK, "keys", NULL, "2");
    fixture_assign(fixture, "bbbbbbbb", STUDIO, "keys", NULL, "all");
    fixture_put_into(fixture, "1-2", "aaaaaaaa");
    registry_machine(fixture->registry, DESK)->stuck = true;
    fixture_look(fixture);
    fixture_assert_gets(fixture, "aaaaaaaa", "1-2");
    fixture_assert_gets(fixture, "bbbbbbbb", "1-1 1-3 1-4");
}

/* What a machine has is not dealt out anew when another one comes with a better claim; a machine that stops
 * gives back. */
static void test_queue(void **state)
{
    Fixture *fixture = *state;

    fixture_plug(fixture, fixture_make_device(fixture, "1-1", 0x0529, 1, "AAAA-1"));
    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=0529", NULL });
    fixture_assign(fixture, "aaaaaaaa", DESK, "keys", NULL, "1");
    fixture_put_into(fixture, "1-1", "aaaaaaaa");
    fixture_assign(fixture, "bbbbbbbb", STUDIO, "keys", NULL, "1");
    registry_assignment(fixture->registry, "bbbbbbbb")->priority = 100;
    fixture_look(fixture);
    fixture_assert_gets(fixture, "aaaaaaaa", "1-1");
    fixture_assert_gets(fixture, "bbbbbbbb", "");
    assert_int_equal(allocation_judge(fixture->allocation, registry_assignment(fixture->registry, "bbbbbbbb"),
                                      registry_device(fixture->registry, "1-1")),
                     VERDICT_TAKEN);

    g_ptr_array_set_size(registry_machine(fixture->registry, DESK)->info->hostdevs, 0);
    registry_machine(fixture->registry, DESK)->info->state = MACHINE_STATE_SHUTOFF;
    fixture_look(fixture);
    fixture_assert_gets(fixture, "aaaaaaaa", "");
    fixture_assert_gets(fixture, "bbbbbbbb", "1-1");
}

static void test_quantities(void **state)
{
    Fixture *fixture = *state;

    plug_dongles(fixture);
    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=0529", NULL });
    fixture_assign(fixture, "aaaaaaaa", DESK, "keys", NULL, "3");
    fixture_look(fixture);
    fixture_assert_gets(fixture, "aaaaaaaa", "1-1 1-2 1-3");
    fixture_assign(fixture, "bbbbbbbb", STUDIO, "keys", NULL, "all");
    fixture_look(fixture);
    fixture_assert_gets(fixture, "bbbbbbbb", "1-4");
}

/* One device per rule: the one that fits both rules must not leave the other rule empty. */
static void test_set(void **state)
{
    Fixture *fixture = *state;

    fixture_add_group(
        fixture, "desk-set",
        (const char *const[]){ "vendor=0529", "vendor=0529 serial=AAAA-1", "vendor=046d", NULL });
    fixture_assign(fixture, "aaaaaaaa", DESK, "desk-set", NULL, "set");
    plug_dongles(fixture);
    fixture_look(fixture);
    fixture_assert_gets(fixture, "aaaaaaaa", "");
    fixture_plug(fixture, fixture_make_device(fixture, "1-9", 0x046d, 1, ""));
    fixture_look(fixture);
    fixture_assert_gets(fixture, "aaaaaaaa", "1-1 1-2 1-9");
    /* What it has it keeps, and when one goes all go. */
    fixture_put_into(fixture, "1-1", "aaaaaaaa");
    fixture_put_into(fixture, "1-3", "aaaaaaaa");
    fixture_put_into(fixture, "1-9", "aaaaaaaa");
    fixture_look(fixture);
    fixture_assert_gets(fixture, "aaaaaaaa", "1-1 1-3 1-9");
    registry_remove_device(fixture->registry, registry_device(fixture->registry, "1-9"));
    fixture_look(fixture);
    fixture_assert_gets(fixture, "aaaaaaaa", "");
}

/* A set doesn't take what somebody who comes first has as the one device of his own. */
static void test_a_set_and_a_pinned_one(void **state)
{
    Fixture *fixture = *state;
    Assignment *pinned;

    fixture_plug(fixture, fixture_make_device(fixture, "1-1", 0x0529, 1, "AAAA-1"));
    fixture_add_group(fixture, "one", (const char *const[]){ "vendor=0529", NULL });
    fixture_assign(fixture, "aaaaaaaa", DESK, "one", NULL, "set");
    fixture_assign(fixture, "bbbbbbbb", STUDIO, NULL, "vendor=0529", "1");
    fixture_look(fixture);
    fixture_assert_gets(fixture, "aaaaaaaa", "1-1");
    pinned = registry_assignment(fixture->registry, "bbbbbbbb");
    pinned->priority = 1;
    fixture_look(fixture);
    fixture_assert_gets(fixture, "aaaaaaaa", "");
    fixture_assert_gets(fixture, "bbbbbbbb", "1-1");
    pinned->wanted = false;
    fixture_look(fixture);
    fixture_assert_gets(fixture, "aaaaaaaa", "1-1");
}

/* A set that comes first by priority takes nothing out of a machine that has it, be it stored or not. */
static void test_a_set_takes_nothing_away(void **state)
{
    Fixture *fixture = *state;
    Assignment *later;

    fixture_plug(fixture, fixture_make_device(fixture, "1-1", 0x0529, 1, "AAAA-1"));
    fixture_plug(fixture, fixture_make_device(fixture, "1-2", 0x046d, 2, ""));
    fixture_add_group(fixture, "pair", (const char *const[]){ "vendor=0529", "vendor=046d", NULL });
    fixture_assign(fixture, "aaaaaaaa", DESK, "pair", NULL, "set");
    fixture_put_into(fixture, "1-1", "aaaaaaaa");
    fixture_put_into(fixture, "1-2", "aaaaaaaa");
    later = fixture_make_assignment(fixture, "bbbbbbbb", STUDIO, "pair", NULL, "set");
    later->priority = 10;
    later->stored = false;
    registry_add_assignment(fixture->registry, later);
    fixture_look(fixture);
    fixture_assert_gets(fixture, "aaaaaaaa", "1-1 1-2");
    fixture_assert_gets(fixture, "bbbbbbbb", "");
    later->stored = true;
    fixture_look(fixture);
    fixture_assert_gets(fixture, "aaaaaaaa", "1-1 1-2");
    fixture_assert_gets(fixture, "bbbbbbbb", "");
    /* Nor what completes one that has a part. */
    g_ptr_array_remove_index(registry_machine(fixture->registry, DESK)->info->hostdevs, 1);
    fixture_look(fixture);
    fixture_assert_gets(fixture, "aaaaaaaa", "1-1 1-2");
    /* When neither can be complete without the other's, priority decides. */
    fixture_put_into(fixture, "1-2", "bbbbbbbb");
    fixture_look(fixture);
    fixture_assert_gets(fixture, "aaaaaaaa", "");
    fixture_assert_gets(fixture, "bbbbbbbb", "1-1 1-2");
    g_ptr_array_set_size(registry_machine(fixture->registry, STUDIO)->info->hostdevs, 0);
    /* What it gives up is free. */
    registry_assignment(fixture->registry, "aaaaaaaa")->wanted = false;
    fixture_look(fixture);
    fixture_assert_gets(fixture, "bbbbbbbb", "1-1 1-2");
}

/* Two sets that need the same device: the group's priority decides, then age. */
static void test_two_sets(void **state)
{
    Fixture *fixture = *state;

    fixture_add_group(fixture, "older", (const char *const[]){ "vendor=0529", NULL });
    fixture_add_group(fixture, "preferred", (const char *const[]){ "vendor=0529", NULL });
    fixture_assign(fixture, "aaaaaaaa", DESK, "older", NULL, "set");
    fixture_assign(fixture, "bbbbbbbb", STUDIO, "preferred", NULL, "set");
    fixture_plug(fixture, fixture_make_device(fixture, "1-1", 0x0529, 1, ""));
    fixture_look(fixture);
    fixture_assert_gets(fixture, "aaaaaaaa", "1-1");
    registry_group(fixture->registry, "preferred")->priority = 1;
    fixture_look(fixture);
    fixture_assert_gets(fixture, "aaaaaaaa", "");
    fixture_assert_gets(fixture, "bbbbbbbb", "1-1");
}

static void shuffle(GRand *random, gpointer *things, gsize n)
{
    for (gsize i = n - 1; i > 0; i--) {
        gsize k = (gsize)g_rand_int_range(random, 0, (gint32)i + 1);
        gpointer other = things[i];

        things[i] = things[k];
        things[k] = other;
    }
}

static void read_group(Fixture *fixture, const Group *old)
{
    g_autofree char *text = group_to_text(old);
    g_autoptr(GError) error = NULL;
    Group *group = group_from_text(text, old->name, false, &error);

    assert_null(error);
    registry_add_group(fixture->registry, group);
    memberships_rebuild(fixture->memberships);
}

static void read_assignment(Fixture *fixture, const Assignment *old)
{
    g_autoptr(GKeyFile) file = assignment_to_key_file(old);
    g_autofree char *text = g_key_file_to_data(file, NULL, NULL);
    g_autoptr(GError) error = NULL;
    Assignment *assignment = assignment_from_text(old->id, text, old->id, &error);

    if (error)
        fail_msg("%s\n%s", error->message, text);
    assignment->stored = true;
    registry_add_assignment(fixture->registry, assignment);
}

/* The service again: of what was, only the files are left, and they are read in any order; somewhere in
 * between the device is found. */
static void restart(Fixture *fixture, GRand *random)
{
    g_autoptr(Registry) old = fixture->registry;
    g_autoptr(Memberships) old_memberships = fixture->memberships;
    g_autoptr(GPtrArray) things = registry_sorted(old->groups);
    guint n_groups = things->len;
    g_autoptr(GPtrArray) assignments = registry_sorted(old->assignments);
    g_autoptr(GHashTable) groups = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < n_groups; i++)
        g_hash_table_add(groups, things->pdata[i]);
    g_ptr_array_extend(things, assignments, NULL, NULL);
    g_ptr_array_add(things, NULL);
    shuffle(random, things->pdata, things->len);
    g_clear_pointer(&fixture->allocation, allocation_free);
    fixture_begin(fixture);
    for (guint i = 0; i < things->len; i++) {
        if (!things->pdata[i])
            fixture_plug(fixture, fixture_make_device(fixture, "1-1", 0x0529, 1, ""));
        else if (g_hash_table_contains(groups, things->pdata[i]))
            read_group(fixture, things->pdata[i]);
        else
            read_assignment(fixture, things->pdata[i]);
    }
}

/* A port rule, an id rule and a class rule want the same device: the same winner for every order of arrival,
 * and of reading what was stored. */
static void test_order_of_arrival_does_not_matter(void **state)
{
    Fixture *fixture = *state;
    static const struct Claimant {
        const char *id, *group, *rule;
        int32_t priority;
    } claimants[] = {
        { "aaaaaaaa", "by-class", "class=smartcard", 0 },
        { "bbbbbbbb", "by-id", "vendor=0529 product=0001", 0 },
        { "cccccccc", "by-port", "port=pci-0000:00:14.0/1", 0 },
        { "dddddddd", "by-vendor", "vendor=0529", -1 },
    };
    enum { CLAIMANTS = G_N_ELEMENTS(claimants) };
    g_autoptr(GRand) random = g_rand_new_with_seed(4711);

    for (int i = 0; i < CLAIMANTS; i++)
        fixture_add_group(fixture, claimants[i].group, (const char *const[]){ claimants[i].rule, NULL });
    for (int round = 0; round < SHUFFLES; round++) {
        gpointer order[CLAIMANTS + 1] = { NULL }; /* NULL is the device */

        for (int i = 0; i < CLAIMANTS; i++)
            order[i] = (gpointer)&claimants[i];
        shuffle(random, order, G_N_ELEMENTS(order));
        for (gsize i = 0; i < G_N_ELEMENTS(order); i++) {
            const struct Claimant *claimant = order[i];
            Assignment *assignment;

            if (!claimant) {
                fixture_plug(fixture, fixture_make_device(fixture, "1-1", 0x0529, 1, ""));
                continue;
            }
            /* Each is younger than the one before: the rule counts for more. */
            assignment = fixture_make_assignment(fixture, claimant->id, DESK, claimant->group, NULL, "1");
            assignment->priority = claimant->priority;
            registry_add_assignment(fixture->registry, assignment);
        }
        fixture_look(fixture);
        fixture_assert_gets(fixture, "cccccccc", "1-1");
        restart(fixture, random);
        fixture_look(fixture);
        fixture_assert_gets(fixture, "cccccccc", "1-1");

        registry_assignment(fixture->registry, "aaaaaaaa")->priority = 1;
        restart(fixture, random);
        fixture_look(fixture);
        fixture_assert_gets(fixture, "aaaaaaaa", "1-1");
        registry_assignment(fixture->registry, "aaaaaaaa")->priority = 0;
        registry_group(fixture->registry, "by-id")->priority = 5;
        restart(fixture, random);
        fixture_look(fixture);
        fixture_assert_gets(fixture, "bbbbbbbb", "1-1");
        registry_group(fixture->registry, "by-id")->priority = 0;
        registry_remove_device(fixture->registry, registry_device(fixture->registry, "1-1"));
        for (int i = 0; i < CLAIMANTS; i++)
            registry_remove_assignment(fixture->registry,
                                       registry_assignment(fixture->registry, claimants[i].id));
    }
}

/* A machine that is still being read may have the device, or come first for it; one that can't be read isn't
 * waited for. */
static void test_undecided(void **state)
{
    Fixture *fixture = *state;
    Machine *loft = registry_machine(fixture->registry, LOFT);
    const Device *device;

    plug_dongles(fixture);
    device = registry_device(fixture->registry, "1-1");
    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=0529", NULL });
    fixture_add_group(fixture, "key-set", (const char *const[]){ "vendor=0529", NULL });
    fixture_assign(fixture, "aaaaaaaa", DESK, "keys", NULL, "1");
    fixture_assign(fixture, "bbbbbbbb", STUDIO, "key-set", NULL, "set");
    fixture_assign(fixture, "cccccccc", LOFT, "keys", NULL, "1");
    fixture_put_into(fixture, "1-2", "aaaaaaaa");
    registry_assignment(fixture->registry, "aaaaaaaa")->quantity = 2;
    loft->inspected = false;
    fixture_look(fixture);
    fixture_assert_gets(fixture, "aaaaaaaa", "1-2");
    fixture_assert_gets(fixture, "bbbbbbbb", "");
    fixture_assert_gets(fixture, "cccccccc", "");
    assert_int_equal(
        allocation_judge(fixture->allocation, registry_assignment(fixture->registry, "aaaaaaaa"), device),
        VERDICT_UNDECIDED);

    loft->retry_at = 1;
    fixture_look(fixture);
    fixture_assert_gets(fixture, "aaaaaaaa", "1-2 1-3");
    fixture_assert_gets(fixture, "bbbbbbbb", "1-1");
    loft->retry_at = 0;
    loft->stuck = true;
    fixture_look(fixture);
    fixture_assert_gets(fixture, "aaaaaaaa", "1-2 1-3");
    loft->stuck = false;
    loft->inspected = true;
    fixture_look(fixture);
    fixture_assert_gets(fixture, "cccccccc", "1-4");
}

/* Two that differ in nothing but their age, then in nothing but their id. */
static void test_the_older_one(void **state)
{
    Fixture *fixture = *state;

    fixture_plug(fixture, fixture_make_device(fixture, "1-1", 0x0529, 1, ""));
    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=0529", NULL });
    fixture_assign(fixture, "bbbbbbbb", DESK, "keys", NULL, "1");
    fixture_assign(fixture, "aaaaaaaa", STUDIO, "keys", NULL, "1");
    fixture_look(fixture);
    fixture_assert_gets(fixture, "bbbbbbbb", "1-1");
    registry_assignment(fixture->registry, "bbbbbbbb")->sequence =
        registry_assignment(fixture->registry, "aaaaaaaa")->sequence;
    fixture_look(fixture);
    fixture_assert_gets(fixture, "aaaaaaaa", "1-1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_pool),
        TEST(test_queue),
        TEST(test_listed_number),
        TEST(test_stuck),
        TEST(test_quantities),
        TEST(test_set),
        TEST(test_a_set_takes_nothing_away),
        TEST(test_a_set_and_a_pinned_one),
        TEST(test_two_sets),
        TEST(test_order_of_arrival_does_not_matter),
        TEST(test_undecided),
        TEST(test_the_older_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
