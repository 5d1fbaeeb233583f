/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Replugs: a way home without a keyboard. A device that somebody pulls and plugs in again three times is
 * wanted by the host. Told by hotplug/, which sees it leave and come, asked by manager/terms.c. Owned by the
 * registry. Main thread only.
 *
 * A person is told from a cable that flaps by four things. Each time the device stays away for half a second
 * at least, and is there for as long before it goes again: a contact that bounces is quicker. All of it takes
 * ten seconds at most. It is three times, not more. And then there is rest: for two seconds nothing happens
 * to it. Whatever doesn't fit, a fourth time for instance, begins anew with nothing counted, and a device
 * that goes on and on never counts: daemon/model/quarantine.h has those.
 *
 * It is the same device when socket, ids and serial are. In memory only, REPLUGS_MAX devices at most. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/usb/device.h"

#define REPLUGS_MAX 256

#define REPLUG_TIMES   3
#define REPLUG_OUT_US  (500 * (gint64)1000) /* away for that long, or longer */
#define REPLUG_IN_US   (500 * (gint64)1000) /* and there for that long in between */
#define REPLUG_REST_US (2 * G_USEC_PER_SEC) /* and then nothing for that long */

typedef struct Replugs Replugs;

Replugs *replugs_new(void);
Replugs *replugs_free(Replugs *replugs);

/* The device went; assignment_id: that it was given to a machine by, NULL = none, and then only what began
 * before goes on. */
void replugs_note_left(Replugs *replugs, const Device *device, const char *assignment_id, gint64 now);
/* It is there. */
void replugs_note_came(Replugs *replugs, const Device *device, gint64 now);

/* False when it has to be told later. */
typedef bool (*ReplugsTake)(const char *assignment_id, const char *sysname, void *userdata);
/* Each device that was brought home like that, and by which assignment it was given away: told once. wake:
 * when to ask again, by daemon/base/wake.h. */
void replugs_take_due(Replugs *replugs, gint64 now, gint64 *wake, ReplugsTake take, void *userdata);
