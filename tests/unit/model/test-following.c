/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who follows a device that went: in time, in its socket, under other ids, and nothing that would type. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/base/tuning.h"
#include "daemon/model/following.h"

#define NOW     (1000 * G_USEC_PER_SEC)
#define SOCKET  "pci-0000:00:14.0/2"
#define SERIALS 0x02, 0x02, 0x01
#define VENDORS 0xff, 0x00, 0x00
#define TYPES   0x03, 0x01, 0x01
#define POINTS  0x03, 0x01, 0x02
#define HID     0x03, 0x00, 0x00

typedef struct Fixture {
    Followings *followings;
    Assignment *assignment;
    Device *modem;
} Fixture;

static Device *make(uint16_t product, const char *serial, uint8_t class_code, uint8_t subclass,
                    uint8_t protocol, gint64 came_at)
{
    Device *device = device_new("1-2");

    device->vendor_id = 0x0483;
    device->product_id = product;
    device->came_at = came_at;
    g_free(device->socket);
    device->socket = g_strdup(SOCKET);
    g_free(device->serial);
    device->serial = g_strdup(serial);
    device->interfaces = g_new0(DeviceInterface, 1);
    device->interfaces[0] = (DeviceInterface){ class_code, subclass, protocol };
    device->n_interfaces = 1;
    return device;
}

static int set_up(void **state)
{
    Fixture *fixture = g_new0(Fixture, 1);

    fixture->followings = followings_new();
    fixture->assignment = assignment_new("aaaaaaaa");
    fixture->modem = make(1, "S1", SERIALS, 0);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    Fixture *fixture = *state;

    followings_free(fixture->followings);
    assignment_free(fixture->assignment);
    device_free(fixture->modem);
    g_free(fixture);
    return 0;
}

/* Whether that follows what left at NOW. */
static bool follows(Fixture *fixture, Device *device)
{
    g_autoptr(Device) its = device;

    return following_leads_to(followings_find(fixture->followings, "aaaaaaaa"), its);
}

static void what_comes_in_time_follows(void **state)
{
    Fixture *fixture = *state;
    Device *elsewhere = make(2, "", VENDORS, NOW), *hub = make(2, "", VENDORS, NOW),
           *blank = make(2, "", VENDORS, NOW);

    assert_null(followings_find(fixture->followings, "aaaaaaaa"));
    followings_note_left(fixture->followings, fixture->assignment, fixture->modem, NOW);
    assert_true(follows(fixture, make(2, "", VENDORS, NOW)));
    assert_true(follows(fixture, make(2, "", VENDORS, NOW + FOLLOW_US)));
    assert_false(follows(fixture, make(2, "", VENDORS, NOW + FOLLOW_US + 1)));
    assert_false(follows(fixture, make(2, "", VENDORS, NOW - 1)));
    g_free(elsewhere->socket);
    elsewhere->socket = g_strdup("pci-0000:00:14.0/3");
    assert_false(follows(fixture, elsewhere));
    hub->is_hub = true;
    assert_false(follows(fixture, hub));
    blank->n_interfaces = 0;
    assert_false(follows(fixture, blank));
    followings_end(fixture->followings, "aaaaaaaa");
    assert_null(followings_find(fixture->followings, "aaaaaaaa"));
}

/* Never a keyboard or a mouse that wasn't there; and HID that doesn't say what it is may be one. */
static void nothing_types_that_did_not(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(Device) keyboard = make(1, "S1", TYPES, 0), mouse = make(1, "S1", POINTS, 0);

    followings_note_left(fixture->followings, fixture->assignment, fixture->modem, NOW);
    assert_false(follows(fixture, make(2, "", TYPES, NOW)));
    assert_false(follows(fixture, make(2, "", POINTS, NOW)));
    assert_false(follows(fixture, make(2, "", HID, NOW)));

    followings_end(fixture->followings, "aaaaaaaa");
    followings_note_left(fixture->followings, fixture->assignment, keyboard, NOW);
    assert_true(follows(fixture, make(2, "", TYPES, NOW)));
    assert_true(follows(fixture, make(2, "", HID, NOW)));
    assert_false(follows(fixture, make(2, "", POINTS, NOW)));

    followings_end(fixture->followings, "aaaaaaaa");
    followings_note_left(fixture->followings, fixture->assignment, mouse, NOW);
    assert_true(follows(fixture, make(2, "", POINTS, NOW)));
    assert_false(follows(fixture, make(2, "", TYPES, NOW)));
}

/* Somebody put another one of the same kind in. */
static void another_unit_does_not_follow(void **state)
{
    Fixture *fixture = *state;

    followings_note_left(fixture->followings, fixture->assignment, fixture->modem, NOW);
    assert_false(follows(fixture, make(1, "S2", SERIALS, NOW)));
    /* Its firmware has lost it. */
    assert_true(follows(fixture, make(1, "", SERIALS, NOW)));
    assert_true(follows(fixture, make(2, "S2", SERIALS, NOW)));
}

/* The boot loader goes, and the next one comes: compared with what was meant, however many come in between.
 */
static void several_follow_one_after_the_other(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(Device) loader = make(2, "", VENDORS, NOW + G_USEC_PER_SEC);
    gint64 later = NOW + 300 * G_USEC_PER_SEC;

    followings_note_left(fixture->followings, fixture->assignment, fixture->modem, NOW);
    followings_note_left(fixture->followings, fixture->assignment, loader, later);
    assert_true(follows(fixture, make(3, "", VENDORS, later + FOLLOW_US)));
    assert_false(follows(fixture, make(1, "S2", SERIALS, later)));
    assert_false(follows(fixture, make(3, "", VENDORS, NOW + 2 * G_USEC_PER_SEC)));
    /* The device itself, once more. */
    followings_note_left(fixture->followings, fixture->assignment, fixture->modem, later + 1);
    assert_true(follows(fixture, make(2, "", VENDORS, later + 1)));
}

static void one_for_each_assignment(void **state)
{
    enum { TIMES = 1000 };
    Fixture *fixture = *state;
    g_autoptr(GPtrArray) all = NULL;

    for (int i = 0; i < TIMES; i++) {
        g_autoptr(Device) device = make((uint16_t)i, "", VENDORS, 0);

        followings_note_left(fixture->followings, fixture->assignment, device, NOW + i);
    }
    all = followings_all(fixture->followings);
    assert_int_equal(all->len, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_comes_in_time_follows),   TEST(nothing_types_that_did_not),
        TEST(another_unit_does_not_follow), TEST(several_follow_one_after_the_other),
        TEST(one_for_each_assignment),
    };

    return cmocka_run_group_tests_name("following", tests, NULL, NULL);
}
