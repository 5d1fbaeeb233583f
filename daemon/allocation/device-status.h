/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Device status: why a device is where it is, in a sentence and a word, from what decides. Says it only;
 * daemon/reconciler/status-update.c writes it down beside the State. Main thread only. */

#include "daemon/allocation/allocation.h"
#include "daemon/model/registry.h"

typedef struct DeviceStatus {
    char *reason;     /* owned by who asked */
    const char *code; /* the same in a word: daemon/allocation/reason-code.h */
} DeviceStatus;

DeviceStatus device_status_of(Registry *registry, const Allocation *allocation, const Device *device);
