/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pool of worker threads. One lock guards everything; it is never held while a job, a callback or a
 * GDestroyNotify runs. A thread is made when there is work that none waits for, and stays until the pool is
 * freed: of a thousand devices that are found one after another, each would else have one made for it. */

#include "daemon/base/worker.h"

#include <stdbool.h>

#include "daemon/base/error.h"
#include "daemon/base/log.h"

/* So many threads may hang outside of the bound. Past that a late job keeps its place in the pool: better
 * slow than threads without end. */
#define ABANDONED_MAX 32

/* How long worker_pool_free() lets running jobs come to their end, such as a file that is being written. */
#define FREE_GRACE_US (1 * G_TIME_SPAN_SECOND)

/* When the kernel gives us no thread at all: the next try. */
#define THREAD_RETRY_US (1 * G_TIME_SPAN_SECOND)

typedef struct Queue Queue;

typedef struct PoolJob {
    WorkerJob spec; /* spec.queue is not used: see queue */
    Queue *queue;

    /* while it runs */
    gint64 due;     /* µs, CLOCK_MONOTONIC; 0 = no deadline */
    bool late;      /* reported as timed out; what it still gives back is thrown away */
    bool abandoned; /* late, and its thread counts no more */
} PoolJob;

struct Queue {
    char *name;
    GQueue waiting; /* of PoolJob */
    bool running;   /* one of its jobs is with a thread, be it late */
    bool was_late;  /* idle() is owed */
};

/* Something to tell in the main thread. */
typedef struct Report {
    void (*done)(gpointer output, const GError *error, void *userdata); /* NULL: nobody listens */
    void *userdata;
    GDestroyNotify free_userdata; /* when nobody was told */
    gpointer output;
    GDestroyNotify free_output;
    GError *error;
    char *idle_queue; /* NULL = none */
} Report;

struct WorkerPool {
    gatomicrefcount references; /* the owner's, one for each thread, one while reports are told */
    unsigned max_threads;
    void (*idle)(const char *queue, void *userdata);
    void *userdata;

    GMutex lock;
    bool closed;
    GHashTable *queues; /* name → Queue, owned; those that have or run jobs */
    GQueue ready;       /* of Queue, borrowed: jobs wait and none runs */
    GPtrArray *running; /* of PoolJob, borrowed */
    GCond ended;        /* a job left running */
    GCond work;         /* a queue is ready, or the pool closes */
    GQueue reports;     /* of Report */
    unsigned threads;   /* without the abandoned ones */
    unsigned abandoned;
    gint64 retry_at; /* µs, CLOCK_MONOTONIC: no thread could be made; 0 = all is well */
    GSource *source; /* NULL once closed */
};

typedef struct PoolSource {
    GSource source;
    WorkerPool *pool;
} PoolSource;

static void start_threads(WorkerPool *pool);

static void job_free(PoolJob *job)
{
    if (job->spec.free_input)
        job->spec.free_input(job->spec.input);
    if (job->spec.free_userdata)
        job->spec.free_userdata(job->spec.userdata);
    g_free(job);
}

static void queue_free(Queue *queue)
{
    g_free(queue->name);
    g_free(queue);
}

static void report_free(Report *report)
{
    if (report->output && report->free_output)
        report->free_output(report->output);
    if (report->free_userdata)
        report->free_userdata(report->userdata);
    g_clear_error(&report->error);
    g_free(report->idle_queue);
    g_free(report);
}

static void pool_unref(WorkerPool *pool)
{
    if (!g_atomic_ref_count_dec(&pool->references))
        return;
    g_hash_table_unref(pool->queues);
    g_ptr_array_unref(pool->running);
    g_mutex_clear(&pool->lock);
    g_cond_clear(&pool->ended);
    g_cond_clear(&pool->work);
    g_free(pool);
}

/* Wakes the main loop when there is something to tell, or at the next deadline. Locked. */
static void arm(WorkerPool *pool)
{
    gint64 ready_time = pool->retry_at ? pool->retry_at : -1;

    if (!pool->source)
        return;
    if (!g_queue_is_empty(&pool->reports)) {
        g_source_set_ready_time(pool->source, 0);
        return;
    }
    for (guint i = 0; i < pool->running->len; i++) {
        const PoolJob *job = pool->running->pdata[i];

        if (job->due && !job->late && (ready_time < 0 || job->due < ready_time))
            ready_time = job->due;
    }
    g_source_set_ready_time(pool->source, ready_time);
}

/* What the job's owner is to be told. Takes the job's userdata; the rest is copied. */
static Report *answer_new(PoolJob *job, gpointer output, GError *error)
{
    Report *report = g_new0(Report, 1);

    *report = (Report){
        .done = job->spec.done,
        .userdata = job->spec.userdata,
        .free_userdata = g_steal_pointer(&job->spec.free_userdata),
        .output = output,
        .free_output = job->spec.free_output,
        .error = error,
    };
    return report;
}

static Report *idle_new(const char *queue)
{
    Report *report = g_new0(Report, 1);

    report->idle_queue = g_strdup(queue);
    return report;
}

/* Locked. */
static void make_ready(WorkerPool *pool, Queue *queue)
{
    g_queue_push_tail(&pool->ready, queue);
    g_cond_signal(&pool->work);
}

/* The next job, or NULL when the pool is closed. Locked. */
static PoolJob *take_job(WorkerPool *pool)
{
    Queue *queue;
    PoolJob *job;

    while (g_queue_is_empty(&pool->ready) && !pool->closed)
        g_cond_wait(&pool->work, &pool->lock);
    queue = g_queue_pop_head(&pool->ready);
    if (!queue)
        return NULL;
    job = g_queue_pop_head(&queue->waiting);
    queue->running = true;
    if (job->spec.deadline_ms > 0)
        job->due = g_get_monotonic_time() + (gint64)job->spec.deadline_ms * G_TIME_SPAN_MILLISECOND;
    g_ptr_array_add(pool->running, job);
    arm(pool);
    return job;
}

/* A job came back: opens its queue for the next one. Locked. */
static void end_job(WorkerPool *pool, PoolJob *job)
{
    Queue *queue = job->queue;

    g_ptr_array_remove_fast(pool->running, job);
    g_cond_broadcast(&pool->ended);
    queue->running = false;
    queue->was_late |= job->late;
    if (!g_queue_is_empty(&queue->waiting)) {
        make_ready(pool, queue);
        return;
    }
    if (queue->was_late && !pool->closed)
        g_queue_push_tail(&pool->reports, idle_new(queue->name));
    g_hash_table_remove(pool->queues, queue->name);
}

/* False when the thread is to end: it was given up, and another one has its place. */
static bool run_job(WorkerPool *pool, PoolJob *job)
{
    GError *error = NULL;
    gpointer output = job->spec.run(job->spec.input, &error);
    Report *answer;
    bool abandoned;

    g_mutex_lock(&pool->lock);
    answer = answer_new(job, output, error);
    if (!job->late && !pool->closed)
        g_queue_push_tail(&pool->reports, g_steal_pointer(&answer));
    end_job(pool, job);
    abandoned = job->abandoned;
    if (abandoned) {
        pool->abandoned--;
        start_threads(pool);
    }
    arm(pool);
    g_mutex_unlock(&pool->lock);

    if (answer)
        report_free(answer);
    job_free(job);
    return !abandoned;
}

static gpointer thread_main(gpointer data)
{
    WorkerPool *pool = data;
    bool counted = true;

    while (counted) {
        PoolJob *job;

        g_mutex_lock(&pool->lock);
        job = take_job(pool);
        if (!job)
            pool->threads--;
        g_mutex_unlock(&pool->lock);
        if (!job)
            break;
        counted = run_job(pool, job);
    }
    pool_unref(pool);
    return NULL;
}

static bool needs_thread(WorkerPool *pool)
{
    /* Threads that run nothing take a job next. */
    guint looking = pool->threads + pool->abandoned - pool->running->len;

    return g_queue_get_length(&pool->ready) > looking && pool->threads < pool->max_threads;
}

/* As many threads as there is work for. Locked. */
static void start_threads(WorkerPool *pool)
{
    pool->retry_at = 0;
    while (needs_thread(pool)) {
        g_autoptr(GError) error = NULL;
        GThread *thread;

        g_atomic_ref_count_inc(&pool->references);
        thread = g_thread_try_new("worker", thread_main, pool, &error);
        if (!thread) {
            /* Never the last reference: the caller has one. */
            (void)g_atomic_ref_count_dec(&pool->references);
            log_warning("a worker thread cannot be started: %s", error->message);
            if (pool->threads == 0)
                pool->retry_at = g_get_monotonic_time() + THREAD_RETRY_US;
            return;
        }
        pool->threads++;
        g_thread_unref(thread);
    }
}

/* Reports the jobs that are past their deadline, and lets others have their threads' places. Locked. */
static void give_up_late_jobs(WorkerPool *pool, gint64 now)
{
    for (guint i = 0; i < pool->running->len; i++) {
        PoolJob *job = pool->running->pdata[i];

        if (!job->due || job->late || job->due > now)
            continue;
        job->late = true;
        if (pool->abandoned < ABANDONED_MAX) {
            job->abandoned = true;
            pool->abandoned++;
            pool->threads--;
        }
        g_queue_push_tail(&pool->reports,
                          answer_new(job, NULL,
                                     g_error_new(FERRY_ERROR, FERRY_ERROR_TIMEOUT,
                                                 "no answer within %u ms, it may still be done later",
                                                 job->spec.deadline_ms)));
    }
}

static gboolean pool_dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
    WorkerPool *pool = ((PoolSource *)source)->pool;
    guint n_reports;

    g_atomic_ref_count_inc(&pool->references);
    g_mutex_lock(&pool->lock);
    give_up_late_jobs(pool, g_get_monotonic_time());
    start_threads(pool);
    /* What comes in meanwhile has its turn after the other sources. */
    for (n_reports = g_queue_get_length(&pool->reports); n_reports > 0 && !pool->closed; n_reports--) {
        Report *next = g_queue_pop_head(&pool->reports);

        g_mutex_unlock(&pool->lock);
        next->free_userdata = NULL;
        if (next->done) {
            next->free_userdata = NULL;
            next->done(next->error ? NULL : g_steal_pointer(&next->output), next->error, next->userdata);
        }
        if (next->idle_queue && pool->idle)
            pool->idle(next->idle_queue, pool->userdata);
        report_free(next);
        g_mutex_lock(&pool->lock);
    }
    arm(pool);
    g_mutex_unlock(&pool->lock);
    pool_unref(pool);
    return G_SOURCE_CONTINUE;
}

WorkerPool *worker_pool_new(unsigned max_threads, void (*idle)(const char *queue, void *userdata),
                            void *userdata)
{
    static GSourceFuncs functions = { .dispatch = pool_dispatch };
    WorkerPool *pool = g_new0(WorkerPool, 1);

    g_atomic_ref_count_init(&pool->references);
    pool->max_threads = MAX(max_threads, 1);
    pool->idle = idle;
    pool->userdata = userdata;
    g_mutex_init(&pool->lock);
    g_cond_init(&pool->ended);
    g_cond_init(&pool->work);
    pool->queues = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)queue_free);
    pool->running = g_ptr_array_new();
    pool->source = g_source_new(&functions, sizeof(PoolSource));
    ((PoolSource *)pool->source)->pool = pool;
    g_source_set_name(pool->source, "worker pool");
    g_source_attach(pool->source, NULL);
    return pool;
}

static bool runs_in_time(WorkerPool *pool)
{
    for (guint i = 0; i < pool->running->len; i++)
        if (!((const PoolJob *)pool->running->pdata[i])->late)
            return true;
    return false;
}

/* Takes out every job that waits. Locked. */
static GPtrArray *drop_waiting(WorkerPool *pool)
{
    GPtrArray *dropped = g_ptr_array_new_with_free_func((GDestroyNotify)job_free);
    GHashTableIter iterator;
    gpointer value;

    g_queue_clear(&pool->ready);
    g_hash_table_iter_init(&iterator, pool->queues);
    while (g_hash_table_iter_next(&iterator, NULL, &value)) {
        Queue *queue = value;
        PoolJob *job;

        while ((job = g_queue_pop_head(&queue->waiting)))
            g_ptr_array_add(dropped, job);
        if (!queue->running)
            g_hash_table_iter_remove(&iterator);
    }
    return dropped;
}

WorkerPool *worker_pool_free(WorkerPool *pool)
{
    GPtrArray *dropped;
    GQueue reports;
    gint64 until;

    if (!pool)
        return NULL;
    g_mutex_lock(&pool->lock);
    pool->closed = true;
    dropped = drop_waiting(pool);
    g_cond_broadcast(&pool->work);
    g_mutex_unlock(&pool->lock);
    g_ptr_array_unref(dropped);

    g_mutex_lock(&pool->lock);
    until = g_get_monotonic_time() + FREE_GRACE_US;
    while (runs_in_time(pool))
        if (!g_cond_wait_until(&pool->ended, &pool->lock, until))
            break;
    reports = pool->reports;
    g_queue_init(&pool->reports);
    g_source_destroy(pool->source);
    /* Here, not with the last thread: GLib wants the last reference dropped in the context's thread. */
    g_clear_pointer(&pool->source, g_source_unref);
    g_mutex_unlock(&pool->lock);

    g_queue_clear_full(&reports, (GDestroyNotify)report_free);
    pool_unref(pool);
    return NULL;
}

void worker_pool_push(WorkerPool *pool, const WorkerJob *spec)
{
    PoolJob *job = g_new0(PoolJob, 1);
    Queue *queue;

    job->spec = *spec;
    job->spec.queue = NULL;
    g_mutex_lock(&pool->lock);
    queue = g_hash_table_lookup(pool->queues, spec->queue);
    if (!queue) {
        queue = g_new0(Queue, 1);
        queue->name = g_strdup(spec->queue);
        g_hash_table_insert(pool->queues, queue->name, queue);
    }
    job->queue = queue;
    g_queue_push_tail(&queue->waiting, job);
    if (!queue->running && g_queue_get_length(&queue->waiting) == 1)
        make_ready(pool, queue);
    start_threads(pool);
    arm(pool);
    g_mutex_unlock(&pool->lock);
}
