/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who is to have what: the order is total, sets are all or nothing, pools go round. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "daemon/desired.h"
#include "daemon/membership.h"

#define DESK   "11111111-1111-1111-1111-111111111111"
#define STUDIO "22222222-2222-2222-2222-222222222222"
#define LOFT   "33333333-3333-3333-3333-333333333333"

#define SHUFFLES 100

typedef struct World {
    Registry *registry;
    Memberships *memberships;
    Desired *desired;
    unsigned next_number;
    int64_t next_created;
} World;

static Device *make_device(World *world, const char *sysname, uint16_t vendor, uint16_t product,
                           const char *serial)
{
    Device *device = device_new(sysname);

    device->bus_number = 1;
    device->device_number = world->next_number++;
    device->instance = device->device_number;
    device->vendor_id = vendor;
    device->product_id = product;
    g_free(device->serial);
    device->serial = g_strdup(serial);
    g_free(device->socket);
    device->socket = g_strdup_printf("pci-0000:00:14.0/%s", strchr(sysname, '-') + 1);
    device->class_name = "smartcard";
    return device;
}

static void plug(World *world, Device *device)
{
    registry_add_device(world->registry, device);
    memberships_update_device(world->memberships, device);
}

static void add_machine(World *world, const char *uuid, MachineState state)
{
    MachineInfo *info = machine_info_new(uuid);
    Machine *machine;

    info->state = state;
    machine = machine_new(info);
    machine->inspected = true;
    registry_add_machine(world->registry, machine);
}

static void add_group(World *world, const char *name, const char *const *rules)
{
    Group *group = group_new(name);

    for (; *rules; rules++)
        group_add_rule(group, rule_parse(*rules, NULL), "admin");
    registry_add_group(world->registry, group);
    memberships_rebuild(world->memberships);
}

static Assignment *make_assignment(World *world, const char *id, const char *uuid, const char *group,
                                   const char *rule, const char *quantity)
{
    Assignment *assignment = assignment_new(id);

    assignment->machine_uuid = g_strdup(uuid);
    assignment->group = g_strdup(group);
    assignment->rule = rule ? rule_parse(rule, NULL) : NULL;
    assert_true(quantity_parse(quantity, &assignment->quantity_kind, &assignment->quantity));
    assignment->stored = true;
    assignment->created = world->next_created++;
    return assignment;
}

static void assign(World *world, const char *id, const char *uuid, const char *group, const char *rule,
                   const char *quantity)
{
    registry_add_assignment(world->registry, make_assignment(world, id, uuid, group, rule, quantity));
}

static void look(World *world)
{
    desired_free(world->desired);
    world->desired = desired_new(world->registry, 1);
}

/* "a b": the devices that the assignment comes first for. */
static void assert_gets(World *world, const char *id, const char *expected)
{
    const GPtrArray *wants = desired_wants_of(world->desired, registry_assignment(world->registry, id));
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < wants->len; i++)
        g_string_append_printf(text, "%s%s", i ? " " : "", ((const Want *)wants->pdata[i])->device->sysname);
    assert_string_equal(text->str, expected);
}

/* As the live XML would show it. */
static void put_into(World *world, const char *sysname, const char *id)
{
    const Device *device = registry_device(world->registry, sysname);
    const Assignment *assignment = registry_assignment(world->registry, id);
    Hostdev *hostdev = g_new0(Hostdev, 1);

    hostdev->alias = hostdev_alias_format(id, device->instance);
    hostdev->assignment_id = g_strdup(id);
    hostdev->instance = device->instance;
    hostdev->bus_number = device->bus_number;
    hostdev->device_number = device->device_number;
    g_ptr_array_add(registry_machine(world->registry, assignment->machine_uuid)->info->hostdevs, hostdev);
}

static void begin(World *world)
{
    world->registry = registry_new("host");
    world->registry->hypervisor_state = HYPERVISOR_STATE_CONNECTED;
    world->registry->machines_known = true;
    world->memberships = memberships_new(world->registry);
    add_machine(world, DESK, MACHINE_STATE_RUNNING);
    add_machine(world, STUDIO, MACHINE_STATE_RUNNING);
    add_machine(world, LOFT, MACHINE_STATE_RUNNING);
}

static int setup(void **state)
{
    World *world = g_new0(World, 1);

    *state = world;
    world->next_number = 2;
    world->next_created = 1;
    begin(world);
    return 0;
}

static int teardown(void **state)
{
    World *world = *state;

    desired_free(world->desired);
    memberships_free(world->memberships);
    registry_free(world->registry);
    g_free(world);
    return 0;
}

static void plug_dongles(World *world)
{
    plug(world, make_device(world, "1-1", 0x0529, 1, "AAAA-1"));
    plug(world, make_device(world, "1-2", 0x0529, 1, "BBBB-2"));
    plug(world, make_device(world, "1-3", 0x0529, 1, "CCCC-3"));
    plug(world, make_device(world, "1-4", 0x0529, 1, "DDDD-4"));
}

/* Four dongles, three machines, one of them pinned to a serial: everybody has one, the fourth is free. */
static void test_pool(void **state)
{
    World *world = *state;

    plug_dongles(world);
    add_group(world, "keys", (const char *const[]){ "vendor=0529", NULL });
    assign(world, "aaaaaaaa", DESK, "keys", NULL, "1");
    assign(world, "bbbbbbbb", STUDIO, "keys", NULL, "1");
    assign(world, "cccccccc", LOFT, "keys", "serial=AAAA-1", "1");
    look(world);
    assert_gets(world, "cccccccc", "1-1");
    assert_gets(world, "aaaaaaaa", "1-2");
    assert_gets(world, "bbbbbbbb", "1-3");
    assert_null(desired_want(world->desired, registry_device(world->registry, "1-4")));
}

/* What a machine has is not dealt out anew when another one comes with a better claim; a machine that stops
 * gives back. */
static void test_queue(void **state)
{
    World *world = *state;

    plug(world, make_device(world, "1-1", 0x0529, 1, "AAAA-1"));
    add_group(world, "keys", (const char *const[]){ "vendor=0529", NULL });
    assign(world, "aaaaaaaa", DESK, "keys", NULL, "1");
    put_into(world, "1-1", "aaaaaaaa");
    assign(world, "bbbbbbbb", STUDIO, "keys", NULL, "1");
    registry_assignment(world->registry, "bbbbbbbb")->priority = 100;
    look(world);
    assert_gets(world, "aaaaaaaa", "1-1");
    assert_gets(world, "bbbbbbbb", "");
    assert_int_equal(desired_judge(world->desired, registry_assignment(world->registry, "bbbbbbbb"),
                                   registry_device(world->registry, "1-1")),
                     VERDICT_TAKEN);

    g_ptr_array_set_size(registry_machine(world->registry, DESK)->info->hostdevs, 0);
    registry_machine(world->registry, DESK)->info->state = MACHINE_STATE_SHUTOFF;
    look(world);
    assert_gets(world, "aaaaaaaa", "");
    assert_gets(world, "bbbbbbbb", "1-1");
}

static void test_quantities(void **state)
{
    World *world = *state;

    plug_dongles(world);
    add_group(world, "keys", (const char *const[]){ "vendor=0529", NULL });
    assign(world, "aaaaaaaa", DESK, "keys", NULL, "3");
    look(world);
    assert_gets(world, "aaaaaaaa", "1-1 1-2 1-3");
    assign(world, "bbbbbbbb", STUDIO, "keys", NULL, "all");
    look(world);
    assert_gets(world, "bbbbbbbb", "1-4");
}

/* One device per rule: the one that fits both rules must not leave the other rule empty. */
static void test_set(void **state)
{
    World *world = *state;

    add_group(world, "desk-set",
              (const char *const[]){ "vendor=0529", "vendor=0529 serial=AAAA-1", "vendor=046d", NULL });
    assign(world, "aaaaaaaa", DESK, "desk-set", NULL, "set");
    plug_dongles(world);
    look(world);
    assert_gets(world, "aaaaaaaa", "");
    plug(world, make_device(world, "1-9", 0x046d, 1, ""));
    look(world);
    assert_gets(world, "aaaaaaaa", "1-1 1-2 1-9");
    /* What it has it keeps, and when one goes all go. */
    put_into(world, "1-1", "aaaaaaaa");
    put_into(world, "1-3", "aaaaaaaa");
    put_into(world, "1-9", "aaaaaaaa");
    look(world);
    assert_gets(world, "aaaaaaaa", "1-1 1-3 1-9");
    registry_remove_device(world->registry, registry_device(world->registry, "1-9"));
    look(world);
    assert_gets(world, "aaaaaaaa", "");
}

/* Two sets that need the same device: the group's priority decides, then age. */
static void test_two_sets(void **state)
{
    World *world = *state;

    add_group(world, "older", (const char *const[]){ "vendor=0529", NULL });
    add_group(world, "preferred", (const char *const[]){ "vendor=0529", NULL });
    assign(world, "aaaaaaaa", DESK, "older", NULL, "set");
    assign(world, "bbbbbbbb", STUDIO, "preferred", NULL, "set");
    plug(world, make_device(world, "1-1", 0x0529, 1, ""));
    look(world);
    assert_gets(world, "aaaaaaaa", "1-1");
    registry_group(world->registry, "preferred")->priority = 1;
    look(world);
    assert_gets(world, "aaaaaaaa", "");
    assert_gets(world, "bbbbbbbb", "1-1");
}

static void test_switches(void **state)
{
    World *world = *state;

    plug_dongles(world);
    add_group(world, "keys", (const char *const[]){ "vendor=0529", NULL });
    assign(world, "aaaaaaaa", DESK, "keys", NULL, "2");
    put_into(world, "1-2", "aaaaaaaa");
    world->registry->enabled = false;
    look(world);
    assert_gets(world, "aaaaaaaa", "1-2");
    assert_int_equal(desired_want(world->desired, registry_device(world->registry, "1-2"))->verdict,
                     VERDICT_GO);
    world->registry->enabled = true;
    registry_group(world->registry, "keys")->enabled = false;
    look(world);
    assert_gets(world, "aaaaaaaa", "1-2");
    assert_int_equal(desired_judge(world->desired, registry_assignment(world->registry, "aaaaaaaa"),
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
    g_autoptr(GError) error = NULL;
    Assignment *assignment = assignment_from_key_file(old->id, file, &error);

    assert_null(error);
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
    g_clear_pointer(&world->desired, desired_free);
    begin(world);
    for (guint i = 0; i < things->len; i++) {
        if (!things->pdata[i])
            plug(world, make_device(world, "1-1", 0x0529, 1, ""));
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
        add_group(world, claimants[i].group, (const char *const[]){ claimants[i].rule, NULL });
    for (int round = 0; round < SHUFFLES; round++) {
        gpointer order[CLAIMANTS + 1] = { NULL }; /* NULL is the device */

        for (int i = 0; i < CLAIMANTS; i++)
            order[i] = (gpointer)&claimants[i];
        shuffle(random, order, G_N_ELEMENTS(order));
        for (gsize i = 0; i < G_N_ELEMENTS(order); i++) {
            const struct Claimant *claimant = order[i];
            Assignment *assignment;

            if (!claimant) {
                plug(world, make_device(world, "1-1", 0x0529, 1, ""));
                continue;
            }
            /* Each is younger than the one before: the rule counts for more. */
            assignment = make_assignment(world, claimant->id, DESK, claimant->group, NULL, "1");
            assignment->priority = claimant->priority;
            registry_add_assignment(world->registry, assignment);
        }
        look(world);
        assert_gets(world, "cccccccc", "1-1");
        restart(world, random);
        look(world);
        assert_gets(world, "cccccccc", "1-1");

        registry_assignment(world->registry, "aaaaaaaa")->priority = 1;
        restart(world, random);
        look(world);
        assert_gets(world, "aaaaaaaa", "1-1");
        registry_assignment(world->registry, "aaaaaaaa")->priority = 0;
        registry_group(world->registry, "by-id")->priority = 5;
        restart(world, random);
        look(world);
        assert_gets(world, "bbbbbbbb", "1-1");
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
    add_group(world, "keys", (const char *const[]){ "vendor=0529", NULL });
    add_group(world, "others", (const char *const[]){ "vendor=0529", NULL });
    keys = registry_group(world->registry, "keys");
    assert_non_null(membership_find(device, "keys"));

    memberships_begin_many(world->memberships);
    g_ptr_array_set_size(keys->rules, 0);
    memberships_rebuild(world->memberships);
    assert_null(membership_find(device, "keys"));
    assert_non_null(membership_find(device, "others"));
    registry_remove_group(world->registry, keys);
    add_group(world, "more", (const char *const[]){ "serial=AAAA-1", NULL });
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
    add_group(world, "keys", (const char *const[]){ "vendor=0529", NULL });
    add_group(world, "key-set", (const char *const[]){ "vendor=0529", NULL });
    assign(world, "aaaaaaaa", DESK, "keys", NULL, "1");
    assign(world, "bbbbbbbb", STUDIO, "key-set", NULL, "set");
    assign(world, "cccccccc", LOFT, "keys", NULL, "1");
    put_into(world, "1-2", "aaaaaaaa");
    registry_assignment(world->registry, "aaaaaaaa")->quantity = 2;
    loft->inspected = false;
    look(world);
    assert_gets(world, "aaaaaaaa", "1-2");
    assert_gets(world, "bbbbbbbb", "");
    assert_gets(world, "cccccccc", "");
    assert_int_equal(desired_judge(world->desired, registry_assignment(world->registry, "aaaaaaaa"), device),
                     VERDICT_UNDECIDED);

    loft->retry_at = 1;
    look(world);
    assert_gets(world, "aaaaaaaa", "1-2 1-3");
    assert_gets(world, "bbbbbbbb", "1-1");
    loft->retry_at = 0;
    loft->stuck = true;
    look(world);
    assert_gets(world, "aaaaaaaa", "1-2 1-3");
    loft->stuck = false;
    loft->inspected = true;
    look(world);
    assert_gets(world, "cccccccc", "1-4");
}

/* Two that differ in nothing but their age, then in nothing but their id. */
static void test_the_older_one(void **state)
{
    World *world = *state;

    plug(world, make_device(world, "1-1", 0x0529, 1, ""));
    add_group(world, "keys", (const char *const[]){ "vendor=0529", NULL });
    assign(world, "bbbbbbbb", DESK, "keys", NULL, "1");
    assign(world, "aaaaaaaa", STUDIO, "keys", NULL, "1");
    look(world);
    assert_gets(world, "bbbbbbbb", "1-1");
    registry_assignment(world->registry, "bbbbbbbb")->created =
        registry_assignment(world->registry, "aaaaaaaa")->created;
    look(world);
    assert_gets(world, "aaaaaaaa", "1-1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
