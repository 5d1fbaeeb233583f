/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Change records become signals, at most one PropertiesChanged or InterfacesAdded per object and turn of the
 * main loop. What came and went within one turn is never told. */

#include <glib.h>
#include <systemd/sd-bus.h>

#include "daemon/model/change.h"
#include "dbus/service/notices.h"
#include "dbus/service/object.h"

typedef struct Changes Changes;

/* kinds: one of each type. notices: told of when they may be, borrowed. */
Changes *changes_new(sd_bus *bus, const ObjectKind *const *kinds, Notices *notices);
Changes *changes_free(Changes *changes);

/* The service has its name: whoever looks by it sees what is so by now. What was recorded before is not told.
 */
void changes_begin(Changes *changes);

/* A ChangeFunc; userdata is the Changes. */
void changes_record(const Change *change, void *userdata);
/* There is a notice. */
void changes_look_again(Changes *changes);
/* Sends what is collected now: before the answer to the call that caused it. */
void changes_flush(Changes *changes);
