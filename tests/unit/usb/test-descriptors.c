/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors: at which speeds QEMU attaches a device, and what damaged ones do. */

#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/base/usb-speed.h"
#include "daemon/usb/descriptors.h"

#define UP_TO_HIGH (USB_SPEED_FULL | USB_SPEED_HIGH)

#define INTERFACE(class_code, subclass) 9, 4, 0, 0, 1, class_code, subclass, 0, 0
#define ENDPOINT(attributes, size)      7, 5, 0x81, attributes, (size)&0xff, (size) >> 8, 1
#define COMPANION(attributes)           6, 0x30, 0, attributes, 0, 0

#define SPEEDS(own, ...) \
    descriptors_speeds((const uint8_t[]){ __VA_ARGS__ }, sizeof(uint8_t[]){ __VA_ARGS__ }, own)

enum { ISOCHRONOUS = 1, BULK = 2, INTERRUPT = 3 };

static void test_slower(void **state)
{
    /* a disk, with streams or without */
    assert_int_equal(SPEEDS(USB_SPEED_SUPER, INTERFACE(8, 6), ENDPOINT(BULK, 1024), COMPANION(4)),
                     USB_SPEED_SUPER | UP_TO_HIGH);
    assert_int_equal(SPEEDS(USB_SPEED_HIGH, INTERFACE(8, 6), ENDPOINT(BULK, 512)), UP_TO_HIGH);
    /* something else with streams */
    assert_int_equal(SPEEDS(USB_SPEED_SUPER, INTERFACE(0xff, 0), ENDPOINT(BULK, 1024), COMPANION(4)),
                     USB_SPEED_SUPER);
    assert_int_equal(SPEEDS(USB_SPEED_SUPER, INTERFACE(0xff, 0), ENDPOINT(BULK, 1024), COMPANION(0)),
                     USB_SPEED_SUPER | UP_TO_HIGH);
    /* a camera, in the second of its settings */
    assert_int_equal(SPEEDS(USB_SPEED_HIGH, INTERFACE(14, 2), INTERFACE(14, 2), ENDPOINT(ISOCHRONOUS, 512)),
                     USB_SPEED_HIGH);
    /* a keyboard with big reports */
    assert_int_equal(SPEEDS(USB_SPEED_HIGH, INTERFACE(3, 1), ENDPOINT(INTERRUPT, 65)), USB_SPEED_HIGH);
    assert_int_equal(SPEEDS(USB_SPEED_SUPER, INTERFACE(3, 1), ENDPOINT(INTERRUPT, 1024)),
                     USB_SPEED_SUPER | USB_SPEED_HIGH);
    /* never faster than it is */
    assert_int_equal(SPEEDS(USB_SPEED_LOW, INTERFACE(3, 1), ENDPOINT(INTERRUPT, 8)), USB_SPEED_LOW);
    assert_int_equal(SPEEDS(USB_SPEED_FULL, INTERFACE(3, 1), ENDPOINT(INTERRUPT, 8)), USB_SPEED_FULL);
}

static void test_damaged(void **state)
{
    assert_int_equal(descriptors_speeds(NULL, 0, USB_SPEED_SUPER), USB_SPEED_SUPER | UP_TO_HIGH);
    assert_int_equal(descriptors_speeds(NULL, 0, 0), 0);
    /* lengths that lead nowhere, or behind the end */
    assert_int_equal(SPEEDS(USB_SPEED_HIGH, 0, 5, INTERFACE(14, 2), ENDPOINT(ISOCHRONOUS, 512)), UP_TO_HIGH);
    assert_int_equal(SPEEDS(USB_SPEED_HIGH, 1, 5, 7, 5, 0x81, 1), UP_TO_HIGH);
    assert_int_equal(SPEEDS(USB_SPEED_HIGH, 7, 5, 0x81, ISOCHRONOUS, 0, 2), UP_TO_HIGH);
    assert_int_equal(SPEEDS(USB_SPEED_HIGH, 3, 5, ISOCHRONOUS), UP_TO_HIGH);
    assert_int_equal(SPEEDS(USB_SPEED_HIGH, 9), UP_TO_HIGH);
}

static void test_numbers(void **state)
{
    assert_int_equal(usb_speed_from_mbits(0), 0);
    assert_int_equal(usb_speed_from_mbits(2), USB_SPEED_LOW);
    assert_int_equal(usb_speed_from_mbits(12), USB_SPEED_FULL);
    assert_int_equal(usb_speed_from_mbits(480), USB_SPEED_HIGH);
    assert_int_equal(usb_speed_from_mbits(20000), USB_SPEED_SUPER);
    assert_string_equal(usb_speed_text(UP_TO_HIGH), "high speed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slower),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_numbers),
    };

    return cmocka_run_group_tests_name("descriptors", tests, NULL, NULL);
}
