/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Verdicts as sentences about a device and an assignment. Main thread only. All strings are new. */

#include "daemon/allocation/allocation.h"
#include "daemon/model/registry.h"

/* Why the verdict is what it is; without a full stop. */
char *verdict_text(Registry *registry, const Allocation *allocation, const Assignment *assignment,
                   const Device *device, Verdict verdict);

/* machine "win11" */
char *verdict_machine_text(Registry *registry, const Assignment *assignment);

/* Why nothing can be said of this machine (NULL = of any) now. */
char *verdict_hypervisor_text(Registry *registry, const Machine *machine);
