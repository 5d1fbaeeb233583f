/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Change records: how the core says what changed, without knowing who listens. */

typedef enum ObjectType {
    OBJECT_MANAGER, /* one, id "" */
    OBJECT_DEVICE,
    OBJECT_MACHINE,
    OBJECT_GROUP,
    OBJECT_ASSIGNMENT,
    OBJECT_TENANT,
    _OBJECT_TYPE_MAX,
} ObjectType;

typedef enum ChangeKind {
    CHANGE_ADDED,   /* told just before the object can be found, when nothing names it yet */
    CHANGE_FIELDS,  /* some of its properties differ now */
    CHANGE_REMOVED, /* told before the object is gone, when nothing names it any more */
} ChangeKind;

/* Bits of Change.fields, per type. The names are the properties'. */
enum {
    MANAGER_FIELD_HYPERVISOR_STATE = 1 << 0,
    MANAGER_FIELD_SETTLING = 1 << 1,
    MANAGER_FIELD_ENABLED = 1 << 2,
    MANAGER_FIELD_NODE = 1 << 3,
    MANAGER_FIELD_HELD_HOME = 1 << 4,
};

enum {
    DEVICE_FIELD_FACTS = 1 << 0, /* any fact that udev tells; all of them */
    DEVICE_FIELD_STATE = 1 << 1, /* and Since */
    DEVICE_FIELD_MACHINE = 1 << 2,
    DEVICE_FIELD_ASSIGNMENT = 1 << 3,
    DEVICE_FIELD_GROUPS = 1 << 4, /* and Rules */
    DEVICE_FIELD_TENANT = 1 << 5,
    DEVICE_FIELD_REASON = 1 << 6, /* and ReasonCode */
    DEVICE_FIELD_HOST_USE = 1 << 7,
};

enum {
    MACHINE_FIELD_NAME = 1 << 0,
    MACHINE_FIELD_STATE = 1 << 1,
    MACHINE_FIELD_ASSIGNMENTS = 1 << 2,
    MACHINE_FIELD_FOREIGN_DEVICES = 1 << 3,
    MACHINE_FIELD_USB_CONTROLLER = 1 << 4,
    MACHINE_FIELD_FREE_PORTS = 1 << 5,
    MACHINE_FIELD_TENANT = 1 << 6,
    MACHINE_FIELD_DEVICES = 1 << 7,
    MACHINE_FIELD_TITLE = 1 << 8,
    MACHINE_FIELD_PENDING_CONTROLLER = 1 << 9,
};

enum {
    ASSIGNMENT_FIELD_STATE = 1 << 0,  /* and Since */
    ASSIGNMENT_FIELD_REASON = 1 << 1, /* and ReasonCode */
    ASSIGNMENT_FIELD_ERROR = 1 << 2,
    ASSIGNMENT_FIELD_DEVICES = 1 << 3,
    ASSIGNMENT_FIELD_NAME = 1 << 4,
    ASSIGNMENT_FIELD_DESCRIPTION = 1 << 5,
    ASSIGNMENT_FIELD_PRIORITY = 1 << 6,
    ASSIGNMENT_FIELD_GROUP = 1 << 7,
    ASSIGNMENT_FIELD_SELECTOR = 1 << 8,
    ASSIGNMENT_FIELD_QUANTITY = 1 << 9,
    ASSIGNMENT_FIELD_PERSISTENT = 1 << 10,
    ASSIGNMENT_FIELD_GUEST_RESET = 1 << 11, /* both */
    ASSIGNMENT_FIELD_PENDING = 1 << 12,
    ASSIGNMENT_FIELD_MACHINE = 1 << 13,
    ASSIGNMENT_FIELD_FOLLOW = 1 << 14,
    ASSIGNMENT_FIELD_LABELS = 1 << 15, /* MachineName, DeviceLabel and DeviceIcon */
    ASSIGNMENT_FIELD_COUNTS = 1 << 16, /* Wanted and Has */
    ASSIGNMENT_FIELD_FORCED = 1 << 17,
    ASSIGNMENT_FIELD_TERMS = 1 << 18, /* Trial, TryFor, LeaseFor, Expires and ExpiresIn */
};

enum {
    GROUP_FIELD_DESCRIPTION = 1 << 0,
    GROUP_FIELD_CLASS = 1 << 1, /* and Icon */
    GROUP_FIELD_ENABLED = 1 << 2,
    GROUP_FIELD_ALLOW_GUEST_RESET = 1 << 3,
    GROUP_FIELD_ALLOW_GUEST_RESETS_ALL = 1 << 4,
    GROUP_FIELD_PRIORITY = 1 << 5,
    GROUP_FIELD_RULES = 1 << 6,
    GROUP_FIELD_DEVICES = 1 << 7, /* and Total */
    GROUP_FIELD_FREE = 1 << 8,
    GROUP_FIELD_ASSIGNMENTS = 1 << 9,
};

enum {
    TENANT_FIELD_DESCRIPTION = 1 << 0,
    TENANT_FIELD_MEMBERS = 1 << 1, /* and UnknownMembers */
    TENANT_FIELD_MACHINES = 1 << 2,
    TENANT_FIELD_GROUPS = 1 << 3,
    TENANT_FIELD_DEVICES = 1 << 4,
};

typedef struct Change {
    ChangeKind kind;
    ObjectType type;
    const char *id; /* sysname, uuid, name or assignment id; valid for the call only */
    unsigned fields;
} Change;

typedef void (*ChangeFunc)(const Change *change, void *userdata);
