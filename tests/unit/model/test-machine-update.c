/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Machine update: what a fresh look changes, and what of it is reported. */

#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/model/machine-update.h"

#define MACHINE "3f1e5c1e-0000-4000-8000-000000000001"

/* A look at a machine in this life; aliases: NULL-terminated. */
static MachineInfo *look(unsigned domain_id, const char *const *aliases)
{
    MachineInfo *info = machine_info_new(MACHINE);

    info->state = domain_id ? MACHINE_STATE_RUNNING : MACHINE_STATE_SHUTOFF;
    info->domain_id = domain_id;
    for (; *aliases; aliases++) {
        Hostdev *hostdev = g_new0(Hostdev, 1);

        hostdev->alias = g_strdup(*aliases);
        (void)hostdev_alias_parse(*aliases, &hostdev->assignment_id, &hostdev->instance, &hostdev->domain_id);
        g_ptr_array_add(info->hostdevs, hostdev);
    }
    return info;
}

#define LOOK(domain_id, ...) look(domain_id, (const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

static void what_is_of_another_life_is_dead(void **state)
{
    static const char this[] = "ua-usbferry-k3xw90ab-7-3", other[] = "ua-usbferry-k3xw90ab-7-2",
                      old[] = "ua-usbferry-k3xw90ab-7", foreign[] = "hostdev0";
    g_autoptr(Registry) registry = registry_new("host");
    Machine *machine = machine_new(LOOK(3));

    registry_add_machine(registry, machine);
    /* The first look, after a restart of the daemon: the alias alone tells. */
    machine_update(registry, machine, LOOK(3, this, other, old, foreign));
    assert_int_equal(g_hash_table_size(machine->dead_aliases), 1);
    assert_true(g_hash_table_contains(machine->dead_aliases, other));
    /* Removed, and the others stay what they are. */
    machine_update(registry, machine, LOOK(3, this, old, foreign));
    assert_int_equal(g_hash_table_size(machine->dead_aliases), 0);
    /* Restored. */
    machine_update(registry, machine, LOOK(4, this, old, foreign));
    assert_int_equal(g_hash_table_size(machine->dead_aliases), 2);
    assert_false(g_hash_table_contains(machine->dead_aliases, foreign));
    /* Still there, still dead. */
    machine_update(registry, machine, LOOK(4, this, old));
    assert_int_equal(g_hash_table_size(machine->dead_aliases), 2);
}

/* libvirtd was restarted while the machine was off, and begins to count anew. */
static void an_id_that_comes_again_is_another_life(void **state)
{
    static const char alias[] = "ua-usbferry-k3xw90ab-7-1";
    g_autoptr(Registry) registry = registry_new("host");
    Machine *machine = machine_new(LOOK(1));

    registry_add_machine(registry, machine);
    machine_update(registry, machine, LOOK(1, alias));
    assert_int_equal(g_hash_table_size(machine->dead_aliases), 0);
    machine_update(registry, machine, LOOK(0));
    machine_update(registry, machine, LOOK(1, alias));
    assert_true(g_hash_table_contains(machine->dead_aliases, alias));
    machine_update(registry, machine, LOOK(1));
    machine_update(registry, machine, LOOK(1, alias));
    assert_int_equal(g_hash_table_size(machine->dead_aliases), 0);
}

/* The fields of the changes that were reported since the last call. */
static unsigned reported;

static void note_change(const Change *change, void *userdata)
{
    assert_int_equal(change->type, OBJECT_MACHINE);
    if (change->kind != CHANGE_FIELDS)
        return;
    assert_string_equal(change->id, MACHINE);
    reported |= change->fields;
}

static unsigned take_reported(void)
{
    unsigned fields = reported;

    reported = 0;
    return fields;
}

static Registry *listen(Machine *machine)
{
    Registry *registry = registry_new("host");

    registry->changed = note_change;
    registry_add_machine(registry, machine);
    reported = 0;
    return registry;
}

static void what_differs_is_reported(void **state)
{
    Machine *machine = machine_new(LOOK(3));
    g_autoptr(Registry) registry = listen(machine);
    MachineInfo *info = LOOK(3);

    machine_update(registry, machine, info);
    assert_int_equal(take_reported(), 0);

    info = LOOK(0);
    machine_update(registry, machine, info);
    assert_int_equal(take_reported(), MACHINE_FIELD_STATE);
    assert_ptr_equal(machine->info, info);
    /* The registry's key is still good. */
    assert_ptr_equal(registry_machine(registry, MACHINE), machine);

    info = LOOK(0);
    g_free(info->name);
    info->name = g_strdup("desk");
    g_free(info->usb_controller);
    info->usb_controller = g_strdup("qemu-xhci");
    info->free_ports = 4;
    machine_update(registry, machine, info);
    assert_int_equal(take_reported(),
                     MACHINE_FIELD_NAME | MACHINE_FIELD_USB_CONTROLLER | MACHINE_FIELD_FREE_PORTS);
}

static void who_is_ours_is_no_change_of_foreign_devices(void **state)
{
    static const char ours[] = "ua-usbferry-k3xw90ab-7-3", foreign[] = "hostdev0";
    Machine *machine = machine_new(LOOK(3));
    g_autoptr(Registry) registry = listen(machine);
    MachineInfo *info;

    machine_update(registry, machine, LOOK(3, ours));
    assert_int_equal(take_reported(), 0);
    machine_update(registry, machine, LOOK(3, ours, foreign));
    assert_int_equal(take_reported(), MACHINE_FIELD_FOREIGN_DEVICES);
    machine_update(registry, machine, LOOK(3, foreign));
    assert_int_equal(take_reported(), 0);
    /* Another device under the same alias. */
    info = LOOK(3, foreign);
    ((Hostdev *)info->hostdevs->pdata[0])->device_number = 5;
    machine_update(registry, machine, info);
    assert_int_equal(take_reported(), MACHINE_FIELD_FOREIGN_DEVICES);
}

static void a_removal_is_over_when_it_is_seen(void **state)
{
    static const char stays[] = "ua-usbferry-k3xw90ab-7-3", goes[] = "ua-usbferry-k3xw90ab-8-3";
    Machine *machine = machine_new(LOOK(3, stays, goes));
    g_autoptr(Registry) registry = listen(machine);

    g_hash_table_insert(machine->removals, g_strdup(stays), g_new0(Removal, 1));
    g_hash_table_insert(machine->removals, g_strdup(goes), g_new0(Removal, 1));
    machine_update(registry, machine, LOOK(3, stays));
    assert_int_equal(g_hash_table_size(machine->removals), 1);
    assert_true(g_hash_table_contains(machine->removals, stays));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_of_another_life_is_dead),
        cmocka_unit_test(an_id_that_comes_again_is_another_life),
        cmocka_unit_test(what_differs_is_reported),
        cmocka_unit_test(who_is_ours_is_no_change_of_foreign_devices),
        cmocka_unit_test(a_removal_is_over_when_it_is_seen),
    };

    return cmocka_run_group_tests_name("machine-update", tests, NULL, NULL);
}
