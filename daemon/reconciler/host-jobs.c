/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who gets its drivers back, and whose name is looked up. Called by reconciler.c in every turn; workers run
 * run_connect() and run_find_users(), which touch nothing but their copies. */

#include "daemon/reconciler/host-jobs.h"

#include "daemon/base/log.h"
#include "daemon/base/tuning.h"
#include "daemon/base/wake.h"

/* The kernel may have to wait for a device that hangs, and /proc be long. */
#define JOB_MS 15000

#define QUEUE_PREFIX "usb-home-"

/* What a job takes along: copies. */
typedef struct HostJob {
    const UsbOps *usb;
    UsbAddress address;
    uint32_t interfaces; /* connect */
    bool beside_qemu;    /* find users */
} HostJob;

/* Whom it was about. */
typedef struct HostTicket {
    HostJobs *jobs;
    char *sysname;
    uint64_t instance;
} HostTicket;

static void ticket_free(gpointer data)
{
    HostTicket *ticket = data;

    g_free(ticket->sysname);
    g_free(ticket);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HostTicket, ticket_free)

/* NULL when it is gone. */
static Device *device_of(const HostTicket *ticket)
{
    Device *device = registry_device(ticket->jobs->registry, ticket->sysname);

    return device && device->instance == ticket->instance ? device : NULL;
}

/* Takes the job. */
static void push(HostJobs *self, const Device *device, HostJob *job,
                 gpointer (*run)(gpointer input, GError **error),
                 void (*done)(gpointer output, const GError *error, void *userdata))
{
    g_autofree char *queue = g_strconcat(QUEUE_PREFIX, device->sysname, NULL);
    HostTicket *ticket = g_new0(HostTicket, 1);

    ticket->jobs = self;
    ticket->sysname = g_strdup(device->sysname);
    ticket->instance = device->instance;
    job->usb = self->usb;
    job->address = (UsbAddress){ .bus_number = device->bus_number,
                                 .device_number = device->device_number,
                                 .vendor_id = device->vendor_id,
                                 .product_id = device->product_id };
    worker_pool_push(self->pool, &(WorkerJob){ .queue = queue,
                                               .deadline_ms = JOB_MS,
                                               .run = run,
                                               .input = job,
                                               .free_input = g_free,
                                               .free_output = g_free,
                                               .done = done,
                                               .userdata = ticket,
                                               .free_userdata = ticket_free });
}

/* ------------------------------------------------------------------ drivers */

/* Worker. Its output says only that it worked. */
static gpointer run_connect(gpointer input, GError **error)
{
    const HostJob *job = input;

    return job->usb->connect(&job->address, job->interfaces, error) ? g_strdup("") : NULL;
}

static void connected(gpointer output, const GError *error, void *userdata)
{
    g_autoptr(HostTicket) ticket = userdata;
    g_autofree char *ok = output;

    if (ok)
        log_object(G_LOG_LEVEL_MESSAGE, ticket->sysname, NULL, NULL,
                   "%s came home without its drivers, and they were called", ticket->sysname);
    else
        log_object(G_LOG_LEVEL_WARNING, ticket->sysname, NULL, NULL, "%s came home without its drivers: %s",
                   ticket->sysname, error->message);
}

/* Nobody has it, lists it, or is about to get it. */
static bool is_left(const Allocation *allocation, const Device *device)
{
    const Want *want = allocation_want(allocation, device);
    const Reservation *reservation = reservations_find(allocation->registry->reservations, device->sysname);

    /* What waits for its way back may wait long. */
    return allocation_possession(allocation, device) == POSSESSION_LEFT &&
           (!want || want->verdict != VERDICT_GO) &&
           (!reservation || reservation->kind == RESERVATION_REATTACH) &&
           !attachments_machine_with_number(allocation->attachments, device);
}

static void call_drivers(HostJobs *self, Device *device)
{
    HostJob *job = g_new0(HostJob, 1);

    job->interfaces = device->kernel.facts.driverless & ~device->driverless_at_home;
    device->ours = false;
    push(self, device, job, run_connect, connected);
}

/* ------------------------------------------------------------------ out of a machine that hangs */

/* What wasn't there at once is tried again after this time. */
#define PULL_AGAIN_US (5 * G_USEC_PER_SEC)

/* Worker. */
static gpointer run_take_back(gpointer input, GError **error)
{
    const HostJob *job = input;

    return job->usb->take_back(&job->address, job->interfaces, error) ? g_strdup("") : NULL;
}

static void taken_back(gpointer output, const GError *error, void *userdata)
{
    g_autoptr(HostTicket) ticket = userdata;
    g_autofree char *ok = output;

    if (ok)
        log_object(G_LOG_LEVEL_MESSAGE, ticket->sysname, NULL, NULL,
                   "%s was taken from a VM that does not answer, and is with the host", ticket->sysname);
    else
        log_object(G_LOG_LEVEL_WARNING, ticket->sysname, NULL, NULL,
                   "%s can't be taken from a VM that does not answer: %s", ticket->sysname, error->message);
}

/* A QEMU that hangs can't be asked to let go, and doesn't have to: the kernel gives the interfaces to the
 * host's drivers while QEMU has the device open. When QEMU goes on it finds them taken; then the device is
 * detached, and attached anew. Whether anybody wants it there still is all one. */
static void pull(HostJobs *self, const Allocation *allocation, Device *device, gint64 *wake)
{
    const Attachment *attachment = allocation_attachment(allocation, device);
    HostJob *job;

    if (!attachment || attachment_is_foreign(attachment) || attachment_is_in_flight(attachment) ||
        !attachment->machine->stuck || !device_inputs(device)) {
        device->pulled_at = 0;
        return;
    }
    if (!wake_is_due(wake, attachment->machine->asked_at + tuning_get(TUNING_HANG), allocation->now) ||
        kernel_word_shows(&device->kernel, KERNEL_SIGN_HOST_DRIVER) ||
        (device->pulled_at && !wake_is_due(wake, device->pulled_at + PULL_AGAIN_US, allocation->now)))
        return;
    device->pulled_at = allocation->now;
    wake_at(wake, allocation->now + PULL_AGAIN_US);
    job = g_new0(HostJob, 1);
    job->interfaces = ~device->driverless_at_home;
    push(self, device, job, run_take_back, taken_back);
}

/* ------------------------------------------------------------------ names */

/* Worker. */
static gpointer run_find_users(gpointer input, GError **error)
{
    const HostJob *job = input;

    return job->usb->find_users(&job->address, job->beside_qemu);
}

static void found_users(gpointer output, const GError *error, void *userdata)
{
    g_autoptr(HostTicket) ticket = userdata;
    Device *device = device_of(ticket);
    g_autofree char *user = output;

    if (!device || !device->user_asked || !user)
        return;
    g_free(device->user);
    device->user = g_steal_pointer(&user);
    ticket->jobs->changed(ticket->jobs->userdata);
}

static void find_users(HostJobs *self, Device *device, Possession possession)
{
    bool used = possession == POSSESSION_IN_USE || possession == POSSESSION_SHARED;

    if (used && !device->user_asked) {
        HostJob *job = g_new0(HostJob, 1);

        job->beside_qemu = possession == POSSESSION_SHARED;
        push(self, device, job, run_find_users, found_users);
    }
    if (!used)
        g_clear_pointer(&device->user, g_free);
    device->user_asked = used;
}

void host_jobs_turn(HostJobs *self, const Allocation *allocation, gint64 *wake)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, self->registry->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Device *device = value;

        if (device->ours && is_left(allocation, device))
            call_drivers(self, device);
        pull(self, allocation, device, wake);
        if (device->user_asked || allocation_want(allocation, device) ||
            kernel_word_shows(&device->kernel, KERNEL_SIGN_CLAIMED))
            find_users(self, device, allocation_possession(allocation, device));
    }
}
