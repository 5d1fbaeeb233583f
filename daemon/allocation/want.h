/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Want: one pair of a deal. For who deals, and for who reads the deal: deal.h. Main thread only. */

#include <stdbool.h>

#include "daemon/allocation/verdict.h"
#include "daemon/model/registry.h"

/* A device that an assignment is to have, or would have if the verdict were better. */
typedef struct Want {
    Assignment *assignment;
    Device *device;
    Machine *machine; /* NULL when unknown */
    Verdict verdict;  /* set by allocation.c */
    bool on_bus;      /* it is to go onto the machine's USB bus with that index: ports.c */
    unsigned bus;
} Want;
