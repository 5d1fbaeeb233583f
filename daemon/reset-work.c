/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What workers do for a reset, and the notes about ports that are off. */

#include "daemon/reset-private.h"

#include <string.h>

#include "daemon/error.h"
#include "daemon/log.h"

#define JOB_MS 15000

/* Long enough for the capacitors of a device to run empty. */
#define POWER_OFF_US (2 * G_USEC_PER_SEC)

/* A port that doesn't come on is tried again after this, so often. */
#define POWER_RETRY_US  (2 * G_USEC_PER_SEC)
#define POWER_TRIES_MAX 10

#define NOTE_GROUP "PowerCycle"

/* ------------------------------------------------------------------ jobs */

/* What a job takes along: copies. */
typedef struct Job {
    const UsbOps *ops;
    UsbAddress address;
    char **ports; /* NULL: reset */
    bool on;
} Job;

static void job_free(gpointer data)
{
    Job *job = data;

    g_strfreev(job->ports);
    g_free(job);
}

/* Both halves, whatever becomes of the first. A port that is gone, or has no switch, can't be left off. */
static bool switch_ports(const Job *job, GError **error)
{
    g_autoptr(GError) first = NULL;

    for (char **port = job->ports; *port; port++) {
        g_autoptr(GError) local = NULL;

        if (!job->ops->switch_port(*port, job->on, &local) && !first &&
            !(job->on && g_error_matches(local, FERRY_ERROR, FERRY_ERROR_NO_SUCH_DEVICE)))
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
    job->ops = reset->resets->ops;
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

static Job *port_job(const Reset *reset, bool on)
{
    Job *job = g_new0(Job, 1);

    job->ports = g_strsplit(reset->ports, "\n", -1);
    job->on = on;
    return job;
}

static void note_deleted(const GError *error, void *userdata)
{
    if (error)
        log_warning("the note of a power cycle stays: %s", error->message);
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
    if (error)
        reset_note_error(reset,
                         "%s: its port cannot be switched on again: %s; restart usbferryd to try once more",
                         reset->what, error->message);
    else
        store_delete(reset->resets->store, STORE_AREA_RUNTIME, STORE_KIND_POWER_CYCLES, reset->note,
                     note_deleted, NULL, NULL);
    reset_step_to(reset, STEP_COMING_BACK, RESET_COME_BACK_US);
}

void reset_switch_on(Reset *reset)
{
    push(reset, port_job(reset, true), switched_on);
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
    if (error) {
        reset_note_error(reset, "%s: %s", reset->what, error->message);
        reset_give_back(reset);
        return;
    }
    push(reset, port_job(reset, false), switched_off);
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
        job->address = reset->address;
        push(reset, job, reset_returned);
        return;
    }
    reset->step = STEP_WORKING;
    reset->note = assignment_make_id();
    file = g_key_file_new();
    g_key_file_set_string(file, NOTE_GROUP, "Ports", reset->ports);
    store_save(reset->resets->store, STORE_AREA_RUNTIME, STORE_KIND_POWER_CYCLES, reset->note, file,
               note_stored, ticket_new(reset, noted), ticket_free);
}

/* ------------------------------------------------------------------ the start and the end */

typedef struct Restore {
    Resets *resets;
    char *note;
} Restore;

static void restore_free(gpointer data)
{
    Restore *restore = data;

    g_free(restore->note);
    g_free(restore);
}

static void restored(gpointer output, const GError *error, void *userdata)
{
    Restore *restore = userdata;

    if (error)
        log_warning("a port that was off when usbferryd ended cannot be switched on: %s", error->message);
    else
        store_delete(restore->resets->store, STORE_AREA_RUNTIME, STORE_KIND_POWER_CYCLES, restore->note,
                     note_deleted, NULL, NULL);
    restore_free(restore);
}

static bool take_note(StoreArea area, const char *id, GKeyFile *file, void *userdata, GError **error)
{
    g_autofree char *ports = g_key_file_get_string(file, NOTE_GROUP, "Ports", error);
    g_autofree char *queue = g_strconcat(RESET_QUEUE_PREFIX, id, NULL);
    Resets *self = userdata;
    Restore *restore;
    Job *job;

    if (!ports)
        return false;
    log_notice("switching on what a power cycle left off: %s", ports);
    job = g_new0(Job, 1);
    job->ops = self->ops;
    job->ports = g_strsplit(ports, "\n", -1);
    job->on = true;
    restore = g_new0(Restore, 1);
    restore->resets = self;
    restore->note = g_strdup(id);
    worker_pool_push(self->pool, &(WorkerJob){ .queue = queue,
                                               .deadline_ms = JOB_MS,
                                               .run = run_job,
                                               .input = job,
                                               .free_input = job_free,
                                               .done = restored,
                                               .userdata = restore,
                                               .free_userdata = restore_free });
    return true;
}

void resets_restore(Resets *self)
{
    store_load(self->store, STORE_KIND_POWER_CYCLES, take_note, self);
}

void reset_switch_on_now(const Reset *reset)
{
    Job *job = port_job(reset, true);
    g_autoptr(GError) error = NULL;

    job->ops = reset->resets->ops;
    if (!switch_ports(job, &error))
        log_warning("%s: its port stays off until usbferryd is started again: %s", reset->what,
                    error->message);
    job_free(job);
}
