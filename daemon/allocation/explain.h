/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Explain: why a device is where it is, and what an assignment, a group or a machine has and waits for, made
 * from the same verdicts that decide. For Manager.Explain(). Changes nothing. Main thread only. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/model/registry.h"

typedef struct Explanation {
    const char *kind; /* static: "device", "controller", "assignment", "machine", "tenant", "rule", "group",
                       * "service", "hypervisor" */
    char *subject;    /* sysname, assignment id, group name, UUID; "" = none */
    const char *verdict; /* static: "yes", "no", "waits", "blocks" */
    const char *code;    /* static: the text in a word, see daemon/allocation/reason-code.h */
    bool winner;         /* this assignment has or gets the device */
    char *text;          /* a sentence */
} Explanation;

Explanation *explanation_free(Explanation *explanation);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Explanation, explanation_free)

/* What was considered for this device, the deciding line first. New array of Explanation. */
GPtrArray *explain_device(Registry *registry, const Device *device);
/* The same of what is given, drawn from and given to: itself first, then what it has and what it doesn't get.
 */
GPtrArray *explain_assignment(Registry *registry, const Assignment *assignment);
GPtrArray *explain_group(Registry *registry, const Group *group);
GPtrArray *explain_machine(Registry *registry, const Machine *machine);
