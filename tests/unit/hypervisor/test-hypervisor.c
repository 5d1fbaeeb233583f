/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state of a hypervisor is told when it differs, and only then. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/hypervisor/hypervisor.h"

static void count(Hypervisor *hypervisor, void *userdata)
{
    (*(unsigned *)userdata)++;
}

static const HypervisorEvents events = { .state_changed = count };

static void a_state_is_told_once(void **state)
{
    unsigned told = 0;
    Hypervisor hypervisor = { .state = HYPERVISOR_STATE_CONNECTING,
                              .events = &events,
                              .events_userdata = &told };

    hypervisor_set_state(&hypervisor, HYPERVISOR_STATE_FAILED, "no socket");
    assert_int_equal(told, 1);
    assert_int_equal(hypervisor.state, HYPERVISOR_STATE_FAILED);
    assert_string_equal(hypervisor.state_text, "no socket");
    hypervisor_set_state(&hypervisor, HYPERVISOR_STATE_FAILED, "no socket");
    assert_int_equal(told, 1);
    hypervisor_set_state(&hypervisor, HYPERVISOR_STATE_FAILED, "no rights");
    assert_int_equal(told, 2);
    hypervisor_set_state(&hypervisor, HYPERVISOR_STATE_CONNECTED, NULL);
    assert_int_equal(told, 3);
    assert_null(hypervisor.state_text);
}

/* libvirt's texts have names of guests in them. */
static void its_text_is_made_clean(void **state)
{
    Hypervisor hypervisor = { .state = HYPERVISOR_STATE_CONNECTING };

    hypervisor_set_state(&hypervisor, HYPERVISOR_STATE_FAILED, "evil\033[31m\nhost");
    assert_string_equal(hypervisor.state_text, "evil [31m host");
    g_free(hypervisor.state_text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_state_is_told_once),
        cmocka_unit_test(its_text_is_made_clean),
    };

    return cmocka_run_group_tests_name("hypervisor", tests, NULL, NULL);
}
