/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Verdicts: what allocation.h says of one device and one assignment, and all that follows from each: one row
 * of one table, in verdict.c. A new verdict is a value here and a row there. For everybody who asks
 * allocation.h, and explains or waits. Changes nothing. Main thread only. */

#include <stdbool.h>

#include "daemon/allocation/attachment.h"
#include "daemon/allocation/reason-code.h"
#include "daemon/model/registry.h"

/* What speaks for or against this device going to this assignment's machine now. */
typedef enum Verdict {
    VERDICT_GO,
    VERDICT_SUSPENDED,       /* the assignment was taken home or is being released */
    VERDICT_DAMAGED,         /* nobody can say what is to be: it has what it has, and gets nothing */
    VERDICT_MAY_BE_OWNED,    /* by a tenant whose group is damaged */
    VERDICT_OTHER_DEVICE,    /* the rule doesn't match, or the device isn't in the group */
    VERDICT_HUB,             /* hubs are never given to machines */
    VERDICT_NOT_OWNED,       /* a tenant's, and machine or assignment isn't; or the tenant's no longer */
    VERDICT_NOT_HOME,        /* several devices match, and this isn't the one, or can't be told from it */
    VERDICT_TAKEN,           /* another assignment comes first */
    VERDICT_ENOUGH,          /* the assignment has as many as it is to have */
    VERDICT_GIVEN_BACK,      /* the assignment gave this one back alone, and doesn't draw it again now */
    VERDICT_SET_INCOMPLETE,  /* another device of the set is missing */
    VERDICT_GROUP_DISABLED,  /* the group gives nothing */
    VERDICT_SWITCHED_OFF,    /* the whole service gives nothing */
    VERDICT_HELD_HOME,       /* everything comes home, as the host ends */
    VERDICT_FOREIGN,         /* some other program gave it to a machine */
    VERDICT_NUMBER_LISTED,   /* some other program gave what had its number before to a machine */
    VERDICT_UNDECIDED,       /* another machine that could draw it is still being read */
    VERDICT_HYPERVISOR_AWAY, /* or its machine was not seen yet: nothing can be said or done */
    VERDICT_MACHINE_UNKNOWN,
    VERDICT_MACHINE_OFF,
    VERDICT_MACHINE_UNWELL,   /* it crashed or hangs: what people type with comes home */
    VERDICT_MACHINE_STARTING, /* somebody had it started */
    VERDICT_NO_CONTROLLER,    /* the machine has no USB at all */
    VERDICT_NO_PORT,          /* all USB ports that could have it are taken, or spoken for */
    VERDICT_SPEED,            /* none of the machine's USB controllers does a speed of the device's */
    VERDICT_STORING,          /* the assignment isn't durable yet: nothing is ordered for it */
    VERDICT_CONTROLLER_TAKEN, /* a machine has its controller as a whole */
    VERDICT_UNAUTHORIZED,     /* the host lets nobody use it */
    VERDICT_GUARDED,          /* the host needs it: Device.HostUse */
    VERDICT_IN_USE,           /* a program of the host has it */
    VERDICT_LOOKED_AT,        /* somebody claimed it a moment ago */
    VERDICT_RESETTING,        /* it, or a hub before it, is being reset */
    VERDICT_QUARANTINED,      /* something went wrong with it several times in a row */
    VERDICT_UNSTEADY,         /* came back a moment ago */
    _VERDICT_MAX,
} Verdict;

/* What a verdict is about. */
typedef struct VerdictCase {
    Registry *registry;
    const Assignment *assignment;
    const Device *device;         /* NULL when the verdict is about the group or the service */
    const Attachment *attachment; /* where the device is now; NULL = with the host */
    const Attachments
        *attachments; /* where all devices are; NULL = not known, then no text says who comes first why */
    const Assignment *first; /* that comes first for the device; NULL = none */
    gint64 now;              /* of the allocation that says it: µs, CLOCK_MONOTONIC */
    const Device *meant;     /* that the assignment is for: allocation_pinned(); NULL = none */
    const char *use;         /* that the host has for it by promises.h; NULL = as Device.HostUse says */
} VerdictCase;

/* As explanations have it: "yes", "no", "waits" until something passes, "blocks" until somebody decides. */
const char *verdict_word(Verdict verdict);
/* Where an assignment stands that can't have its device for this reason. For VERDICT_GO nothing is in the
 * way: it is being attached. */
AssignmentState verdict_state(Verdict verdict);
/* The name of the error that goes with the state; "" = none. Static. */
const char *verdict_error(Verdict verdict);
/* The word for its sentence: daemon/allocation/reason-code.h. Static. */
const char *verdict_code(Verdict verdict);
/* Whether the device comes to the assignment by itself, now or when something passes: a reset, a machine that
 * can't be seen. False when somebody has to decide, plug or start something first. */
bool verdict_comes_by_itself(Verdict verdict);
/* Whether what is in the way passes by itself in a moment: a short wait tells how it ends. */
bool verdict_passes_soon(Verdict verdict);
/* Whether a machine that has the device loses it. */
bool verdict_takes_out(Verdict verdict);
/* Why the verdict is what it is; without a full stop. New string. */
char *verdict_text(Verdict verdict, const VerdictCase *about);
/* The same text with that error; DEVICE_BUSY when it has none. */
void verdict_set_error(Verdict verdict, const VerdictCase *about, GError **error);

/* Assignment "keys to desk". New string. */
char *verdict_assignment_text(const Assignment *assignment);
/* VM "win11". New string. */
char *verdict_machine_text(Registry *registry, const Assignment *assignment);
/* The host's program "pcscd", which has the device open; in other words when nobody knows its name. New
 * string.
 */
char *verdict_user_text(const Device *device);
/* Why nothing can be said of this machine (NULL = of any) now. New string. */
char *verdict_hypervisor_text(Registry *registry, const Machine *machine);
