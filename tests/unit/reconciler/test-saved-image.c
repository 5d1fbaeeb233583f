/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where what a saved machine had is looked for, and when its image is repaired. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/reconciler/machine-turn.h"
#include "daemon/reconciler/saved-image.h"
#include "tests/unit/fixture.h"

#define FIRST  "aaaaaaaa"
#define SECOND "bbbbbbbb"
#define NOW    1000

static Machine *desk(Fixture *fixture)
{
    return registry_machine(fixture->registry, DESK);
}

/* As it was saved: for that assignment, at that number. */
static Hostdev *save(Fixture *fixture, const char *id, unsigned bus_number, unsigned device_number,
                     bool optional)
{
    Hostdev *hostdev = g_new0(Hostdev, 1);

    hostdev->alias = hostdev_alias_format(id, 70 + desk(fixture)->info->saved->len, 1);
    hostdev_alias_parse(hostdev->alias, &hostdev->assignment_id, &hostdev->instance, &hostdev->domain_id);
    hostdev->bus_number = bus_number;
    hostdev->device_number = device_number;
    hostdev->optional = optional;
    g_ptr_array_add(desk(fixture)->info->saved, hostdev);
    return hostdev;
}

/* DESK is off; 1-1 is assigned to it by its serial, 1-2 out of a group. */
static int set_up(void **state)
{
    static const char *const rules[] = { "serial=BBBB-2", NULL };
    Fixture *fixture;

    fixture_setup(state);
    fixture = *state;
    fixture_plug(fixture, fixture_make_device(fixture, "1-1", 0x0529, 1, "AAAA-1"));
    fixture_plug(fixture, fixture_make_device(fixture, "1-2", 0x0529, 2, "BBBB-2"));
    fixture_add_group(fixture, "dongles", rules);
    fixture_assign(fixture, FIRST, DESK, NULL, "serial=AAAA-1", "1");
    fixture_assign(fixture, SECOND, DESK, "dongles", NULL, "1");
    desk(fixture)->info->state = MACHINE_STATE_SHUTOFF;
    desk(fixture)->inspected = true;
    return 0;
}

static GPtrArray *places(Fixture *fixture)
{
    fixture_look(fixture);
    return saved_image_places(fixture->allocation, desk(fixture));
}

static MachineStepKind next(Fixture *fixture, gint64 *ret_wake)
{
    *ret_wake = 0;
    fixture_look(fixture);
    return machine_next_step(fixture->allocation, desk(fixture), NOW, ret_wake).kind;
}

static void test_where_it_is_plugged_in(void **state)
{
    Fixture *fixture = *state;
    const Device *device = registry_device(fixture->registry, "1-1");
    const Hostdev *hostdev = save(fixture, FIRST, 9, 9, false);
    g_autoptr(GPtrArray) found = places(fixture);
    const HostdevPlace *place = hostdev_places_find(found, hostdev->alias);

    assert_int_equal(found->len, 1);
    assert_int_equal(place->bus_number, device->bus_number);
    assert_int_equal(place->device_number, device->device_number);
    assert_false(saved_image_fits(desk(fixture), found));
}

static void test_nowhere(void **state)
{
    Fixture *fixture = *state;
    Assignment *assignment = registry_assignment(fixture->registry, FIRST);
    g_autoptr(GPtrArray) drawn = NULL, unknown = NULL, taken_home = NULL, off = NULL;

    save(fixture, SECOND, 9, 9, false);
    drawn = places(fixture);
    assert_int_equal(drawn->len, 0);
    save(fixture, "cccccccc", 9, 9, false);
    unknown = places(fixture);
    assert_int_equal(unknown->len, 0);
    save(fixture, FIRST, 9, 9, false);
    assignment->wanted = false;
    taken_home = places(fixture);
    assert_int_equal(taken_home->len, 0);
    assignment->wanted = true;
    fixture->registry->enabled = false;
    off = places(fixture);
    assert_int_equal(off->len, 0);
}

/* Another machine has it still: libvirt would refuse to start this one. */
static void test_on_its_way_out(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(GPtrArray) found = NULL;

    fixture_assign(fixture, "cccccccc", STUDIO, NULL, "serial=AAAA-1", "1");
    registry_assignment(fixture->registry, "cccccccc")->wanted = false;
    fixture_put_into(fixture, "1-1", "cccccccc");
    save(fixture, FIRST, 9, 9, false);
    found = places(fixture);
    assert_int_equal(found->len, 0);
}

/* Two out of two lives, for the same device. */
static void test_once_each(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(GPtrArray) found = NULL;

    save(fixture, FIRST, 9, 8, false);
    save(fixture, FIRST, 9, 9, false);
    found = places(fixture);
    assert_int_equal(found->len, 1);
}

static void test_when_it_is_repaired(void **state)
{
    Fixture *fixture = *state;
    const Device *device = registry_device(fixture->registry, "1-1");
    Hostdev *hostdev;
    gint64 wake;

    assert_int_equal(next(fixture, &wake), MACHINE_STEP_NONE);
    hostdev = save(fixture, FIRST, device->bus_number, device->device_number, false);
    assert_int_equal(next(fixture, &wake), MACHINE_STEP_REPAIR_SAVED);
    desk(fixture)->saved_repair.next_at = NOW + 5;
    assert_int_equal(next(fixture, &wake), MACHINE_STEP_NONE);
    assert_int_equal(wake, NOW + 5);
    desk(fixture)->saved_repair.next_at = NOW;
    hostdev->optional = true;
    desk(fixture)->saved_repair.tries = 3;
    assert_int_equal(next(fixture, &wake), MACHINE_STEP_NONE);
    assert_int_equal(desk(fixture)->saved_repair.tries, 0);
    hostdev->device_number++;
    assert_int_equal(next(fixture, &wake), MACHINE_STEP_REPAIR_SAVED);
    desk(fixture)->busy = true;
    assert_int_equal(next(fixture, &wake), MACHINE_STEP_NONE);
}

static void test_snapshots_come_last(void **state)
{
    Fixture *fixture = *state;
    gint64 wake;

    desk(fixture)->snapshots_due = true;
    assert_int_equal(next(fixture, &wake), MACHINE_STEP_REPAIR_SNAPSHOTS);
    desk(fixture)->snapshot_repair.next_at = NOW + 5;
    assert_int_equal(next(fixture, &wake), MACHINE_STEP_NONE);
    assert_int_equal(wake, NOW + 5);
    desk(fixture)->snapshot_repair.next_at = 0;
    desk(fixture)->info->state = MACHINE_STATE_RUNNING;
    assert_int_equal(next(fixture, &wake), MACHINE_STEP_ATTACH);
    fixture_put_into(fixture, "1-1", FIRST);
    fixture_put_into(fixture, "1-2", SECOND);
    assert_int_equal(next(fixture, &wake), MACHINE_STEP_REPAIR_SNAPSHOTS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_where_it_is_plugged_in),
        TEST(test_nowhere),
        TEST(test_once_each),
        TEST(test_on_its_way_out),
        TEST(test_when_it_is_repaired),
        TEST(test_snapshots_come_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
