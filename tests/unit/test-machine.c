/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Machine: the names of states, and the alias that says whose a hostdev is. */

#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/hypervisor.h"
#include "daemon/machine.h"

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

    for (gsize i = 0; i < G_N_ELEMENTS(instances); i++) {
        g_autofree char *alias = hostdev_alias_format("k3xw90ab", instances[i]);
        g_autofree char *id = NULL;
        uint64_t instance = 0;

        assert_true(hostdev_alias_parse(alias, &id, &instance));
        assert_string_equal(id, "k3xw90ab");
        assert_true(instance == instances[i]);
    }
}

static void an_alias_reads_as_documented(void **state)
{
    g_autofree char *alias = hostdev_alias_format("k3xw90ab", 77);

    assert_string_equal(alias, "ua-usbferry-k3xw90ab-77");
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
    };
    g_autofree char *id = NULL;
    uint64_t instance = 5;

    for (gsize i = 0; i < G_N_ELEMENTS(aliases); i++)
        if (hostdev_alias_parse(aliases[i], &id, &instance))
            fail_msg("%s was taken for one of ours", aliases[i]);
    assert_false(hostdev_alias_parse(NULL, &id, &instance));
    assert_null(id);
    assert_int_equal(instance, 5);
}

static void only_a_machine_that_is_off_is_inactive(void **state)
{
    g_autoptr(Machine) machine = machine_new(machine_info_new("3f1e5c1e-0000-4000-8000-000000000001"));

    assert_string_equal(machine->info->uuid, "3f1e5c1e-0000-4000-8000-000000000001");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_have_names),
        cmocka_unit_test(an_alias_survives_the_round_trip),
        cmocka_unit_test(an_alias_reads_as_documented),
        cmocka_unit_test(other_aliases_are_not_ours),
        cmocka_unit_test(only_a_machine_that_is_off_is_inactive),
    };

    return cmocka_run_group_tests_name("machine", tests, NULL, NULL);
}
