/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reads the facts of the host from /proc, /sys and udev's database, without a wait. The manager's guards call
 * it when a hint came. Any thread. */

#include "daemon/guards/host-facts.h"

/* root: "" for the host, or a folder that has proc/, sys/ and run/ of a test. What can't be read is not
 * there. */
HostFacts *host_facts_read(const char *root);
/* Of its disks anew whether they are in use, which nothing tells. True when one of them is another way. */
bool host_facts_read_in_use(HostFacts *facts, const char *root);
