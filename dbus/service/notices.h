/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Notices: what people at a desktop are told of what happened, by the signal Manager.Notice. They wait for
 * changes.c, which sends them when everything that came was told and nothing that goes. Bounded: one that
 * flaps is told of NOTICES_OF_ONE_MAX times a minute, all together NOTICES_MAX times. */

#include <glib.h>
#include <systemd/sd-bus.h>

#include "daemon/model/history.h"

#define NOTICES_OF_ONE_MAX 12
#define NOTICES_MAX        60

typedef struct Notices Notices;

Notices *notices_new(sd_bus *bus, Registry *registry);
Notices *notices_free(Notices *notices);

/* Whether there is something to send by now. */
bool notices_add(Notices *notices, const Happening *happening);
/* Who listens to the service's name hears them: from here on they are sent. */
void notices_begin(Notices *notices);
/* Sends what waits, once it has begun. */
void notices_send(Notices *notices);
