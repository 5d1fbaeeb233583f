/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A hypervisor that does what a test tells it to, behind the same interface as libvirt.
 *
 * It listens on the socket named by $FERRY_SCRIPT_SOCKET. One command a line, one line of answer ("ok …" or
 * "error …"):
 *
 *   define UUID NAME        a machine, shut off          undefine UUID
 *   start UUID / stop UUID                                restore UUID    start with the USB devices that it
 * had foreign UUID BUS DEV VID PID (hex ids)                unforeign UUID hang UUID / resume UUID     every
 * worker call on this machine blocks meanwhile fail UUID N TEXT            the next N attaches fail with
 * FERRY_ERROR_HYPERVISOR and TEXT keep UUID / let-go UUID     removals are accepted but not carried out until
 * let-go quiet / loud                no events are sent disconnect TEXT / connect show UUID ok NAME STATE
 * alias=BUS:DEV:VID:PID … counts                      ok attach=N detach=N inspect=N list=N held=N (attaches
 * that block now)
 */

#include "daemon/hypervisor.h"
#include "daemon/worker.h"

Hypervisor *scripted_hypervisor_new(const char *uri, WorkerPool *pool);
