/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads descriptors one after the other. The rules are those of QEMU's usb-host, which shows a device to a
 * slower controller when nothing in it depends on its speed. Called by udev-reading.c; pure. */

#include "daemon/usb/descriptors.h"

#include <stdbool.h>

#include "daemon/base/usb-speed.h"

/* bDescriptorType */
enum { INTERFACE = 0x04, ENDPOINT = 0x05, COMPANION = 0x30 };

/* Where what is looked at stands, and how long a descriptor is that has it. */
enum {
    LENGTH_AT = 0,
    TYPE_AT = 1,
    HEADER_LENGTH = 2,
    INTERFACE_CLASS_AT = 5,
    INTERFACE_SUBCLASS_AT = 6,
    INTERFACE_LENGTH = 9,
    ATTRIBUTES_AT = 3,
    PACKET_SIZE_AT = 4,
    ENDPOINT_LENGTH = 7,
    COMPANION_LENGTH = 6,
};

/* The kind of an endpoint, in its bmAttributes. */
enum { KIND_MASK = 0x03, KIND_ISOCHRONOUS = 0x01, KIND_BULK = 0x02, KIND_INTERRUPT = 0x03 };

enum { CLASS_STORAGE = 0x08, SUBCLASS_SCSI = 0x06 };

#define STREAMS_MASK 0x1f

/* The most that an interrupt endpoint may bring at a time. */
#define INTERRUPT_FULL_MAX 64
#define INTERRUPT_HIGH_MAX 1024

typedef struct Reading {
    bool is_disk; /* the interface whose endpoints come: QEMU doesn't look at those */
    uint8_t kind; /* of the endpoint before */
    bool as_full; /* it works so as well */
    bool as_high;
} Reading;

static void read_endpoint(Reading *reading, const uint8_t *bytes)
{
    unsigned size = bytes[PACKET_SIZE_AT] | (unsigned)bytes[PACKET_SIZE_AT + 1] << 8;

    reading->kind = bytes[ATTRIBUTES_AT] & KIND_MASK;
    if (reading->is_disk)
        return;
    if (reading->kind == KIND_ISOCHRONOUS)
        reading->as_full = reading->as_high = false;
    if (reading->kind == KIND_INTERRUPT) {
        reading->as_full &= size <= INTERRUPT_FULL_MAX;
        reading->as_high &= size <= INTERRUPT_HIGH_MAX;
    }
}

static void read_one(Reading *reading, const uint8_t *bytes, uint8_t length)
{
    if (bytes[TYPE_AT] == INTERFACE && length >= INTERFACE_LENGTH)
        reading->is_disk =
            bytes[INTERFACE_CLASS_AT] == CLASS_STORAGE && bytes[INTERFACE_SUBCLASS_AT] == SUBCLASS_SCSI;
    else if (bytes[TYPE_AT] == ENDPOINT && length >= ENDPOINT_LENGTH)
        read_endpoint(reading, bytes);
    else if (bytes[TYPE_AT] == COMPANION && length >= COMPANION_LENGTH && !reading->is_disk &&
             reading->kind == KIND_BULK && (bytes[ATTRIBUTES_AT] & STREAMS_MASK))
        reading->as_full = reading->as_high = false;
}

unsigned descriptors_speeds(const uint8_t *bytes, gsize n_bytes, unsigned own)
{
    Reading reading = { .as_full = true, .as_high = true };
    unsigned speeds = own;

    for (gsize at = 0; bytes && at + HEADER_LENGTH <= n_bytes;) {
        uint8_t length = bytes[at + LENGTH_AT];

        if (length < HEADER_LENGTH || length > n_bytes - at)
            break;
        read_one(&reading, bytes + at, length);
        at += length;
    }
    if (own == USB_SPEED_SUPER && reading.as_high)
        speeds |= USB_SPEED_HIGH;
    if ((own == USB_SPEED_SUPER || own == USB_SPEED_HIGH) && reading.as_full)
        speeds |= USB_SPEED_FULL;
    return speeds;
}
