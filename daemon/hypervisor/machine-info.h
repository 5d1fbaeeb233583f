/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* MachineInfo: a libvirt domain as one look at its live XML showed it, with its USB hostdevs. Plain data that
 * workers make for the main thread, which keeps it in daemon/model/machine.h. Any thread. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/enum-table.h"

typedef enum MachineState {
    MACHINE_STATE_SHUTOFF,
    MACHINE_STATE_RUNNING,
    MACHINE_STATE_PAUSED, /* a paused machine takes and gives USB devices like a running one */
    MACHINE_STATE_CRASHED,
    _MACHINE_STATE_MAX,
    _MACHINE_STATE_INVALID = -1,
} MachineState;

ENUM_TABLE_DECLARE(MachineState, machine_state);

/* Why its guest doesn't go on although QEMU is there, and nobody asked for that. */
typedef enum MachineTrouble {
    MACHINE_TROUBLE_NONE,
    MACHINE_TROUBLE_IO_ERROR, /* paused: a disk of it can't be read or written */
    MACHINE_TROUBLE_CRASHED,  /* its guest crashed, and libvirt keeps what is left */
} MachineTrouble;

/* libvirt's guestReset; DEFAULT leaves it out. */
typedef enum GuestReset {
    GUEST_RESET_DEFAULT,
    GUEST_RESET_OFF,
    GUEST_RESET_UNINITIALIZED,
    GUEST_RESET_ON,
    _GUEST_RESET_MAX,
    _GUEST_RESET_INVALID = -1,
} GuestReset;

ENUM_TABLE_DECLARE(GuestReset, guest_reset);

/* One USB <hostdev> of a live XML. */
typedef struct Hostdev {
    char *alias;         /* as libvirt has it, "" when it has none */
    char *assignment_id; /* NULL: not ours */
    uint64_t instance;   /* of the device that it was made for; 0 when not ours */
    unsigned domain_id;  /* of the machine that it was attached in; 0 when not ours, or not known */
    unsigned bus_number; /* 0 when the XML names none */
    unsigned device_number;
    uint16_t vendor_id; /* 0 when the XML names none */
    uint16_t product_id;
    GuestReset guest_reset;
    bool optional; /* libvirt starts the machine without it */
    bool on_bus;   /* on its way: it was ordered onto the machine's USB bus with that index */
    unsigned bus;
} Hostdev;

Hostdev *hostdev_free(Hostdev *hostdev);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Hostdev, hostdev_free)

/* No bus of the kernel's has this number, and no device on a bus. */
#define HOSTDEV_NOWHERE 255

/* Where libvirt is to look for a hostdev of ours when it starts a saved machine. */
typedef struct HostdevPlace {
    char *alias;
    unsigned bus_number;
    unsigned device_number;
} HostdevPlace;

/* An empty array of HostdevPlace, owned. */
GPtrArray *hostdev_places_new(void);
void hostdev_places_add(GPtrArray *places, const char *alias, unsigned bus_number, unsigned device_number);
/* Borrowed. NULL = it is to be nowhere. */
const HostdevPlace *hostdev_places_find(const GPtrArray *places, const char *alias);
/* Whether the hostdev keeps no machine from being started: it is optional, and where its place is. */
bool hostdev_places_fit(const GPtrArray *places, const Hostdev *hostdev);

/* "ua-usbferry-<assignment id>-<instance>-<domain id>": the alias says whose the hostdev is, for which
 * enumeration of the device it was made, and in which life of the machine it was attached, so a restarted
 * daemon needs no memory of its own.
 *
 * A saved or migrated machine brings its hostdevs along in its XML, and QEMU lists them, but in the guest
 * they are dead. The machine has another domain id then, so the alias tells. Where an id may come again (see
 * MachineInfo), the instance differs: after a reboot of the host, and on another host. Without an id (0) the
 * third part is missing, as in what older versions attached. */
char *hostdev_alias_format(const char *assignment_id, uint64_t instance, unsigned domain_id);
/* False when the alias is not one of ours. */
bool hostdev_alias_parse(const char *alias, char **ret_assignment_id, uint64_t *ret_instance,
                         unsigned *ret_domain_id);

/* Its controllers of one index, companions together. */
typedef struct UsbBus {
    unsigned index;
    unsigned free;   /* ports of its own that are not taken */
    unsigned speeds; /* bits of daemon/base/usb-speed.h */
} UsbBus;

/* buses: of UsbBus. The first one with a free port and one of the speeds; 0 = any. NULL = none. Borrowed. */
UsbBus *usb_buses_first_free(const GArray *buses, unsigned speeds);
/* Where a device of these speeds goes: best is a bus on which it is as fast as it is now, in Mbit/s; 0 =
 * nobody knows. NULL = nowhere. */
UsbBus *usb_buses_choose(const GArray *buses, unsigned mbits, unsigned speeds);

typedef struct MachineInfo {
    char *uuid;  /* lower case, with dashes */
    char *name;  /* clean */
    char *title; /* what people call it, clean; "" = nothing else */
    MachineState state;
    unsigned domain_id; /* libvirt's id of the domain, another one for each QEMU: after a start, a restore, a
                         * revert or a migration. It stays over restarts of libvirtd, but libvirtd counts from
                         * the highest id that it finds running, so it may give the id of a machine that is
                         * off  a second time. 0: off, or without an id */
    MachineTrouble trouble;
    bool changing;       /* libvirt is starting or saving it: whoever changes it meanwhile waits for libvirt's
                          * lock, and an event says when that is over */
    GPtrArray *hostdevs; /* of Hostdev; empty unless the machine is active */
    char *usb_controller;     /* model of the best USB controller ("qemu-xhci"), "" = none */
    char *pending_controller; /* the one that it has after its next start, "none" = none; "" = the same */
    char *controllers;        /* all of them, as a text to be compared */
    GPtrArray *pci;   /* of char *, "0000:00:14.0": PCI devices that it has as a whole; when it is off, those
                       * that it is to take when it starts */
    GPtrArray *saved; /* of Hostdev, ours only: what its managed save image has; empty while it is active */
    unsigned snapshots;  /* how many it has that it can run from, and that can be repaired */
    unsigned free_ports; /* guest USB ports that are not taken, over all controllers */
    unsigned usb_speeds; /* that its controllers do, together: bits of daemon/base/usb-speed.h */
    GArray *buses;    /* of UsbBus, by index, where there are several: libvirt takes the first free port, even
                       * one that is too slow. Else empty. */
    bool ports_known; /* libvirt counts the same: all that it has USB controllers of is known here */
} MachineInfo;

MachineInfo *machine_info_new(const char *uuid);
/* A copy without hostdevs, for a machine that was only listed. */
MachineInfo *machine_info_copy_brief(const MachineInfo *info);
MachineInfo *machine_info_free(MachineInfo *info);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MachineInfo, machine_info_free)

/* Why it can get no device, and what to do: for who sees that before an attach, and for who is told it by
 * libvirt. Without a full stop. New string. */
char *machine_info_no_controller_text(const MachineInfo *info);
/* speeds: of the device, bits of daemon/base/usb-speed.h; 0 = any would do. */
char *machine_info_no_port_text(const MachineInfo *info, unsigned speeds);
