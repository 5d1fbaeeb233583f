/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* UsbJobs: what workers do to the hardware, which can take seconds: reset a device, switch ports. For steps.c
 * and power-cycles.c. Knows the pool and the UsbOps, and nothing of resets: a job takes copies along and
 * brings an error back. Main thread only. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/base/worker.h"
#include "daemon/usb/usb-ops.h"

typedef struct UsbJobs {
    WorkerPool *pool;
    const UsbOps *ops;
} UsbJobs;

/* Main thread, once for each job, unless the pool is freed first. error: TIMEOUT when the job is past its
 * deadline and still with its worker, else what UsbOps says; NULL on success. */
typedef void (*UsbJobDone)(const GError *error, void *userdata);

/* The name of the queue for everything that is done to this device or port. New string. */
char *usb_jobs_queue(const char *name);

void usb_jobs_reset(const UsbJobs *jobs, const char *queue, const UsbAddress *address, UsbJobDone done,
                    void *userdata);

/* ------------------------------------------------------------------ ports */

/* Between the end of the service and the worker that switches ports off. */
typedef struct UsbGate UsbGate;

UsbGate *usb_gate_new(void);
void usb_gate_unref(UsbGate *gate);
/* From here on no worker begins to switch off. One that has begun goes on. */
void usb_gate_close(UsbGate *gate);
/* Blocks until one that has begun is through. */
void usb_gate_wait(UsbGate *gate);

/* ports: folders in /sys, one a line. Each is switched, whatever becomes of the others; the first error
 * counts. Once the gate is closed, switching off fails. A port that is gone, or has no switch, can't be left
 * off: that is no error of switching on. */
void usb_jobs_switch_off(const UsbJobs *jobs, const char *queue, const char *ports, UsbGate *gate,
                         UsbJobDone done, void *userdata);
void usb_jobs_switch_on(const UsbJobs *jobs, const char *queue, const char *ports, UsbJobDone done,
                        void *userdata);
/* The same without a worker: blocks. */
bool usb_jobs_switch_on_now(const UsbJobs *jobs, const char *ports, GError **error);
