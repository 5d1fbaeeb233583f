/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Outlook: where each device and assignment stands, in the words of the bus, from what is desired and what is
 * live. The only place that writes their states, reports the change and logs it. */

#include "daemon/desired.h"
#include "daemon/registry.h"

void outlook_update(Registry *registry, const Desired *desired);

/* Whether any machine has a hostdev of this assignment, whatever device it was made for. ret_machine may be
 * NULL. */
bool outlook_has_live_hostdev(Registry *registry, const Assignment *assignment, const Machine **ret_machine);

/* Why the verdict is what it is, as a sentence about this device and this assignment. New string. */
char *outlook_verdict_text(Registry *registry, const Desired *desired, const Assignment *assignment,
                           const Device *device, Verdict verdict);
