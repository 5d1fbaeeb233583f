/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* MachineText: the sentences of verdicts that are about a machine which isn't as it should be. For verdict.c,
 * whose rules they follow: without a full stop, new strings. Pure. */

#include "daemon/model/registry.h"

/* machine: how it is called in sentences. */
char *machine_text_unknown(Registry *registry, const Assignment *assignment, const char *machine);
char *machine_text_unwell(const Machine *machine, const char *name, const Device *device);
