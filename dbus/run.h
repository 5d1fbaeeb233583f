/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The whole service, wired. */

#include "daemon/hypervisor.h"
#include "daemon/worker.h"

/* From the command line to the exit status. make_hypervisor: the real one, or a test's. */
int ferry_run(int argc, char **argv, Hypervisor *(*make_hypervisor)(const char *uri, WorkerPool *pool));
