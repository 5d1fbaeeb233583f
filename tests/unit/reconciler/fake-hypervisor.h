/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A hypervisor that has what a test says and writes down what it was told to do. For the tests of
 * daemon/reconciler: workers call it, the test asks afterwards. */

#include <stdbool.h>

#include "daemon/base/error.h"
#include "daemon/base/worker.h"
#include "daemon/hypervisor/hypervisor.h"

typedef enum FakeCall {
    FAKE_PREPARE,
    FAKE_LIST,
    FAKE_INSPECT,
    FAKE_ATTACH,
    FAKE_DETACH,
    FAKE_PING,
    FAKE_REPAIR_SAVED,
    FAKE_REPAIR_SNAPSHOTS,
    _FAKE_CALL_MAX,
} FakeCall;

extern Hypervisor fake_hypervisor;

/* No machines, nothing fails, nothing was done. */
void fake_hypervisor_clear(void);
void fake_hypervisor_define(const char *uuid, const char *name, MachineState state);
void fake_hypervisor_undefine(const char *uuid);
/* From here on this call fails; the text is "no luck". _FERRY_ERROR_INVALID: not any more. */
void fake_hypervisor_fail(FakeCall call, FerryError code);
/* "list inspect attach detach": since the last time. New string. */
char *fake_hypervisor_take_log(void);

/* Until it was told to do this ("list") since the log was taken last, while the main loop rests; fails the
 * test when that takes too long. */
void fake_hypervisor_wait_called(const char *call);

/* A pool for one test. */
WorkerPool *fake_hypervisor_pool(void);
/* Lets the main loop run until *told is true, and makes it false again; fails the test when that takes too
 * long. */
void fake_hypervisor_wait(bool *told);
