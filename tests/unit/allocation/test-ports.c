/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ports: who gets a machine's last one, who keeps his, and what is told when there is none. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/allocation/status.h"
#include "tests/unit/fixture.h"

#define OLD  "cccccccc"
#define NEW  "bbbbbbbb"
#define LAST "aaaaaaaa"

/* Three devices are assigned to DESK, whose ports are counted; the oldest assignment has the last id. */
static int set_up(void **state)
{
    Fixture *fixture;
    MachineInfo *desk;

    fixture_setup(state);
    fixture = *state;
    fixture_plug(fixture, fixture_make_device(fixture, "1-1", 0x0529, 1, "AAAA-1"));
    fixture_plug(fixture, fixture_make_device(fixture, "1-2", 0x0529, 1, "BBBB-2"));
    fixture_plug(fixture, fixture_make_device(fixture, "1-3", 0x0529, 1, "CCCC-3"));
    fixture_assign(fixture, OLD, DESK, NULL, "serial=CCCC-3", "1");
    fixture_assign(fixture, NEW, DESK, NULL, "serial=BBBB-2", "1");
    fixture_assign(fixture, LAST, DESK, NULL, "serial=AAAA-1", "1");
    desk = registry_machine(fixture->registry, DESK)->info;
    desk->ports_known = true;
    desk->free_ports = 2;
    g_free(desk->usb_controller);
    desk->usb_controller = g_strdup("qemu-xhci");
    return 0;
}

static MachineInfo *desk_of(Fixture *fixture)
{
    return registry_machine(fixture->registry, DESK)->info;
}

static void assert_status(Fixture *fixture, const char *id, const char *state, const char *error,
                          const char *part)
{
    Status status;
    g_autofree char *reason = NULL;

    fixture_look(fixture);
    status = status_of(fixture->registry, fixture->allocation, registry_assignment(fixture->registry, id));
    reason = status.reason;
    assert_string_equal(assignment_state_to_string(status.state), state);
    assert_string_equal(status.error, error);
    if (!strstr(reason, part))
        fail_msg("\"%s\" does not say \"%s\"", reason, part);
}

static void the_older_assignments_get_them(void **state)
{
    Fixture *fixture = *state;

    fixture_look(fixture);
    fixture_assert_verdict(fixture, OLD, "1-3", VERDICT_GO);
    fixture_assert_verdict(fixture, NEW, "1-2", VERDICT_GO);
    fixture_assert_verdict(fixture, LAST, "1-1", VERDICT_NO_PORT);
    registry_assignment(fixture->registry, LAST)->priority = 1;
    fixture_look(fixture);
    fixture_assert_verdict(fixture, LAST, "1-1", VERDICT_GO);
    fixture_assert_verdict(fixture, NEW, "1-2", VERDICT_NO_PORT);
}

/* One that is with a worker isn't in the live XML yet, and has its port all the same. */
static void what_is_there_or_on_its_way_counts_once(void **state)
{
    Fixture *fixture = *state;

    fixture_put_in_flight(fixture, "1-3", OLD);
    fixture_look(fixture);
    fixture_assert_verdict(fixture, OLD, "1-3", VERDICT_GO);
    fixture_assert_verdict(fixture, NEW, "1-2", VERDICT_GO);
    fixture_assert_verdict(fixture, LAST, "1-1", VERDICT_NO_PORT);

    registry_machine(fixture->registry, DESK)->in_flight =
        hostdev_free(registry_machine(fixture->registry, DESK)->in_flight);
    fixture_put_into(fixture, "1-3", OLD);
    fixture_put_into(fixture, "1-2", NEW);
    desk_of(fixture)->free_ports = 0;
    fixture_look(fixture);
    fixture_assert_verdict(fixture, OLD, "1-3", VERDICT_GO);
    fixture_assert_verdict(fixture, NEW, "1-2", VERDICT_GO);
    fixture_assert_verdict(fixture, LAST, "1-1", VERDICT_NO_PORT);
    assert_status(fixture, LAST, "failed", "NoFreePort", "VM \"desk\" has no free USB port; take a device");
}

/* Taken out only to be put in again, be it plugged in just now or not: nobody slips in. */
static void the_port_of_what_comes_back_is_kept(void **state)
{
    Fixture *fixture = *state;
    Reservations *reservations = fixture->registry->reservations;

    desk_of(fixture)->free_ports = 1;
    reservations_set(reservations, "1-1", LAST, RESERVATION_REATTACH);
    fixture_look(fixture);
    fixture_assert_verdict(fixture, LAST, "1-1", VERDICT_GO);
    fixture_assert_verdict(fixture, OLD, "1-3", VERDICT_NO_PORT);

    reservations_set(reservations, "1-1", LAST, RESERVATION_RESET);
    fixture_look(fixture);
    fixture_assert_verdict(fixture, LAST, "1-1", VERDICT_RESETTING);
    fixture_assert_verdict(fixture, OLD, "1-3", VERDICT_NO_PORT);

    registry_remove_device(fixture->registry, registry_device(fixture->registry, "1-1"));
    fixture_look(fixture);
    fixture_assert_verdict(fixture, OLD, "1-3", VERDICT_NO_PORT);

    reservations_end(reservations, "1-1");
    fixture_look(fixture);
    fixture_assert_verdict(fixture, OLD, "1-3", VERDICT_GO);
}

static void without_a_controller_nothing_goes(void **state)
{
    Fixture *fixture = *state;

    g_free(desk_of(fixture)->usb_controller);
    desk_of(fixture)->usb_controller = g_strdup("");
    desk_of(fixture)->free_ports = 0;
    assert_status(fixture, OLD, "failed", "NoController",
                  "VM \"desk\" has no USB controller; give it one (\"virsh edit\": <controller type='usb'");
    /* off: it may have one when it starts */
    desk_of(fixture)->state = MACHINE_STATE_SHUTOFF;
    assert_status(fixture, OLD, "waiting-machine", "", "is not running");
}

/* What nobody can count is left to libvirt. */
static void what_is_not_known_is_tried(void **state)
{
    Fixture *fixture = *state;

    desk_of(fixture)->ports_known = false;
    desk_of(fixture)->free_ports = 0;
    fixture_look(fixture);
    fixture_assert_verdict(fixture, OLD, "1-3", VERDICT_GO);
    fixture_assert_verdict(fixture, LAST, "1-1", VERDICT_GO);
}

/* What the machine couldn't use, others can have. */
static void a_group_is_not_drawn_from_without_ports(void **state)
{
    Fixture *fixture = *state;

    fixture_plug(fixture, fixture_make_device(fixture, "1-4", 0x1050, 1, ""));
    fixture_plug(fixture, fixture_make_device(fixture, "1-5", 0x1050, 1, ""));
    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=1050", NULL });
    fixture_assign(fixture, "dddddddd", DESK, "keys", NULL, "all");
    desk_of(fixture)->free_ports = 0;
    assert_status(fixture, "dddddddd", "failed", "NoFreePort", "has no free USB port");
    fixture_assert_gets(fixture, "dddddddd", "");
    fixture_assert_verdict(fixture, "dddddddd", "1-4", VERDICT_NO_PORT);
    fixture_assign(fixture, "eeeeeeee", STUDIO, "keys", NULL, "1");
    fixture_look(fixture);
    fixture_assert_gets(fixture, "eeeeeeee", "1-4");

    /* Some of them are in. */
    fixture_put_into(fixture, "1-5", "dddddddd");
    assert_status(fixture, "dddddddd", "attached", "", "1 of group keys attached");
    registry_remove_assignment(fixture->registry, registry_assignment(fixture->registry, "eeeeeeee"));
    assert_status(fixture, "dddddddd", "partial", "NoFreePort",
                  "1 of 2 of group keys attached to VM \"desk\". VM \"desk\" has no free USB port");
    /* As many as it is to have: the others aren't missed. */
    registry_assignment(fixture->registry, "dddddddd")->quantity_kind = QUANTITY_COUNT;
    registry_assignment(fixture->registry, "dddddddd")->quantity = 1;
    assert_status(fixture, "dddddddd", "attached", "", "1 of group keys attached");
    fixture_assert_verdict(fixture, "dddddddd", "1-4", VERDICT_ENOUGH);
}

/* All or nothing. */
static void a_set_needs_a_port_for_each(void **state)
{
    Fixture *fixture = *state;

    fixture_plug(fixture, fixture_make_device(fixture, "1-4", 0x1050, 1, ""));
    fixture_plug(fixture, fixture_make_device(fixture, "1-5", 0x1050, 2, ""));
    fixture_add_group(fixture, "desk",
                      (const char *const[]){ "product=0001 vendor=1050", "product=0002 vendor=1050", NULL });
    fixture_assign(fixture, "dddddddd", LOFT, "desk", NULL, "set");
    registry_machine(fixture->registry, LOFT)->info->ports_known = true;
    registry_machine(fixture->registry, LOFT)->info->free_ports = 1;
    g_free(registry_machine(fixture->registry, LOFT)->info->usb_controller);
    registry_machine(fixture->registry, LOFT)->info->usb_controller = g_strdup("qemu-xhci");
    assert_status(fixture, "dddddddd", "failed", "NoFreePort", "VM \"loft\" has no free USB port");
    fixture_assert_gets(fixture, "dddddddd", "");
    registry_machine(fixture->registry, LOFT)->info->free_ports = 2;
    fixture_look(fixture);
    fixture_assert_gets(fixture, "dddddddd", "1-4 1-5");
    /* One is in: its port is its own. */
    fixture_put_into(fixture, "1-4", "dddddddd");
    registry_machine(fixture->registry, LOFT)->info->free_ports = 1;
    fixture_look(fixture);
    fixture_assert_gets(fixture, "dddddddd", "1-4 1-5");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_older_assignments_get_them),      TEST(what_is_there_or_on_its_way_counts_once),
        TEST(the_port_of_what_comes_back_is_kept), TEST(without_a_controller_nothing_goes),
        TEST(what_is_not_known_is_tried),          TEST(a_group_is_not_drawn_from_without_ports),
        TEST(a_set_needs_a_port_for_each),
    };

    return cmocka_run_group_tests_name("ports", tests, NULL, NULL);
}
