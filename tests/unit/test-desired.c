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

static int setup(void **state)
{
    World *world = g_new0(World, 1);

    *state = world;
    world->registry = registry_new("host");
    world->registry->hypervisor_state = HYPERVISOR_STATE_CONNECTED;
    world->registry->machines_known = true;
    world->memberships = memberships_new(world->registry);
    world->next_number = 2;
    world->next_created = 1;
    add_machine(world, DESK, MACHINE_STATE_RUNNING);
    add_machine(world, STUDIO, MACHINE_STATE_RUNNING);
    add_machine(world, LOFT, MACHINE_STATE_RUNNING);
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

/* A port rule, an id rule and a class rule want the same device: the same winner for every order of arrival.
 */
static void test_order_of_arrival_does_not_matter(void **state)
{
    World *world = *state;
    enum { CLAIMANTS = 4 };
    static const struct {
        const char *id, *group, *rule;
        int32_t priority;
    } claimants[CLAIMANTS] = {
        { "aaaaaaaa", "by-class", "class=smartcard", 0 },
        { "bbbbbbbb", "by-id", "vendor=0529 product=0001", 0 },
        { "cccccccc", "by-port", "port=pci-0000:00:14.0/1", 0 },
        { "dddddddd", "by-vendor", "vendor=0529", -1 },
    };
    g_autoptr(GRand) random = g_rand_new_with_seed(4711);

    for (int i = 0; i < CLAIMANTS; i++)
        add_group(world, claimants[i].group, (const char *const[]){ claimants[i].rule, NULL });
    for (int round = 0; round < SHUFFLES; round++) {
        int order[CLAIMANTS + 1] = { 0, 1, 2, 3, CLAIMANTS };

        for (int i = CLAIMANTS; i > 0; i--) {
            int k = g_rand_int_range(random, 0, i + 1), other = order[i];

            order[i] = order[k];
            order[k] = other;
        }
        for (int i = 0; i <= CLAIMANTS; i++) {
            Assignment *assignment;

            if (order[i] == CLAIMANTS) {
                plug(world, make_device(world, "1-1", 0x0529, 1, ""));
                continue;
            }
            assignment =
                make_assignment(world, claimants[order[i]].id, DESK, claimants[order[i]].group, NULL, "1");
            assignment->priority = claimants[order[i]].priority;
            assignment->created = 1;
            registry_add_assignment(world->registry, assignment);
        }
        look(world);
        assert_gets(world, "cccccccc", "1-1");
        registry_assignment(world->registry, "aaaaaaaa")->priority = 1;
        look(world);
        assert_gets(world, "aaaaaaaa", "1-1");
        registry_assignment(world->registry, "aaaaaaaa")->priority = 0;
        registry_group(world->registry, "by-id")->priority = 5;
        look(world);
        assert_gets(world, "bbbbbbbb", "1-1");
        registry_group(world->registry, "by-id")->priority = 0;
        registry_remove_device(world->registry, registry_device(world->registry, "1-1"));
        for (int i = 0; i < CLAIMANTS; i++)
            registry_remove_assignment(world->registry,
                                       registry_assignment(world->registry, claimants[i].id));
    }
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

static void hold(World *world, const char *sysname, const char *id, bool closed)
{
    Hold *one = g_new0(Hold, 1);

    one->assignment_id = g_strdup(id);
    one->closed = closed;
    g_hash_table_replace(world->registry->holds, g_strdup(sysname), one);
}

static void assert_verdict(World *world, const char *id, const char *sysname, Verdict verdict)
{
    assert_int_equal(desired_judge(world->desired, registry_assignment(world->registry, id),
                                   registry_device(world->registry, sysname)),
                     verdict);
}

/* A reset takes a device out of its machine, and even off the bus for a moment; it stays whose it was. */
static void test_held(void **state)
{
    World *world = *state;

    plug(world, make_device(world, "1-1", 0x0529, 1, ""));
    add_group(world, "keys", (const char *const[]){ "vendor=0529", NULL });
    assign(world, "aaaaaaaa", DESK, "keys", NULL, "1");
    assign(world, "bbbbbbbb", STUDIO, "keys", NULL, "1");
    registry_assignment(world->registry, "bbbbbbbb")->priority = 9;
    hold(world, "1-1", "aaaaaaaa", true);
    look(world);
    assert_gets(world, "aaaaaaaa", "1-1");
    assert_verdict(world, "aaaaaaaa", "1-1", VERDICT_RESETTING);

    registry_remove_device(world->registry, registry_device(world->registry, "1-1"));
    plug(world, make_device(world, "1-2", 0x0529, 1, ""));
    registry_remove_assignment(world->registry, registry_assignment(world->registry, "bbbbbbbb"));
    look(world);
    assert_gets(world, "aaaaaaaa", "");

    plug(world, make_device(world, "1-1", 0x0529, 1, ""));
    hold(world, "1-1", "aaaaaaaa", false);
    look(world);
    assert_gets(world, "aaaaaaaa", "1-1");
    assert_verdict(world, "aaaaaaaa", "1-1", VERDICT_GO);

    /* A set isn't taken apart for it. */
    plug(world, make_device(world, "1-5", 0x0600, 1, ""));
    plug(world, make_device(world, "1-6", 0x0601, 1, ""));
    add_group(world, "both", (const char *const[]){ "vendor=0600", "vendor=0601", NULL });
    assign(world, "cccccccc", STUDIO, "both", NULL, "set");
    put_into(world, "1-5", "cccccccc");
    put_into(world, "1-6", "cccccccc");
    hold(world, "1-6", "cccccccc", true);
    registry_remove_device(world->registry, registry_device(world->registry, "1-6"));
    look(world);
    assert_gets(world, "cccccccc", "1-5");
    g_hash_table_remove(world->registry->holds, "1-6");
    look(world);
    assert_gets(world, "cccccccc", "");

    /* What is behind a hub that is being reset, and nothing else. */
    g_hash_table_remove_all(world->registry->holds);
    registry_assignment(world->registry, "aaaaaaaa")->quantity = 9;
    plug(world, make_device(world, "1-3.1", 0x0529, 1, ""));
    plug(world, make_device(world, "1-33", 0x0529, 1, ""));
    hold(world, "1-3", NULL, true);
    look(world);
    assert_verdict(world, "aaaaaaaa", "1-3.1", VERDICT_RESETTING);
    assert_verdict(world, "aaaaaaaa", "1-33", VERDICT_GO);
}

static void test_controller_of_a_machine(void **state)
{
    World *world = *state;
    Device *device = make_device(world, "1-1", 0x0529, 1, "");
    GPtrArray *pci = registry_machine(world->registry, STUDIO)->info->pci;

    g_free(device->controller);
    device->controller = g_strdup("0000:00:14.0");
    plug(world, device);
    add_group(world, "keys", (const char *const[]){ "vendor=0529", NULL });
    assign(world, "aaaaaaaa", DESK, NULL, "vendor=0529", "1");
    assign(world, "bbbbbbbb", DESK, "keys", NULL, "1");
    g_ptr_array_add(pci, g_strdup("0000:00:14.0"));
    look(world);
    assert_verdict(world, "aaaaaaaa", "1-1", VERDICT_CONTROLLER_TAKEN);
    registry_remove_assignment(world->registry, registry_assignment(world->registry, "aaaaaaaa"));
    look(world);
    /* A pool has other devices. */
    assert_gets(world, "bbbbbbbb", "");
    assert_verdict(world, "bbbbbbbb", "1-1", VERDICT_CONTROLLER_TAKEN);

    registry_machine(world->registry, STUDIO)->info->state = MACHINE_STATE_SHUTOFF;
    look(world);
    assert_verdict(world, "bbbbbbbb", "1-1", VERDICT_GO);
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
        TEST(test_the_older_one),
        TEST(test_held),
        TEST(test_controller_of_a_machine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
