/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Retry: when an attach that failed is tried again: by its error, from one table in retry.c, and at once when
 * something changed that can help. dispatcher.c notes failures and changes of machines, reconciler.c what
 * people want, witness.c programs that let a device go. Writes the claims of assignments only. Main thread
 * only. */

#include <glib.h>

#include "daemon/hypervisor/machine-info.h"
#include "daemon/model/registry.h"

/* What changed; bits. */
typedef enum RetryHelp {
    RETRY_LIFE = 1 << 0,       /* the machine started, stopped, or is another life of itself */
    RETRY_CONTROLLER = 1 << 1, /* it has another USB controller */
    RETRY_PORT = 1 << 2,       /* it has more free ports */
    RETRY_HOLDER = 1 << 3,     /* a machine, or a program of the host, let a device go */
} RetryHelp;

/* The claim's attach failed: when it is tried again. */
void retry_note_failure(Claim *claim, const GError *error, gint64 now);

/* From one look at a machine to the next, what can help: bits of RetryHelp. */
unsigned retry_compare(const MachineInfo *before, const MachineInfo *after);

/* What failed and may be helped by that is tried in the next turn; after RETRY_LIFE as if it never had
 * failed. uuid: of the machine that changed, NULL of RETRY_HOLDER alone. Of RETRY_HOLDER every machine that
 * waits may be the next. */
void retry_at_once(Registry *registry, const char *uuid, unsigned helps);
