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
 *   crash UUID                  it is off, and left everything as it was
 *   lazy UUID                   from now on its guest configures no device
 *   restore UUID                another life with the USB devices that it had in the last one
 *   save UUID, discard UUID     it is off, with a managed save image; that is thrown away
 *   wake UUID                   another life out of the image; error when a hostdev in it isn't optional
 *   saved UUID                  ok repairs=N ALIAS=BUS:DEV:POLICY … (of the image; 255:255 is nowhere)
 *   snapshot UUID NAME, delete UUID NAME, revert UUID NAME      the same with snapshots
 *   snapshots UUID              ok NAME ALIAS=BUS:DEV:POLICY … NAME …
 *   refuse-repairs UUID [TEXT]  from now on images and snapshots can't be changed, for this reason; without one, they can
 *   carry-on UUID LIFE [ALIAS=BUS:DEV:VID:PID:GUESTRESET …]
 *                               it runs in this life with these USB devices, as show told it
 *   foreign UUID BUS DEV VID PID, unforeign UUID      a hostdev that isn't ours; ids in hex
 *   pci UUID [ADDRESS]          the PCI device in its configuration, and while it runs in its hands; without
 *                               an address none
 *   ports UUID N                it has N USB ports (15 at first), for ours and foreign ones; with 0 no controller either
 *   title UUID TEXT             what people call it
 *   controller UUID MODEL SPEEDS its USB controller, and its speeds: bits of daemon/base/usb-speed.h
 *   hang UUID                   every worker call on this machine blocks until resume
 *   numb UUID N                 the next N attaches are listed, and QEMU never opens the device
 *   unreadable UUID             its live XML can't be read
 *   hold UUID                   only attaches block until resume
 *   resume UUID
 *   fail UUID N TEXT            the next N attaches fail with FERRY_ERROR_HYPERVISOR and TEXT
 *   error UUID CALL N CODE TEXT the next N calls (attach, detach, inspect, start, define) fail with the error of this name
 *   delay UUID CALL N MS        they take so long
 *   calm UUID                   no errors and no delays any more
 *   die CALL N WHEN             the service is killed before or after the N-th attach or detach from now
 *   die hold, die go            until go it waits with that
 *   pause UUID, unpause UUID
 *   ill UUID                    it is paused by an I/O error, until unpause
 *   keep UUID, let-go UUID      removals are accepted, and carried out with let-go
 *   quiet, loud                 whether events are sent
 *   disconnect TEXT, connect
 *   list [TEXT]                 from now on listing the machines fails with TEXT; without one, no more
 *   look                        from now on only what is in sysfs can be attached
 *   run MS                      so much time passes at once: scripted-clock.h; the answer comes after it
 *   jump S                      the host's clock is set, also backwards
 *   old                         it is a libvirt that knows no guestReset
 *   show UUID                   ok NAME STATE LIFE ALIAS=BUS:DEV:VID:PID:GUESTRESET …
 *   usb …                       tests/bus/scripted-usb.h
 *   kernel …                    tests/bus/scripted-kernel.h
 *   Each attach and detach that is called, and what a machine has after each change, is a line in the file
 *   named by $FERRY_SCRIPT_LOG: attach UUID ALIAS BUS DEV VID PID, detach UUID ALIAS, state UUID and what
 *   show tells.
 *   counts                      ok attach=N detach=N inspect=N list=N held=N (attaches that block now)
 */
/* clang-format on */

#include "daemon/hypervisor/hypervisor.h"
#include "daemon/base/worker.h"

Hypervisor *scripted_hypervisor_new(const char *uri, WorkerPool *pool);
