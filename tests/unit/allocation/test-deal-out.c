/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Queues of groups: who comes first in one, and who gets what the first one may not have. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/fixture.h"

static void plug_dongles(Fixture *fixture)
{
    fixture_plug(fixture, fixture_make_device(fixture, "1-1", 0x0529, 1, "AAAA-1"));
    fixture_plug(fixture, fixture_make_device(fixture, "1-2", 0x0529, 1, "BBBB-2"));
    fixture_plug(fixture, fixture_make_device(fixture, "1-3", 0x0529, 1, "CCCC-3"));
    fixture_plug(fixture, fixture_make_device(fixture, "1-4", 0x0529, 1, "DDDD-4"));
}

/* Who comes first in the queue of a group, and may not have this one, comes first for the next one. */
static void test_passed_over(void **state)
{
    Fixture *fixture = *state;
    MachineInfo *desk = registry_machine(fixture->registry, DESK)->info;

    plug_dongles(fixture);
    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=0529", NULL });
    fixture_assign(fixture, "aaaaaaaa", DESK, "keys", NULL, "1");
    fixture_assign(fixture, "bbbbbbbb", STUDIO, "keys", NULL, "2");
    fixture_assign(fixture, "cccccccc", LOFT, "keys", NULL, "all");
    g_array_append_val(registry_assignment(fixture->registry, "aaaaaaaa")->given_back,
                       registry_device(fixture->registry, "1-1")->instance);
    fixture_look(fixture);
    fixture_assert_gets(fixture, "aaaaaaaa", "1-2");
    fixture_assert_gets(fixture, "bbbbbbbb", "1-1 1-3");
    fixture_assert_gets(fixture, "cccccccc", "1-4");

    /* And not at all when it has no port for any. */
    g_free(desk->usb_controller);
    desk->usb_controller = g_strdup("ehci");
    desk->ports_known = true;
    desk->free_ports = 1;
    desk->usb_speeds = 1;
    for (int i = 1; i <= 4; i++) {
        g_autofree char *sysname = g_strdup_printf("1-%d", i);

        registry_device(fixture->registry, sysname)->speeds = 2;
    }
    fixture_look(fixture);
    fixture_assert_gets(fixture, "aaaaaaaa", "");
    fixture_assert_gets(fixture, "bbbbbbbb", "1-1 1-2");
    fixture_assert_gets(fixture, "cccccccc", "1-3 1-4");
}

/* Between two groups, and with who has a rule of its own, the device decides. */
static void test_several_queues(void **state)
{
    Fixture *fixture = *state;

    plug_dongles(fixture);
    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=0529", NULL });
    fixture_add_group(fixture, "some", (const char *const[]){ "serial=BBBB-2", "serial=CCCC-3", NULL });
    fixture_assign(fixture, "aaaaaaaa", DESK, "keys", NULL, "2");
    fixture_assign(fixture, "bbbbbbbb", STUDIO, "some", NULL, "1");
    fixture_assign(fixture, "cccccccc", LOFT, "keys", "serial=DDDD-4", "1");
    fixture_look(fixture);
    fixture_assert_gets(fixture, "aaaaaaaa", "1-1 1-3");
    fixture_assert_gets(fixture, "bbbbbbbb", "1-2");
    fixture_assert_gets(fixture, "cccccccc", "1-4");
    registry_assignment(fixture->registry, "aaaaaaaa")->priority = 1;
    fixture_look(fixture);
    fixture_assert_gets(fixture, "aaaaaaaa", "1-1 1-2");
    fixture_assert_gets(fixture, "bbbbbbbb", "1-3");
}

/* Who has a rule of its own goes away with what it is to have. */
static void test_a_rule_of_its_own(void **state)
{
    Fixture *fixture = *state;

    plug_dongles(fixture);
    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=0529", NULL });
    fixture_assign(fixture, "aaaaaaaa", DESK, "keys", "product=0001", "2");
    fixture_assign(fixture, "bbbbbbbb", STUDIO, "keys", "product=0001", "1");
    fixture_look(fixture);
    fixture_assert_gets(fixture, "aaaaaaaa", "1-1 1-2");
    fixture_assert_gets(fixture, "bbbbbbbb", "1-3");
    assert_null(allocation_want(fixture->allocation, registry_device(fixture->registry, "1-4")));
}

/* A quarantine is what holds a device back only where somebody would draw it. */
static void test_held_back(void **state)
{
    Fixture *fixture = *state;
    Device *device;

    plug_dongles(fixture);
    device = registry_device(fixture->registry, "1-1");
    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=0529", NULL });
    for (int i = 0; i < 3; i++)
        quarantines_strike(fixture->registry->quarantines, device, QUARANTINE_FLAPS, NULL, 1);
    fixture_look(fixture);
    assert_false(deal_is_held_back(fixture->allocation->deal, device));
    fixture_assign(fixture, "aaaaaaaa", DESK, "keys", NULL, "1");
    fixture_assign(fixture, "bbbbbbbb", STUDIO, "keys", NULL, "1");
    fixture_look(fixture);
    assert_true(deal_is_held_back(fixture->allocation->deal, device));
    fixture_assert_gets(fixture, "aaaaaaaa", "1-2");
    fixture_assert_gets(fixture, "bbbbbbbb", "1-3");
    g_array_append_val(registry_assignment(fixture->registry, "aaaaaaaa")->given_back, device->instance);
    g_array_append_val(registry_assignment(fixture->registry, "bbbbbbbb")->given_back, device->instance);
    fixture_look(fixture);
    assert_false(deal_is_held_back(fixture->allocation->deal, device));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_passed_over),
        TEST(test_several_queues),
        TEST(test_a_rule_of_its_own),
        TEST(test_held_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
