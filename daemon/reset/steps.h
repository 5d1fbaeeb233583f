/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reset: one reset on its way, a small state machine. For reset.c, which has the table of them. A turn, the
 * result of a job or the end of a queue takes it to its next step; nothing here waits. Main thread only. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/allocation/allocation.h"
#include "daemon/model/registry.h"
#include "daemon/reset/method.h"
#include "daemon/reset/power-cycles.h"
#include "daemon/reset/usb-jobs.h"

typedef enum ResetStep {
    RESET_STEP_TAKING_OUT,
    RESET_STEP_WORKING,     /* a job runs: the store's, or the hardware's */
    RESET_STEP_POWER_OFF,   /* off, until next_at */
    RESET_STEP_POWER_RETRY, /* not on yet; again at next_at */
    RESET_STEP_STUCK,       /* the job is past its deadline: until its queue is idle */
    RESET_STEP_COMING_BACK,
    RESET_STEP_GIVING_BACK,
} ResetStep;

/* What all resets share; the caller's. */
typedef struct ResetContext {
    Registry *registry;
    UsbJobs jobs;
    PowerCycles *power_cycles;
    void (*changed)(void *userdata); /* look again */
    void *userdata;
} ResetContext;

/* A device that is reset: the target, or one behind it. */
typedef struct ResetDevice {
    char *sysname;
    char *what;          /* as messages name it */
    uint64_t instance;   /* before the reset */
    char *assignment_id; /* whose it is; NULL = nobody's */
    bool was_attached;
} ResetDevice;

typedef struct Reset {
    const ResetContext *context;
    char *sysname; /* of the target */
    char *what;
    char *queue;
    ResetMethod method;
    bool is_hub;
    uint64_t instance;
    UsbAddress address;
    GPtrArray *devices; /* of ResetDevice: a hub itself is none */

    char *ports; /* for a power cycle: the folders of its port and of that port's other half, one a line */
    char *note;  /* from before they are switched off until they are on */
    UsbGate *gate;
    unsigned tries;

    ResetStep step;
    gint64 next_at;  /* POWER_OFF, POWER_RETRY */
    gint64 deadline; /* of TAKING_OUT, COMING_BACK, GIVING_BACK */
    bool enumerates; /* it is to come back as another enumeration */
    GError *error;   /* NULL: nothing failed so far */

    /* what follows the job that runs */
    void (*next)(struct Reset *reset, const GError *error);

    ResetDone done; /* NULL once told */
    void *userdata;
    GDestroyNotify free_userdata;
} Reset;

/* Reserves the target and all that is reset along with it: the reconciler takes them out. free_userdata is
 * called when the reset is freed before done() was. */
Reset *reset_new(const ResetContext *context, const Device *target, ResetMethod method, ResetDone done,
                 void *userdata, GDestroyNotify free_userdata);
/* None of its jobs may be running, unless the main loop doesn't run any more. */
void reset_free(Reset *reset);

/* Goes on if it can. True when it is over: nothing is reserved any more, and reset_answer() is due. */
bool reset_turn(Reset *reset, const Allocation *allocation, gint64 now, gint64 *wake);
/* Its queue is free again, after a job that had timed out. */
void reset_queue_idle(Reset *reset);
/* Tells who waits for it how it went, once. */
void reset_answer(Reset *reset);

/* At the end of the service: nothing stays switched off. Blocks, unless the kernel didn't come back from the
 * port in time: then it is left to the note. From here on no worker begins to switch it off; one that has
 * begun is waited for. */
void reset_switch_on_now(const Reset *reset);
