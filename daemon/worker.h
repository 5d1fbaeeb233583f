/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Workers: the only place where something may block.
 *
 * Jobs of one queue run one after another, in order; different queues run side by side in a bounded pool. A
 * job gets copies and gives copies back; done() runs in the main thread, exactly once, unless the pool is
 * freed first. A job past its deadline is reported as FERRY_ERROR_TIMEOUT at once. It cannot be interrupted:
 * its queue stays closed until it returns (the result is thrown away, then idle() is told), and its thread no
 * longer counts against the pool's bound, so a stuck machine delays no other. */

#include <glib.h>
#include <stdint.h>

typedef struct WorkerPool WorkerPool;

typedef struct WorkerJob {
    const char *queue;                               /* copied */
    unsigned deadline_ms;                            /* from the moment the job begins to run; 0 = none */
    gpointer (*run)(gpointer input, GError **error); /* worker thread */
    gpointer input;                                  /* taken */
    GDestroyNotify free_input;                       /* worker or main thread; may be NULL */
    GDestroyNotify free_output;                      /* may be NULL */
    /* Main thread. Takes the output (NULL on error); the error is the pool's. */
    void (*done)(gpointer output, const GError *error, void *userdata);
    void *userdata;
} WorkerJob;

/* idle(queue) is told in the main thread when a queue has nothing left to run after a job that had timed out.
 */
WorkerPool *worker_pool_new(unsigned max_threads, void (*idle)(const char *queue, void *userdata),
                            void *userdata);
/* Drops what waits, calls no done() any more. Does not wait for jobs that hang: what they hold is leaked on
 * purpose. */
WorkerPool *worker_pool_free(WorkerPool *pool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WorkerPool, worker_pool_free)

void worker_pool_push(WorkerPool *pool, const WorkerJob *job);
