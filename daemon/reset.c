/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One small state machine for each reset. */

#include "daemon/reset.h"

#include <string.h>

#include "daemon/error.h"
#include "daemon/log.h"
#include "daemon/socket.h"
#include "daemon/text.h"

/* The longest that each step may take. */
#define TAKE_OUT_US  (30 * G_USEC_PER_SEC)
#define COME_BACK_US (20 * G_USEC_PER_SEC)
#define GIVE_BACK_US (30 * G_USEC_PER_SEC)
#define JOB_MS       15000

/* Long enough for the capacitors of a device to run empty. */
#define POWER_OFF_US (2 * G_USEC_PER_SEC)

/* A port that doesn't come on is tried again after this, so often. */
#define POWER_RETRY_US  (2 * G_USEC_PER_SEC)
#define POWER_TRIES_MAX 10

#define QUEUE_PREFIX "usb-reset-"
#define NOTE_GROUP   "PowerCycle"

static const char *const method_names[_RESET_METHOD_MAX] = {
    [RESET_METHOD_RESET] = "reset",
    [RESET_METHOD_POWER_CYCLE] = "power-cycle",
};

ENUM_TABLE_DEFINE(ResetMethod, reset_method, method_names, _RESET_METHOD_INVALID);

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

static void held_free(gpointer data)
{
    Held *held = data;

    g_free(held->sysname);
    g_free(held->what);
    g_free(held->assignment_id);
    g_free(held);
}

static void reset_free(gpointer data)
{
    Reset *reset = data;

    g_free(reset->sysname);
    g_free(reset->what);
    g_free(reset->queue);
    g_ptr_array_unref(reset->held);
    g_free(reset->ports);
    g_free(reset->note);
    g_clear_error(&reset->error);
    g_free(reset);
}

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

/* ------------------------------------------------------------------ steps */

static void step_to(Reset *reset, Step step, gint64 time_us)
{
    reset->step = step;
    reset->deadline = g_get_monotonic_time() + time_us;
}

static void note_error(Reset *reset, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void note_error(Reset *reset, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list arguments;

    if (reset->error)
        return; /* the first one is the cause */
    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    reset->error = g_error_new_literal(FERRY_ERROR, FERRY_ERROR_RESET_FAILED, text);
}

static void answer(Reset *reset)
{
    ResetDone done = reset->done;

    if (!done)
        return;
    reset->done = NULL;
    if (reset->error)
        log_object(G_LOG_LEVEL_WARNING, reset->sysname, NULL, NULL, "%s failed: %s",
                   reset_method_to_string(reset->method), reset->error->message);
    else
        log_object(G_LOG_LEVEL_MESSAGE, reset->sysname, NULL, NULL, "%s: %s is done", reset->what,
                   reset_method_to_string(reset->method));
    done(reset->error, reset->userdata);
}

static void set_hold(Registry *registry, const char *sysname, const char *assignment_id, bool closed)
{
    Hold *hold = g_new0(Hold, 1);

    hold->assignment_id = g_strdup(assignment_id);
    hold->closed = closed;
    g_hash_table_replace(registry->holds, g_strdup(sysname), hold);
}

/* From here on those who had them get them, and nobody else. */
static void give_back(Reset *reset)
{
    Registry *registry = reset->resets->registry;

    if (reset->is_hub)
        g_hash_table_remove(registry->holds, reset->sysname);
    for (guint i = 0; i < reset->held->len; i++) {
        const Held *held = reset->held->pdata[i];

        set_hold(registry, held->sysname, held->assignment_id, false);
    }
    step_to(reset, STEP_GIVING_BACK, GIVE_BACK_US);
}

static void end(Reset *reset)
{
    Resets *self = reset->resets;

    for (guint i = 0; i < reset->held->len; i++)
        g_hash_table_remove(self->registry->holds, ((const Held *)reset->held->pdata[i])->sysname);
    g_hash_table_remove(self->registry->holds, reset->sysname);
    answer(reset);
    g_hash_table_remove(self->open, reset->sysname);
    self->changed(self->userdata);
}

/* True: past its deadline, and still with its worker. */
static bool is_stuck(Reset *reset, const GError *error)
{
    if (!g_error_matches(error, FERRY_ERROR, FERRY_ERROR_TIMEOUT))
        return false;
    note_error(reset, "%s: the kernel did not come back from the %s; the device goes back when it does",
               reset->what, reset_method_to_string(reset->method));
    reset->step = STEP_STUCK;
    answer(reset);
    return true;
}

static void reset_returned(Reset *reset, const GError *error)
{
    if (is_stuck(reset, error))
        return;
    if (!error || g_error_matches(error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_DEVICE)) {
        /* A hub's devices are all enumerated anew, a device only when it came out as something else. */
        reset->enumerates = reset->is_hub || error;
        step_to(reset, STEP_COMING_BACK, COME_BACK_US);
        return;
    }
    note_error(reset, "%s: %s", reset->what, error->message);
    give_back(reset);
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
        note_error(reset, "%s: its port cannot be switched on again: %s; restart usbferryd to try once more",
                   reset->what, error->message);
    else
        store_delete(reset->resets->store, STORE_AREA_RUNTIME, STORE_KIND_POWER_CYCLES, reset->note,
                     note_deleted, NULL, NULL);
    step_to(reset, STEP_COMING_BACK, COME_BACK_US);
}

static void switch_on(Reset *reset)
{
    push(reset, port_job(reset, true), switched_on);
}

static void switched_off(Reset *reset, const GError *error)
{
    if (is_stuck(reset, error))
        return;
    if (error) {
        if (error->code == FERRY_ERROR_NO_SUCH_DEVICE)
            note_error(reset, "%s: its port cannot be switched off: the kernel offers no such switch (%s)",
                       reset->what, error->message);
        else
            note_error(reset, "%s: its port cannot be switched off: %s", reset->what, error->message);
        /* The other half may be off. */
        reset->enumerates = false;
        switch_on(reset);
        return;
    }
    reset->enumerates = true;
    reset->step = STEP_POWER_OFF;
    reset->next_at = g_get_monotonic_time() + POWER_OFF_US;
}

static void noted(Reset *reset, const GError *error)
{
    if (error) {
        note_error(reset, "%s: %s", reset->what, error->message);
        give_back(reset);
        return;
    }
    push(reset, port_job(reset, false), switched_off);
}

static void note_stored(const GError *error, void *userdata)
{
    work_done(userdata, error);
    ticket_free(userdata);
}

static void begin_work(Reset *reset)
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

/* ------------------------------------------------------------------ waiting */

static bool has_number(const Hostdev *hostdev, const Device *device)
{
    return hostdev && hostdev->bus_number == device->bus_number &&
           hostdev->device_number == device->device_number;
}

/* The machine that has the device, as far as that was seen; NULL = none. */
static const Machine *machine_of(Registry *registry, const Device *device)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, registry->machines);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Machine *machine = value;

        if (has_number(machine->in_flight, device))
            return machine;
        for (guint i = 0; i < machine->info->hostdevs->len; i++)
            if (has_number(machine->info->hostdevs->pdata[i], device))
                return machine;
    }
    return NULL;
}

static void wait_for_removal(Reset *reset, gint64 now, gint64 *wake)
{
    Registry *registry = reset->resets->registry;
    const Device *target = registry_device(registry, reset->sysname);

    if (!target || target->instance != reset->instance) {
        note_error(reset, "%s was unplugged before it could be reset", reset->what);
        give_back(reset);
        return;
    }
    for (guint i = 0; i < reset->held->len; i++) {
        const Held *held = reset->held->pdata[i];
        const Device *device = registry_device(registry, held->sysname);
        const Machine *machine = device ? machine_of(registry, device) : NULL;
        g_autofree char *name = NULL;

        if (!machine)
            continue;
        if (now < reset->deadline) {
            if (!*wake || reset->deadline < *wake)
                *wake = reset->deadline;
            return;
        }
        name = text_quote(machine->info->name);
        note_error(reset, "%s did not come out of machine %s, so nothing was reset", held->what, name);
        give_back(reset);
        return;
    }
    begin_work(reset);
}

static void wait_for_return(Reset *reset, gint64 now, gint64 *wake)
{
    for (guint i = 0; i < reset->held->len; i++) {
        const Held *held = reset->held->pdata[i];
        const Device *device = registry_device(reset->resets->registry, held->sysname);

        if (device && (!reset->enumerates || device->instance != held->instance))
            continue;
        if (now < reset->deadline) {
            if (!*wake || reset->deadline < *wake)
                *wake = reset->deadline;
            return;
        }
        note_error(reset, "%s did not come back after the %s", held->what,
                   reset_method_to_string(reset->method));
        break;
    }
    give_back(reset);
}

/* Whether its machine can have it back: nobody decided otherwise meanwhile. */
static bool is_to_go_back(Registry *registry, const Held *held)
{
    const Assignment *assignment = registry_assignment(registry, held->assignment_id);
    const Machine *machine = assignment ? registry_machine(registry, assignment->machine_uuid) : NULL;

    return held->was_attached && assignment && assignment->wanted && !assignment->releasing && machine &&
           machine_is_active(machine) && registry_device(registry, held->sysname);
}

static void wait_for_attach(Reset *reset, gint64 now, gint64 *wake)
{
    Registry *registry = reset->resets->registry;

    for (guint i = 0; i < reset->held->len; i++) {
        const Held *held = reset->held->pdata[i];
        const Device *device = registry_device(registry, held->sysname);
        const Assignment *assignment = registry_assignment(registry, held->assignment_id);

        if (!is_to_go_back(registry, held) || device->state == DEVICE_STATE_ATTACHED)
            continue;
        if (now < reset->deadline && assignment->state != ASSIGNMENT_STATE_FAILED) {
            if (!*wake || reset->deadline < *wake)
                *wake = reset->deadline;
            return;
        }
        note_error(reset, "%s is not back in its machine, which is tried again: %s", held->what,
                   assignment->reason);
        break;
    }
    end(reset);
}

static void turn(Reset *reset, gint64 now, gint64 *wake)
{
    switch (reset->step) {
    case STEP_TAKING_OUT:
        wait_for_removal(reset, now, wake);
        break;
    case STEP_POWER_OFF:
    case STEP_POWER_RETRY:
        if (reset->next_at <= now)
            switch_on(reset);
        else if (!*wake || reset->next_at < *wake)
            *wake = reset->next_at;
        break;
    case STEP_COMING_BACK:
        wait_for_return(reset, now, wake);
        break;
    case STEP_GIVING_BACK:
        wait_for_attach(reset, now, wake);
        break;
    case STEP_WORKING:
    case STEP_STUCK:
        break;
    }
}

static gboolean reattach_is_over(gpointer sysname, gpointer value, gpointer userdata)
{
    Registry *registry = userdata;
    const Hold *hold = value;
    const Device *device = registry_device(registry, sysname);
    const Assignment *assignment = registry_assignment(registry, hold->assignment_id);
    const Machine *machine = assignment ? registry_machine(registry, assignment->machine_uuid) : NULL;

    return hold->reattach &&
           (!device || !assignment || !assignment->wanted || assignment->releasing || !machine ||
            !machine_is_active(machine) || (device->state == DEVICE_STATE_ATTACHED && hold->seen_out));
}

static void look_at_reattaches(Registry *registry)
{
    GHashTableIter iter;
    gpointer sysname, value;

    g_hash_table_iter_init(&iter, registry->holds);
    while (g_hash_table_iter_next(&iter, &sysname, &value)) {
        const Device *device = registry_device(registry, sysname);
        Hold *hold = value;

        hold->seen_out |= device && device->state != DEVICE_STATE_ATTACHED;
    }
    g_hash_table_foreach_remove(registry->holds, reattach_is_over, registry);
}

void resets_turn(Resets *self, gint64 now, gint64 *wake)
{
    g_autoptr(GPtrArray) open = registry_sorted(self->open);

    for (guint i = 0; i < open->len; i++)
        turn(open->pdata[i], now, wake);
    look_at_reattaches(self->registry);
}

void resets_hold_for_reattach(Resets *self, const char *sysname, const char *assignment_id)
{
    Hold *hold;

    if (g_hash_table_contains(self->registry->holds, sysname))
        return;
    set_hold(self->registry, sysname, assignment_id, false);
    hold = g_hash_table_lookup(self->registry->holds, sysname);
    hold->reattach = true;
}

void resets_queue_idle(Resets *self, const char *queue)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, self->open);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Reset *reset = value;

        if (reset->step != STEP_STUCK || strcmp(reset->queue, queue) != 0)
            continue;
        if (reset->method == RESET_METHOD_POWER_CYCLE)
            switch_on(reset);
        else
            give_back(reset);
    }
    self->changed(self->userdata);
}

/* ------------------------------------------------------------------ the beginning */

GPtrArray *resets_behind(Registry *registry, const Device *hub)
{
    g_autoptr(GPtrArray) all = registry_sorted(registry->devices);
    GPtrArray *behind = g_ptr_array_new();

    for (guint i = 0; i < all->len; i++) {
        Device *device = all->pdata[i];

        if (registry_is_behind(device->sysname, hub->sysname))
            g_ptr_array_add(behind, device);
    }
    return behind;
}

/* In a reset, its own or a hub's, that isn't over. */
static bool is_open(Registry *registry, const char *sysname)
{
    const Hold *hold = g_hash_table_lookup(registry->holds, sysname);

    return (hold && !hold->reattach) || registry_is_held_back(registry, sysname);
}

static bool check_one(Resets *self, const Device *device, GError **error)
{
    g_autofree char *what = device_describe(device);
    const Machine *machine = machine_of(self->registry, device);

    if (is_open(self->registry, device->sysname)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_DEVICE_BUSY,
                    "%s is being reset already; try again when that is over", what);
        return false;
    }
    if (device->state == DEVICE_STATE_FOREIGN) {
        g_autofree char *owner = text_quote(machine ? machine->info->name : "?");

        g_set_error(error, FERRY_ERROR, FERRY_ERROR_DEVICE_BUSY,
                    "%s was attached to machine %s by another program; detach it there first", what, owner);
        return false;
    }
    if (machine && self->registry->hypervisor_state != HYPERVISOR_STATE_CONNECTED) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_HYPERVISOR,
                    "%s has to be taken out of its machine first, and the hypervisor is not reachable", what);
        return false;
    }
    return true;
}

bool resets_check(Resets *self, const Device *target, GError **error)
{
    g_autoptr(GPtrArray) behind = resets_behind(self->registry, target);

    if (!target->hub) {
        g_autofree char *what = device_describe(target);

        g_set_error(error, FERRY_ERROR, FERRY_ERROR_DEVICE_IS_HUB,
                    "%s is a root hub, which can't be reset; reset what is plugged into it", what);
        return false;
    }
    if (!check_one(self, target, error))
        return false;
    for (guint i = 0; i < behind->len; i++)
        if (!check_one(self, behind->pdata[i], error))
            return false;
    return true;
}

static void hold(Reset *reset, const Device *device)
{
    Held *held = g_new0(Held, 1);

    held->sysname = g_strdup(device->sysname);
    held->what = device_describe(device);
    held->instance = device->instance;
    held->assignment_id = g_strdup(device->assignment_id);
    held->was_attached = device->state == DEVICE_STATE_ATTACHED;
    g_ptr_array_add(reset->held, held);
    set_hold(reset->resets->registry, device->sysname, device->assignment_id, true);
}

void resets_begin(Resets *self, const Device *target, ResetMethod method, ResetDone done, void *userdata)
{
    g_autoptr(GPtrArray) behind = resets_behind(self->registry, target);
    Reset *reset = g_new0(Reset, 1);

    reset->resets = self;
    reset->sysname = g_strdup(target->sysname);
    reset->what = device_describe(target);
    reset->queue = g_strconcat(QUEUE_PREFIX, target->sysname, NULL);
    reset->method = method;
    reset->is_hub = target->is_hub;
    reset->instance = target->instance;
    reset->address = (UsbAddress){ .bus_number = target->bus_number,
                                   .device_number = target->device_number,
                                   .vendor_id = target->vendor_id,
                                   .product_id = target->product_id };
    reset->held = g_ptr_array_new_with_free_func(held_free);
    reset->ports = socket_port_folders(target->syspath);
    reset->done = done;
    reset->userdata = userdata;
    if (reset->is_hub)
        set_hold(self->registry, target->sysname, NULL, true);
    else
        hold(reset, target);
    for (guint i = 0; i < behind->len; i++)
        hold(reset, behind->pdata[i]);
    step_to(reset, STEP_TAKING_OUT, TAKE_OUT_US);
    g_hash_table_replace(self->open, reset->sysname, reset);
    log_object(G_LOG_LEVEL_MESSAGE, target->sysname, target->machine_uuid, target->assignment_id,
               "%s: %s begins, with %u devices behind it", reset->what, reset_method_to_string(method),
               behind->len);
    self->changed(self->userdata);
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
    g_autofree char *queue = g_strconcat(QUEUE_PREFIX, id, NULL);
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

Resets *resets_new(Registry *registry, WorkerPool *pool, Store *store, const UsbOps *ops,
                   void (*changed)(void *userdata), void *userdata)
{
    Resets *self = g_new0(Resets, 1);

    *self = (Resets){ .registry = registry,
                      .pool = pool,
                      .store = store,
                      .ops = ops,
                      .changed = changed,
                      .userdata = userdata };
    self->open = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, reset_free);
    return self;
}

Resets *resets_free(Resets *self)
{
    GHashTableIter iter;
    gpointer value;

    if (!self)
        return NULL;
    g_hash_table_iter_init(&iter, self->open);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Reset *reset = value;
        g_autoptr(GError) error = NULL;
        Job *job;

        /* The workers begin nothing new now, so this thread waits: nobody else needs it any more. The note
         * stays, for the case that this comes before a switching off that is with a worker. */
        if (!reset->note)
            continue;
        job = port_job(reset, true);
        job->ops = self->ops;
        if (!switch_ports(job, &error))
            log_warning("%s: its port stays off until usbferryd is started again: %s", reset->what,
                        error->message);
        job_free(job);
    }
    g_hash_table_unref(self->open);
    g_free(self);
    return NULL;
}
