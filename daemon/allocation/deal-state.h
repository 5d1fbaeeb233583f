/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Deal state: what the parts of a deal share while it is made. For deal.c, deal-sets.c and deal-out.c alone;
 * deal.h is for everybody else. Main thread only. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/allocation/attachment.h"
#include "daemon/allocation/candidates.h"
#include "daemon/allocation/links.h"
#include "daemon/allocation/promises.h"
#include "daemon/allocation/want.h"
#include "daemon/model/registry.h"

typedef struct Deal Deal;

struct Deal {
    Registry *registry;
    const Attachments *attachments;
    const Candidates *candidates;
    gint64 now;
    GPtrArray *wants;          /* of Want, owned */
    GPtrArray *none;           /* of Want: of who has none */
    GHashTable *by_device;     /* Device → Want, borrowed */
    GHashTable *by_assignment; /* Assignment → GPtrArray of Want, borrowed; nothing for who has none */
    GHashTable *by_machine;    /* Machine → GPtrArray of Want, borrowed */
    GHashTable *undecided;     /* set of Device */
    GHashTable *held_back;     /* set of Device */
    GHashTable *portless;      /* set of Assignment: of sets that need more ports than are free */
    Promises *promises;        /* what goes by what was dealt out so far */
    GHashTable *away; /* assignment id → how many devices are reserved for it and not plugged in now */
    Links *named;     /* Assignment → Device: those that a machine has, or a reservation keeps, for it */
    Links *pinned_by; /* Device → Assignment: who is for this one and takes part; not of what is wanted by
                         then */
};

bool deal_takes_part(const Deal *deal, const Assignment *assignment);
/* priority_has_it(), pinned_device(), priority_compare(). */
bool deal_has_it(const Deal *deal, const Assignment *assignment, const Device *device);
Device *deal_pinned(const Deal *deal, const Assignment *assignment);
int deal_compare(const Deal *deal, const Device *device, const Assignment *a, const Assignment *b);

bool deal_has_and_may_have(const Deal *deal, const Assignment *assignment, const Device *device);
/* Nobody else has the device. NULL = nobody has it, or nobody that is known. */
Assignment *deal_attached_for(const Deal *deal, const Device *device);
Assignment *deal_reserved_for(const Deal *deal, const Device *device);

/* As far as that is the same for everybody. What is kept for somebody stays so while a program of the host
 * looks at it. */
bool deal_may_go(const Deal *deal, const Device *device);
/* Its machine has a port for it. */
bool deal_has_way(const Deal *deal, const Assignment *assignment, const Device *device);
/* And the host can spare it. */
bool deal_may_go_to(const Deal *deal, const Assignment *assignment, const Device *device);
/* Whether it may go, and to this one. */
bool deal_is_available(const Deal *deal, const Assignment *assignment, const Device *device);
/* Nobody draws it now; that is noted. */
bool deal_hold_back(Deal *deal, const Device *device);

/* Whether anything new may be drawn for this assignment. A machine that doesn't answer, or has no port
 * left, draws nothing: it couldn't use what the others would miss. */
bool deal_may_draw(const Deal *deal, const Assignment *assignment);
bool deal_needs_more(const Deal *deal, const Assignment *assignment);
/* Devices that a reset has taken away from it for a moment: nothing is drawn in their place. */
guint deal_reserved_and_away(const Deal *deal, const Assignment *assignment);
/* Alone, and another one comes in its place, or none. */
bool deal_was_given_back(const Assignment *assignment, const Device *device);

Want *deal_give(Deal *deal, Device *device, Assignment *assignment);

/* As deal.h has them. */
Want *deal_state_want(const Deal *deal, const Device *device);
const GPtrArray *deal_state_wants_of(const Deal *deal, const Assignment *assignment);
bool deal_state_is_undecided(const Deal *deal, const Device *device);
