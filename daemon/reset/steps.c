/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every step of a reset, and what leads from one to the next:
 *
 *     TAKING_OUT → WORKING → COMING_BACK → GIVING_BACK → over          a reset
 *     TAKING_OUT → WORKING (note, off) → POWER_OFF → WORKING (on) → COMING_BACK → …     a power cycle
 *
 * What fails goes to GIVING_BACK at once, unless a port may be off. Changes reservations; jobs are
 * usb-jobs.c's, notes power-cycles.c's. */

#include "daemon/reset/steps.h"

#include "daemon/base/error.h"
#include "daemon/base/log.h"
#include "daemon/base/text.h"
#include "daemon/base/tuning.h"
#include "daemon/base/wake.h"
#include "daemon/reset/check.h"
#include "daemon/usb/socket.h"

/* The longest that each step may take. TUNING_COME_BACK is for a device that comes out of a reset. */
#define TAKE_OUT_US  (30 * G_USEC_PER_SEC)
#define GIVE_BACK_US (30 * G_USEC_PER_SEC)

/* A port that doesn't come on is tried again after this, so often. */
#define POWER_RETRY_US  (2 * G_USEC_PER_SEC)
#define POWER_TRIES_MAX 10

/* ------------------------------------------------------------------ from step to step */

static void step_to(Reset *reset, ResetStep step, gint64 time_us)
{
    reset->step = step;
    reset->deadline = g_get_monotonic_time() + time_us;
}

static void pause_in(Reset *reset, ResetStep step, gint64 time_us)
{
    reset->step = step;
    reset->next_at = g_get_monotonic_time() + time_us;
}

static void look_again(const Reset *reset)
{
    reset->context->changed(reset->context->userdata);
}

/* The first one counts: it is the cause. */
static G_GNUC_PRINTF(2, 3) void note_error(Reset *reset, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list arguments;

    if (reset->error)
        return;
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
        log_event(LOG_EVENT_RESET_FAILED, reset->sysname, NULL, NULL, "%s failed: %s",
                  reset_method_to_string(reset->method), reset->error->message);
    else
        log_object(G_LOG_LEVEL_MESSAGE, reset->sysname, NULL, NULL, "%s: %s is done", reset->what,
                   reset_method_to_string(reset->method));
    done(reset->error, reset->userdata);
}

/* From here on those who had the devices get them, and nobody else. */
static void give_back(Reset *reset)
{
    Reservations *reservations = reset->context->registry->reservations;

    if (reset->is_hub)
        reservations_set(reservations, reset->sysname, NULL, RESERVATION_RETURN);
    for (guint i = 0; i < reset->devices->len; i++) {
        const ResetDevice *one = reset->devices->pdata[i];

        reservations_set(reservations, one->sysname, one->assignment_id, RESERVATION_RETURN);
    }
    step_to(reset, RESET_STEP_GIVING_BACK, GIVE_BACK_US);
    /* Where everything is now is worked out in this turn, and looked at in the next. */
    look_again(reset);
}

static void end_reservations(Reset *reset)
{
    Reservations *reservations = reset->context->registry->reservations;

    for (guint i = 0; i < reset->devices->len; i++)
        reservations_end(reservations, ((const ResetDevice *)reset->devices->pdata[i])->sysname);
    reservations_end(reservations, reset->sysname);
}

/* ------------------------------------------------------------------ work */

/* The reset waits for its job, however long that takes, so it is there when the job comes back. */
static void work_done(const GError *error, void *userdata)
{
    Reset *reset = userdata;

    reset->next(reset, error);
    look_again(reset);
}

static void begin_work(Reset *reset, void (*next)(Reset *reset, const GError *error))
{
    reset->step = RESET_STEP_WORKING;
    reset->next = next;
}

/* True: the job is past its deadline, and still with its worker. */
static bool is_stuck(Reset *reset, const GError *error)
{
    if (!g_error_matches(error, FERRY_ERROR, FERRY_ERROR_TIMEOUT))
        return false;
    note_error(reset, "%s: the kernel did not come back from the %s; the device goes back when it does",
               reset->what, reset_method_to_string(reset->method));
    reset->step = RESET_STEP_STUCK;
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
        step_to(reset, RESET_STEP_COMING_BACK, tuning_get(TUNING_COME_BACK));
        return;
    }
    note_error(reset, "%s: %s", reset->what, error->message);
    give_back(reset);
}

static void switch_on(Reset *reset);

static void switched_on(Reset *reset, const GError *error)
{
    PowerCycles *power_cycles = reset->context->power_cycles;

    if (is_stuck(reset, error))
        return;
    if (error && ++reset->tries < POWER_TRIES_MAX) {
        log_event(LOG_EVENT_PORT_OFF, reset->sysname, NULL, NULL, "%s: its port is off still: %s",
                  reset->what, error->message);
        pause_in(reset, RESET_STEP_POWER_RETRY, POWER_RETRY_US);
        return;
    }
    if (error) {
        note_error(reset, "%s: its port cannot be switched on again, which is tried again and again: %s",
                   reset->what, error->message);
        power_cycles_take_over(power_cycles, reset->note, reset->ports);
    } else {
        power_cycles_delete(power_cycles, reset->note);
    }
    g_clear_pointer(&reset->note, g_free);
    step_to(reset, RESET_STEP_COMING_BACK, tuning_get(TUNING_COME_BACK));
}

static void switch_on(Reset *reset)
{
    begin_work(reset, switched_on);
    usb_jobs_switch_on(&reset->context->jobs, reset->queue, reset->ports, work_done, reset);
}

static void switched_off(Reset *reset, const GError *error)
{
    if (is_stuck(reset, error))
        return;
    if (error) {
        if (g_error_matches(error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_DEVICE))
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
    /* Long enough for the capacitors of a device to run empty. */
    pause_in(reset, RESET_STEP_POWER_OFF, tuning_get(TUNING_POWER_OFF));
}

static void noted(Reset *reset, const GError *error)
{
    if (error) {
        note_error(reset, "%s: %s", reset->what, error->message);
        give_back(reset);
        return;
    }
    begin_work(reset, switched_off);
    usb_jobs_switch_off(&reset->context->jobs, reset->queue, reset->ports, reset->gate, work_done, reset);
}

/* Everything is out of its machine. */
static void work(Reset *reset)
{
    if (reset->method == RESET_METHOD_RESET) {
        begin_work(reset, reset_returned);
        usb_jobs_reset(&reset->context->jobs, reset->queue, &reset->address, work_done, reset);
        return;
    }
    begin_work(reset, noted);
    reset->gate = usb_gate_new();
    reset->note = power_cycles_note(reset->context->power_cycles, reset->ports, work_done, reset);
}

void reset_queue_idle(Reset *reset)
{
    if (reset->step != RESET_STEP_STUCK)
        return;
    if (reset->method == RESET_METHOD_POWER_CYCLE) {
        switch_on(reset);
        return;
    }
    /* It came back late, and so does what is behind a hub. */
    reset->enumerates = reset->is_hub;
    step_to(reset, RESET_STEP_COMING_BACK, tuning_get(TUNING_COME_BACK));
}

void reset_switch_on_now(const Reset *reset)
{
    g_autoptr(GError) error = NULL;

    if (!reset->note)
        return;
    usb_gate_close(reset->gate);
    if (reset->step == RESET_STEP_STUCK) {
        log_warning("%s: the kernel holds its port, which the next start of usbferryd switches on",
                    reset->what);
        return;
    }
    usb_gate_wait(reset->gate);
    if (!usb_jobs_switch_on_now(&reset->context->jobs, reset->ports, &error))
        log_event(LOG_EVENT_PORT_OFF, reset->sysname, NULL, NULL,
                  "%s: its port stays off until usbferryd is started again: %s", reset->what, error->message);
}

/* ------------------------------------------------------------------ waiting */

/* The first of its devices that some machine lists; NULL = none. */
static const ResetDevice *find_in_machine(const Reset *reset, const Allocation *allocation,
                                          const Machine **ret_machine)
{
    for (guint i = 0; i < reset->devices->len; i++) {
        const ResetDevice *one = reset->devices->pdata[i];
        const Device *device = registry_device(reset->context->registry, one->sysname);
        const Machine *machine =
            device ? attachments_machine_with_number(allocation->attachments, device) : NULL;

        if (machine) {
            *ret_machine = machine;
            return one;
        }
    }
    return NULL;
}

/* Nothing was reset. What was unplugged meanwhile the reset has not to give back, and what comes into its
 * socket is as any other. */
static void give_up(Reset *reset)
{
    Registry *registry = reset->context->registry;

    for (guint i = reset->devices->len; i-- > 0;) {
        const ResetDevice *one = reset->devices->pdata[i];
        const Device *device = registry_device(registry, one->sysname);

        if (device && device->instance == one->instance)
            continue;
        reservations_end(registry->reservations, one->sysname);
        g_ptr_array_remove_index(reset->devices, i);
    }
    give_back(reset);
}

static void wait_for_removal(Reset *reset, const Allocation *allocation, gint64 now, gint64 *wake)
{
    Registry *registry = reset->context->registry;
    const Device *target = registry_device(registry, reset->sysname);
    g_autofree char *unseen = reset_unseen_text(registry, true);
    const Machine *machine = NULL;
    const ResetDevice *still_in = NULL;
    g_autofree char *name = NULL;

    if (!target || target->instance != reset->instance) {
        note_error(reset, "%s was unplugged before it could be reset", reset->what);
        give_up(reset);
        return;
    }
    still_in = find_in_machine(reset, allocation, &machine);
    if (!unseen && !still_in) {
        work(reset);
        return;
    }
    if (!wake_is_due(wake, reset->deadline, now))
        return;
    name = text_quote(machine ? machine->info->name : "");
    if (unseen)
        note_error(reset, "%s may be in a VM still, so nothing was reset: %s", reset->what, unseen);
    else
        note_error(reset, "%s did not come out of VM %s, so nothing was reset", still_in->what, name);
    give_up(reset);
}

/* The first of its devices that is not back from the reset; NULL = all are. */
static const ResetDevice *find_away(const Reset *reset)
{
    for (guint i = 0; i < reset->devices->len; i++) {
        const ResetDevice *one = reset->devices->pdata[i];
        const Device *device = registry_device(reset->context->registry, one->sysname);

        if (!device || (reset->enumerates && device->instance == one->instance))
            return one;
    }
    return NULL;
}

static void wait_for_return(Reset *reset, gint64 now, gint64 *wake)
{
    const ResetDevice *away = find_away(reset);

    if (away && !wake_is_due(wake, reset->deadline, now))
        return;
    if (away)
        note_error(reset, "%s did not come back after the %s", away->what,
                   reset_method_to_string(reset->method));
    give_back(reset);
}

/* Whether its machine is to have it back: nobody decided otherwise meanwhile. device: NULL = it is away. */
static bool is_to_go_back(const Allocation *allocation, const ResetDevice *one, const Device *device)
{
    const Assignment *assignment = registry_assignment(allocation->registry, one->assignment_id);
    const Machine *machine =
        assignment ? registry_machine(allocation->registry, assignment->machine_uuid) : NULL;

    if (!one->was_attached || !assignment || !assignment->wanted || assignment_is_ending(assignment) ||
        !machine || !machine_is_active(machine))
        return false;
    return !device || verdict_comes_by_itself(allocation_judge(allocation, assignment, device));
}

/* Why its last way into the machine failed; NULL = it didn't. */
static const GError *attach_error(Registry *registry, const ResetDevice *one, const Device *device)
{
    const Assignment *assignment = registry_assignment(registry, one->assignment_id);
    const Claim *claim = assignment_claim(assignment, device->sysname, device->instance);

    return claim ? claim->error : NULL;
}

/* True when it is over, and the caller hears how it went. The reservation stays until the device is in its
 * machine again or the time is up: it is tried again and again meanwhile. The caller hears of a first try
 * that failed, and of what didn't come back. */
static bool wait_for_attach(Reset *reset, const Allocation *allocation, gint64 now, gint64 *wake)
{
    Registry *registry = reset->context->registry;
    bool waits = false, in_vain = false;

    for (guint i = 0; i < reset->devices->len; i++) {
        const ResetDevice *one = reset->devices->pdata[i];
        const Device *device = registry_device(registry, one->sysname);
        const GError *error;

        if (!is_to_go_back(allocation, one, device) || (device && allocation_is_attached(allocation, device)))
            continue;
        error = device ? attach_error(registry, one, device) : NULL;
        if (error)
            note_error(reset, "%s is not back in its VM, which is tried again: %s", one->what,
                       error->message);
        else if (now >= reset->deadline)
            note_error(reset, device ? "%s is not back in its VM" : "%s did not come back", one->what);
        waits = true;
        in_vain |= !device || error || now >= reset->deadline;
    }
    if (in_vain && reset->error)
        reset_answer(reset);
    if (waits && !wake_is_due(wake, reset->deadline, now))
        return false;
    end_reservations(reset);
    return true;
}

bool reset_turn(Reset *reset, const Allocation *allocation, gint64 now, gint64 *wake)
{
    switch (reset->step) {
    case RESET_STEP_TAKING_OUT:
        wait_for_removal(reset, allocation, now, wake);
        break;
    case RESET_STEP_POWER_OFF:
    case RESET_STEP_POWER_RETRY:
        if (wake_is_due(wake, reset->next_at, now))
            switch_on(reset);
        break;
    case RESET_STEP_COMING_BACK:
        wait_for_return(reset, now, wake);
        break;
    case RESET_STEP_GIVING_BACK:
        return wait_for_attach(reset, allocation, now, wake);
    case RESET_STEP_WORKING:
    case RESET_STEP_STUCK:
        break;
    }
    return false;
}

/* ------------------------------------------------------------------ the beginning and the end */

static void reset_device_free(ResetDevice *one)
{
    g_free(one->sysname);
    g_free(one->what);
    g_free(one->assignment_id);
    g_free(one);
}

static void reserve(Reset *reset, const Device *device)
{
    Reservations *reservations = reset->context->registry->reservations;
    const Reservation *before = reservations_find(reservations, device->sysname);
    ResetDevice *one = g_new0(ResetDevice, 1);

    one->sysname = g_strdup(device->sysname);
    one->what = device_describe(device);
    one->instance = device->instance;
    one->assignment_id = g_strdup(device->assignment_id);
    /* Also one that is on its way out to be put in again. */
    one->was_attached =
        device->state == DEVICE_STATE_ATTACHED || (before && before->kind == RESERVATION_REATTACH);
    g_ptr_array_add(reset->devices, one);
    reservations_set(reservations, device->sysname, device->assignment_id, RESERVATION_RESET);
}

Reset *reset_new(const ResetContext *context, const Device *target, ResetMethod method, ResetDone done,
                 void *userdata, GDestroyNotify free_userdata)
{
    g_autoptr(GPtrArray) affected = reset_find_affected(context->registry, target, method);
    Reset *reset = g_new0(Reset, 1);

    reset->context = context;
    reset->sysname = g_strdup(target->sysname);
    reset->what = device_describe(target);
    reset->queue = usb_jobs_queue(target->sysname);
    reset->method = method;
    reset->is_hub = target->is_hub;
    reset->instance = target->instance;
    reset->address = (UsbAddress){ .bus_number = target->bus_number,
                                   .device_number = target->device_number,
                                   .vendor_id = target->vendor_id,
                                   .product_id = target->product_id };
    reset->devices = g_ptr_array_new_with_free_func((GDestroyNotify)reset_device_free);
    reset->ports = method == RESET_METHOD_POWER_CYCLE ? socket_port_folders(target->syspath) : g_strdup("");
    reset->done = done;
    reset->userdata = userdata;
    reset->free_userdata = free_userdata;
    if (reset->is_hub)
        reservations_set(context->registry->reservations, target->sysname, NULL, RESERVATION_RESET);
    else
        reserve(reset, target);
    for (guint i = 0; i < affected->len; i++)
        reserve(reset, affected->pdata[i]);
    step_to(reset, RESET_STEP_TAKING_OUT, TAKE_OUT_US);
    log_object(G_LOG_LEVEL_MESSAGE, target->sysname, target->machine_uuid, target->assignment_id,
               "%s: %s begins, with %u other devices", reset->what, reset_method_to_string(method),
               affected->len);
    return reset;
}

void reset_free(Reset *reset)
{
    g_free(reset->sysname);
    g_free(reset->what);
    g_free(reset->queue);
    g_ptr_array_unref(reset->devices);
    g_free(reset->ports);
    g_free(reset->note);
    g_clear_pointer(&reset->gate, usb_gate_unref);
    g_clear_error(&reset->error);
    if (reset->done && reset->free_userdata)
        reset->free_userdata(reset->userdata);
    g_free(reset);
}
