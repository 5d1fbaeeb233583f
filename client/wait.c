/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/wait.h"

#include <stdio.h>

#include "client/escape.h"
#include "client/json.h"

#define MSEC ((gint64)1000)

/* States that end the way to "attached". The service's answer may come before it has looked at what it
 * answered, so each must hold for a while: longest where it passes by itself, as for a device that was just
 * plugged in and has to prove steady. */
static const struct {
    const char *state;
    WaitVerdict verdict;
    gint64 grace;
} ends[] = {
    { "attached", WAIT_DONE, 0 },
    { "partial", WAIT_RESTS, 1500 * MSEC },
    { "waiting-machine", WAIT_RESTS, 250 * MSEC },
    { "waiting-device", WAIT_RESTS, 1500 * MSEC },
    { "disabled", WAIT_FAILED, 1000 * MSEC },
    { "failed", WAIT_FAILED, 250 * MSEC },
    { "quarantined", WAIT_FAILED, 250 * MSEC },
};

WaitVerdict wait_judge(WaitGoal goal, const Object *assignment, gint64 *ret_grace)
{
    const char *state = object_string(assignment, "State");

    *ret_grace = 0;
    switch (goal) {
    case WAIT_RELEASED:
        return assignment ? WAIT_GOES_ON : WAIT_DONE;
    case WAIT_DETACHED:
        return !assignment || g_str_equal(state, "disabled") ? WAIT_DONE : WAIT_GOES_ON;
    case WAIT_ATTACHED:
        break;
    }

    if (!assignment)
        return WAIT_FAILED;
    for (gsize i = 0; i < G_N_ELEMENTS(ends); i++)
        if (g_str_equal(ends[i].state, state)) {
            *ret_grace = ends[i].grace;
            return ends[i].verdict;
        }
    return WAIT_GOES_ON;
}

bool wait_options_check(WaitOptions *options, GError **error)
{
    if (options->seconds < 0) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, "--wait: %d is no time", options->seconds);
        return false;
    }
    if (options->no_wait)
        options->seconds = 0;
    return true;
}

/* the list */

static void item_destroy(void *data)
{
    WaitItem *item = data;

    g_free(item->assignment);
    g_free(item->device);
    g_free(item->label);
    g_free(item->state);
    g_free(item);
}

GPtrArray *wait_list_new(void)
{
    return g_ptr_array_new_with_free_func(item_destroy);
}

/* The device of an assignment that has, or is to get, exactly one. */
static const Object *device_of(const Model *model, const Object *assignment)
{
    GVariant *devices = object_value(assignment, "Devices");

    if (!devices || !g_variant_is_of_type(devices, G_VARIANT_TYPE("a(os)")) ||
        g_variant_n_children(devices) != 1)
        return NULL;
    g_autoptr(GVariant) first = g_variant_get_child_value(devices, 0);
    g_autoptr(GVariant) path = g_variant_get_child_value(first, 0);
    return model_get(model, g_variant_get_string(path, NULL), KIND_DEVICE);
}

static void item_set_device(WaitItem *item, const Object *device)
{
    if (!device || item->device)
        return;
    item->device = g_strdup(device->path);
    g_free(item->label);
    item->label = object_describe(device);
}

void wait_list_add(GPtrArray *items, const Model *model, const char *assignment)
{
    for (guint i = 0; i < items->len; i++)
        if (g_str_equal(((WaitItem *)items->pdata[i])->assignment, assignment))
            return;

    const Object *object = model_get(model, assignment, KIND_ASSIGNMENT);
    const Object *device = object ? device_of(model, object) : NULL;

    WaitItem *item = g_new0(WaitItem, 1);
    item->assignment = g_strdup(assignment);
    item->label = object ? object_describe(object) : g_strdup(assignment);
    item_set_device(item, device);
    g_ptr_array_add(items, item);
}

/* waiting */

static bool device_has_left(const Model *model, const WaitItem *item)
{
    const Object *device = item->device ? model_get(model, item->device, KIND_DEVICE) : NULL;
    const char *state = object_string(device, "State");

    return !g_str_equal(object_string(device, "Assignment"), item->assignment) ||
           !(g_str_equal(state, "attached") || g_str_equal(state, "detaching") ||
             g_str_equal(state, "attaching"));
}

/* Judges the item; returns when to look again at the latest, G_MAXINT64 = when something changes. */
static gint64 look_at(const Model *model, WaitGoal goal, WaitItem *item, gint64 now)
{
    const Object *assignment = model_get(model, item->assignment, KIND_ASSIGNMENT);
    const char *state = object_string(assignment, "State");
    gint64 grace;

    if (assignment)
        item_set_device(item, device_of(model, assignment));
    item->verdict = wait_judge(goal, assignment, &grace);
    if (g_strcmp0(item->state, state) != 0) {
        g_free(item->state);
        item->state = g_strdup(state);
        item->seen = now;
    }

    /* each object tells its part of a change by itself, and the device may be the last to do so */
    if (goal != WAIT_ATTACHED && item->verdict == WAIT_DONE && !device_has_left(model, item))
        item->verdict = WAIT_GOES_ON;
    if (item->verdict == WAIT_GOES_ON)
        return G_MAXINT64;
    /* a service that has just started calls everything "waiting" until it has looked around */
    if (item->verdict != WAIT_DONE && object_flag(model_manager(model), "Settling"))
        return G_MAXINT64;

    item->over = now >= item->seen + grace;
    return item->over ? G_MAXINT64 : item->seen + grace;
}

bool wait_for(Follow *follow, WaitGoal goal, GPtrArray *items, unsigned seconds, GError **error)
{
    gint64 deadline = g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC;

    if (seconds == 0)
        return true;

    for (;;) {
        gint64 now = g_get_monotonic_time(), next = deadline;
        bool all_over = true;

        for (guint i = 0; i < items->len; i++) {
            WaitItem *item = items->pdata[i];
            if (!item->over)
                next = MIN(next, look_at(follow_model(follow), goal, item, now));
            all_over = all_over && item->over;
        }
        if (all_over || now >= deadline)
            return true;

        switch (follow_next(follow, next, error)) {
        case FOLLOW_ERROR:
            return false;
        case FOLLOW_GONE:
        case FOLLOW_BACK:
            g_propagate_error(error, follow_gone_error());
            return false;
        case FOLLOW_CHANGED:
        case FOLLOW_DEADLINE:
            break;
        }
    }
}

/* reporting */

/* The reason is a sentence, and mostly names the device itself. */
static char *reason_text(const WaitItem *item, const Object *assignment)
{
    g_autofree char *reason = escape_text(object_string(assignment, "Reason"));

    if (!*reason)
        return g_strdup_printf("%s: no reason given", item->label);
    return strstr(reason, item->label) ? g_steal_pointer(&reason)
                                       : g_strdup_printf("%s: %s", item->label, reason);
}

static char *done_text(const Model *model, WaitGoal goal, const WaitItem *item, const Object *assignment)
{
    const Object *device = item->device ? model_get(model, item->device, KIND_DEVICE) : NULL;
    const Object *machine = model_follow(model, assignment, "Machine", KIND_MACHINE);
    const char *state = object_string(device, "State");
    g_autofree char *vm = machine ? object_describe(machine) : g_strdup("its VM");
    g_autofree char *kept = assignment ? object_describe(assignment) : NULL;
    g_autofree char *suffix =
        goal == WAIT_DETACHED && kept ? g_strdup_printf("; %s is kept", kept) : g_strdup("");

    if (goal == WAIT_ATTACHED)
        return g_strdup_printf("%s is attached to %s", item->label, vm);
    if (g_str_equal(state, "host"))
        return g_strdup_printf("%s is on the host%s", item->label, suffix);
    if (!device)
        return g_strdup_printf("%s %s", item->label, goal == WAIT_DETACHED ? "is detached" : "has ended");

    /* somebody else's turn */
    g_autofree char *escaped = escape_text(state);
    return g_strdup_printf("%s was taken, and is %s now%s", item->label, escaped, suffix);
}

static Outcome report_item(const Model *model, WaitGoal goal, const WaitItem *item, unsigned seconds,
                           bool quiet)
{
    const Object *assignment = model_get(model, item->assignment, KIND_ASSIGNMENT);
    const char *name = error_short_name(object_string(assignment, "Error"));
    g_autofree char *state = escape_text(object_string(assignment, "State"));
    g_autofree char *reason = reason_text(item, assignment);
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;

    switch (item->verdict) {
    case WAIT_DONE:
        text = done_text(model, goal, item, assignment);
        if (!quiet)
            printf("%s.\n", text);
        return OUTCOME_DONE;
    case WAIT_RESTS:
        if (!quiet)
            printf("Waiting: %s\n", reason);
        return OUTCOME_DONE;
    case WAIT_FAILED:
        text = escape_text(*name ? name : "Failed");
        error = assignment
                    ? g_error_new(CLIENT_ERROR, OUTCOME_FAILED, "%s: %s", text, reason)
                    : g_error_new(CLIENT_ERROR, OUTCOME_FAILED,
                                  "NoSuchAssignment: the assignment of %s was ended meanwhile", item->label);
        break;
    case WAIT_GOES_ON:
        if (seconds == 0) {
            if (!quiet)
                printf("%s: ordered.\n", item->label);
            return OUTCOME_DONE;
        }
        error = g_error_new(CLIENT_ERROR, OUTCOME_FAILED,
                            "Timeout: %s after %u s; the service goes on trying: %s",
                            *state ? state : "unknown", seconds, reason);
        break;
    }

    error_print(error);
    return OUTCOME_FAILED;
}

static void add_text(GVariantBuilder *dict, const char *key, const char *text)
{
    g_variant_builder_add(dict, "{sv}", key, g_variant_new_string(text));
}

static GVariant *item_to_variant(const Model *model, const WaitItem *item, unsigned seconds)
{
    static const char *const results[] = {
        [WAIT_GOES_ON] = "timeout",
        [WAIT_DONE] = "done",
        [WAIT_RESTS] = "waiting",
        [WAIT_FAILED] = "failed",
    };
    const Object *assignment = model_get(model, item->assignment, KIND_ASSIGNMENT);
    const Object *device = item->device ? model_get(model, item->device, KIND_DEVICE) : NULL;
    const Object *machine = assignment ? model_follow(model, assignment, "Machine", KIND_MACHINE) : NULL;
    GVariantBuilder dict;

    g_variant_builder_init(&dict, G_VARIANT_TYPE_VARDICT);
    add_text(&dict, "result", seconds == 0 ? "ordered" : results[item->verdict]);
    add_text(&dict, "assignment", item->assignment);
    if (device)
        add_text(&dict, "device", object_string(device, "SysName"));
    if (machine)
        add_text(&dict, "vm", object_string(machine, "Name"));
    if (assignment) {
        add_text(&dict, "state", object_string(assignment, "State"));
        add_text(&dict, "reason", object_string(assignment, "Reason"));
        add_text(&dict, "error", object_string(assignment, "Error"));
    }
    return g_variant_builder_end(&dict);
}

Outcome wait_report(Client *client, const Model *model, WaitGoal goal, GPtrArray *items, unsigned seconds)
{
    Outcome outcome = OUTCOME_DONE;
    GVariantBuilder results;

    g_variant_builder_init(&results, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < items->len; i++) {
        Outcome one = report_item(model, goal, items->pdata[i], seconds, client->json);
        if (outcome == OUTCOME_DONE)
            outcome = one;
        g_variant_builder_add_value(&results, item_to_variant(model, items->pdata[i], seconds));
    }

    g_autoptr(GVariant) list = g_variant_ref_sink(g_variant_builder_end(&results));
    if (client->json)
        json_print(g_variant_new_parsed("{'results': <%@aa{sv}>}", list));
    return outcome;
}
