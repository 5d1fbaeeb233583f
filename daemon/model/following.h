/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Followings: devices of assignments with Follow that went from their socket. What appears there within
 * TUNING_FOLLOW under other ids is taken for the same thing (an update of its firmware, another mode), and
 * follows it to its machine, for as long as it stays plugged in. When that goes, the next one may follow it
 * as well; when the device that is meant comes back, all is as before.
 *
 * Nothing follows that is a hub, that shows a keyboard or a mouse, or may hide one, where the device that is
 * meant had none, or that is only another one of its kind, with a serial of its own. And nothing that another
 * assignment or a tenant has a say in: daemon/allocation/candidates.c sees to that.
 *
 * hotplug/ notes who left, reconciler/follow.c ends what is over and finds again what a machine has of a
 * service that ended, allocation/ asks. In memory only, at most one for each assignment. Main thread only. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/model/assignment.h"
#include "daemon/usb/device.h"

typedef struct Following {
    char *assignment_id;
    char *socket;
    /* the device that is meant */
    uint16_t vendor_id;
    uint16_t product_id;
    char *serial;
    unsigned inputs; /* device_inputs() */
    /* who follows came in between: µs, CLOCK_MONOTONIC */
    gint64 left_at;
    gint64 until;
} Following;

typedef struct Followings Followings;

Followings *followings_new(void);
Followings *followings_free(Followings *followings);

/* The assignment's device went, or who followed it. */
void followings_note_left(Followings *followings, const Assignment *assignment, const Device *device,
                          gint64 now);
/* Its machine has this device of it, which isn't the one that is meant: it followed that before. */
void followings_adopt(Followings *followings, const Assignment *assignment, const Device *device);
void followings_end(Followings *followings, const char *assignment_id);

/* NULL = nothing can follow. */
const Following *followings_find(const Followings *followings, const char *assignment_id);
/* All of them, in no order. New array, borrowed. */
GPtrArray *followings_all(const Followings *followings);

/* It is in the socket, and came in time. */
bool following_is_next(const Following *following, const Device *device);
/* And nothing speaks against it. */
bool following_leads_to(const Following *following, const Device *device);
