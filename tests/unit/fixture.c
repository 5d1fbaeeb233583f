/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Objects made by hand. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/fixture.h"

#include <string.h>

Device *world_make_device(World *world, const char *sysname, uint16_t vendor, uint16_t product,
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

void world_plug(World *world, Device *device)
{
    registry_add_device(world->registry, device);
    memberships_update_device(world->memberships, device);
}

void world_add_machine(World *world, const char *uuid, MachineState state)
{
    MachineInfo *info = machine_info_new(uuid);
    Machine *machine;

    info->state = state;
    machine = machine_new(info);
    machine->inspected = true;
    registry_add_machine(world->registry, machine);
}

void world_add_group(World *world, const char *name, const char *const *rules)
{
    Group *group = group_new(name);

    for (; *rules; rules++)
        group_add_rule(group, rule_parse(*rules, NULL), "admin");
    registry_add_group(world->registry, group);
    memberships_rebuild(world->memberships);
}

Assignment *world_make_assignment(World *world, const char *id, const char *uuid, const char *group,
                                  const char *rule, const char *quantity)
{
    Assignment *assignment = assignment_new(id);

    g_free(assignment->name);
    assignment->name = g_strdup(id);
    assignment->machine_uuid = g_strdup(uuid);
    assignment->group = g_strdup(group);
    if (rule) {
        assignment->rule = rule_parse(rule, NULL);
        g_free(assignment->selector);
        assignment->selector = rule_print(assignment->rule);
    }
    assert_true(quantity_parse(quantity, &assignment->quantity_kind, &assignment->quantity));
    assignment->stored = true;
    assignment->created = world->next_created++;
    return assignment;
}

void world_assign(World *world, const char *id, const char *uuid, const char *group, const char *rule,
                  const char *quantity)
{
    registry_add_assignment(world->registry, world_make_assignment(world, id, uuid, group, rule, quantity));
}

void world_look(World *world)
{
    allocation_free(world->allocation);
    world->allocation = allocation_new(world->registry, 1);
}

/* "a b": the devices that the assignment comes first for. */
void world_assert_gets(World *world, const char *id, const char *expected)
{
    const GPtrArray *wants = allocation_wants_of(world->allocation, registry_assignment(world->registry, id));
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < wants->len; i++)
        g_string_append_printf(text, "%s%s", i ? " " : "", ((const Want *)wants->pdata[i])->device->sysname);
    assert_string_equal(text->str, expected);
}

/* As the live XML would show it. */
void world_put_into(World *world, const char *sysname, const char *id)
{
    const Device *device = registry_device(world->registry, sysname);
    const Assignment *assignment = registry_assignment(world->registry, id);
    Hostdev *hostdev = g_new0(Hostdev, 1);

    hostdev->alias = hostdev_alias_format(id, device->instance, 0);
    hostdev->assignment_id = g_strdup(id);
    hostdev->instance = device->instance;
    hostdev->bus_number = device->bus_number;
    hostdev->device_number = device->device_number;
    g_ptr_array_add(registry_machine(world->registry, assignment->machine_uuid)->info->hostdevs, hostdev);
}

void world_begin(World *world)
{
    world->registry = registry_new("host");
    world->registry->hypervisor_state = HYPERVISOR_STATE_CONNECTED;
    world->registry->machines_known = true;
    world->memberships = memberships_new(world->registry);
    world_add_machine(world, DESK, MACHINE_STATE_RUNNING);
    world_add_machine(world, STUDIO, MACHINE_STATE_RUNNING);
    world_add_machine(world, LOFT, MACHINE_STATE_RUNNING);
}

int world_setup(void **state)
{
    World *world = g_new0(World, 1);

    *state = world;
    world->next_number = 2;
    world->next_created = 1;
    world_begin(world);
    return 0;
}

int world_teardown(void **state)
{
    World *world = *state;

    allocation_free(world->allocation);
    memberships_free(world->memberships);
    registry_free(world->registry);
    g_free(world);
    return 0;
}
