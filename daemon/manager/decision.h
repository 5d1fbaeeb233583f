/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Decision: what every call that changes something has in common. The headers beside this one hold the calls,
 * one header for each kind of decision; dbus/ makes them.
 *
 * Every change is asked for in two steps: manager_check_…() says whether it could be done (before anybody is
 * bothered with an authorization), the call itself checks again, stores, changes, and tells done() when it is
 * durable. Main thread only. */

#include <glib.h>

typedef struct Manager Manager;

/* id: of the object that was made or changed; NULL with error. Valid for the call only. */
typedef void (*ManagerDone)(const char *id, const GError *error, void *userdata);
