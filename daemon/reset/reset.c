/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One small state machine for each reset. */

#include "daemon/reset/internal.h"

#include <string.h>

#include "daemon/base/error.h"
#include "daemon/base/log.h"
#include "daemon/usb/socket.h"
#include "daemon/base/text.h"

/* The longest that each step may take. */
#define TAKE_OUT_US  (30 * G_USEC_PER_SEC)
#define GIVE_BACK_US (30 * G_USEC_PER_SEC)

static const char *const method_names[_RESET_METHOD_MAX] = {
    [RESET_METHOD_RESET] = "reset",
    [RESET_METHOD_POWER_CYCLE] = "power-cycle",
};

ENUM_TABLE_DEFINE(ResetMethod, reset_method, method_names, _RESET_METHOD_INVALID);

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
    g_clear_pointer(&reset->gate, reset_gate_unref);
    g_clear_error(&reset->error);
    if (reset->done && reset->free_userdata)
        reset->free_userdata(reset->userdata);
    g_free(reset);
}

/* ------------------------------------------------------------------ steps */

void reset_step_to(Reset *reset, Step step, gint64 time_us)
{
    reset->step = step;
    reset->deadline = g_get_monotonic_time() + time_us;
}

void reset_note_error(Reset *reset, const char *format, ...)
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

void reset_answer(Reset *reset)
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

/* From here on those who had them get them, and nobody else. */
void reset_give_back(Reset *reset)
{
    Registry *registry = reset->resets->registry;

    if (reset->is_hub)
        reservations_set(registry->reservations, reset->sysname, NULL, RESERVATION_RETURN);
    for (guint i = 0; i < reset->held->len; i++) {
        const Held *held = reset->held->pdata[i];

        reservations_set(registry->reservations, held->sysname, held->assignment_id, RESERVATION_RETURN);
    }
    reset_step_to(reset, STEP_GIVING_BACK, GIVE_BACK_US);
    /* Where everything is now is worked out in this turn, and looked at in the next. */
    reset->resets->changed(reset->resets->userdata);
}

static void end(Reset *reset)
{
    Resets *self = reset->resets;

    for (guint i = 0; i < reset->held->len; i++)
        reservations_end(self->registry->reservations, ((const Held *)reset->held->pdata[i])->sysname);
    reservations_end(self->registry->reservations, reset->sysname);
    reset_answer(reset);
    g_hash_table_remove(self->open, reset->sysname);
    self->changed(self->userdata);
}

/* ------------------------------------------------------------------ waiting */

static void wait_until(gint64 at, gint64 *wake)
{
    if (!*wake || at < *wake)
        *wake = at;
}

static void wait_for_removal(Reset *reset, const Allocation *allocation, gint64 now, gint64 *wake)
{
    Registry *registry = reset->resets->registry;
    const Device *target = registry_device(registry, reset->sysname);
    g_autofree char *unseen = reset_unseen_text(registry, true);

    if (!target || target->instance != reset->instance) {
        reset_note_error(reset, "%s was unplugged before it could be reset", reset->what);
        reset_give_back(reset);
        return;
    }
    if (unseen && now < reset->deadline) {
        wait_until(reset->deadline, wake);
        return;
    }
    if (unseen) {
        reset_note_error(reset, "%s may be in a machine still, so nothing was reset: %s", reset->what,
                         unseen);
        reset_give_back(reset);
        return;
    }
    for (guint i = 0; i < reset->held->len; i++) {
        const Held *held = reset->held->pdata[i];
        const Device *device = registry_device(registry, held->sysname);
        const Machine *machine =
            device ? attachments_machine_with_number(allocation->attachments, device) : NULL;
        g_autofree char *name = NULL;

        if (!machine)
            continue;
        if (now < reset->deadline) {
            wait_until(reset->deadline, wake);
            return;
        }
        name = text_quote(machine->info->name);
        reset_note_error(reset, "%s did not come out of machine %s, so nothing was reset", held->what, name);
        reset_give_back(reset);
        return;
    }
    reset_work(reset);
}

static void wait_for_return(Reset *reset, gint64 now, gint64 *wake)
{
    for (guint i = 0; i < reset->held->len; i++) {
        const Held *held = reset->held->pdata[i];
        const Device *device = registry_device(reset->resets->registry, held->sysname);

        if (device && (!reset->enumerates || device->instance != held->instance))
            continue;
        if (now < reset->deadline) {
            wait_until(reset->deadline, wake);
            return;
        }
        reset_note_error(reset, "%s did not come back after the %s", held->what,
                         reset_method_to_string(reset->method));
        break;
    }
    reset_give_back(reset);
}

/* Whether its machine is to have it back: nobody decided otherwise meanwhile. device: NULL = it is away. */
static bool is_to_go_back(const Allocation *allocation, const Held *held, const Device *device)
{
    const Assignment *assignment = registry_assignment(allocation->registry, held->assignment_id);
    const Machine *machine =
        assignment ? registry_machine(allocation->registry, assignment->machine_uuid) : NULL;

    if (!held->was_attached || !assignment || !assignment->wanted || assignment->releasing || !machine ||
        !machine_is_active(machine))
        return false;
    return !device || verdict_comes_by_itself(allocation_judge(allocation, assignment, device));
}

/* Why its last way into the machine failed; NULL = it didn't. */
static const GError *attach_error(Registry *registry, const Held *held, const Device *device)
{
    const Assignment *assignment = registry_assignment(registry, held->assignment_id);
    const Claim *claim = assignment_claim(assignment, device->sysname, device->instance);

    return claim ? claim->error : NULL;
}

/* The reservation stays until the device is in its machine again or the time is up: it is tried again and
 * again meanwhile. The caller hears of a first try that failed. */
static void wait_for_attach(Reset *reset, const Allocation *allocation, gint64 now, gint64 *wake)
{
    Registry *registry = reset->resets->registry;
    bool waits = false;

    for (guint i = 0; i < reset->held->len; i++) {
        const Held *held = reset->held->pdata[i];
        const Device *device = registry_device(registry, held->sysname);
        const GError *error;

        if (!is_to_go_back(allocation, held, device) ||
            (device && allocation_is_attached(allocation, device)))
            continue;
        error = device ? attach_error(registry, held, device) : NULL;
        if (error)
            reset_note_error(reset, "%s is not back in its machine, which is tried again: %s", held->what,
                             error->message);
        else if (now >= reset->deadline)
            reset_note_error(reset, device ? "%s is not back in its machine" : "%s did not come back",
                             held->what);
        waits = true;
    }
    if (waits && reset->error)
        reset_answer(reset);
    if (waits && now < reset->deadline)
        wait_until(reset->deadline, wake);
    else
        end(reset);
}

static void turn(Reset *reset, const Allocation *allocation, gint64 now, gint64 *wake)
{
    switch (reset->step) {
    case STEP_TAKING_OUT:
        wait_for_removal(reset, allocation, now, wake);
        break;
    case STEP_POWER_OFF:
    case STEP_POWER_RETRY:
        if (reset->next_at <= now)
            reset_switch_on(reset);
        else
            wait_until(reset->next_at, wake);
        break;
    case STEP_COMING_BACK:
        wait_for_return(reset, now, wake);
        break;
    case STEP_GIVING_BACK:
        wait_for_attach(reset, allocation, now, wake);
        break;
    case STEP_WORKING:
    case STEP_STUCK:
        break;
    }
}

void resets_turn(Resets *self, const Allocation *allocation, gint64 now, gint64 *wake)
{
    g_autoptr(GPtrArray) open = registry_sorted(self->open);

    for (guint i = 0; i < open->len; i++)
        turn(open->pdata[i], allocation, now, wake);
    power_cycles_turn(self, now, wake);
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
        if (reset->method == RESET_METHOD_POWER_CYCLE) {
            reset_switch_on(reset);
            continue;
        }
        /* It came back late, and so does what is behind a hub. */
        reset->enumerates = reset->is_hub;
        reset_step_to(reset, STEP_COMING_BACK, RESET_COME_BACK_US);
    }
    power_cycles_queue_idle(self, queue);
    self->changed(self->userdata);
}

/* ------------------------------------------------------------------ the beginning */

static void reserve(Reset *reset, const Device *device)
{
    Reservations *reservations = reset->resets->registry->reservations;
    const Reservation *before = reservations_find(reservations, device->sysname);
    Held *held = g_new0(Held, 1);

    held->sysname = g_strdup(device->sysname);
    held->what = device_describe(device);
    held->instance = device->instance;
    held->assignment_id = g_strdup(device->assignment_id);
    /* Also one that is on its way out to be put in again. */
    held->was_attached =
        device->state == DEVICE_STATE_ATTACHED || (before && before->kind == RESERVATION_REATTACH);
    g_ptr_array_add(reset->held, held);
    reservations_set(reservations, device->sysname, device->assignment_id, RESERVATION_RESET);
}

void resets_begin(Resets *self, const Device *target, ResetMethod method, ResetDone done, void *userdata,
                  GDestroyNotify free_userdata)
{
    g_autoptr(GPtrArray) affected = reset_find_affected(self->registry, target, method);
    Reset *reset = g_new0(Reset, 1);

    reset->resets = self;
    reset->sysname = g_strdup(target->sysname);
    reset->what = device_describe(target);
    reset->queue = g_strconcat(RESET_QUEUE_PREFIX, target->sysname, NULL);
    reset->method = method;
    reset->is_hub = target->is_hub;
    reset->instance = target->instance;
    reset->address = (UsbAddress){ .bus_number = target->bus_number,
                                   .device_number = target->device_number,
                                   .vendor_id = target->vendor_id,
                                   .product_id = target->product_id };
    reset->held = g_ptr_array_new_with_free_func(held_free);
    reset->ports = method == RESET_METHOD_POWER_CYCLE ? socket_port_folders(target->syspath) : g_strdup("");
    reset->done = done;
    reset->userdata = userdata;
    reset->free_userdata = free_userdata;
    if (reset->is_hub)
        reservations_set(self->registry->reservations, target->sysname, NULL, RESERVATION_RESET);
    else
        reserve(reset, target);
    for (guint i = 0; i < affected->len; i++)
        reserve(reset, affected->pdata[i]);
    reset_step_to(reset, STEP_TAKING_OUT, TAKE_OUT_US);
    g_hash_table_replace(self->open, reset->sysname, reset);
    log_object(G_LOG_LEVEL_MESSAGE, target->sysname, target->machine_uuid, target->assignment_id,
               "%s: %s begins, with %u other devices", reset->what, reset_method_to_string(method),
               affected->len);
    self->changed(self->userdata);
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
    self->notes = power_cycles_new();
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

        /* This thread waits: nobody else needs it any more. */
        if (reset->note)
            reset_switch_on_now(reset);
    }
    g_hash_table_unref(self->open);
    g_hash_table_unref(self->notes);
    g_free(self);
    return NULL;
}
