/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Assignments: what becomes of those that are there. done()'s id is the assignment's. See
 * daemon/manager/decision.h. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/manager/decision.h"

/* For attach and detach: NO_SUCH_ASSIGNMENT, also for one that is being released; LIMIT_EXCEEDED
 * while another change of it is being stored. */
bool manager_check_change(Manager *manager, const char *id, GError **error);

/* The same, but for one that is being released already: there it does nothing. */
bool manager_check_release(Manager *manager, const char *id, GError **error);
/* Ends the assignment; done() when that is durable. The object stays, detaching, until its device is home. */
void manager_release(Manager *manager, const char *id, ManagerDone done, void *userdata);
/* And when that is durable its machine starts without the device, if it is off. */
void manager_release_and_start(Manager *manager, const char *id, ManagerDone done, void *userdata);

/* Detach() and Attach(): keep the assignment, take the device home or give it again. */
void manager_set_wanted(Manager *manager, const char *id, bool wanted, ManagerDone done, void *userdata);

/* Its trial is over, and it stays: done() when that is durable. Nothing when it isn't tried, or not any more.
 * STORAGE for a damaged one; NO_SUCH_ASSIGNMENT says when it ended because nobody confirmed it. */
void manager_confirm(Manager *manager, const char *id, ManagerDone done, void *userdata);

/* What failed is tried at once, and what is quarantined is given at once; nothing for one that was stopped by
 * Detach(). */
void manager_retry(Manager *manager, const char *id, ManagerDone done, void *userdata);

typedef struct AssignmentUpdate {
    const char *machine_uuid;           /* NULL = as it is */
    const char *name;                   /* NULL = as it is */
    const char *description;            /* NULL = as it is */
    const int32_t *priority;            /* NULL = as it is */
    const bool *follow;                 /* NULL = as it is */
    const uint32_t *lease_for;          /* seconds, 0 = no lease; NULL = as it is */
    const bool *allow_guest_reset;      /* NULL = as it is */
    const bool *allow_guest_resets_all; /* NULL = as it is */
} AssignmentUpdate;

bool manager_check_update(Manager *manager, const char *id, const AssignmentUpdate *update, GError **error);
void manager_update(Manager *manager, const char *id, const AssignmentUpdate *update, ManagerDone done,
                    void *userdata);

/* For assign.c. Name and machine together say which assignment is meant, in what is exported for instance;
 * except: its own id, NULL = a new one. ALREADY_EXISTS. */
bool assignments_check_name(Manager *manager, const char *name, const char *machine_uuid, const char *except,
                            GError **error);
/* Of a try or a lease. INVALID_OPTION. */
bool assignments_check_seconds(const char *option, uint32_t seconds, uint32_t most, GError **error);
/* Of what draws from a group. INVALID_OPTION. */
bool assignments_check_follow(bool follow, GError **error);
