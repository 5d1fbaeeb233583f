/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Machine: the names of states, and the alias that says whose a hostdev is. */

#include <glib.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/hypervisor/hypervisor.h"
#include "daemon/model/machine-update.h"
#include "daemon/hypervisor/machine-info.h"
#include "daemon/model/registry.h"

#define MACHINE "3f1e5c1e-0000-4000-8000-000000000001"

static void states_have_names(void **state)
{
    for (int i = 0; i < _MACHINE_STATE_MAX; i++) {
        assert_non_null(machine_state_to_string((MachineState)i));
        assert_int_equal(machine_state_from_string(machine_state_to_string((MachineState)i)), i);
    }
    for (int i = 0; i < _HYPERVISOR_STATE_MAX; i++) {
        assert_non_null(hypervisor_state_to_string((HypervisorState)i));
        assert_int_equal(hypervisor_state_from_string(hypervisor_state_to_string((HypervisorState)i)), i);
    }
    for (int i = 0; i < _GUEST_RESET_MAX; i++) {
        assert_non_null(guest_reset_to_string((GuestReset)i));
        assert_int_equal(guest_reset_from_string(guest_reset_to_string((GuestReset)i)), i);
    }
    assert_string_equal(machine_state_to_string(MACHINE_STATE_SHUTOFF), "shutoff");
    assert_string_equal(hypervisor_state_to_string(HYPERVISOR_STATE_FAILED), "failed");
    assert_string_equal(guest_reset_to_string(GUEST_RESET_UNINITIALIZED), "uninitialized");
    assert_null(machine_state_to_string(_MACHINE_STATE_MAX));
    assert_null(machine_state_to_string(_MACHINE_STATE_INVALID));
    assert_int_equal(machine_state_from_string("RUNNING"), _MACHINE_STATE_INVALID);
    assert_int_equal(hypervisor_state_from_string(""), _HYPERVISOR_STATE_INVALID);
}

static void an_alias_survives_the_round_trip(void **state)
{
    static const uint64_t instances[] = { 1, 42, 1234567890, UINT64_MAX };
    static const unsigned lives[] = { 0, 1, 12, UINT_MAX };

    for (gsize i = 0; i < G_N_ELEMENTS(instances); i++)
        for (gsize k = 0; k < G_N_ELEMENTS(lives); k++) {
            g_autofree char *alias = hostdev_alias_format("k3xw90ab", instances[i], lives[k]);
            g_autofree char *id = NULL;
            uint64_t instance = 0;
            unsigned domain_id = 5;

            assert_true(hostdev_alias_parse(alias, &id, &instance, &domain_id));
            assert_string_equal(id, "k3xw90ab");
            assert_true(instance == instances[i]);
            assert_int_equal(domain_id, lives[k]);
        }
}

static void an_alias_reads_as_documented(void **state)
{
    g_autofree char *alias = hostdev_alias_format("k3xw90ab", 77, 3);
    g_autofree char *without_life = hostdev_alias_format("k3xw90ab", 77, 0);

    assert_string_equal(alias, "ua-usbferry-k3xw90ab-77-3");
    /* As older versions wrote it. */
    assert_string_equal(without_life, "ua-usbferry-k3xw90ab-77");
}

static void other_aliases_are_not_ours(void **state)
{
    static const char *const aliases[] = {
        "",
        "hostdev0",
        "ua-",
        "ua-usbferry-",
        "ua-usbferry-k3xw90ab",
        "ua-usbferry-k3xw90ab-",
        "ua-usbferry-k3xw90ab-0",
        "ua-usbferry-k3xw90ab-07",
        "ua-usbferry-k3xw90ab-+7",
        "ua-usbferry-k3xw90ab--7",
        "ua-usbferry-k3xw90ab- 7",
        "ua-usbferry-k3xw90ab-7x",
        "ua-usbferry-k3xw90ab-0x7",
        "ua-usbferry-k3xw90ab-18446744073709551616",
        "ua-usbferry-K3XW90AB-7",
        "ua-usbferry-k3xw90a-7",
        "ua-usbferry-k3xw90abc-7",
        "ua-usbferry-k3xw90a/-7",
        "ua-otherapp-k3xw90ab-7",
        "UA-usbferry-k3xw90ab-7",
        " ua-usbferry-k3xw90ab-7",
        "ua-usbferry-k3xw90ab-7 ",
        "ua-usbferry-k3xw90ab-7-",
        "ua-usbferry-k3xw90ab-7-0",
        "ua-usbferry-k3xw90ab-7-03",
        "ua-usbferry-k3xw90ab-7-+3",
        "ua-usbferry-k3xw90ab-7-3x",
        "ua-usbferry-k3xw90ab-7-3-",
        "ua-usbferry-k3xw90ab-7-3-3",
        "ua-usbferry-k3xw90ab-7--3",
        "ua-usbferry-k3xw90ab--3",
        "ua-usbferry-k3xw90ab-7-4294967296",
    };
    g_autofree char *id = NULL;
    uint64_t instance = 5;
    unsigned domain_id = 6;

    for (gsize i = 0; i < G_N_ELEMENTS(aliases); i++)
        if (hostdev_alias_parse(aliases[i], &id, &instance, &domain_id))
            fail_msg("%s was taken for one of ours", aliases[i]);
    assert_false(hostdev_alias_parse(NULL, &id, &instance, &domain_id));
    assert_null(id);
    assert_int_equal(instance, 5);
    assert_int_equal(domain_id, 6);
}

static void only_a_machine_that_is_off_is_inactive(void **state)
{
    g_autoptr(Machine) machine = machine_new(machine_info_new(MACHINE));

    assert_string_equal(machine->info->uuid, MACHINE);
    assert_string_equal(machine->info->name, "");
    assert_string_equal(machine->info->usb_controller, "");
    assert_int_equal(machine->info->hostdevs->len, 0);
    for (int i = 0; i < _MACHINE_STATE_MAX; i++) {
        machine->info->state = (MachineState)i;
        assert_int_equal(machine_is_active(machine), i != MACHINE_STATE_SHUTOFF);
    }
    assert_null(machine_free(NULL));
    assert_null(machine_info_free(NULL));
    assert_null(hostdev_free(NULL));
}

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_have_names),
        cmocka_unit_test(an_alias_survives_the_round_trip),
        cmocka_unit_test(an_alias_reads_as_documented),
        cmocka_unit_test(other_aliases_are_not_ours),
        cmocka_unit_test(only_a_machine_that_is_off_is_inactive),
        cmocka_unit_test(what_is_of_another_life_is_dead),
        cmocka_unit_test(an_id_that_comes_again_is_another_life),
    };

    return cmocka_run_group_tests_name("machine", tests, NULL, NULL);
}
