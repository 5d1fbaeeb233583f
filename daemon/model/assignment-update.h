/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Assignment update: the one way for an assignment to become what was decided. The manager calls it once the
 * decision is durable. Main thread only. */

#include "daemon/model/registry.h"

/* Takes next, which has the id of an assignment in the registry; that stays the same object, as others hold
 * it. Its machine, owner and age stay, too: they make the assignment. Reports what differs and returns it
 * (ASSIGNMENT_FIELD_…); what comes of its own guest resets is reported when it is worked out with the
 * group's. */
unsigned assignment_update(Registry *registry, Assignment *next);
