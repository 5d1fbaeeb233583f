/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What workers do for a reset, and the notes about ports that are off. */

#include "daemon/reset/internal.h"

#include <string.h>

#include "daemon/base/error.h"
#include "daemon/base/id.h"
#include "daemon/base/log.h"

#define JOB_MS 15000

/* Long enough for the capacitors of a device to run empty. */
#define POWER_OFF_US (2 * G_USEC_PER_SEC)

/* A port that doesn't come on is tried again after this, so often. */
#define POWER_RETRY_US  (2 * G_USEC_PER_SEC)
#define POWER_TRIES_MAX 10

/* ------------------------------------------------------------------ jobs */

struct Gate {
    gatomicrefcount references;
    GMutex writing; /* held by the worker as long as it switches off */
    gint closed;    /* atomic */
};

static Gate *gate_new(void)
{
    Gate *gate = g_new0(Gate, 1);

    g_atomic_ref_count_init(&gate->references);
    g_mutex_init(&gate->writing);
    return gate;
}

static Gate *gate_ref(Gate *gate)
{
    g_atomic_ref_count_inc(&gate->references);
    return gate;
}

void reset_gate_unref(Gate *gate)
{
    if (!g_atomic_ref_count_dec(&gate->references))
        return;
    g_mutex_clear(&gate->writing);
    g_free(gate);
}

/* What a job takes along: copies. */
typedef struct Job {
    const UsbOps *ops;
    UsbAddress address;
    char **ports; /* NULL: reset */
    Gate *gate;   /* NULL: on */
} Job;

static void job_free(gpointer data)
{
    Job *job = data;

    g_strfreev(job->ports);
    g_clear_pointer(&job->gate, reset_gate_unref);
    g_free(job);
}

static bool switch_port(const Job *job, const char *port, GError **error)
{
    bool ok = false;

    if (!job->gate)
        return job->ops->switch_port(port, true, error);
    g_mutex_lock(&job->gate->writing);
    if (g_atomic_int_get(&job->gate->closed))
        g_set_error_literal(error, FERRY_ERROR, FERRY_ERROR_RESET_FAILED, "usbferryd is ending");
    else
        ok = job->ops->switch_port(port, false, error);
    g_mutex_unlock(&job->gate->writing);
    return ok;
}

/* Both halves, whatever becomes of the first. A port that is gone, or has no switch, can't be left off. */
static bool switch_ports(const Job *job, GError **error)
{
    g_autoptr(GError) first = NULL;

    for (char **port = job->ports; *port; port++) {
        g_autoptr(GError) local = NULL;

        if (!switch_port(job, *port, &local) && !first &&
            !(!job->gate && g_error_matches(local, FERRY_ERROR, FERRY_ERROR_NO_SUCH_DEVICE)))
            first = g_steal_pointer(&local);
    }
    if (!first)
        return true;
    g_propagate_error(error, g_steal_pointer(&first));
    return false;
}

/* Worker. */
static gpointer run_job(gpointer input, GError **error)
{
    const Job *job = input;
    bool ok = job->ports ? switch_ports(job, error) : job->ops->reset(&job->address, error);

    return ok ? GINT_TO_POINTER(1) : NULL;
}

/* Who gave the job, for when its result comes back: the reset may be over by then. */
typedef struct Ticket {
    Resets *resets;
    char *sysname;
    void (*next)(Reset *reset, const GError *error);
} Ticket;

static void ticket_free(gpointer data)
{
    Ticket *ticket = data;

    g_free(ticket->sysname);
    g_free(ticket);
}

static Ticket *ticket_new(const Reset *reset, void (*next)(Reset *reset, const GError *error))
{
    Ticket *ticket = g_new0(Ticket, 1);

    ticket->resets = reset->resets;
    ticket->sysname = g_strdup(reset->sysname);
    ticket->next = next;
    return ticket;
}

static void work_done(const Ticket *ticket, const GError *error)
{
    Reset *reset = g_hash_table_lookup(ticket->resets->open, ticket->sysname);

    if (reset)
        ticket->next(reset, error);
    ticket->resets->changed(ticket->resets->userdata);
}

static void job_done(gpointer output, const GError *error, void *userdata)
{
    work_done(userdata, error);
    ticket_free(userdata);
}

static void push(Reset *reset, Job *job, void (*next)(Reset *reset, const GError *error))
{
    reset->step = STEP_WORKING;
    worker_pool_push(reset->resets->pool, &(WorkerJob){ .queue = reset->queue,
                                                        .deadline_ms = JOB_MS,
                                                        .run = run_job,
                                                        .input = job,
                                                        .free_input = job_free,
                                                        .done = job_done,
                                                        .userdata = ticket_new(reset, next),
                                                        .free_userdata = ticket_free });
}

/* True: past its deadline, and still with its worker. */
static bool is_stuck(Reset *reset, const GError *error)
{
    if (!g_error_matches(error, FERRY_ERROR, FERRY_ERROR_TIMEOUT))
        return false;
    reset_note_error(reset, "%s: the kernel did not come back from the %s; the device goes back when it does",
                     reset->what, reset_method_to_string(reset->method));
    reset->step = STEP_STUCK;
    reset_answer(reset);
    return true;
}

static void reset_returned(Reset *reset, const GError *error)
{
    if (is_stuck(reset, error))
        return;
    if (!error || g_error_matches(error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_DEVICE)) {
        /* A hub's devices are all enumerated anew, a device only when it came out as something else. */
        reset->enumerates = reset->is_hub || error;
        reset_step_to(reset, STEP_COMING_BACK, RESET_COME_BACK_US);
        return;
    }
    reset_note_error(reset, "%s: %s", reset->what, error->message);
    reset_give_back(reset);
}

static Job *port_job(const UsbOps *ops, const char *ports)
{
    Job *job = g_new0(Job, 1);

    job->ops = ops;
    job->ports = g_strsplit(ports, "\n", -1);
    return job;
}

static void note_deleted(const GError *error, void *userdata)
{
    if (error)
        log_warning("the note of a power cycle stays: %s", error->message);
}

void reset_delete_note(Resets *self, const char *note)
{
    store_delete(self->store, STORE_AREA_RUNTIME, STORE_KIND_POWER_CYCLES, note, note_deleted, NULL, NULL);
}

static void switched_on(Reset *reset, const GError *error)
{
    if (is_stuck(reset, error))
        return;
    if (error && ++reset->tries < POWER_TRIES_MAX) {
        log_object(G_LOG_LEVEL_WARNING, reset->sysname, NULL, NULL, "%s: its port is off still: %s",
                   reset->what, error->message);
        reset->step = STEP_POWER_RETRY;
        reset->next_at = g_get_monotonic_time() + POWER_RETRY_US;
        return;
    }
    if (error) {
        reset_note_error(reset,
                         "%s: its port cannot be switched on again, which is tried again and again: %s",
                         reset->what, error->message);
        power_cycles_add(reset->resets, reset->note, reset->ports);
    } else {
        reset_delete_note(reset->resets, reset->note);
    }
    g_clear_pointer(&reset->note, g_free);
    reset_step_to(reset, STEP_COMING_BACK, RESET_COME_BACK_US);
}

void reset_switch_on(Reset *reset)
{
    push(reset, port_job(reset->resets->ops, reset->ports), switched_on);
}

static void switched_off(Reset *reset, const GError *error)
{
    if (is_stuck(reset, error))
        return;
    if (error) {
        if (g_error_matches(error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_DEVICE))
            reset_note_error(reset,
                             "%s: its port cannot be switched off: the kernel offers no such switch (%s)",
                             reset->what, error->message);
        else
            reset_note_error(reset, "%s: its port cannot be switched off: %s", reset->what, error->message);
        /* The other half may be off. */
        reset->enumerates = false;
        reset_switch_on(reset);
        return;
    }
    reset->enumerates = true;
    reset->step = STEP_POWER_OFF;
    reset->next_at = g_get_monotonic_time() + POWER_OFF_US;
}

static void noted(Reset *reset, const GError *error)
{
    Job *job;

    if (error) {
        reset_note_error(reset, "%s: %s", reset->what, error->message);
        reset_give_back(reset);
        return;
    }
    job = port_job(reset->resets->ops, reset->ports);
    job->gate = gate_ref(reset->gate);
    push(reset, job, switched_off);
}

static void note_stored(const GError *error, void *userdata)
{
    work_done(userdata, error);
    ticket_free(userdata);
}

void reset_work(Reset *reset)
{
    g_autoptr(GKeyFile) file = NULL;
    Job *job;

    if (reset->method == RESET_METHOD_RESET) {
        job = g_new0(Job, 1);
        job->ops = reset->resets->ops;
        job->address = reset->address;
        push(reset, job, reset_returned);
        return;
    }
    reset->step = STEP_WORKING;
    reset->note = id_make();
    reset->gate = gate_new();
    file = g_key_file_new();
    g_key_file_set_string(file, RESET_NOTE_GROUP, RESET_NOTE_PORTS, reset->ports);
    store_save(reset->resets->store, STORE_AREA_RUNTIME, STORE_KIND_POWER_CYCLES, reset->note, file,
               note_stored, ticket_new(reset, noted), ticket_free);
}

/* ------------------------------------------------------------------ on for good */

void reset_push_switch_on(Resets *self, const char *queue, const char *ports,
                          void (*done)(gpointer output, const GError *error, void *userdata), void *userdata,
                          GDestroyNotify free_userdata)
{
    worker_pool_push(self->pool, &(WorkerJob){ .queue = queue,
                                               .deadline_ms = JOB_MS,
                                               .run = run_job,
                                               .input = port_job(self->ops, ports),
                                               .free_input = job_free,
                                               .done = done,
                                               .userdata = userdata,
                                               .free_userdata = free_userdata });
}

void reset_switch_on_now(const Reset *reset)
{
    g_autoptr(GError) error = NULL;
    Job *job;

    if (reset->gate)
        g_atomic_int_set(&reset->gate->closed, 1);
    if (reset->step == STEP_STUCK) {
        log_warning("%s: the kernel holds its port, which the next start of usbferryd switches on",
                    reset->what);
        return;
    }
    if (reset->gate) {
        g_mutex_lock(&reset->gate->writing);
        g_mutex_unlock(&reset->gate->writing);
    }
    job = port_job(reset->resets->ops, reset->ports);
    if (!switch_ports(job, &error))
        log_warning("%s: its port stays off until usbferryd is started again: %s", reset->what,
                    error->message);
    job_free(job);
}
