/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Judges assignments by what the service shows of them, again after every change, until all are over. */

#include "client/verbs/wait.h"

#include <glib/gi18n.h>

/* States that end the way to "attached". All others are on it, also those of a later version. */
static const struct {
    const char *state;
    WaitVerdict verdict;
} ends[] = {
    { "attached", WAIT_DONE },        { "partial", WAIT_RESTS },   { "waiting-machine", WAIT_RESTS },
    { "waiting-device", WAIT_RESTS }, { "disabled", WAIT_FAILED }, { "failed", WAIT_FAILED },
    { "quarantined", WAIT_FAILED },
};

static WaitVerdict judge_end(const char *state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(ends); i++)
        if (g_str_equal(ends[i].state, state))
            return ends[i].verdict;
    return WAIT_GOES_ON;
}

WaitVerdict wait_judge(WaitGoal goal, const Object *assignment)
{
    const char *state = object_string(assignment, "State");

    if (!assignment)
        return goal == WAIT_ATTACHED ? WAIT_FAILED : WAIT_DONE;
    if (object_flag(assignment, "Pending"))
        return WAIT_GOES_ON;

    switch (goal) {
    case WAIT_ATTACHED:
        return judge_end(state);
    case WAIT_DETACHED:
        return g_str_equal(state, "disabled") ? WAIT_DONE : WAIT_GOES_ON;
    case WAIT_RELEASED:
        break;
    }
    return WAIT_GOES_ON;
}

bool wait_options_check(WaitOptions *options, GError **error)
{
    if (options->seconds < 0) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, _("--wait: %d is no time"), options->seconds);
        return false;
    }
    if (options->no_wait)
        options->seconds = 0;
    return true;
}

/* ------------------------------------------------------------------ the list */

static void item_free(WaitItem *item)
{
    g_free(item->assignment);
    g_free(item->name);
    g_free(item->vm);
    g_free(item->group);
    g_ptr_array_unref(item->devices);
    g_free(item->label);
    g_free(item);
}

GPtrArray *wait_list_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)item_free);
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
        if (g_strcmp0(((const WaitItem *)items->pdata[i])->assignment, assignment) == 0)
            return true;
    return false;
}

static void add(GPtrArray *items, const Model *model, const char *assignment, bool kept)
{
    if (wait_list_has(items, assignment))
        return;

    const Object *object = model_get(model, assignment, KIND_ASSIGNMENT);
    const Object *group = object ? model_follow(model, object, "Group", KIND_GROUP) : NULL;

    WaitItem *item = g_new0(WaitItem, 1);
    item->assignment = g_strdup(assignment);
    item->kept = kept;
    item->devices = g_ptr_array_new_with_free_func(g_free);
    item->name = g_strdup(object_name(object));
    item->vm = object ? model_name_at(model, object_string(object, "Machine")) : g_strdup("");
    item->group = group ? g_strdup(object_name(group)) : NULL;
    item->label = group ? object_describe(group) : object ? object_describe(object) : g_strdup(assignment);
    if (object)
        item_learn(item, model, object, /* now= */ false);
    g_ptr_array_add(items, item);
}

void wait_list_add(GPtrArray *items, const Model *model, const char *assignment)
{
    add(items, model, assignment, /* kept= */ false);
}

void wait_list_add_already(GPtrArray *items, const Model *model, const char *assignment)
{
    if (wait_list_has(items, assignment))
        return;
    add(items, model, assignment, /* kept= */ false);
    ((WaitItem *)items->pdata[items->len - 1])->already = true;
}

void wait_list_add_kept(GPtrArray *items, const Model *model, const char *assignment)
{
    add(items, model, assignment, /* kept= */ true);
}

void wait_list_add_alone(GPtrArray *items, const Model *model, const Object *device)
{
    const Object *assignment = model_follow(model, device, "Assignment", KIND_ASSIGNMENT);
    WaitItem *item = g_new0(WaitItem, 1);

    item->assignment = g_strdup(object_string(device, "Assignment"));
    item->name = g_strdup(object_name(assignment));
    item->vm = assignment ? model_name_at(model, object_string(assignment, "Machine")) : g_strdup("");
    item->devices = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(item->devices, g_strdup(device->path));
    item->label = object_describe(device);
    item->alone = true;
    g_ptr_array_add(items, item);
}

WaitGoal wait_item_goal(const WaitItem *item, WaitGoal goal)
{
    return item->kept ? WAIT_DETACHED : goal;
}

void wait_list_add_home(GPtrArray *items, const Object *device)
{
    WaitItem *item = g_new0(WaitItem, 1);

    item->name = g_strdup("");
    item->vm = g_strdup("");
    item->devices = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(item->devices, g_strdup(device->path));
    item->label = object_describe(device);
    item->verdict = WAIT_DONE;
    item->already = true;
    g_ptr_array_add(items, item);
}

/* ------------------------------------------------------------------ waiting */

/* Each object tells its part of a change by itself, and the device may be the last to do so. */
static bool devices_have_left(const Model *model, const WaitItem *item)
{
    static const char *const there[] = { "waiting", "attaching", "attached", "detaching", NULL };

    for (guint i = 0; i < item->devices->len; i++) {
        const Object *device = model_get(model, item->devices->pdata[i], KIND_DEVICE);

        if (g_strcmp0(object_string(device, "Assignment"), item->assignment) == 0 &&
            g_strv_contains(there, object_string(device, "State")))
            return false;
    }
    return true;
}

static void look_at(const Model *model, WaitGoal goal, WaitItem *item)
{
    const Object *assignment = model_get(model, item->assignment, KIND_ASSIGNMENT);

    if (item->alone) {
        item->verdict = devices_have_left(model, item) ? WAIT_DONE : WAIT_GOES_ON;
        return;
    }
    if (assignment)
        item_learn(item, model, assignment, goal == WAIT_ATTACHED);
    item->verdict = wait_judge(goal, assignment);
    if (goal != WAIT_ATTACHED && item->verdict == WAIT_DONE && !devices_have_left(model, item))
        item->verdict = WAIT_GOES_ON;
}

/* True when nothing has to be waited for any more. */
static bool look_at_all(const Model *model, WaitGoal goal, GPtrArray *items)
{
    bool all_over = true;

    for (guint i = 0; i < items->len; i++) {
        WaitItem *item = items->pdata[i];
        if (item->assignment) /* one that is home already has none */
            look_at(model, wait_item_goal(item, goal), item);
        all_over = all_over && item->verdict != WAIT_GOES_ON;
    }
    return all_over;
}

bool wait_for(Follow *follow, WaitGoal goal, GPtrArray *items, unsigned seconds, GError **error)
{
    gint64 deadline = g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC;

    if (seconds == 0)
        return true;

    while (!look_at_all(follow_model(follow), goal, items))
        switch (follow_next(follow, deadline, error)) {
        case FOLLOW_ERROR:
            return false;
        case FOLLOW_GONE:
        case FOLLOW_BACK:
            g_propagate_error(error, follow_gone_error());
            return false;
        case FOLLOW_DEADLINE:
            return true;
        case FOLLOW_CHANGED:
            break;
        }
    return true;
}
