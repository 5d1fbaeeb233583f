/* SPDX-License-Identifier: LGPL-2.1-or-later */
<<<<<<< HEAD
/* Who gets its drivers back, and whose name is looked up. Called by reconciler.c in every turn; workers run
 * run_connect() and run_find_users(), which touch nothing but their copies. */

#include "daemon/reconciler/homecoming.h"

#include "daemon/base/log.h"

/* The kernel may have to wait for a device that hangs, and /proc be long. */
#define JOB_MS 15000

#define QUEUE_PREFIX "usb-home-"

/* What a job takes along: copies. */
typedef struct HomeJob {
    const UsbOps *usb;
    UsbAddress address;
    uint32_t interfaces; /* connect */
    bool beside_qemu;    /* find users */
} HomeJob;

/* Whom it was about. */
typedef struct HomeTicket {
    Homecoming *homecoming;
    char *sysname;
    uint64_t instance;
} HomeTicket;

static void ticket_free(gpointer data)
{
    HomeTicket *ticket = data;

    g_free(ticket->sysname);
    g_free(ticket);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HomeTicket, ticket_free)

/* NULL when it is gone. */
static Device *device_of(const HomeTicket *ticket)
{
    Device *device = registry_device(ticket->homecoming->registry, ticket->sysname);

    return device && device->instance == ticket->instance ? device : NULL;
}

/* Takes the job. */
static void push(Homecoming *self, const Device *device, HomeJob *job,
                 gpointer (*run)(gpointer input, GError **error),
                 void (*done)(gpointer output, const GError *error, void *userdata))
{
    g_autofree char *queue = g_strconcat(QUEUE_PREFIX, device->sysname, NULL);
    HomeTicket *ticket = g_new0(HomeTicket, 1);

    ticket->homecoming = self;
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
    const HomeJob *job = input;

    return job->usb->connect(&job->address, job->interfaces, error) ? g_strdup("") : NULL;
}

static void connected(gpointer output, const GError *error, void *userdata)
{
    g_autoptr(HomeTicket) ticket = userdata;
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

    return allocation_possession(allocation, device) == POSSESSION_LEFT &&
           (!want || want->verdict != VERDICT_GO) &&
           !reservations_find(allocation->registry->reservations, device->sysname) &&
           !attachments_machine_with_number(allocation->attachments, device);
}

static void call_drivers(Homecoming *self, Device *device)
{
    HomeJob *job = g_new0(HomeJob, 1);

    job->interfaces = device->kernel.facts.driverless & ~device->driverless_at_home;
    device->ours = false;
    push(self, device, job, run_connect, connected);
}

/* ------------------------------------------------------------------ names */

/* Worker. */
static gpointer run_find_users(gpointer input, GError **error)
{
    const HomeJob *job = input;

    return job->usb->find_users(&job->address, job->beside_qemu);
}

static void found_users(gpointer output, const GError *error, void *userdata)
{
    g_autoptr(HomeTicket) ticket = userdata;
    Device *device = device_of(ticket);
    g_autofree char *user = output;

    if (!device || !device->user_asked || !user)
        return;
    g_free(device->user);
    device->user = g_steal_pointer(&user);
    ticket->homecoming->changed(ticket->homecoming->userdata);
}

static void find_users(Homecoming *self, Device *device, Possession possession)
{
    bool used = possession == POSSESSION_IN_USE || possession == POSSESSION_SHARED;

    if (used && !device->user_asked) {
        HomeJob *job = g_new0(HomeJob, 1);

        job->beside_qemu = possession == POSSESSION_SHARED;
        push(self, device, job, run_find_users, found_users);
    }
    if (!used)
        g_clear_pointer(&device->user, g_free);
    device->user_asked = used;
}

void homecoming_turn(Homecoming *self, const Allocation *allocation)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, self->registry->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Device *device = value;

        if (device->ours && is_left(allocation, device))
            call_drivers(self, device);
        if (device->user_asked || allocation_want(allocation, device))
            find_users(self, device, allocation_possession(allocation, device));
=======
/* When everything is home, and who is told. Called by reconciler.c; reads the registry. */

#include "daemon/reconciler/homecoming.h"

#include "daemon/base/error.h"
#include "daemon/base/text.h"
#include "daemon/base/wake.h"

/* A healthy VM lets go in less than a second; the end of a host isn't held up for one that doesn't. */
#define DEADLINE_US (20 * G_USEC_PER_SEC)

typedef struct Waiter {
    HomeDone done;
    void *userdata;
    gint64 deadline;
} Waiter;

struct Homecoming {
    Registry *registry;
    GPtrArray *waiters; /* of Waiter */
};

Homecoming *homecoming_new(Registry *registry)
{
    Homecoming *self = g_new0(Homecoming, 1);

    self->registry = registry;
    self->waiters = g_ptr_array_new_with_free_func(g_free);
    return self;
}

Homecoming *homecoming_free(Homecoming *self)
{
    if (!self)
        return NULL;
    g_ptr_array_unref(self->waiters);
    g_free(self);
    return NULL;
}

void homecoming_wait(Homecoming *self, HomeDone done, void *userdata)
{
    Waiter *waiter = g_new0(Waiter, 1);

    waiter->done = done;
    waiter->userdata = userdata;
    waiter->deadline = g_get_monotonic_time() + DEADLINE_US;
    g_ptr_array_add(self->waiters, waiter);
}

static bool has_ours(const Machine *machine)
{
    for (guint i = 0; i < machine->info->hostdevs->len; i++)
        if (((const Hostdev *)machine->info->hostdevs->pdata[i])->assignment_id)
            return true;
    return machine->in_flight != NULL;
}

/* One that doesn't answer and is not known to have anything isn't waited for. */
static bool is_on_its_way(const Machine *machine)
{
    bool looking = machine->stale || machine->busy || !machine->inspected;

    return has_ours(machine) || (looking && !machine->stuck && !machine->read_error);
}

/* "VM \"desk\", VM \"studio\""; NULL = everything is home. New string. */
static char *who_keeps_something(const Homecoming *self)
{
    g_autoptr(GPtrArray) machines = registry_sorted(self->registry->machines);
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < machines->len; i++) {
        const Machine *machine = machines->pdata[i];
        g_autofree char *quoted = NULL;

        if (!is_on_its_way(machine))
            continue;
        quoted = text_quote(machine->info->name);
        g_string_append_printf(text, "%sVM %s", text->len ? ", " : "", quoted);
    }
    return text->len ? g_strdup(text->str) : NULL;
}

/* NULL: the wait goes on, or everything is home. */
static GError *find_trouble(const Homecoming *self, const Waiter *waiter, const char *who, gint64 now)
{
    const Registry *registry = self->registry;

    if (!registry->held_home)
        return g_error_new(FERRY_ERROR, FERRY_ERROR_DISABLED, "devices are given to VMs again");
    if (registry->hypervisor_state != HYPERVISOR_STATE_CONNECTED)
        return g_error_new(FERRY_ERROR, FERRY_ERROR_HYPERVISOR, "the hypervisor is away: %s",
                           registry->hypervisor_text ? registry->hypervisor_text : "connecting");
    if (now >= waiter->deadline)
        return g_error_new(FERRY_ERROR, FERRY_ERROR_TIMEOUT, "not everything is home: %s",
                           who ? who : "the VMs are still being read");
    return NULL;
}

void homecoming_turn(Homecoming *self, gint64 now, gint64 *wake)
{
    g_autofree char *who = NULL;
    bool home;

    if (self->waiters->len == 0)
        return;
    who = who_keeps_something(self);
    home = self->registry->machines_known && !who;
    for (guint i = self->waiters->len; i > 0; i--) {
        const Waiter *waiter = self->waiters->pdata[i - 1];
        g_autoptr(GError) error = find_trouble(self, waiter, who, now);

        if (error || home) {
            /* It may make others wait. */
            g_autofree Waiter *over = g_ptr_array_steal_index(self->waiters, i - 1);

            over->done(error ? NULL : "", error, over->userdata);
        } else {
            wake_at(wake, waiter->deadline);
        }
>>>>>>> main
    }
}
