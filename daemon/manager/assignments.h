/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Assignments: what goes to which machine. done()'s id is the assignment's. See daemon/manager/decision.h. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/manager/decision.h"

typedef struct AssignRequest {
    const char *device;   /* sysname; NULL with group */
    const char *group;    /* name; NULL with device */
    const char *quantity; /* "1", "3", "all", "set"; NULL = "1"; a device has none */
    const char *selector; /* a rule that narrows the group; NULL or "" = any of its devices */
    const char *machine_uuid;
    const char *name; /* NULL or "": made from device and machine */
    const char *description;
    bool persistent;
    bool follow;  /* of a device only */
    bool another; /* of a group only: also when one that says the same is there */
    bool force;   /* of a device only: although the host uses it */
    int32_t priority;
    const bool *allow_guest_reset; /* NULL: as the group has it, else no */
    const bool *allow_guest_resets_all;
    uint32_t owner; /* of the check: root's while it isn't known who calls */
} AssignRequest;

/* NO_SUCH_DEVICE, NO_SUCH_GROUP, NO_SUCH_MACHINE, INVALID_RULE, INVALID_OPTION, DEVICE_IS_HUB, NOT_OWNED,
 * DEVICE_BUSY, DEVICE_IN_USE, ALREADY_EXISTS, INVALID_NAME, LIMIT_EXCEEDED. */
bool manager_check_assign(Manager *manager, const AssignRequest *request, GError **error);
void manager_assign(Manager *manager, const AssignRequest *request, ManagerDone done, void *userdata);

/* For release, attach and detach: NO_SUCH_ASSIGNMENT, also for one that is being released; LIMIT_EXCEEDED
 * while another change of it is being stored. */
bool manager_check_change(Manager *manager, const char *id, GError **error);

/* Ends the assignment; done() when that is durable. The object stays, detaching, until its device is home. */
void manager_release(Manager *manager, const char *id, ManagerDone done, void *userdata);

/* Detach() and Attach(): keep the assignment, take the device home or give it again. */
void manager_set_wanted(Manager *manager, const char *id, bool wanted, ManagerDone done, void *userdata);

/* What failed is tried at once, and what is quarantined is given at once; nothing for one that was stopped by
 * Detach(). */
void manager_retry(Manager *manager, const char *id, ManagerDone done, void *userdata);

typedef struct AssignmentUpdate {
    const char *name;                   /* NULL = as it is */
    const char *description;            /* NULL = as it is */
    const int32_t *priority;            /* NULL = as it is */
    const bool *follow;                 /* NULL = as it is */
    const bool *allow_guest_reset;      /* NULL = as it is */
    const bool *allow_guest_resets_all; /* NULL = as it is */
} AssignmentUpdate;

bool manager_check_update(Manager *manager, const char *id, const AssignmentUpdate *update, GError **error);
void manager_update(Manager *manager, const char *id, const AssignmentUpdate *update, ManagerDone done,
                    void *userdata);
