/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* clang-format off */
/* A hypervisor that does what a test tells it to, behind the same interface as libvirt.
 *
 * It listens on the socket named by $FERRY_SCRIPT_SOCKET. One command a line, one line of answer ("ok …", "error …"):
 *
 *   define UUID NAME            a machine, shut off
 *   undefine UUID
 *   start UUID, stop UUID
 *   restore UUID                another life with the USB devices that it had in the last one
 *   carry-on UUID LIFE [ALIAS=BUS:DEV:VID:PID:GUESTRESET …]
 *                               it runs in this life with these USB devices, as show told it
 *   foreign UUID BUS DEV VID PID, unforeign UUID      a hostdev that isn't ours; ids in hex
 *   pci UUID [ADDRESS]          the PCI device in its configuration, and while it runs in its hands; without
 *                               an address none
 *   ports UUID N                it has N USB ports (15 at first), for ours and foreign ones; with 0 no controller either
 *   hang UUID                   every worker call on this machine blocks until resume
 *   unreadable UUID             its live XML can't be read
 *   hold UUID                   only attaches block until resume
 *   resume UUID
 *   fail UUID N TEXT            the next N attaches fail with FERRY_ERROR_HYPERVISOR and TEXT
 *   keep UUID, let-go UUID      removals are accepted, and carried out with let-go
 *   quiet, loud                 whether events are sent
 *   disconnect TEXT, connect
 *   list [TEXT]                 from now on listing the machines fails with TEXT; without one, no more
 *   old                         it is a libvirt that knows no guestReset
 *   show UUID                   ok NAME STATE LIFE ALIAS=BUS:DEV:VID:PID:GUESTRESET …
 *   counts                      ok attach=N detach=N inspect=N list=N held=N (attaches that block now)
 */
/* clang-format on */

#include "daemon/hypervisor/hypervisor.h"
#include "daemon/base/worker.h"

Hypervisor *scripted_hypervisor_new(const char *uri, WorkerPool *pool);
