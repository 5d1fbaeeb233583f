/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Verdicts: what allocation/ can say of one device and one assignment, and what follows from each. For
 * everybody who asks daemon/allocation/allocation.h. Pure. */

#include <stdbool.h>

/* What speaks for or against this device going to this assignment's machine now. */
typedef enum Verdict {
    VERDICT_GO,
    VERDICT_SUSPENDED,       /* the assignment was taken home, is being released or isn't stored yet */
    VERDICT_OTHER_DEVICE,    /* the rule doesn't match, or the device isn't in the group */
    VERDICT_HUB,             /* hubs are never handed out */
    VERDICT_NOT_OWNED,       /* a tenant's, and machine or assignment isn't; or the tenant's no longer */
    VERDICT_NOT_HOME,        /* several devices match and this one isn't where the assigned one was */
    VERDICT_TAKEN,           /* another assignment comes first */
    VERDICT_ENOUGH,          /* the assignment has as many as it is to have */
    VERDICT_SET_INCOMPLETE,  /* another device of the set is missing */
    VERDICT_GROUP_DISABLED,  /* the group hands nothing out */
    VERDICT_SWITCHED_OFF,    /* the whole service hands nothing out */
    VERDICT_FOREIGN,         /* some other program gave it to a machine */
    VERDICT_UNDECIDED,       /* another machine that could draw it is still being read */
    VERDICT_HYPERVISOR_AWAY, /* or its machine was not seen yet: nothing can be said or done */
    VERDICT_MACHINE_UNKNOWN,
    VERDICT_MACHINE_OFF,
    VERDICT_CONTROLLER_TAKEN, /* a machine has its controller as a whole */
    VERDICT_RESETTING,        /* it, or a hub before it, is being reset */
    VERDICT_UNSTEADY,         /* came back a moment ago */
    _VERDICT_MAX,
} Verdict;

/* Whether the device comes to the assignment by itself, now or when something passes: a reset, a machine that
 * can't be seen. False when somebody has to decide, plug or start something first. */
bool verdict_comes_by_itself(Verdict verdict);
