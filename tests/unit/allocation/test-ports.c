/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ports: who gets a machine's last one, who keeps his, and what is told when there is none. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/allocation/status.h"
#include "daemon/base/usb-speed.h"
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
    assert_status(
        fixture, OLD, "failed", "NoController",
        "VM \"desk\" has no USB controller; give it one (usbferry vm controller \"desk\" qemu-xhci");
    /* off: it may have one when it starts */
    desk_of(fixture)->state = MACHINE_STATE_SHUTOFF;
    assert_status(fixture, OLD, "waiting-machine", "", "is not running");
}

static void put_bus_of(MachineInfo *info, unsigned index, unsigned free_ports, unsigned speeds)
{
    const UsbBus bus = { .index = index, .free = free_ports, .speeds = speeds };

    g_array_append_val(info->buses, bus);
}

static void put_bus(Fixture *fixture, unsigned index, unsigned free_ports, unsigned speeds)
{
    put_bus_of(desk_of(fixture), index, free_ports, speeds);
}

static void assert_bus(Fixture *fixture, const char *sysname, bool on_bus, unsigned index)
{
    const Want *want = allocation_want(fixture->allocation, registry_device(fixture->registry, sysname));

    assert_int_equal(want->verdict, VERDICT_GO);
    assert_int_equal(want->on_bus, on_bus);
    assert_int_equal(want->bus, index);
}

static void make_fast(Fixture *fixture, const char *sysname, unsigned mbits, unsigned speeds)
{
    Device *device = registry_device(fixture->registry, sysname);

    device->speed = mbits;
    device->speeds = speeds;
}

/* libvirt takes the first free port by itself, and is told which bus only when that would be too slow. */
static void each_goes_onto_a_bus_that_is_fast_enough(void **state)
{
    Fixture *fixture = *state;

    desk_of(fixture)->free_ports = 3;
    put_bus(fixture, 0, 1, USB_SPEED_LOW | USB_SPEED_FULL);
    put_bus(fixture, 1, 2, USB_SPEEDS_ALL);
    make_fast(fixture, "1-3", 480, USB_SPEED_HIGH);
    make_fast(fixture, "1-2", 12, USB_SPEED_FULL);
    make_fast(fixture, "1-1", 12, USB_SPEED_FULL);
    fixture_look(fixture);
    assert_bus(fixture, "1-3", true, 1);
    assert_bus(fixture, "1-2", false, 0);
    /* The slow one is full by then: the first free port is on the other. */
    assert_bus(fixture, "1-1", false, 1);
}

/* It could be slower than it is, and needn't. */
static void a_bus_of_its_own_speed_is_best(void **state)
{
    Fixture *fixture = *state;

    desk_of(fixture)->free_ports = 3;
    put_bus(fixture, 0, 2, USB_SPEED_LOW | USB_SPEED_FULL | USB_SPEED_HIGH);
    put_bus(fixture, 1, 1, USB_SPEEDS_ALL);
    make_fast(fixture, "1-3", 5000, USB_SPEED_HIGH | USB_SPEED_SUPER);
    make_fast(fixture, "1-2", 5000, USB_SPEED_HIGH | USB_SPEED_SUPER);
    fixture_look(fixture);
    assert_bus(fixture, "1-3", true, 1);
    assert_bus(fixture, "1-2", false, 0);
}

static void free_ports_can_be_too_slow(void **state)
{
    Fixture *fixture = *state;

    desk_of(fixture)->free_ports = 2;
    put_bus(fixture, 0, 2, USB_SPEED_LOW | USB_SPEED_FULL);
    put_bus(fixture, 1, 0, USB_SPEEDS_ALL);
    make_fast(fixture, "1-3", 480, USB_SPEED_HIGH);
    make_fast(fixture, "1-2", 12, USB_SPEED_FULL);
    make_fast(fixture, "1-1", 12, USB_SPEED_FULL);
    fixture_look(fixture);
    fixture_assert_verdict(fixture, OLD, "1-3", VERDICT_NO_PORT);
    assert_bus(fixture, "1-2", false, 0);
    assert_bus(fixture, "1-1", false, 0);
    assert_status(fixture, OLD, "failed", "NoFreePort",
                  "VM \"desk\" has free USB ports, and none of them on a controller with ");
}

/* The live XML doesn't show it on the bus yet onto which it was ordered. */
static void what_is_on_its_way_has_its_own_bus(void **state)
{
    Fixture *fixture = *state;
    Hostdev *flying = fixture_put_in_flight(fixture, "1-3", OLD);

    put_bus(fixture, 0, 1, USB_SPEED_LOW | USB_SPEED_FULL);
    put_bus(fixture, 1, 1, USB_SPEEDS_ALL);
    make_fast(fixture, "1-3", 480, USB_SPEED_HIGH);
    make_fast(fixture, "1-2", 12, USB_SPEED_FULL);
    flying->on_bus = true;
    flying->bus = 1;
    fixture_look(fixture);
    assert_bus(fixture, "1-2", false, 0);
    fixture_assert_verdict(fixture, LAST, "1-1", VERDICT_NO_PORT);
}

static void the_bus_of_what_comes_back_is_kept(void **state)
{
    Fixture *fixture = *state;

    put_bus(fixture, 0, 1, USB_SPEED_LOW | USB_SPEED_FULL);
    put_bus(fixture, 1, 1, USB_SPEEDS_ALL);
    make_fast(fixture, "1-3", 12, USB_SPEED_FULL);
    make_fast(fixture, "1-2", 12, USB_SPEED_FULL);
    make_fast(fixture, "1-1", 480, USB_SPEED_HIGH);
    reservations_set(fixture->registry->reservations, "1-1", LAST, RESERVATION_RESET);
    fixture_look(fixture);
    assert_bus(fixture, "1-3", false, 0);
    fixture_assert_verdict(fixture, NEW, "1-2", VERDICT_NO_PORT);
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

/* What goes onto no bus that has a port left, others can have. */
static void a_group_is_drawn_from_by_bus(void **state)
{
    Fixture *fixture = *state;

    fixture_plug(fixture, fixture_make_device(fixture, "1-4", 0x1050, 1, ""));
    fixture_plug(fixture, fixture_make_device(fixture, "1-5", 0x1050, 1, ""));
    make_fast(fixture, "1-4", 12, USB_SPEED_FULL);
    make_fast(fixture, "1-5", 480, USB_SPEED_HIGH);
    fixture_add_group(fixture, "keys", (const char *const[]){ "vendor=1050", NULL });
    fixture_assign(fixture, "dddddddd", DESK, "keys", NULL, "all");
    desk_of(fixture)->free_ports = 6;
    desk_of(fixture)->usb_speeds = USB_SPEEDS_ALL;
    put_bus(fixture, 0, 6, USB_SPEED_HIGH);
    put_bus(fixture, 1, 0, USB_SPEEDS_ALL);
    fixture_look(fixture);
    fixture_assert_gets(fixture, "dddddddd", "1-5");
    fixture_assert_verdict(fixture, "dddddddd", "1-4", VERDICT_NO_PORT);
    fixture_put_into(fixture, "1-5", "dddddddd");
    assert_status(fixture, "dddddddd", "partial", "NoFreePort", "has free USB ports, and none of them on");
    fixture_assign(fixture, "eeeeeeee", STUDIO, "keys", NULL, "1");
    fixture_look(fixture);
    fixture_assert_gets(fixture, "eeeeeeee", "1-4");
    /* What is in has its port. */
    registry_remove_assignment(fixture->registry, registry_assignment(fixture->registry, "eeeeeeee"));
    fixture_put_into(fixture, "1-4", "dddddddd");
    fixture_look(fixture);
    fixture_assert_gets(fixture, "dddddddd", "1-4 1-5");
}

static void a_set_needs_a_bus_for_each(void **state)
{
    Fixture *fixture = *state;
    MachineInfo *loft = registry_machine(fixture->registry, LOFT)->info;

    fixture_plug(fixture, fixture_make_device(fixture, "1-4", 0x1050, 1, ""));
    fixture_plug(fixture, fixture_make_device(fixture, "1-5", 0x1050, 2, ""));
    make_fast(fixture, "1-4", 12, USB_SPEED_FULL);
    make_fast(fixture, "1-5", 12, USB_SPEED_FULL);
    fixture_add_group(fixture, "desk",
                      (const char *const[]){ "product=0001 vendor=1050", "product=0002 vendor=1050", NULL });
    fixture_assign(fixture, "dddddddd", LOFT, "desk", NULL, "set");
    loft->ports_known = true;
    loft->free_ports = 4;
    loft->usb_speeds = USB_SPEEDS_ALL;
    put_bus_of(loft, 0, 3, USB_SPEED_HIGH);
    put_bus_of(loft, 1, 1, USB_SPEEDS_ALL);
    g_free(loft->usb_controller);
    loft->usb_controller = g_strdup("qemu-xhci");
    assert_status(fixture, "dddddddd", "failed", "NoFreePort", "VM \"loft\" has no free USB port");
    fixture_assert_gets(fixture, "dddddddd", "");
    g_array_index(loft->buses, UsbBus, 1).free = 2;
    fixture_look(fixture);
    fixture_assert_gets(fixture, "dddddddd", "1-4 1-5");
    /* One is in: its port is its own. */
    fixture_put_into(fixture, "1-4", "dddddddd");
    g_array_index(loft->buses, UsbBus, 1).free = 1;
    fixture_look(fixture);
    fixture_assert_gets(fixture, "dddddddd", "1-4 1-5");
    /* None of them fits, and nothing of the set is there. */
    g_ptr_array_set_size(loft->hostdevs, 0);
    g_array_index(loft->buses, UsbBus, 1).free = 0;
    assert_status(fixture, "dddddddd", "failed", "NoFreePort", "has free USB ports, and none of them on");
    fixture_assert_gets(fixture, "dddddddd", "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_older_assignments_get_them),      TEST(what_is_there_or_on_its_way_counts_once),
        TEST(the_port_of_what_comes_back_is_kept), TEST(without_a_controller_nothing_goes),
        TEST(what_is_not_known_is_tried),          TEST(a_group_is_not_drawn_from_without_ports),
        TEST(a_set_needs_a_port_for_each),         TEST(each_goes_onto_a_bus_that_is_fast_enough),
        TEST(a_bus_of_its_own_speed_is_best),      TEST(free_ports_can_be_too_slow),
        TEST(what_is_on_its_way_has_its_own_bus),  TEST(the_bus_of_what_comes_back_is_kept),
        TEST(a_group_is_drawn_from_by_bus),        TEST(a_set_needs_a_bus_for_each),
    };

    return cmocka_run_group_tests_name("ports", tests, NULL, NULL);
}
