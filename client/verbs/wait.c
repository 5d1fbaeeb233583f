/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/verbs/wait.h"

#include <stdio.h>

#include "client/bus/escape.h"
#include "client/view/json.h"

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

/* Some are there: the others may rest, or be on their way. */
static bool some_are_attaching(const Object *assignment)
{
    GVariant *devices = object_value(assignment, "Devices");
    GVariantIter iter;
    const char *path, *state;

    if (!devices || !g_variant_is_of_type(devices, G_VARIANT_TYPE("a(os)")))
        return false;
    g_variant_iter_init(&iter, devices);
    while (g_variant_iter_next(&iter, "(&o&s)", &path, &state))
        if (g_str_equal(state, "attaching"))
            return true;
    return false;
}

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
    if (g_str_equal(state, "partial") && some_are_attaching(assignment))
        return WAIT_GOES_ON;
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
    g_free(item->group);
    g_ptr_array_unref(item->devices);
    g_free(item->label);
    g_free(item->state);
    g_free(item);
}

GPtrArray *wait_list_new(void)
{
    return g_ptr_array_new_with_free_func(item_destroy);
}

/* Notes the devices of the assignment, of a group those that it had before as well unless only now counts.
 * Without a group only when there is exactly one: the others are candidates. */
static void item_learn(WaitItem *item, const Model *model, const Object *assignment, bool now)
{
    GVariant *devices = object_value(assignment, "Devices");

    if (!devices || !g_variant_is_of_type(devices, G_VARIANT_TYPE("a(os)")) ||
        (!item->group && (item->devices->len > 0 || g_variant_n_children(devices) != 1)))
        return;

    if (item->group && now)
        g_ptr_array_set_size(item->devices, 0);
    for (gsize i = 0; i < g_variant_n_children(devices); i++) {
        g_autoptr(GVariant) pair = g_variant_get_child_value(devices, i);
        g_autoptr(GVariant) path = g_variant_get_child_value(pair, 0);
        const Object *device = model_get(model, g_variant_get_string(path, NULL), KIND_DEVICE);
        if (!device || g_ptr_array_find_with_equal_func(item->devices, device->path, g_str_equal, NULL))
            continue;
        g_ptr_array_add(item->devices, g_strdup(device->path));
        if (!item->group) {
            g_free(item->label);
            item->label = object_describe(device);
        }
    }
}

bool wait_list_has(const GPtrArray *items, const char *assignment)
{
    for (guint i = 0; i < items->len; i++)
        if (g_str_equal(((const WaitItem *)items->pdata[i])->assignment, assignment))
            return true;
    return false;
}

void wait_list_add(GPtrArray *items, const Model *model, const char *assignment)
{
    if (wait_list_has(items, assignment))
        return;

    const Object *object = model_get(model, assignment, KIND_ASSIGNMENT);
    const Object *group = object ? model_follow(model, object, "Group", KIND_GROUP) : NULL;

    WaitItem *item = g_new0(WaitItem, 1);
    item->assignment = g_strdup(assignment);
    item->devices = g_ptr_array_new_with_free_func(g_free);
    item->group = group ? object_id(group) : NULL;
    item->label = group ? object_describe(group) : object ? object_describe(object) : g_strdup(assignment);
    if (object)
        item_learn(item, model, object, /* now= */ false);
    g_ptr_array_add(items, item);
}

/* waiting */

static bool devices_have_left(const Model *model, const WaitItem *item)
{
    for (guint i = 0; i < item->devices->len; i++) {
        const Object *device = model_get(model, item->devices->pdata[i], KIND_DEVICE);
        const char *state = object_string(device, "State");

        if (g_str_equal(object_string(device, "Assignment"), item->assignment) &&
            (g_str_equal(state, "attached") || g_str_equal(state, "detaching") ||
             g_str_equal(state, "attaching")))
            return false;
    }
    return true;
}

/* Judges the item; returns when to look again at the latest, G_MAXINT64 = when something changes. */
static gint64 look_at(const Model *model, WaitGoal goal, WaitItem *item, gint64 now)
{
    const Object *assignment = model_get(model, item->assignment, KIND_ASSIGNMENT);
    const char *state = object_string(assignment, "State");
    gint64 grace;

    WaitVerdict before = item->verdict;
    if (assignment)
        item_learn(item, model, assignment, goal == WAIT_ATTACHED);
    item->verdict = wait_judge(goal, assignment, &grace);
    if (g_strcmp0(item->state, state) != 0 || item->verdict != before) {
        g_free(item->state);
        item->state = g_strdup(state);
        item->seen = now;
    }

    /* each object tells its part of a change by itself, and the device may be the last to do so */
    if (goal != WAIT_ATTACHED && item->verdict == WAIT_DONE && !devices_have_left(model, item))
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

/* The reason is a sentence, and mostly names the device or the group itself. */
static char *reason_text(const WaitItem *item, const Object *assignment)
{
    g_autofree char *reason = escape_text(object_string(assignment, "Reason"));

    if (!*reason)
        return g_strdup_printf("%s: no reason given", item->label);
    return strstr(reason, item->group ? item->group : item->label)
               ? g_steal_pointer(&reason)
               : g_strdup_printf("%s: %s", item->label, reason);
}

/* Its devices that are in this state, NULL = in any, as text; ret_n: how many. */
static char *devices_text(const Model *model, const WaitItem *item, const char *state, guint *ret_n)
{
    GString *text = g_string_new(NULL);

    *ret_n = 0;
    for (guint i = 0; i < item->devices->len; i++) {
        const Object *device = model_get(model, item->devices->pdata[i], KIND_DEVICE);
        if (!device || (state && !g_str_equal(object_string(device, "State"), state)))
            continue;
        g_autofree char *one = object_describe(device);
        g_string_append_printf(text, "%s%s", *ret_n > 0 ? ", " : "", one);
        (*ret_n)++;
    }
    return g_string_free(text, FALSE);
}

/* "046d:c31c "Keyboard K120" (3-1.2) is attached to VM "desk"", "3 of group "keys" are on the host: …" */
static char *done_text(const Model *model, WaitGoal goal, const WaitItem *item, const Object *assignment)
{
    const Object *machine = model_follow(model, assignment, "Machine", KIND_MACHINE);
    g_autofree char *vm = machine ? object_describe(machine) : g_strdup("its VM");
    g_autofree char *kept = assignment ? object_describe(assignment) : NULL;
    g_autofree char *suffix =
        goal == WAIT_DETACHED && kept ? g_strdup_printf("; %s is kept", kept) : g_strdup("");
    g_autofree char *where =
        goal == WAIT_ATTACHED ? g_strdup_printf("attached to %s", vm) : g_strdup("on the host");
    guint n_here, n_there;
    g_autofree char *here = devices_text(model, item, NULL, &n_here);
    g_autofree char *there = devices_text(model, item, goal == WAIT_ATTACHED ? NULL : "host", &n_there);

    /* the assignment's word counts: a device may tell its own part a moment later */
    if (!item->group && goal == WAIT_ATTACHED)
        return g_strdup_printf("%s is %s", item->label, where);
    if (n_here == 0)
        return g_strdup_printf("%s %s", item->group && kept ? kept : item->label,
                               goal == WAIT_ATTACHED   ? "is attached"
                               : goal == WAIT_DETACHED ? "is detached"
                                                       : "has ended");
    if (n_there == 0) {
        /* somebody else's turn */
        const Object *device = model_get(model, item->devices->pdata[0], KIND_DEVICE);
        g_autofree char *state = escape_text(object_string(device, "State"));
        return g_strdup_printf("%s was taken, and is %s now%s", here, state, suffix);
    }
    if (n_there == 1)
        return g_strdup_printf("%s is %s%s", there, where, suffix);
    return g_strdup_printf("%u of %s are %s: %s%s", n_there, item->label, where, there, suffix);
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
            printf("%s: %s\n", g_str_equal(state, "partial") ? "In part" : "Waiting", reason);
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

/* The device, or the group and its devices. */
static void add_devices(GVariantBuilder *dict, const Model *model, const WaitItem *item)
{
    GVariantBuilder names;

    g_variant_builder_init(&names, G_VARIANT_TYPE_STRING_ARRAY);
    for (guint i = 0; i < item->devices->len; i++) {
        const Object *device = model_get(model, item->devices->pdata[i], KIND_DEVICE);
        if (device && !item->group)
            add_text(dict, "device", object_string(device, "SysName"));
        if (device)
            g_variant_builder_add(&names, "s", object_string(device, "SysName"));
    }
    if (item->group) {
        add_text(dict, "group", item->group);
        g_variant_builder_add(dict, "{sv}", "devices", g_variant_builder_end(&names));
    } else
        g_variant_builder_clear(&names);
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
    const Object *machine = assignment ? model_follow(model, assignment, "Machine", KIND_MACHINE) : NULL;
    bool partial = item->verdict == WAIT_RESTS && g_str_equal(object_string(assignment, "State"), "partial");
    GVariantBuilder dict;

    g_variant_builder_init(&dict, G_VARIANT_TYPE_VARDICT);
    add_text(&dict, "result", seconds == 0 ? "ordered" : partial ? "partial" : results[item->verdict]);
    add_text(&dict, "assignment", item->assignment);
    add_devices(&dict, model, item);
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
