/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Explain: why a device is where it is, made from the same verdicts that decide. For Manager.Explain().
 * Changes nothing. Main thread only. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/model/registry.h"

typedef struct Explanation {
    const char *kind;    /* static: "device", "assignment", "tenant", "rule", "group", "service",
                          * "hypervisor" */
    char *subject;       /* sysname, assignment id, group name; "" = none */
    const char *verdict; /* static: "yes", "no", "waits", "blocks" */
    const char *code;    /* static: the text in a word, see daemon/allocation/reason-code.h */
    bool winner;         /* this assignment has or gets the device */
    char *text;          /* a sentence */
} Explanation;

Explanation *explanation_free(Explanation *explanation);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Explanation, explanation_free)

/* What was considered for this device, the deciding line first. New array of Explanation. */
GPtrArray *explain_device(Registry *registry, const Device *device);
