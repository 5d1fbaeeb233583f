/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What one device's match costs with many rules, in times of what it costs with few: both in one run and in
 * turns, so that the machine's speed and its other work cancel out. Fails above RATIO_MAX.
 *
 *     bench-rules [ROUNDS] */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "daemon/model/group.h"
#include "daemon/rules/rule-index.h"
#include "tests/bench/row.h"

#define NODE          "host-a"
#define RATIO_GOAL    1.5
#define RATIO_MAX     3.0
#define ROUNDS        200
#define N_DEVICES     64
#define N_FEW_GROUPS  10
#define N_MANY_GROUPS 1000
#define N_MANY_RULES  10

typedef struct Setup {
    const char *name;
    unsigned n_groups, n_rules;
    GPtrArray *groups;
    RuleIndex *index;
    unsigned matches;
    gint64 best; /* of all rounds, in ns; the shortest is the one that was disturbed least */
} Setup;

static void set(char **field, char *text)
{
    g_free(*field);
    *field = text;
}

/* The kinds of rules that people and MakePassthrough write, one after the other. The first ones are
 * about the devices here, the others about devices that may come. */
static char *rule_text(unsigned number)
{
    unsigned n = number / 10;

    switch (number % 10) {
    case 0:
        return g_strdup_printf("vendor=%04x product=%04x serial=SN%06u", n, n, n);
    case 1:
        return g_strdup_printf("vendor=%04x product=%04x", n, n);
    case 2:
        return g_strdup_printf("port=pci-0000:%02x:14.0/%u.%u", n / 256, n / 16 % 16 + 1, n % 16 + 1);
    case 3:
        return g_strdup_printf("vendor=%04x product=%04x port=%u-%u", n, n, n / 16 + 1, n % 16 + 1);
    case 4:
        return g_strdup_printf("hub=pci-0000:%02x:14.0/%u.%u", n / 256, n / 16 % 16 + 1, n % 16 + 1);
    case 5:
        return g_strdup_printf("vendor=%04x serial=SN%02u*", n, n % 100);
    case 6:
        return g_strdup_printf("name=\"Dongle %u\" class!=hid-keyboard", n);
    case 7:
        return g_strdup_printf("vendor=0000 product=0000 node=host-%u", n);
    case 8:
        return g_strdup_printf("product=%04x removable=yes", n);
    default:
        return g_strdup_printf("manufacturer=\"Maker %u\" speed=12", n);
    }
}

static void destroy_group(gpointer group)
{
    group_free(group);
}

static void set_up(Setup *setup)
{
    setup->groups = g_ptr_array_new_with_free_func(destroy_group);
    setup->index = rule_index_new();
    setup->best = G_MAXINT64;
    for (unsigned g = 0; g < setup->n_groups; g++) {
        g_autofree char *name = g_strdup_printf("group-%u", g);
        Group *group = group_new(name);

        g_ptr_array_add(setup->groups, group);
        for (unsigned r = 0; r < setup->n_rules; r++) {
            g_autofree char *text = rule_text(g * setup->n_rules + r);
            g_autoptr(GError) error = NULL;
            Rule *rule = rule_parse(text, &error);

            g_assert_no_error(error);
            group_add_rule(group, rule, GROUP_ORIGIN_ADMIN);
            rule_index_add(setup->index, rule, group);
        }
    }
}

/* Of each kind, a rule is about it. */
static Device *make_device(unsigned number)
{
    g_autofree char *sysname = g_strdup_printf("%u-%u", number / 16 + 1, number % 16 + 1);
    Device *device = device_new(sysname);

    device->vendor_id = (uint16_t)number;
    device->product_id = (uint16_t)number;
    set(&device->serial, g_strdup_printf("SN%06u", number));
    set(&device->vendor, g_strdup_printf("Maker %u", number));
    set(&device->product, g_strdup_printf("Dongle %u", number));
    set(&device->socket, g_strdup_printf("pci-0000:00:14.0/%u.%u", number / 16 + 1, number % 16 + 1));
    set(&device->controller, g_strdup("0000:00:14.0"));
    device->n_interfaces = 1;
    device->interfaces = g_new0(DeviceInterface, 1);
    device->interfaces[0] = (DeviceInterface){ 11, 0, 0 };
    device->class_name = device_class_from_interfaces(0, device->interfaces, device->n_interfaces);
    device->speed = 12;
    device->removable = true;
    return device;
}

static void count(const Rule *rule, void *owner, void *userdata)
{
    (*(unsigned *)userdata)++;
}

static gint64 now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (gint64)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void run_round(Setup *setup, Device *const *devices)
{
    gint64 start = now();

    setup->matches = 0;
    for (unsigned i = 0; i < N_DEVICES; i++)
        rule_index_match(setup->index, devices[i], NODE, count, &setup->matches);
    setup->best = MIN(setup->best, now() - start);
}

static void clear(Setup *setup)
{
    rule_index_free(setup->index);
    g_ptr_array_unref(setup->groups);
}

int main(int argc, char **argv)
{
    Setup few = { .name = "few", .n_groups = N_FEW_GROUPS, .n_rules = 1 };
    Setup many = { .name = "many", .n_groups = N_MANY_GROUPS, .n_rules = N_MANY_RULES };
    Setup *const setups[] = { &few, &many };
    Device *devices[N_DEVICES];
    int rounds = argc > 1 ? MAX(atoi(argv[1]), 1) : ROUNDS;
    double ratio;

    for (unsigned i = 0; i < N_DEVICES; i++)
        devices[i] = make_device(i);
    for (unsigned i = 0; i < G_N_ELEMENTS(setups); i++)
        set_up(setups[i]);
    for (int round = 0; round < rounds; round++)
        for (unsigned i = 0; i < G_N_ELEMENTS(setups); i++)
            run_round(setups[i], devices);

    for (unsigned i = 0; i < G_N_ELEMENTS(setups); i++)
        printf("%-4s %4u groups x %2u rules: %6.0f ns for one device, which matches %.1f rules\n",
               setups[i]->name, setups[i]->n_groups, setups[i]->n_rules, (double)setups[i]->best / N_DEVICES,
               (double)setups[i]->matches / N_DEVICES);
    ratio = (double)many.best / (double)few.best;

    for (unsigned i = 0; i < G_N_ELEMENTS(setups); i++)
        clear(setups[i]);
    for (unsigned i = 0; i < N_DEVICES; i++)
        device_free(devices[i]);
    return row_print(&(Row){ "what matches a device", (double)many.best / N_DEVICES, "ns", ratio, "few rules",
                             RATIO_GOAL, RATIO_MAX })
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}
