/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What somebody asks for who assigns a device or a group. dbus/objects fills it, assign.h and
 * new-assignment.h read it; its texts are the caller's. */

#include <stdbool.h>
#include <stdint.h>

typedef struct AssignRequest {
    const char *device;   /* sysname; NULL with group */
    const char *group;    /* name; NULL with device */
    const char *quantity; /* "1", "3", "all", "set"; NULL = "1"; a device has none */
    const char *selector; /* a rule that narrows the group; NULL or "" = any of its devices */
    const char *machine_uuid;
    const char *name; /* NULL or "": made from device and machine */
    const char *description;
    bool persistent;
    bool follow;        /* of a device only */
    bool another;       /* of a group only: also when one that says the same is there */
    bool force;         /* of a device only: although the host uses it */
    uint32_t try_for;   /* seconds; 0 = it isn't a try */
    uint32_t lease_for; /* seconds; 0 = without end */
    bool start_machine; /* once it is stored; of several, all say the same */
    int32_t priority;
    const bool *allow_guest_reset; /* NULL: as the group has it, else no */
    const bool *allow_guest_resets_all;
    uint32_t owner; /* of the check: root's while it isn't known who calls */
} AssignRequest;
