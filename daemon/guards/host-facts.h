/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* HostFacts: what the host does with its devices, as far as it can be in the way of giving one of them away:
 * disks, mounts, swap, input devices, network interfaces, routes. host-reading.c reads it, host-use.c judges
 * by it, the manager's guards keep it. Copies only; any thread. */

#include <glib.h>
#include <stdbool.h>

/* Of disks and network interfaces: what is on top of them is found by name. */
typedef struct HostNode {
    char *name;    /* "sda1", "eth1" */
    char *syspath; /* resolved */
    char *number;  /* of a disk: "8:1"; else NULL */
    char *title;   /* of a mapped one: "vg0-root"; else NULL */
    char **above;  /* names of what uses it: holders, bridges */
    bool on_usb;   /* of a disk: it is a USB device's, or on top of such a one */
    bool in_use;   /* of a disk: the kernel has a file system of it, wherever that is mounted */
} HostNode;

typedef struct HostMount {
    char *number; /* of the disk: "8:1"; "0:45" where a file system has none */
    char *source; /* "/dev/sda1", of a file system that may be over several disks; else "" */
    char *target; /* "/home" */
} HostMount;

typedef struct HostInput {
    char *syspath;
    char *seat; /* "seat0" */
    bool keyboard;
    bool pointer;
    bool bluetooth;
} HostInput;

typedef struct HostFacts {
    GPtrArray *disks;    /* of HostNode */
    GPtrArray *networks; /* of HostNode */
    GPtrArray *mounts;   /* of HostMount */
    GPtrArray *inputs;   /* of HostInput */
    GPtrArray *adapters; /* syspaths: of Bluetooth */
    GPtrArray *keys;     /* syspaths: security keys */
    GPtrArray *swaps;    /* names of disks */
    GPtrArray *routes;   /* names of interfaces with a default route */
} HostFacts;

HostFacts *host_facts_new(void);
HostFacts *host_facts_free(HostFacts *facts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HostFacts, host_facts_free)

/* Takes the texts; above may be NULL. */
void host_facts_add_node(GPtrArray *nodes, HostNode node);
