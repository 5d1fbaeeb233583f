/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Damage: what follows when a file of the store can be read and makes no sense. The files stay as they are;
 * what can still be known of them is in the registry. What is promised, until somebody decides or the file is
 * mended and the service started again:
 *
 * - an assignment: it keeps what machines have of it, and gets nothing; so none of that is reset. The one
 * device that its Selector names is given to nobody else, if that can be read. Releasing it is the decision.
 * - a group: the same for the assignments that draw from it. A tenant's group owns what its rules match; when
 *   one of them can't be read, nothing that no tenant is known to own is assigned or granted, as it may be
 *   this one's; what is attached stays attached. Revoking or deleting it is the decision.
 * - a tenant: its groups own what they owned, and its assignments keep what they have and get nothing.
 * Creating it anew is the decision.
 * - the switch: usbferry is switched off. Switching it on is the decision.
 * - a change that was made (the journal), or anything that can't be read at all: the service doesn't start.
 *
 * For judge.c and those who refuse changes. Reads the registry only. Main thread only. */

#include <stdbool.h>

#include "daemon/model/registry.h"

/* Whether the assignment keeps what it has and gets nothing. */
bool damage_freezes(Registry *registry, const Assignment *assignment);
/* The sentence for that, without its full stop. New string. */
char *damage_text(Registry *registry, const Assignment *assignment);

/* The group that may own this device, which no tenant is known to own; NULL = none. */
const Group *damage_may_be_of(Registry *registry, const Device *device);

/* STORAGE, when the group is damaged, or the assignment itself: nobody can say what it is to be then. */
bool damage_check_group(const Group *group, GError **error);
bool damage_check_assignment(const Assignment *assignment, GError **error);
