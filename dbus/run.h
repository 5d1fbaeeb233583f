/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The whole service, wired. */

#include "daemon/hypervisor/hypervisor.h"
#include "daemon/usb/usb-ops.h"
#include "daemon/base/worker.h"

/* From the command line to the exit status. make_hypervisor, usb: the real ones, or a test's. */
int ferry_run(int argc, char **argv, Hypervisor *(*make_hypervisor)(const char *uri, WorkerPool *pool),
              const UsbOps *usb);
