/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Hypervisor: what the core needs of libvirt, and nothing more. daemon/hypervisor/libvirt-hypervisor.c is the
 * real one; the bus tier's tests bring a scripted one.
 *
 * Threads: start, free and all events are the main thread's. The calls under "worker" block; they run in
 * worker threads, several at once, and touch nothing of the main thread. Their errors are FERRY_ERROR:
 * NO_SUCH_MACHINE, MACHINE_NOT_RUNNING, DEVICE_BUSY, NO_FREE_PORT, NO_CONTROLLER, or HYPERVISOR with
 * libvirt's own text. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/enum-table.h"
#include "daemon/hypervisor/machine-info.h"

typedef enum HypervisorState {
    HYPERVISOR_STATE_CONNECTING, /* also between two tries */
    HYPERVISOR_STATE_CONNECTED,
    HYPERVISOR_STATE_FAILED, /* the last try failed; the next one follows by itself */
    _HYPERVISOR_STATE_MAX,
    _HYPERVISOR_STATE_INVALID = -1,
} HypervisorState;

ENUM_TABLE_DECLARE(HypervisorState, hypervisor_state);

/* The device to attach: all four ids, so that a reused device number never brings a wrong device. */
typedef struct HostdevSpec {
    char *alias;
    unsigned bus_number;
    unsigned device_number;
    uint16_t vendor_id;
    uint16_t product_id;
    GuestReset guest_reset;
    bool on_bus; /* on the VM's USB bus with that index; else where libvirt wants it */
    unsigned bus;
} HostdevSpec;

HostdevSpec *hostdev_spec_free(HostdevSpec *spec);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HostdevSpec, hostdev_spec_free)

typedef struct Hypervisor Hypervisor;

/* Hints, never truth: each only says where to look again. */
typedef struct HypervisorEvents {
    /* state or state_text changed. After CONNECTED every machine is unknown until list() has answered. */
    void (*state_changed)(Hypervisor *hypervisor, void *userdata);
    /* Something about this machine changed. */
    void (*machine_touched)(Hypervisor *hypervisor, const char *uuid, void *userdata);
} HypervisorEvents;

typedef struct HypervisorOps {
    /* main thread */
    void (*start)(Hypervisor *hypervisor); /* connect, and stay connected; returns at once */
    /* Worker calls that hang may still come back afterwards, and then fail. */
    void (*free)(Hypervisor *hypervisor);

    /* worker */
    /* Gets ready what the next call takes, as one is about to come. What fails is told by that call. NULL =
     * nothing takes any time. */
    void (*prepare)(Hypervisor *hypervisor);
    /* Of MachineInfo, every defined or active one: uuid, name, state and id only, so that one that hangs
     * holds up none of the others. */
    GPtrArray *(*list)(Hypervisor *hypervisor, GError **error);
    MachineInfo *(*inspect)(Hypervisor *hypervisor, const char *uuid, GError **error);
    bool (*attach)(Hypervisor *hypervisor, const char *uuid, const HostdevSpec *spec, GError **error);
    /* Orders the removal. It is done when inspect() no longer shows the alias. An alias that is not there is
     * no error. */
    bool (*detach)(Hypervisor *hypervisor, const char *uuid, const char *alias, GError **error);
    /* Returns when the machine's QEMU has answered, whatever it said. */
    bool (*ping)(Hypervisor *hypervisor, const char *uuid, GError **error);
    /* Makes the hostdevs of ours in the managed save image optional, and puts them where the places (of
     * HostdevPlace) say. Nothing else of the image is changed. Without an image nothing is done. */
    bool (*repair_saved)(Hypervisor *hypervisor, const char *uuid, const GPtrArray *places, GError **error);
    /* Does the same with those of its snapshots that aren't among the known names, and with the current one;
     * a snapshot's hostdevs are nowhere. The names of those that are right now (char *); NULL with error. */
    GPtrArray *(*repair_snapshots)(Hypervisor *hypervisor, const char *uuid, const GPtrArray *known,
                                   GError **error);
    /* Starts one that is off, out of its managed save image if it has one. One that runs is no error. */
    bool (*start_machine)(Hypervisor *hypervisor, const char *uuid, GError **error);
    /* Gives it this USB controller (controller-xml.h) from its next start on. */
    bool (*set_usb_controller)(Hypervisor *hypervisor, const char *uuid, const char *model, GError **error);
} HypervisorOps;

struct Hypervisor {
    const HypervisorOps *ops;
    const HypervisorEvents *events; /* set by the core before start() */
    void *events_userdata;

    char *uri;
    unsigned patience_ms; /* how long the start of the service may wait for the first list of machines */
    HypervisorState state;
    char *state_text; /* why it is not connected, clean; NULL when it is */
};

/* Sets state and text and tells the core when either differs. For implementations. */
void hypervisor_set_state(Hypervisor *hypervisor, HypervisorState state, const char *text);
