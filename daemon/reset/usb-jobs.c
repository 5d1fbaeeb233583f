/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Jobs for the hardware. run_job() is a worker's and touches nothing but its job; everything else is called
 * by steps.c and power-cycles.c in the main thread. */

#include "daemon/reset/usb-jobs.h"

#include "daemon/base/error.h"

#define JOB_MS 15000

#define QUEUE_PREFIX "usb-reset-"

/* ------------------------------------------------------------------ the gate */

struct UsbGate {
    gatomicrefcount references;
    GMutex writing; /* held by the worker as long as it switches off */
    gint closed;    /* atomic */
};

UsbGate *usb_gate_new(void)
{
    UsbGate *gate = g_new0(UsbGate, 1);

    g_atomic_ref_count_init(&gate->references);
    g_mutex_init(&gate->writing);
    return gate;
}

static UsbGate *gate_ref(UsbGate *gate)
{
    g_atomic_ref_count_inc(&gate->references);
    return gate;
}

void usb_gate_unref(UsbGate *gate)
{
    if (!g_atomic_ref_count_dec(&gate->references))
        return;
    g_mutex_clear(&gate->writing);
    g_free(gate);
}

void usb_gate_close(UsbGate *gate)
{
    g_atomic_int_set(&gate->closed, 1);
}

void usb_gate_wait(UsbGate *gate)
{
    g_mutex_lock(&gate->writing);
    g_mutex_unlock(&gate->writing);
}

static bool switch_off_through(UsbGate *gate, const UsbOps *ops, const char *port, GError **error)
{
    bool ok = false;

    g_mutex_lock(&gate->writing);
    if (g_atomic_int_get(&gate->closed))
        g_set_error_literal(error, FERRY_ERROR, FERRY_ERROR_RESET_FAILED, "usbferryd is ending");
    else
        ok = ops->switch_port(port, false, error);
    g_mutex_unlock(&gate->writing);
    return ok;
}

/* ------------------------------------------------------------------ jobs */

/* What a job takes along: copies. */
typedef struct UsbJob {
    const UsbOps *ops;
    UsbAddress address;
    char **ports;  /* NULL: reset */
    UsbGate *gate; /* of switching off; NULL: on */
} UsbJob;

static void job_free(UsbJob *job)
{
    g_strfreev(job->ports);
    g_clear_pointer(&job->gate, usb_gate_unref);
    g_free(job);
}

static UsbJob *port_job_new(const UsbJobs *jobs, const char *ports, UsbGate *gate)
{
    UsbJob *job = g_new0(UsbJob, 1);

    job->ops = jobs->ops;
    job->ports = g_strsplit(ports, "\n", -1);
    job->gate = gate ? gate_ref(gate) : NULL;
    return job;
}

static bool switch_port(const UsbJob *job, const char *port, GError **error)
{
    g_autoptr(GError) local = NULL;

    if (job->gate)
        return switch_off_through(job->gate, job->ops, port, error);
    if (job->ops->switch_port(port, true, &local) ||
        g_error_matches(local, FERRY_ERROR, FERRY_ERROR_NO_SUCH_DEVICE))
        return true;
    g_propagate_error(error, g_steal_pointer(&local));
    return false;
}

static bool switch_ports(const UsbJob *job, GError **error)
{
    bool ok = true;

    for (char **port = job->ports; *port; port++)
        ok &= switch_port(job, *port, ok ? error : NULL);
    return ok;
}

/* Worker. */
static gpointer run_job(gpointer input, GError **error)
{
    const UsbJob *job = input;
    bool ok = job->ports ? switch_ports(job, error) : job->ops->reset(&job->address, error);

    return ok ? GINT_TO_POINTER(1) : NULL;
}

/* Who is told how it went. */
typedef struct UsbJobListener {
    UsbJobDone done;
    void *userdata;
} UsbJobListener;

static void job_done(gpointer output, const GError *error, void *userdata)
{
    g_autofree UsbJobListener *listener = userdata;

    listener->done(error, listener->userdata);
}

/* Takes the job. */
static void push(const UsbJobs *jobs, const char *queue, UsbJob *job, UsbJobDone done, void *userdata)
{
    UsbJobListener *listener = g_new0(UsbJobListener, 1);

    listener->done = done;
    listener->userdata = userdata;
    worker_pool_push(jobs->pool, &(WorkerJob){ .queue = queue,
                                               .deadline_ms = JOB_MS,
                                               .run = run_job,
                                               .input = job,
                                               .free_input = (GDestroyNotify)job_free,
                                               .done = job_done,
                                               .userdata = listener,
                                               .free_userdata = g_free });
}

char *usb_jobs_queue(const char *name)
{
    return g_strconcat(QUEUE_PREFIX, name, NULL);
}

void usb_jobs_reset(const UsbJobs *jobs, const char *queue, const UsbAddress *address, UsbJobDone done,
                    void *userdata)
{
    UsbJob *job = g_new0(UsbJob, 1);

    job->ops = jobs->ops;
    job->address = *address;
    push(jobs, queue, job, done, userdata);
}

void usb_jobs_switch_off(const UsbJobs *jobs, const char *queue, const char *ports, UsbGate *gate,
                         UsbJobDone done, void *userdata)
{
    push(jobs, queue, port_job_new(jobs, ports, gate), done, userdata);
}

void usb_jobs_switch_on(const UsbJobs *jobs, const char *queue, const char *ports, UsbJobDone done,
                        void *userdata)
{
    push(jobs, queue, port_job_new(jobs, ports, NULL), done, userdata);
}

bool usb_jobs_switch_on_now(const UsbJobs *jobs, const char *ports, GError **error)
{
    UsbJob *job = port_job_new(jobs, ports, NULL);
    bool ok = switch_ports(job, error);

    job_free(job);
    return ok;
}
