/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Device: one USB device that is plugged into the host now.
 *
 * A Device lives in the registry from the moment udev has finished with it until it is unplugged. All its
 * texts are clean (daemon/base/text.h). Main thread only. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/enum-table.h"
#include "daemon/usb/kernel-facts.h"

typedef enum DeviceState {
    DEVICE_STATE_HOST,        /* the host's own */
    DEVICE_STATE_WAITING,     /* an assignment wants it and cannot have it yet */
    DEVICE_STATE_ATTACHING,   /* on its way to its machine */
    DEVICE_STATE_ATTACHED,    /* the live XML of its machine shows it, and the kernel doesn't say otherwise */
    DEVICE_STATE_DETACHING,   /* on its way home */
    DEVICE_STATE_FOREIGN,     /* some other program gave it to a machine */
    DEVICE_STATE_QUARANTINED, /* held back because it flaps */
    DEVICE_STATE_BLOCKED, /* can't be given: its controller is a machine's, or the host doesn't authorize it
                           */
    _DEVICE_STATE_MAX,
    _DEVICE_STATE_INVALID = -1,
} DeviceState;

ENUM_TABLE_DECLARE(DeviceState, device_state);

/* Of what says nothing about itself. */
#define DEVICE_ICON_GENERIC "preferences-desktop-peripherals"
/* Room for it is reserved in what all objects are together. */
#define DEVICE_REASON_MAX 768

typedef struct DeviceInterface {
    uint8_t class_code;
    uint8_t subclass;
    uint8_t protocol;
} DeviceInterface;

typedef struct Device {
    /* facts: set once when the device appears */
    char *sysname;     /* "3-1.2" */
    char *syspath;     /* "/sys/devices/pci0000:00/…/3-1.2" */
    uint64_t instance; /* the kernel's enumeration: differs for every one, also over boots, and is the same
                        * after a restart of the daemon; never 0. See daemon/hotplug/udev-reading.c */
    uint64_t udev_instance; /* what services before this one took for it: when udev first saw the device, in
                             * µs since boot. Aliases that they made have it; 0 = not known */
    unsigned bus_number;    /* 1…; with device_number only good as long as the instance lives */
    unsigned device_number; /* 1…127 */
    uint16_t vendor_id;
    uint16_t product_id;
    char *vendor;                /* "Logitech, Inc.", never NULL, may be "" */
    char *product;               /* "Keyboard K120", never NULL, may be "" */
    char *serial;                /* never NULL, may be "" */
    const char *class_name;      /* static: "hid-keyboard", …; see device_class_from_interfaces() */
    DeviceInterface *interfaces; /* every interface of the active configuration, sorted, without doubles */
    gsize n_interfaces;
    unsigned speeds;  /* at which a VM's controller may have it: daemon/base/usb-speed.h; 0 = not known */
    unsigned speed;   /* Mbit/s, rounded up: 2 for a low-speed device (1.5) */
    char *socket;     /* the physical port, stable over reboots: "pci-0000:00:14.0/1.2" */
    char *controller; /* "0000:00:14.0", or "dummy_hcd.0" for one that is no PCI device */
    char *hub;        /* sysname of the parent hub, root hubs included ("usb3"); NULL for a root hub */
    bool is_hub;      /* root hubs as well */
    bool removable;   /* the kernel doesn't call it fixed */

    /* which groups it is in: set by daemon/model/membership.c */
    GPtrArray *memberships; /* of Membership, by group name */
    char *tenant;           /* whose it is: then it is in no other's groups; NULL = nobody's */

    /* when it may go: a device that came back quickly waits until it is steady (µs, CLOCK_MONOTONIC) */
    gint64 steady_at;
    gint64 input_due_at; /* until then the kernel may still make its input device; 0 = it has, or it needs
                            none */
    gint64 came_at;      /* when it was first seen by this service: µs, CLOCK_MONOTONIC */

    /* who has it, as the kernel tells: set by daemon/reconciler/witness.c */
    KernelWord kernel;
    bool unbound; /* an interface was taken from whoever had it, since the last look at which all had a driver
                   */
    bool ours;    /* a machine had it from us, and the host hasn't got it back yet */
    gint64
        pulled_at; /* when it was last taken from a machine that hangs: µs, CLOCK_MONOTONIC; 0 = it wasn't */
    uint32_t driverless_at_home; /* interfaces that had no driver before that: bits, by number */
    char *user;                  /* the program of the host that has it, clean; NULL = none, or not known */
    bool user_asked;             /* user is known, or being looked up */

    /* what the host needs it for, "mounted:/home": set by daemon/manager/guards.c, NULL = nothing */
    char **host_use;

    /* where it is: set by the reconciler, see daemon/reconciler/status-update.h */
    DeviceState state;
    char *machine_uuid;      /* that has it, or that it is assigned to; NULL = none */
    char *assignment_id;     /* NULL = none */
    char *reason;            /* why, a sentence, never NULL; at most DEVICE_REASON_MAX bytes */
    const char *reason_code; /* static: the reason in a word, "" before the first look */
    int64_t since;           /* when state was entered: µs, CLOCK_REALTIME; 0 before the first look */
} Device;

Device *device_new(const char *sysname);
Device *device_free(Device *device);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Device, device_free)

/* Whether the number, out of an alias, means this very enumeration of the device. */
bool device_is_instance(const Device *device, uint64_t instance);

/* Moves the facts of a newer look at the same enumeration into the device. */
void device_take_facts(Device *device, Device *newer);

/* The name of a class for people and rules, from the device class code and the interfaces. Static. One of
 * device_class_names(). */
const char *device_class_from_interfaces(uint8_t device_class, const DeviceInterface *interfaces,
                                         gsize n_interfaces);
const char *const *device_class_names(void);

/* What it shows that can type or point, from its interfaces: bits. OTHER: HID that says neither. */
enum {
    DEVICE_INPUT_KEYBOARD = 1 << 0,
    DEVICE_INPUT_MOUSE = 1 << 1,
    DEVICE_INPUT_OTHER = 1 << 2,
};
unsigned device_inputs(const Device *device);

/* The device as messages name it: 046d:c31c "Keyboard K120" (3-1.2). New string. */
char *device_describe(const Device *device);

/* What people call it: its product's name, else its vendor's, else its ids. New string. */
char *device_label(const Device *device);
/* The freedesktop icon name for its class, which every theme has. Static. */
#define DEVICE_ICON_MAX 40 /* bytes, with its end */
const char *device_icon(const Device *device);

/* By their names alone: "3-1.2" is behind "3-1" and behind "usb3". */
bool device_is_behind(const char *sysname, const char *hub);
