/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What one turn costs (who is to have what, and what is said of it), in times of a turn with ten times fewer
 * of everything, of one with ten times fewer rules, and of one in which groups are small: in one run and by
 * turns, so that the machine's speed and its other work cancel out. What is linear costs ten times as much
 * and some cache misses; what is quadratic a hundred times as much. Fails above the ratios.
 *
 *     bench-turn [ROUNDS [FEW]] */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "daemon/allocation/allocation.h"
#include "daemon/model/membership.h"
#include "daemon/reconciler/status-update.h"
#include "tests/bench/row.h"

#define ROUNDS           15
#define FEW              100
#define TIMES            10
#define RULES_PER_GROUP  10
#define N_MACHINES       10
#define DEVICES_PER_BUS  100
#define ID_MAX           0xffffU
#define GROWTH_GOAL      11.0
#define GROWTH_MAX       20.0
#define RULES_RATIO_GOAL 1.1
#define RULES_RATIO_MAX  2.0
#define GROUP_RATIO_GOAL 1.2
#define GROUP_RATIO_MAX  2.5
#define NS_PER_MS        1e6

typedef struct Setup {
    const char *name;
    unsigned n, n_rules; /* devices and assignments; rules */
    bool one_group;      /* with one rule, that all devices match */
    bool all_wait;       /* who draws gets nothing: there are only those that others have */
    Registry *registry;
    Memberships *memberships;
    gint64 best; /* of all rounds, in ns; the shortest is the one that was disturbed least */
} Setup;

static void set(char **field, char *text)
{
    g_free(*field);
    *field = text;
}

static char *uuid_of(unsigned number)
{
    return g_strdup_printf("00000000-0000-4000-8000-%012u", number);
}

static void add_device(Registry *registry, unsigned number)
{
    g_autofree char *sysname =
        g_strdup_printf("%u-%u", number / DEVICES_PER_BUS + 1, number % DEVICES_PER_BUS + 1);
    Device *device = device_new(sysname);

    device->bus_number = number / DEVICES_PER_BUS + 1;
    device->device_number = number % DEVICES_PER_BUS + 2;
    device->instance = number + 1;
    device->vendor_id = (uint16_t)number;
    device->product_id = (uint16_t)number;
    device->class_name = "smartcard";
    set(&device->serial, g_strdup_printf("SN%06u", number));
    set(&device->socket, g_strdup_printf("pci-0000:00:14.0/%s", sysname));
    set(&device->controller, g_strdup("0000:00:14.0"));
    registry_add_device(registry, device);
}

static void add_machine(Registry *registry, unsigned number)
{
    g_autofree char *uuid = uuid_of(number);
    MachineInfo *info = machine_info_new(uuid);
    Machine *machine;

    info->state = MACHINE_STATE_RUNNING;
    set(&info->name, g_strdup_printf("vm-%u", number));
    machine = machine_new(info);
    machine->inspected = true;
    registry_add_machine(registry, machine);
}

/* The first rules are about the devices here, the others about devices that may come. */
static void add_group(const Setup *setup, unsigned number)
{
    g_autofree char *name = g_strdup_printf("group-%u", number);
    Group *group = group_new(name);

    if (setup->one_group)
        group_add_rule(group, rule_parse("class=smartcard", NULL), GROUP_ORIGIN_ADMIN);
    for (unsigned i = number * RULES_PER_GROUP; !setup->one_group && i < (number + 1) * RULES_PER_GROUP;
         i++) {
        g_autofree char *text =
            g_strdup_printf("vendor=%04x product=%04x serial=SN%06u", i & ID_MAX, i & ID_MAX, i);

        group_add_rule(group, rule_parse(text, NULL), GROUP_ORIGIN_ADMIN);
    }
    registry_add_group(setup->registry, group);
}

static void attach(Registry *registry, const Assignment *assignment, unsigned number)
{
    Hostdev *hostdev = g_new0(Hostdev, 1);
    Machine *machine = registry_machine(registry, assignment->machine_uuid);

    hostdev->bus_number = number / DEVICES_PER_BUS + 1;
    hostdev->device_number = number % DEVICES_PER_BUS + 2;
    hostdev->assignment_id = g_strdup(assignment->id);
    hostdev->instance = number + 1;
    hostdev->alias = hostdev_alias_format(assignment->id, hostdev->instance, 1);
    g_ptr_array_add(machine->info->hostdevs, hostdev);
}

/* Every other one is for a device of its own, and every other of these has it. The others draw from groups,
 * which have some for them. */
static void add_assignment(Setup *setup, unsigned number)
{
    g_autofree char *id = g_strdup_printf("a%07u", number);
    Assignment *assignment = assignment_new(id);

    assignment->name = g_strdup(id);
    assignment->machine_uuid = uuid_of(number % N_MACHINES);
    assignment->stored = true;
    assignment->sequence = number + 1;
    assignment->quantity_kind = QUANTITY_COUNT;
    assignment->quantity = 1;
    if (number % 2 == 0) {
        g_autofree char *text =
            g_strdup_printf("vendor=%04x product=%04x serial=SN%06u", number, number, number);

        assignment->rule = rule_parse(text, NULL);
        set(&assignment->selector, g_strdup(text));
        if (number % 4 == 0)
            attach(setup->registry, assignment, number);
    } else {
        assignment->group = g_strdup_printf("group-%u", setup->one_group ? 0 : number / RULES_PER_GROUP);
    }
    registry_add_assignment(setup->registry, assignment);
}

static void set_up(Setup *setup)
{
    setup->best = G_MAXINT64;
    setup->registry = registry_new("host-a");
    setup->registry->hypervisor_state = HYPERVISOR_STATE_CONNECTED;
    setup->registry->machines_known = true;
    setup->memberships = memberships_new(setup->registry);
    for (unsigned i = 0; i < N_MACHINES; i++)
        add_machine(setup->registry, i);
    for (unsigned i = 0; i < MAX(setup->n_rules / RULES_PER_GROUP, 1); i++)
        add_group(setup, i);
    memberships_rebuild(setup->memberships);
    for (unsigned i = 0; i < setup->n; i += setup->all_wait ? 2 : 1)
        add_device(setup->registry, i);
    memberships_rebuild(setup->memberships);
    for (unsigned i = 0; i < setup->n; i++)
        add_assignment(setup, i);
}

static gint64 now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (gint64)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void run_round(Setup *setup)
{
    gint64 start = now();
    Allocation *allocation = allocation_new(setup->registry, 1);

    status_update(setup->registry, allocation);
    allocation_free(allocation);
    setup->best = MIN(setup->best, now() - start);
}

static void clear(Setup *setup)
{
    memberships_free(setup->memberships);
    registry_free(setup->registry);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? MAX(atoi(argv[1]), 1) : ROUNDS;
    unsigned few = argc > 2 ? (unsigned)MAX(atoi(argv[2]), 1) : FEW;
    Setup setups[] = {
        { .name = "few", .n = few, .n_rules = few },
        { .name = "many", .n = few * TIMES, .n_rules = few * TIMES },
        { .name = "rules", .n = few * TIMES, .n_rules = few * TIMES * TIMES },
        { .name = "group", .n = few * TIMES, .n_rules = 1, .one_group = true },
        { .name = "queue", .n = few * TIMES, .n_rules = 1, .one_group = true, .all_wait = true },
    };
    double growth, rules, group, queue;
    bool ok;

    for (unsigned i = 0; i < G_N_ELEMENTS(setups); i++)
        set_up(&setups[i]);
    for (int round = 0; round < rounds; round++)
        for (unsigned i = 0; i < G_N_ELEMENTS(setups); i++)
            run_round(&setups[i]);
    for (unsigned i = 0; i < G_N_ELEMENTS(setups); i++)
        printf("%-5s %5u devices and assignments, %6u rules: %8.2f ms\n", setups[i].name, setups[i].n,
               setups[i].n_rules, (double)setups[i].best / NS_PER_MS);
    growth = (double)setups[1].best / (double)setups[0].best;
    rules = (double)setups[2].best / (double)setups[1].best;
    queue = (double)setups[4].best / (double)setups[1].best;
    group = (double)setups[3].best / (double)setups[1].best;
    ok = row_print(&(Row){ "a turn", (double)setups[1].best / NS_PER_MS, "ms", growth,
                           "a tenth of everything", GROWTH_GOAL, GROWTH_MAX });
    ok = row_print(&(Row){ "a turn, ten times the rules", (double)setups[2].best / NS_PER_MS, "ms", rules,
                           "a tenth of the rules", RULES_RATIO_GOAL, RULES_RATIO_MAX }) &&
         ok;
    ok = row_print(&(Row){ "a turn, one group for all", (double)setups[3].best / NS_PER_MS, "ms", group,
                           "groups of ten", GROUP_RATIO_GOAL, GROUP_RATIO_MAX }) &&
         ok;
    ok = row_print(&(Row){ "a turn, half of all wait in one queue", (double)setups[4].best / NS_PER_MS, "ms",
                           queue, "groups of ten", GROUP_RATIO_GOAL, GROUP_RATIO_MAX }) &&
         ok;
    for (unsigned i = 0; i < G_N_ELEMENTS(setups); i++)
        clear(&setups[i]);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
