/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the two files of resets share: reset.c waits and decides, reset-work.c gives jobs to the workers.
 * Nobody else includes this. */

#include "daemon/reset.h"

/* A device that comes out of a reset is enumerated within this. */
#define RESET_COME_BACK_US (20 * G_USEC_PER_SEC)

#define RESET_QUEUE_PREFIX "usb-reset-"

typedef enum Step {
    STEP_TAKING_OUT,
    STEP_WORKING,     /* a job runs: the store's, or the hardware's */
    STEP_POWER_OFF,   /* off, until next_at */
    STEP_POWER_RETRY, /* not on yet; again at next_at */
    STEP_STUCK,       /* the job is past its deadline: until its queue is idle */
    STEP_COMING_BACK,
    STEP_GIVING_BACK,
} Step;

typedef struct Held {
    char *sysname;
    char *what;          /* as messages name it */
    uint64_t instance;   /* before the reset */
    char *assignment_id; /* whose it is; NULL = nobody's */
    bool was_attached;
} Held;

typedef struct Reset {
    Resets *resets;
    char *sysname; /* the key in resets->open */
    char *what;
    char *queue;
    ResetMethod method;
    bool is_hub;
    uint64_t instance;
    UsbAddress address;
    GPtrArray *held; /* of Held */

    char *ports; /* for a power cycle: the folders of its port and of that port's other half, one a line */
    char *note;  /* id of the note in the store */
    unsigned tries;

    Step step;
    gint64 next_at;  /* POWER_OFF, POWER_RETRY */
    gint64 deadline; /* of the other steps */
    bool enumerates; /* it is to come back as another enumeration */
    GError *error;   /* NULL: nothing failed so far */

    ResetDone done; /* NULL once told */
    void *userdata;
    GDestroyNotify free_userdata;
} Reset;

struct Resets {
    Registry *registry;
    WorkerPool *pool;
    Store *store;
    const UsbOps *ops;
    void (*changed)(void *userdata);
    void *userdata;

    GHashTable *open; /* sysname → Reset, owned */
};

/* The next step, and until when. */
void reset_step_to(Reset *reset, Step step, gint64 time_us);
/* The first one counts. */
void reset_note_error(Reset *reset, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Tells who waits for it how it went, once. */
void reset_answer(Reset *reset);
/* From here on those who had the devices get them, and nobody else. */
void reset_give_back(Reset *reset);

/* Everything is out of its machine: begins, and leads to COMING_BACK or reset_give_back(). */
void reset_work(Reset *reset);
void reset_switch_on(Reset *reset);
/* At the end of the service, when no worker begins anything any more. Blocks. */
void reset_switch_on_now(const Reset *reset);
