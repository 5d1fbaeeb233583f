/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Machine: what follows from its state. */

#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/model/machine.h"

#define MACHINE "3f1e5c1e-0000-4000-8000-000000000001"

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
}

static void who_does_not_answer_is_not_waited_for(void **state)
{
    g_autoptr(Machine) machine = machine_new(machine_info_new(MACHINE));

    assert_true(machine_is_being_read(machine));
    machine->stuck = true;
    assert_false(machine_is_being_read(machine));
    machine->stuck = false;
    /* It could not be read, and is tried again later. */
    machine->retry_at = 1;
    assert_false(machine_is_being_read(machine));
    machine->retry_at = 0;
    machine->inspected = true;
    assert_false(machine_is_being_read(machine));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_machine_that_is_off_is_inactive),
        cmocka_unit_test(who_does_not_answer_is_not_waited_for),
    };

    return cmocka_run_group_tests_name("machine", tests, NULL, NULL);
}
