/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Objects made by hand. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/fixture.h"

#include <string.h>

Device *fixture_make_device(Fixture *fixture, const char *sysname, uint16_t vendor, uint16_t product,
                            const char *serial)
{
    Device *device = device_new(sysname);

    device->bus_number = 1;
    device->device_number = fixture->next_number++;
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

void fixture_plug(Fixture *fixture, Device *device)
{
    registry_add_device(fixture->registry, device);
    memberships_update_device(fixture->memberships, device);
}

void fixture_add_machine(Fixture *fixture, const char *uuid, const char *name)
{
    MachineInfo *info = machine_info_new(uuid);
    Machine *machine;

    info->state = MACHINE_STATE_RUNNING;
    g_free(info->name);
    info->name = g_strdup(name);
    machine = machine_new(info);
    machine->inspected = true;
    registry_add_machine(fixture->registry, machine);
}

void fixture_add_group(Fixture *fixture, const char *name, const char *const *rules)
{
    Group *group = group_new(name);

    for (; *rules; rules++)
        group_add_rule(group, rule_parse(*rules, NULL), "admin");
    registry_add_group(fixture->registry, group);
    memberships_rebuild(fixture->memberships);
}

Assignment *fixture_make_assignment(Fixture *fixture, const char *id, const char *uuid, const char *group,
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
    assignment->sequence = fixture->next_sequence++;
    return assignment;
}

void fixture_assign(Fixture *fixture, const char *id, const char *uuid, const char *group, const char *rule,
                    const char *quantity)
{
    registry_add_assignment(fixture->registry,
                            fixture_make_assignment(fixture, id, uuid, group, rule, quantity));
}

void fixture_look(Fixture *fixture)
{
    allocation_free(fixture->allocation);
    fixture->allocation = allocation_new(fixture->registry, 1);
}

void fixture_assert_verdict(Fixture *fixture, const char *id, const char *sysname, Verdict verdict)
{
    assert_int_equal(allocation_judge(fixture->allocation, registry_assignment(fixture->registry, id),
                                      registry_device(fixture->registry, sysname)),
                     verdict);
}

void fixture_assert_gets(Fixture *fixture, const char *id, const char *expected)
{
    const GPtrArray *wants =
        allocation_wants_of(fixture->allocation, registry_assignment(fixture->registry, id));
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < wants->len; i++)
        g_string_append_printf(text, "%s%s", i ? " " : "", ((const Want *)wants->pdata[i])->device->sysname);
    assert_string_equal(text->str, expected);
}

static char *report_key(ObjectType type, const char *id)
{
    return g_strdup_printf("%d %s", (int)type, id);
}

unsigned fixture_reported(Fixture *fixture, ObjectType type, const char *id)
{
    g_autofree char *key = report_key(type, id);

    return GPOINTER_TO_UINT(g_hash_table_lookup(fixture->reported, key));
}

static void note_change(const Change *change, void *userdata)
{
    static const unsigned kinds[] = { [CHANGE_ADDED] = FIXTURE_ADDED, [CHANGE_REMOVED] = FIXTURE_REMOVED };
    Fixture *fixture = userdata;
    unsigned what = change->kind == CHANGE_FIELDS ? change->fields : kinds[change->kind];

    g_hash_table_replace(fixture->reported, report_key(change->type, change->id),
                         GUINT_TO_POINTER(what | fixture_reported(fixture, change->type, change->id)));
}

void fixture_record(Fixture *fixture)
{
    g_clear_pointer(&fixture->reported, g_hash_table_unref);
    fixture->reported = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    fixture->registry->changed = note_change;
    fixture->registry->changed_userdata = fixture;
}

static Machine *machine_of(Fixture *fixture, const char *id)
{
    return registry_machine(fixture->registry, registry_assignment(fixture->registry, id)->machine_uuid);
}

static Hostdev *make_hostdev(Fixture *fixture, const char *sysname, const char *id)
{
    const Device *device = registry_device(fixture->registry, sysname);
    Hostdev *hostdev = g_new0(Hostdev, 1);

    hostdev->alias = hostdev_alias_format(id, device->instance, 0);
    hostdev->assignment_id = g_strdup(id);
    hostdev->instance = device->instance;
    hostdev->bus_number = device->bus_number;
    hostdev->device_number = device->device_number;
    return hostdev;
}

Hostdev *fixture_put_into(Fixture *fixture, const char *sysname, const char *id)
{
    Hostdev *hostdev = make_hostdev(fixture, sysname, id);

    g_ptr_array_add(machine_of(fixture, id)->info->hostdevs, hostdev);
    return hostdev;
}

Hostdev *fixture_put_in_flight(Fixture *fixture, const char *sysname, const char *id)
{
    return machine_of(fixture, id)->in_flight = make_hostdev(fixture, sysname, id);
}

Hostdev *fixture_put_foreign(Fixture *fixture, const char *sysname, const char *uuid)
{
    const Device *device = registry_device(fixture->registry, sysname);
    GPtrArray *hostdevs = registry_machine(fixture->registry, uuid)->info->hostdevs;
    Hostdev *hostdev = g_new0(Hostdev, 1);

    hostdev->alias = g_strdup_printf("hostdev%u", hostdevs->len);
    hostdev->bus_number = device->bus_number;
    hostdev->device_number = device->device_number;
    g_ptr_array_add(hostdevs, hostdev);
    return hostdev;
}

void fixture_begin(Fixture *fixture)
{
    fixture->registry = registry_new("host");
    fixture->registry->hypervisor_state = HYPERVISOR_STATE_CONNECTED;
    fixture->registry->machines_known = true;
    fixture->memberships = memberships_new(fixture->registry);
    fixture_add_machine(fixture, DESK, "desk");
    fixture_add_machine(fixture, STUDIO, "studio");
    fixture_add_machine(fixture, LOFT, "loft");
}

int fixture_setup(void **state)
{
    Fixture *fixture = g_new0(Fixture, 1);

    *state = fixture;
    fixture->next_number = 2;
    fixture->next_sequence = 1;
    fixture_begin(fixture);
    return 0;
}

int fixture_teardown(void **state)
{
    Fixture *fixture = *state;

    allocation_free(fixture->allocation);
    memberships_free(fixture->memberships);
    registry_free(fixture->registry);
    g_clear_pointer(&fixture->reported, g_hash_table_unref);
    g_free(fixture);
    return 0;
}
