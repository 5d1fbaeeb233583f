/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Possession: who has a device, as hypervisor and kernel tell together. The one place that says which of the
 * kernel's signs decide, and how long each has to last. For allocation.h, and for the reconciler, which acts
 * on it and looks again in time. Pure: its only time is that of the kernel's last word. Main thread only. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/allocation/attachment.h"
#include "daemon/allocation/verdict.h"
#include "daemon/model/registry.h"

typedef enum Possession {
    /* no machine lists it as ours */
    POSSESSION_FREE,    /* nothing speaks against giving it */
    POSSESSION_CLAIMED, /* somebody claimed it; whether a program has it or only looks isn't said yet */
    POSSESSION_IN_USE,  /* a program of the host has it */
    POSSESSION_LEFT,    /* it was a machine's, and the host's drivers didn't take it when that let go */
    /* a machine lists it as ours */
    POSSESSION_THERE,      /* the machine has it */
    POSSESSION_UNPROVEN,   /* attached a moment ago, and the kernel doesn't say so yet */
    POSSESSION_TAKEN_BACK, /* a driver of the host has it */
    POSSESSION_CLOSED,     /* nobody has it */
    POSSESSION_SHARED,     /* a program of the host has it as well, and the guest can't use it */
    POSSESSION_UNBOUND,    /* a part of it was taken from the machine, and its guest didn't get over that */
    POSSESSION_SPOILT,     /* a program had it as well, and the guest didn't get over that */
    /* either */
    POSSESSION_UNAUTHORIZED, /* the host lets nobody use it */
} Possession;

Possession possession_of(const Registry *registry, const Attachments *attachments, const Device *device);

/* It is listed, and has to be taken out and put in again. */
bool possession_is_lost(Possession possession);
/* What that is because of: a clause, static. */
const char *possession_loss_text(Possession possession);

/* Whether the device can be given: GO, UNAUTHORIZED, IN_USE or LOOKED_AT. */
Verdict possession_judge(const Registry *registry, const Attachments *attachments, const Device *device);

/* When a look could show something that is another possession by having lasted; 0 = nothing is on its way. */
gint64 possession_look_again_at(const Registry *registry, const Attachments *attachments,
                                const Device *device);
