/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who is to have what: the order is total, sets are all or nothing, pools go round. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/config/assignment-text.h"
#include "daemon/config/group-text.h"
#include "tests/unit/fixture.h"

#define SHUFFLES 100

static void plug_dongles(World *world)
{
    world_plug(world, world_make_device(world, "1-1", 0x0529, 1, "AAAA-1"));
    world_plug(world, world_make_device(world, "1-2", 0x0529, 1, "BBBB-2"));
    world_plug(world, world_make_device(world, "1-3", 0x0529, 1, "CCCC-3"));
    world_plug(world, world_make_device(world, "1-4", 0x0529, 1, "DDDD-4"));
}

/* Four dongles, three machines, one of them pinned to a serial: everybody has one, the fourth is free. */
static void test_pool(void **state)
{
    World *world = *state;

    plug_dongles(world);
    world_add_group(world, "keys", (const char *const[]){ "vendor=0529", NULL });
    world_assign(world, "aaaaaaaa", DESK, "keys", NULL, "1");
    world_assign(world, "bbbbbbbb", STUDIO, "keys", NULL, "1");
    world_assign(world, "cccccccc", LOFT, "keys", "serial=AAAA-1", "1");
    world_look(world);
    world_assert_gets(world, "cccccccc", "1-1");
    world_assert_gets(world, "aaaaaaaa", "1-2");
    world_assert_gets(world, "bbbbbbbb", "1-3");
    assert_null(allocation_want(world->allocation, registry_device(world->registry, "1-4")));
}

/* What a machine has is not dealt out anew when another one comes with a better claim; a machine that stops
 * gives back. */
static void test_queue(void **state)
{
    World *world = *state;

    world_plug(world, world_make_device(world, "1-1", 0x0529, 1, "AAAA-1"));
    world_add_group(world, "keys", (const char *const[]){ "vendor=0529", NULL });
    world_assign(world, "aaaaaaaa", DESK, "keys", NULL, "1");
    world_put_into(world, "1-1", "aaaaaaaa");
    world_assign(world, "bbbbbbbb", STUDIO, "keys", NULL, "1");
    registry_assignment(world->registry, "bbbbbbbb")->priority = 100;
    world_look(world);
    world_assert_gets(world, "aaaaaaaa", "1-1");
    world_assert_gets(world, "bbbbbbbb", "");
    assert_int_equal(allocation_judge(world->allocation, registry_assignment(world->registry, "bbbbbbbb"),
                                      registry_device(world->registry, "1-1")),
                     VERDICT_TAKEN);

    g_ptr_array_set_size(registry_machine(world->registry, DESK)->info->hostdevs, 0);
    registry_machine(world->registry, DESK)->info->state = MACHINE_STATE_SHUTOFF;
    world_look(world);
    world_assert_gets(world, "aaaaaaaa", "");
    world_assert_gets(world, "bbbbbbbb", "1-1");
}

static void test_quantities(void **state)
{
    World *world = *state;

    plug_dongles(world);
    world_add_group(world, "keys", (const char *const[]){ "vendor=0529", NULL });
    world_assign(world, "aaaaaaaa", DESK, "keys", NULL, "3");
    world_look(world);
    world_assert_gets(world, "aaaaaaaa", "1-1 1-2 1-3");
    world_assign(world, "bbbbbbbb", STUDIO, "keys", NULL, "all");
    world_look(world);
    world_assert_gets(world, "bbbbbbbb", "1-4");
}

/* One device per rule: the one that fits both rules must not leave the other rule empty. */
static void test_set(void **state)
{
    World *world = *state;

    world_add_group(world, "desk-set",
                    (const char *const[]){ "vendor=0529", "vendor=0529 serial=AAAA-1", "vendor=046d", NULL });
    world_assign(world, "aaaaaaaa", DESK, "desk-set", NULL, "set");
    plug_dongles(world);
    world_look(world);
    world_assert_gets(world, "aaaaaaaa", "");
    world_plug(world, world_make_device(world, "1-9", 0x046d, 1, ""));
    world_look(world);
    world_assert_gets(world, "aaaaaaaa", "1-1 1-2 1-9");
    /* What it has it keeps, and when one goes all go. */
    world_put_into(world, "1-1", "aaaaaaaa");
    world_put_into(world, "1-3", "aaaaaaaa");
    world_put_into(world, "1-9", "aaaaaaaa");
    world_look(world);
    world_assert_gets(world, "aaaaaaaa", "1-1 1-3 1-9");
    registry_remove_device(world->registry, registry_device(world->registry, "1-9"));
    world_look(world);
    world_assert_gets(world, "aaaaaaaa", "");
}

/* Two sets that need the same device: the group's priority decides, then age. */
static void test_two_sets(void **state)
{
    World *world = *state;

    world_add_group(world, "older", (const char *const[]){ "vendor=0529", NULL });
    world_add_group(world, "preferred", (const char *const[]){ "vendor=0529", NULL });
    world_assign(world, "aaaaaaaa", DESK, "older", NULL, "set");
    world_assign(world, "bbbbbbbb", STUDIO, "preferred", NULL, "set");
    world_plug(world, world_make_device(world, "1-1", 0x0529, 1, ""));
    world_look(world);
    world_assert_gets(world, "aaaaaaaa", "1-1");
    registry_group(world->registry, "preferred")->priority = 1;
    world_look(world);
    world_assert_gets(world, "aaaaaaaa", "");
    world_assert_gets(world, "bbbbbbbb", "1-1");
}

static void test_switches(void **state)
{
    World *world = *state;

    plug_dongles(world);
    world_add_group(world, "keys", (const char *const[]){ "vendor=0529", NULL });
    world_assign(world, "aaaaaaaa", DESK, "keys", NULL, "2");
    world_put_into(world, "1-2", "aaaaaaaa");
    world->registry->enabled = false;
    world_look(world);
    world_assert_gets(world, "aaaaaaaa", "1-2");
    assert_int_equal(allocation_want(world->allocation, registry_device(world->registry, "1-2"))->verdict,
                     VERDICT_GO);
    world->registry->enabled = true;
    registry_group(world->registry, "keys")->enabled = false;
    world_look(world);
    world_assert_gets(world, "aaaaaaaa", "1-2");
    assert_int_equal(allocation_judge(world->allocation, registry_assignment(world->registry, "aaaaaaaa"),
                                      registry_device(world->registry, "1-1")),
                     VERDICT_GROUP_DISABLED);
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

static void read_group(World *world, const Group *old)
{
    g_autofree char *text = group_to_text(old);
    g_autoptr(GError) error = NULL;
    Group *group = group_from_text(text, old->name, false, &error);

    assert_null(error);
    registry_add_group(world->registry, group);
    memberships_rebuild(world->memberships);
}

static void read_assignment(World *world, const Assignment *old)
{
    g_autoptr(GKeyFile) file = assignment_to_key_file(old);
    g_autofree char *text = g_key_file_to_data(file, NULL, NULL);
    g_autoptr(GError) error = NULL;
    Assignment *assignment = assignment_from_text(old->id, text, old->id, &error);

    if (error)
        fail_msg("%s\n%s", error->message, text);
    assignment->stored = true;
    registry_add_assignment(world->registry, assignment);
}

/* The service again: of what was, only the files are left, and they are read in any order; somewhere in
 * between the device is found. */
static void restart(World *world, GRand *random)
{
    g_autoptr(Registry) old = world->registry;
    g_autoptr(Memberships) old_memberships = world->memberships;
    g_autoptr(GPtrArray) things = registry_sorted(old->groups);
    guint n_groups = things->len;
    g_autoptr(GPtrArray) assignments = registry_sorted(old->assignments);
    g_autoptr(GHashTable) groups = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < n_groups; i++)
        g_hash_table_add(groups, things->pdata[i]);
    g_ptr_array_extend(things, assignments, NULL, NULL);
    g_ptr_array_add(things, NULL);
    shuffle(random, things->pdata, things->len);
    g_clear_pointer(&world->allocation, allocation_free);
    world_begin(world);
    for (guint i = 0; i < things->len; i++) {
        if (!things->pdata[i])
            world_plug(world, world_make_device(world, "1-1", 0x0529, 1, ""));
        else if (g_hash_table_contains(groups, things->pdata[i]))
            read_group(world, things->pdata[i]);
        else
            read_assignment(world, things->pdata[i]);
    }
}

/* A port rule, an id rule and a class rule want the same device: the same winner for every order of arrival,
 * and of reading what was stored. */
static void test_order_of_arrival_does_not_matter(void **state)
{
    World *world = *state;
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
        world_add_group(world, claimants[i].group, (const char *const[]){ claimants[i].rule, NULL });
    for (int round = 0; round < SHUFFLES; round++) {
        gpointer order[CLAIMANTS + 1] = { NULL }; /* NULL is the device */

        for (int i = 0; i < CLAIMANTS; i++)
            order[i] = (gpointer)&claimants[i];
        shuffle(random, order, G_N_ELEMENTS(order));
        for (gsize i = 0; i < G_N_ELEMENTS(order); i++) {
            const struct Claimant *claimant = order[i];
            Assignment *assignment;

            if (!claimant) {
                world_plug(world, world_make_device(world, "1-1", 0x0529, 1, ""));
                continue;
            }
            /* Each is younger than the one before: the rule counts for more. */
            assignment = world_make_assignment(world, claimant->id, DESK, claimant->group, NULL, "1");
            assignment->priority = claimant->priority;
            registry_add_assignment(world->registry, assignment);
        }
        world_look(world);
        world_assert_gets(world, "cccccccc", "1-1");
        restart(world, random);
        world_look(world);
        world_assert_gets(world, "cccccccc", "1-1");

        registry_assignment(world->registry, "aaaaaaaa")->priority = 1;
        restart(world, random);
        world_look(world);
        world_assert_gets(world, "aaaaaaaa", "1-1");
        registry_assignment(world->registry, "aaaaaaaa")->priority = 0;
        registry_group(world->registry, "by-id")->priority = 5;
        restart(world, random);
        world_look(world);
        world_assert_gets(world, "bbbbbbbb", "1-1");
        registry_group(world->registry, "by-id")->priority = 0;
        registry_remove_device(world->registry, registry_device(world->registry, "1-1"));
        for (int i = 0; i < CLAIMANTS; i++)
            registry_remove_assignment(world->registry,
                                       registry_assignment(world->registry, claimants[i].id));
    }
}

/* Between begin and end nothing refers to a group that goes, and at the end everything is as if done one by
 * one.
 */
static void test_many_changes(void **state)
{
    World *world = *state;
    const Device *device;
    Group *keys;

    plug_dongles(world);
    device = registry_device(world->registry, "1-1");
    world_add_group(world, "keys", (const char *const[]){ "vendor=0529", NULL });
    world_add_group(world, "others", (const char *const[]){ "vendor=0529", NULL });
    keys = registry_group(world->registry, "keys");
    assert_non_null(membership_find(device, "keys"));

    memberships_begin_many(world->memberships);
    g_ptr_array_set_size(keys->rules, 0);
    memberships_rebuild(world->memberships);
    assert_null(membership_find(device, "keys"));
    assert_non_null(membership_find(device, "others"));
    registry_remove_group(world->registry, keys);
    world_add_group(world, "more", (const char *const[]){ "serial=AAAA-1", NULL });
    memberships_end_many(world->memberships);
    assert_null(membership_find(device, "keys"));
    assert_non_null(membership_find(device, "others"));
    assert_non_null(membership_find(device, "more"));
}

/* A machine that is still being read may have the device, or come first for it; one that can't be read isn't
 * waited for. */
static void test_undecided(void **state)
{
    World *world = *state;
    Machine *loft = registry_machine(world->registry, LOFT);
    const Device *device;

    plug_dongles(world);
    device = registry_device(world->registry, "1-1");
    world_add_group(world, "keys", (const char *const[]){ "vendor=0529", NULL });
    world_add_group(world, "key-set", (const char *const[]){ "vendor=0529", NULL });
    world_assign(world, "aaaaaaaa", DESK, "keys", NULL, "1");
    world_assign(world, "bbbbbbbb", STUDIO, "key-set", NULL, "set");
    world_assign(world, "cccccccc", LOFT, "keys", NULL, "1");
    world_put_into(world, "1-2", "aaaaaaaa");
    registry_assignment(world->registry, "aaaaaaaa")->quantity = 2;
    loft->inspected = false;
    world_look(world);
    world_assert_gets(world, "aaaaaaaa", "1-2");
    world_assert_gets(world, "bbbbbbbb", "");
    world_assert_gets(world, "cccccccc", "");
    assert_int_equal(
        allocation_judge(world->allocation, registry_assignment(world->registry, "aaaaaaaa"), device),
        VERDICT_UNDECIDED);

    loft->retry_at = 1;
    world_look(world);
    world_assert_gets(world, "aaaaaaaa", "1-2 1-3");
    world_assert_gets(world, "bbbbbbbb", "1-1");
    loft->retry_at = 0;
    loft->stuck = true;
    world_look(world);
    world_assert_gets(world, "aaaaaaaa", "1-2 1-3");
    loft->stuck = false;
    loft->inspected = true;
    world_look(world);
    world_assert_gets(world, "cccccccc", "1-4");
}

/* Two that differ in nothing but their age, then in nothing but their id. */
static void test_the_older_one(void **state)
{
    World *world = *state;

    world_plug(world, world_make_device(world, "1-1", 0x0529, 1, ""));
    world_add_group(world, "keys", (const char *const[]){ "vendor=0529", NULL });
    world_assign(world, "bbbbbbbb", DESK, "keys", NULL, "1");
    world_assign(world, "aaaaaaaa", STUDIO, "keys", NULL, "1");
    world_look(world);
    world_assert_gets(world, "bbbbbbbb", "1-1");
    registry_assignment(world->registry, "bbbbbbbb")->created =
        registry_assignment(world->registry, "aaaaaaaa")->created;
    world_look(world);
    world_assert_gets(world, "aaaaaaaa", "1-1");
}

static void hold(World *world, const char *sysname, const char *id, bool closed)
{
    Hold *one = g_new0(Hold, 1);

    one->assignment_id = g_strdup(id);
    one->closed = closed;
    g_hash_table_replace(world->registry->holds, g_strdup(sysname), one);
}

static void assert_verdict(World *world, const char *id, const char *sysname, Verdict verdict)
{
    assert_int_equal(allocation_judge(world->allocation, registry_assignment(world->registry, id),
                                      registry_device(world->registry, sysname)),
                     verdict);
}

/* A reset takes a device out of its machine, and even off the bus for a moment; it stays whose it was. */
static void test_held(void **state)
{
    World *world = *state;

    world_plug(world, world_make_device(world, "1-1", 0x0529, 1, ""));
    world_add_group(world, "keys", (const char *const[]){ "vendor=0529", NULL });
    world_assign(world, "aaaaaaaa", DESK, "keys", NULL, "1");
    world_assign(world, "bbbbbbbb", STUDIO, "keys", NULL, "1");
    registry_assignment(world->registry, "bbbbbbbb")->priority = 9;
    hold(world, "1-1", "aaaaaaaa", true);
    world_look(world);
    world_assert_gets(world, "aaaaaaaa", "1-1");
    assert_verdict(world, "aaaaaaaa", "1-1", VERDICT_RESETTING);

    registry_remove_device(world->registry, registry_device(world->registry, "1-1"));
    world_plug(world, world_make_device(world, "1-2", 0x0529, 1, ""));
    registry_remove_assignment(world->registry, registry_assignment(world->registry, "bbbbbbbb"));
    world_look(world);
    world_assert_gets(world, "aaaaaaaa", "");

    world_plug(world, world_make_device(world, "1-1", 0x0529, 1, ""));
    hold(world, "1-1", "aaaaaaaa", false);
    world_look(world);
    world_assert_gets(world, "aaaaaaaa", "1-1");
    assert_verdict(world, "aaaaaaaa", "1-1", VERDICT_GO);

    /* A set isn't taken apart for it. */
    world_plug(world, world_make_device(world, "1-5", 0x0600, 1, ""));
    world_plug(world, world_make_device(world, "1-6", 0x0601, 1, ""));
    world_add_group(world, "both", (const char *const[]){ "vendor=0600", "vendor=0601", NULL });
    world_assign(world, "cccccccc", STUDIO, "both", NULL, "set");
    world_put_into(world, "1-5", "cccccccc");
    world_put_into(world, "1-6", "cccccccc");
    hold(world, "1-6", "cccccccc", true);
    registry_remove_device(world->registry, registry_device(world->registry, "1-6"));
    world_look(world);
    world_assert_gets(world, "cccccccc", "1-5");
    g_hash_table_remove(world->registry->holds, "1-6");
    world_look(world);
    world_assert_gets(world, "cccccccc", "");

    /* What is behind a hub that is being reset, and nothing else. */
    g_hash_table_remove_all(world->registry->holds);
    registry_assignment(world->registry, "aaaaaaaa")->quantity = 9;
    world_plug(world, world_make_device(world, "1-3.1", 0x0529, 1, ""));
    world_plug(world, world_make_device(world, "1-33", 0x0529, 1, ""));
    hold(world, "1-3", NULL, true);
    world_look(world);
    assert_verdict(world, "aaaaaaaa", "1-3.1", VERDICT_RESETTING);
    assert_verdict(world, "aaaaaaaa", "1-33", VERDICT_GO);
}

static void test_controller_of_a_machine(void **state)
{
    World *world = *state;
    Device *device = world_make_device(world, "1-1", 0x0529, 1, "");
    GPtrArray *pci = registry_machine(world->registry, STUDIO)->info->pci;

    g_free(device->controller);
    device->controller = g_strdup("0000:00:14.0");
    world_plug(world, device);
    world_add_group(world, "keys", (const char *const[]){ "vendor=0529", NULL });
    world_assign(world, "aaaaaaaa", DESK, NULL, "vendor=0529", "1");
    world_assign(world, "bbbbbbbb", DESK, "keys", NULL, "1");
    g_ptr_array_add(pci, g_strdup("0000:00:14.0"));
    world_look(world);
    assert_verdict(world, "aaaaaaaa", "1-1", VERDICT_CONTROLLER_TAKEN);
    registry_remove_assignment(world->registry, registry_assignment(world->registry, "aaaaaaaa"));
    world_look(world);
    /* A pool has other devices. */
    world_assert_gets(world, "bbbbbbbb", "");
    assert_verdict(world, "bbbbbbbb", "1-1", VERDICT_CONTROLLER_TAKEN);

    registry_machine(world->registry, STUDIO)->info->state = MACHINE_STATE_SHUTOFF;
    world_look(world);
    assert_verdict(world, "bbbbbbbb", "1-1", VERDICT_GO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_pool),
        TEST(test_queue),
        TEST(test_quantities),
        TEST(test_set),
        TEST(test_two_sets),
        TEST(test_switches),
        TEST(test_order_of_arrival_does_not_matter),
        TEST(test_many_changes),
        TEST(test_undecided),
        TEST(test_the_older_one),
        TEST(test_held),
        TEST(test_controller_of_a_machine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
