/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Workers: the only place where something may block.
 *
 * Jobs of one queue run one after another, in order; different queues run side by side in a bounded pool. A
 * job gets copies and gives copies back; done() runs in the main thread, exactly once, unless the pool is
 * freed first. A job past its deadline is reported as FERRY_ERROR_TIMEOUT at once. It cannot be interrupted:
 * its queue stays closed until it returns (the result is thrown away, then idle() is told), and its thread no
 * longer counts against the pool's bound, so a stuck machine delays no other (up to 32 stuck ones). */

#include <glib.h>
#include <stdint.h>

typedef struct WorkerPool WorkerPool;

typedef struct WorkerJob {
    const char *queue;                               /* copied */
    unsigned deadline_ms;                            /* from the moment the job begins to run; 0 = none */
    gpointer (*run)(gpointer input, GError **error); /* worker thread */
    gpointer input;                                  /* taken */
    GDestroyNotify free_input;                       /* worker or main thread; may be NULL */
    GDestroyNotify free_output;                      /* the same: for results that nobody takes any more */
    /* Main thread. Takes the output (NULL on error); the error is the pool's. */
    void (*done)(gpointer output, const GError *error, void *userdata);
    void *userdata;
    GDestroyNotify
        free_userdata; /* any thread: instead of done() when the pool is freed first; may be NULL */
} WorkerJob;

/* idle(queue) is told in the main thread when a queue has nothing left to run after a job that had timed out.
 */
WorkerPool *worker_pool_new(unsigned max_threads, void (*idle)(const char *queue, void *userdata),
                            void *userdata);
/* Drops what waits, calls no done() any more. Jobs that run have a second to end, so that a file is whole and
 * what they were given lives long enough; ones past their deadline are not waited for, and what a job that
 * hangs holds is leaked on purpose. Threads that wait end a moment later. May be called from
 * done() and idle(). */
WorkerPool *worker_pool_free(WorkerPool *pool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WorkerPool, worker_pool_free)

void worker_pool_push(WorkerPool *pool, const WorkerJob *job);
