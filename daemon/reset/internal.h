/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of resets share: reset-check.c says what may be reset, reset.c waits and decides,
 * reset-work.c gives jobs to the workers, reset-notes.c looks after ports that are left off. Nobody else
 * includes this. */

#include "daemon/reset/reset.h"

/* A device that comes out of a reset is enumerated within this. */
#define RESET_COME_BACK_US (20 * G_USEC_PER_SEC)

#define RESET_QUEUE_PREFIX "usb-reset-"

/* A note's file. */
#define RESET_NOTE_GROUP "PowerCycle"
#define RESET_NOTE_PORTS "Ports"

typedef enum Step {
    STEP_TAKING_OUT,
    STEP_WORKING,     /* a job runs: the store's, or the hardware's */
    STEP_POWER_OFF,   /* off, until next_at */
    STEP_POWER_RETRY, /* not on yet; again at next_at */
    STEP_STUCK,       /* the job is past its deadline: until its queue is idle */
    STEP_COMING_BACK,
    STEP_GIVING_BACK,
} Step;

/* Between the end of the service and the worker that switches a port off: see reset_switch_on_now(). */
typedef struct Gate Gate;

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
    Gate *gate;
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

    GHashTable *open;  /* sysname → Reset, owned */
    GHashTable *notes; /* see reset-notes.c */
};

/* The next step, and until when. */
void reset_step_to(Reset *reset, Step step, gint64 time_us);
/* The first one counts. */
void reset_note_error(Reset *reset, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Tells who waits for it how it went, once. */
void reset_answer(Reset *reset);
/* From here on those who had the devices get them, and nobody else. */
void reset_give_back(Reset *reset);

/* Why nobody can say which devices machines have; NULL when that is known. up_to_date: by now, and not only
 * when each was read last. New string. */
char *reset_unseen_text(Registry *registry, bool up_to_date);
/* What is reset along with the target: all behind it; and when a USB 3 hub loses its power, its other half
 * with all that is behind that. New array, borrowed devices. */
GPtrArray *reset_find_affected(Registry *registry, const Device *target, ResetMethod method);

/* Everything is out of its machine: begins, and leads to COMING_BACK or reset_give_back(). */
void reset_work(Reset *reset);
void reset_switch_on(Reset *reset);
/* At the end of the service. Blocks, unless the kernel didn't come back from the port in time: then it is
 * left to the note. From here on no worker begins to switch it off; one that has begun is waited for. */
void reset_switch_on_now(const Reset *reset);
void reset_gate_unref(Gate *gate);

/* A job for ports, one a line. */
void reset_push_switch_on(Resets *resets, const char *queue, const char *ports,
                          void (*done)(gpointer output, const GError *error, void *userdata), void *userdata,
                          GDestroyNotify free_userdata);
/* The ports are on. */
void reset_delete_note(Resets *resets, const char *note);

/* Notes whose ports no reset looks after any more: they are tried again and again until the ports are on, or
 * gone. */
GHashTable *power_cycles_new(void);
void power_cycles_add(Resets *resets, const char *note, const char *ports);
void power_cycles_turn(Resets *resets, gint64 now, gint64 *wake);
void power_cycles_queue_idle(Resets *resets, const char *queue);
