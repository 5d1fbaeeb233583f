/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* MachineInfo: the names of states, the alias that says whose a hostdev is, and copies. */

#include <glib.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/hypervisor/hypervisor.h"
#include "daemon/hypervisor/machine-info.h"

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

/* What is in the machine is known only after it was inspected. */
static void a_brief_copy_has_no_hostdevs(void **state)
{
    g_autoptr(MachineInfo) info = machine_info_new(MACHINE);
    g_autoptr(MachineInfo) copy = NULL;

    g_free(info->name);
    info->name = g_strdup("desk");
    info->state = MACHINE_STATE_PAUSED;
    info->domain_id = 3;
    info->free_ports = 4;
    g_ptr_array_add(info->hostdevs, g_new0(Hostdev, 1));
    g_ptr_array_add(info->pci, g_strdup("0000:00:14.0"));
    copy = machine_info_copy_brief(info);
    assert_string_equal(copy->uuid, MACHINE);
    assert_string_equal(copy->name, "desk");
    assert_int_equal(copy->state, MACHINE_STATE_PAUSED);
    assert_int_equal(copy->domain_id, 3);
    assert_int_equal(copy->free_ports, 0);
    assert_int_equal(copy->hostdevs->len, 0);
    assert_int_equal(copy->pci->len, 0);
    assert_string_equal(copy->usb_controller, "");
}

static void nothing_is_freed_as_well(void **state)
{
    assert_null(machine_info_free(NULL));
    assert_null(hostdev_free(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_have_names),
        cmocka_unit_test(an_alias_survives_the_round_trip),
        cmocka_unit_test(an_alias_reads_as_documented),
        cmocka_unit_test(other_aliases_are_not_ours),
        cmocka_unit_test(a_brief_copy_has_no_hostdevs),
        cmocka_unit_test(nothing_is_freed_as_well),
    };

    return cmocka_run_group_tests_name("machine-info", tests, NULL, NULL);
}
