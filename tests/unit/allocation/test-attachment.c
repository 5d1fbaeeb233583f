/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where devices are now: this enumeration of a device and no other, and what still lists its number. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/allocation/attachment.h"
#include "tests/unit/fixture.h"

#define PINNED "aaaaaaaa"
#define OTHER  "bbbbbbbb"

/* 1-1 is assigned to DESK, and 1-2 to STUDIO. */
static int set_up(void **state)
{
    Fixture *fixture;

    fixture_setup(state);
    fixture = *state;
    fixture_plug(fixture, fixture_make_device(fixture, "1-1", 0x0529, 1, "AAAA-1"));
    fixture_plug(fixture, fixture_make_device(fixture, "1-2", 0x0529, 2, "BBBB-2"));
    fixture_assign(fixture, PINNED, DESK, NULL, "serial=AAAA-1", "1");
    fixture_assign(fixture, OTHER, STUDIO, NULL, "serial=BBBB-2", "1");
    return 0;
}

static void test_in_the_live_xml(void **state)
{
    Fixture *fixture = *state;
    const Device *device = registry_device(fixture->registry, "1-1");
    const Device *other = registry_device(fixture->registry, "1-2");
    const Assignment *pinned = registry_assignment(fixture->registry, PINNED);
    const Hostdev *hostdev = fixture_put_into(fixture, "1-1", PINNED);
    g_autoptr(Attachments) attachments = attachments_new(fixture->registry);
    const Attachment *attachment = attachments_find(attachments, device);

    assert_non_null(attachment);
    assert_ptr_equal(attachment->hostdev, hostdev);
    assert_ptr_equal(attachment->machine, registry_machine(fixture->registry, DESK));
    assert_true(attachment_is_of(attachment, pinned));
    assert_false(attachment_is_of(attachment, registry_assignment(fixture->registry, OTHER)));
    assert_false(attachment_is_foreign(attachment));
    assert_false(attachment_is_in_flight(attachment));
    assert_true(attachment_is_settled(attachment));
    assert_ptr_equal(attachments_machine_of(attachments, pinned), attachment->machine);
    assert_ptr_equal(attachments_machine_with_number(attachments, device), attachment->machine);
    assert_true(attachments_number_is_taken(attachments, device));

    assert_null(attachments_find(attachments, other));
    assert_null(attachments_machine_of(attachments, registry_assignment(fixture->registry, OTHER)));
    assert_null(attachments_machine_with_number(attachments, other));
    assert_false(attachments_number_is_taken(attachments, other));
}

/* With the host. */
static void test_nowhere(void **state)
{
    Fixture *fixture = *state;

    assert_false(attachment_is_of(NULL, registry_assignment(fixture->registry, PINNED)));
    assert_false(attachment_is_foreign(NULL));
    assert_false(attachment_is_in_flight(NULL));
    assert_false(attachment_is_dead(NULL));
    assert_false(attachment_is_settled(NULL));
}

/* The number is a newcomer's now. It isn't in the machine, but its number is. */
static void test_another_enumeration(void **state)
{
    Fixture *fixture = *state;
    Device *device = registry_device(fixture->registry, "1-1");
    const Assignment *pinned = registry_assignment(fixture->registry, PINNED);

    fixture_put_into(fixture, "1-1", PINNED);
    device->instance++;
    {
        g_autoptr(Attachments) attachments = attachments_new(fixture->registry);

        assert_null(attachments_find(attachments, device));
        assert_non_null(attachments_machine_with_number(attachments, device));
        assert_true(attachments_number_is_taken(attachments, device));
        assert_ptr_equal(attachments_machine_of(attachments, pinned),
                         registry_machine(fixture->registry, DESK));
    }
    /* The device isn't plugged in any more: its assignment has a hostdev all the same. */
    registry_remove_device(fixture->registry, device);
    {
        g_autoptr(Attachments) attachments = attachments_new(fixture->registry);

        assert_non_null(attachments_machine_of(attachments, pinned));
    }
}

/* The alias is of a service that took udev's record of a device for its enumeration. */
static void test_attached_by_an_older_service(void **state)
{
    Fixture *fixture = *state;
    Device *device = registry_device(fixture->registry, "1-1");

    fixture_put_into(fixture, "1-1", PINNED);
    device->udev_instance = device->instance;
    device->instance = 77;
    {
        g_autoptr(Attachments) attachments = attachments_new(fixture->registry);

        assert_non_null(attachments_find(attachments, device));
    }
    device->udev_instance++;
    {
        g_autoptr(Attachments) attachments = attachments_new(fixture->registry);

        assert_null(attachments_find(attachments, device));
    }
}

/* A machine that doesn't answer isn't waited for; what is still in it must not be reset all the same. */
static void test_number_in_a_stuck_machine(void **state)
{
    Fixture *fixture = *state;
    const Device *device = registry_device(fixture->registry, "1-1");

    fixture_put_into(fixture, "1-1", PINNED);
    registry_machine(fixture->registry, DESK)->stuck = true;
    {
        g_autoptr(Attachments) attachments = attachments_new(fixture->registry);

        assert_false(attachments_number_is_taken(attachments, device));
        assert_non_null(attachments_machine_with_number(attachments, device));
    }
    g_ptr_array_set_size(registry_machine(fixture->registry, DESK)->info->hostdevs, 0);
    fixture_put_in_flight(fixture, "1-1", PINNED);
    {
        g_autoptr(Attachments) attachments = attachments_new(fixture->registry);

        assert_true(attachments_number_is_taken(attachments, device));
    }
}

/* Another program's counts when what it says of ids, if anything, is true of the device. */
static void test_foreign(void **state)
{
    static const struct {
        unsigned vendor, product;
        bool is_it;
    } cases[] = {
        { 0, 0, true }, { 0x0529, 1, true }, { 0x0529, 0, true }, { 0x0529, 7, false }, { 7, 1, false }
    };
    Fixture *fixture = *state;
    const Device *device = registry_device(fixture->registry, "1-1");
    Hostdev *hostdev = fixture_put_foreign(fixture, "1-1", LOFT);

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Attachments) attachments = NULL;

        hostdev->vendor_id = (uint16_t)cases[i].vendor;
        hostdev->product_id = (uint16_t)cases[i].product;
        attachments = attachments_new(fixture->registry);
        if (attachment_is_foreign(attachments_find(attachments, device)) != cases[i].is_it)
            fail_msg("%04x:%04x", cases[i].vendor, cases[i].product);
        assert_non_null(attachments_machine_with_number(attachments, device));
        assert_false(attachments_number_is_taken(attachments, device));
    }
}

static void test_in_flight(void **state)
{
    Fixture *fixture = *state;
    const Device *device = registry_device(fixture->registry, "1-1");
    const Hostdev *flying = fixture_put_in_flight(fixture, "1-1", PINNED), *live;

    {
        g_autoptr(Attachments) attachments = attachments_new(fixture->registry);
        const Attachment *attachment = attachments_find(attachments, device);

        assert_non_null(attachment);
        assert_ptr_equal(attachment->hostdev, flying);
        assert_true(attachment_is_in_flight(attachment));
        assert_false(attachment_is_settled(attachment));
    }
    /* The live XML has the last word. */
    live = fixture_put_into(fixture, "1-1", PINNED);
    {
        g_autoptr(Attachments) attachments = attachments_new(fixture->registry);

        assert_ptr_equal(attachments_find(attachments, device)->hostdev, live);
    }
}

/* A number that no device can have is nobody's, and not the next bus's. */
static void test_number_out_of_range(void **state)
{
    Fixture *fixture = *state;
    const Device *device = registry_device(fixture->registry, "1-1");
    Hostdev *hostdev = fixture_put_foreign(fixture, "1-1", LOFT);
    g_autoptr(Attachments) attachments = NULL;

    hostdev->bus_number = device->bus_number - 1;
    hostdev->device_number = device->device_number + 256;
    attachments = attachments_new(fixture->registry);
    assert_null(attachments_find(attachments, device));
    assert_null(attachments_machine_with_number(attachments, device));
}

/* An attach that is given in the middle of a turn counts from then on. */
static void test_added_later(void **state)
{
    Fixture *fixture = *state;
    const Device *device = registry_device(fixture->registry, "1-1");
    g_autoptr(Attachments) attachments = attachments_new(fixture->registry);

    assert_null(attachments_find(attachments, device));
    attachments_add(attachments, registry_machine(fixture->registry, DESK),
                    fixture_put_in_flight(fixture, "1-1", PINNED));
    assert_true(attachment_is_in_flight(attachments_find(attachments, device)));
    assert_true(attachments_number_is_taken(attachments, device));
    assert_non_null(attachments_machine_of(attachments, registry_assignment(fixture->registry, PINNED)));
}

static void test_dead_and_leaving(void **state)
{
    Fixture *fixture = *state;
    const Device *device = registry_device(fixture->registry, "1-1");
    Machine *desk = registry_machine(fixture->registry, DESK);
    const Hostdev *hostdev = fixture_put_into(fixture, "1-1", PINNED);
    g_autoptr(Attachments) attachments = attachments_new(fixture->registry);
    const Attachment *attachment = attachments_find(attachments, device);

    g_hash_table_insert(desk->removals, g_strdup(hostdev->alias), g_new0(Removal, 1));
    assert_false(attachment_is_settled(attachment));
    assert_false(attachment_is_dead(attachment));
    g_hash_table_remove_all(desk->removals);
    assert_true(attachment_is_settled(attachment));
    g_hash_table_add(desk->dead_aliases, g_strdup(hostdev->alias));
    assert_true(attachment_is_dead(attachment));
    assert_false(attachment_is_settled(attachment));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_in_the_live_xml),
        TEST(test_nowhere),
        TEST(test_another_enumeration),
        TEST(test_number_in_a_stuck_machine),
        TEST(test_attached_by_an_older_service),
        TEST(test_foreign),
        TEST(test_in_flight),
        TEST(test_number_out_of_range),
        TEST(test_added_later),
        TEST(test_dead_and_leaving),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
