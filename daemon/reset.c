/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One small state machine for each reset. */

#include "daemon/reset-private.h"

#include <string.h>

#include "daemon/error.h"
#include "daemon/log.h"
#include "daemon/socket.h"
#include "daemon/text.h"
#include "daemon/verdict-text.h"

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

static void set_hold(Registry *registry, const char *sysname, const char *assignment_id, bool closed)
{
    Hold *hold = g_new0(Hold, 1);

    hold->assignment_id = g_strdup(assignment_id);
    hold->closed = closed;
    g_hash_table_replace(registry->holds, g_strdup(sysname), hold);
}

/* From here on those who had them get them, and nobody else. */
void reset_give_back(Reset *reset)
{
    Registry *registry = reset->resets->registry;

    if (reset->is_hub)
        set_hold(registry, reset->sysname, NULL, false);
    for (guint i = 0; i < reset->held->len; i++) {
        const Held *held = reset->held->pdata[i];

        set_hold(registry, held->sysname, held->assignment_id, false);
    }
    reset_step_to(reset, STEP_GIVING_BACK, GIVE_BACK_US);
    /* Where everything is now is worked out in this turn, and looked at in the next. */
    reset->resets->changed(reset->resets->userdata);
}

static void end(Reset *reset)
{
    Resets *self = reset->resets;

    for (guint i = 0; i < reset->held->len; i++)
        g_hash_table_remove(self->registry->holds, ((const Held *)reset->held->pdata[i])->sysname);
    g_hash_table_remove(self->registry->holds, reset->sysname);
    reset_answer(reset);
    g_hash_table_remove(self->open, reset->sysname);
    self->changed(self->userdata);
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

/* Why nobody can say which devices machines have; NULL when that is known. New string. */
static char *unseen_text(Registry *registry)
{
    GHashTableIter iter;
    gpointer value;

    if (registry->hypervisor_state != HYPERVISOR_STATE_CONNECTED || !registry->machines_known)
        return verdict_hypervisor_text(registry, NULL);
    g_hash_table_iter_init(&iter, registry->machines);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Machine *machine = value;
        g_autofree char *name = text_quote(machine->info->name);

        if (!machine->inspected)
            return g_strdup_printf("machine %s was not read yet", name);
    }
    return NULL;
}

static void wait_until(gint64 at, gint64 *wake)
{
    if (!*wake || at < *wake)
        *wake = at;
}

static void wait_for_removal(Reset *reset, gint64 now, gint64 *wake)
{
    Registry *registry = reset->resets->registry;
    const Device *target = registry_device(registry, reset->sysname);
    g_autofree char *unseen = unseen_text(registry);

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
        const Machine *machine = device ? machine_of(registry, device) : NULL;
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

/* Whether its machine is to have it back: nobody decided otherwise meanwhile. */
static bool is_to_go_back(Registry *registry, const Held *held)
{
    const Assignment *assignment = registry_assignment(registry, held->assignment_id);
    const Machine *machine = assignment ? registry_machine(registry, assignment->machine_uuid) : NULL;

    return held->was_attached && assignment && assignment->wanted && !assignment->releasing && machine &&
           machine_is_active(machine);
}

/* Why its last way into the machine failed; NULL = it didn't. */
static const GError *attach_error(Registry *registry, const Held *held, const Device *device)
{
    const Assignment *assignment = registry_assignment(registry, held->assignment_id);
    const Claim *claim = assignment_claim(assignment, device->sysname, device->instance);

    return claim ? claim->error : NULL;
}

/* The hold stays until the device is in its machine again or the time is up: it is tried again and again
 * meanwhile. The caller hears of a first try that failed. */
static void wait_for_attach(Reset *reset, gint64 now, gint64 *wake)
{
    Registry *registry = reset->resets->registry;
    bool waits = false;

    for (guint i = 0; i < reset->held->len; i++) {
        const Held *held = reset->held->pdata[i];
        const Device *device = registry_device(registry, held->sysname);
        const GError *error;

        if (!is_to_go_back(registry, held) || (device && device->state == DEVICE_STATE_ATTACHED))
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

static void turn(Reset *reset, gint64 now, gint64 *wake)
{
    switch (reset->step) {
    case STEP_TAKING_OUT:
        wait_for_removal(reset, now, wake);
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
        if (reset->method == RESET_METHOD_POWER_CYCLE) {
            reset_switch_on(reset);
            continue;
        }
        /* It came back late, and so does what is behind a hub. */
        reset->enumerates = reset->is_hub;
        reset_step_to(reset, STEP_COMING_BACK, RESET_COME_BACK_US);
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

/* What is reset along with the target: all behind it; and when a USB 3 hub loses its power, its other half
 * with all that is behind that. */
static GPtrArray *find_affected(Registry *registry, const Device *target, ResetMethod method)
{
    GPtrArray *affected = resets_behind(registry, target);
    /* Reads an attribute of the hub, for which the kernel waits while that hub is being reset. */
    g_autofree char *ports =
        method == RESET_METHOD_POWER_CYCLE ? socket_port_folders(target->syspath) : g_strdup("");
    g_auto(GStrv) folders = g_strsplit(ports, "\n", -1);

    for (char **folder = folders; *folder; folder++) {
        g_autofree char *child = socket_port_child(*folder);
        Device *device = registry_device(registry, child);

        if (!device || device == target)
            continue;
        g_ptr_array_add(affected, device);
        g_ptr_array_extend_and_steal(affected, resets_behind(registry, device));
    }
    return affected;
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
    g_autofree char *unseen = unseen_text(self->registry);
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
    if (unseen) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_HYPERVISOR,
                    "%s may be in a machine, and must not be reset there: %s", what, unseen);
        return false;
    }
    return true;
}

bool resets_check(Resets *self, const Device *target, ResetMethod method, GError **error)
{
    g_autoptr(GPtrArray) affected = NULL;

    if (!target->hub) {
        g_autofree char *what = device_describe(target);

        g_set_error(error, FERRY_ERROR, FERRY_ERROR_DEVICE_IS_HUB,
                    "%s is a root hub, which can't be reset; reset what is plugged into it", what);
        return false;
    }
    if (!check_one(self, target, error))
        return false;
    affected = find_affected(self->registry, target, method);
    for (guint i = 0; i < affected->len; i++)
        if (!check_one(self, affected->pdata[i], error))
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

void resets_begin(Resets *self, const Device *target, ResetMethod method, ResetDone done, void *userdata,
                  GDestroyNotify free_userdata)
{
    g_autoptr(GPtrArray) affected = find_affected(self->registry, target, method);
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
        set_hold(self->registry, target->sysname, NULL, true);
    else
        hold(reset, target);
    for (guint i = 0; i < affected->len; i++)
        hold(reset, affected->pdata[i]);
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

        /* The workers begin nothing new now, so this thread waits: nobody else needs it any more. The note
         * stays, for the case that this comes before a switching off that is with a worker. */
        if (reset->note)
            reset_switch_on_now(reset);
    }
    g_hash_table_unref(self->open);
    g_free(self);
    return NULL;
}
