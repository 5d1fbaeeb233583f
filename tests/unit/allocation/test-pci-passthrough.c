/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which machine has a controller as a whole, and which one takes it when it starts. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/allocation/pci-passthrough.h"
#include "tests/unit/fixture.h"

#define CONTROLLER "0000:00:14.0"

static void test_owner_and_claimant(void **state)
{
    Fixture *fixture = *state;
    Machine *desk = registry_machine(fixture->registry, DESK);

    assert_null(pci_passthrough_owner(fixture->registry, CONTROLLER));
    assert_null(pci_passthrough_claimant(fixture->registry, CONTROLLER));
    g_ptr_array_add(desk->info->pci, g_strdup("0000:01:00.0"));
    g_ptr_array_add(desk->info->pci, g_strdup(CONTROLLER));
    assert_ptr_equal(pci_passthrough_owner(fixture->registry, CONTROLLER), desk);
    assert_null(pci_passthrough_claimant(fixture->registry, CONTROLLER));
    assert_null(pci_passthrough_owner(fixture->registry, "0000:00:14"));
    desk->info->state = MACHINE_STATE_SHUTOFF;
    assert_null(pci_passthrough_owner(fixture->registry, CONTROLLER));
    assert_ptr_equal(pci_passthrough_claimant(fixture->registry, CONTROLLER), desk);
}

static void test_controller_of_a_socket(void **state)
{
    static const struct {
        const char *socket, *controller;
    } cases[] = {
        { "pci-0000:00:14.0/1.2", CONTROLLER },
        { "pci-0000:00:14.0/1", CONTROLLER },
        { "pci-0000:00:14.0", NULL },
        { "platform-usb/1", NULL },
        { "", NULL },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *controller = pci_passthrough_controller_of_socket(cases[i].socket);

        if (g_strcmp0(controller, cases[i].controller) != 0)
            fail_msg("\"%s\": %s", cases[i].socket, controller ? controller : "none");
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_owner_and_claimant),
        TEST(test_controller_of_a_socket),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
