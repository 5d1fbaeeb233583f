/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Guards: keeps what the host uses each device for, Device.HostUse, from the facts of daemon/guards/. Made
 * and asked by manager.c; daemon/allocation/judge.c forbids by it. Main thread only. */

#include "daemon/allocation/allocation.h"

typedef struct Guards Guards;

/* changed: some device's use is another one. lost: what the host uses isn't followed any more. */
Guards *guards_new(Registry *registry, void (*changed)(void *userdata), void (*lost)(void *userdata),
                   void *userdata);
Guards *guards_free(Guards *guards);

/* Bits of the kinds that aren't looked for, from the next look on. */
void guards_set_off(Guards *guards, unsigned off);

/* Reads the facts, compares all devices, and follows them from now on. */
void guards_look(Guards *guards);
/* At what begins and ends unseen alone: something may be given in a moment. Costs next to nothing where no
 * USB disk is. */
void guards_glance(Guards *guards);
/* What machines have now, and programs of the host. */
void guards_turned(Guards *guards, const Allocation *allocation);
/* A device that has just come, by the facts of the last look. */
void guards_look_at(Guards *guards, Device *device);
/* Where somebody sits; before the first time it is everywhere, as nobody knows. */
void guards_seats_changed(Guards *guards, const char *const *seats);
