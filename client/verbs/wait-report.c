/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A sentence for each assignment on stdout, the failed ones on stderr; with --json all of them in one
 * document. */

#include "client/verbs/wait-report.h"

#include <stdio.h>

#include "client/bus/escape.h"
#include "client/bus/path.h"
#include "client/view/failure.h"
#include "client/view/json.h"
#include "dbus/names.h"

/* NULL = it has ended, or there never was one. */
static const Object *find_assignment(const Model *model, const WaitItem *item)
{
    return item->assignment ? model_get(model, item->assignment, KIND_ASSIGNMENT) : NULL;
}

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

static char *kept_text(const WaitItem *item, const char *assignment)
{
    return g_strdup_printf("; %s is kept%s", assignment,
                           item->kept ? ", since ending what others gave takes the right " FERRY_ACTION_ASSIGN
                                      : "");
}

/* "046d:c31c "Keyboard K120" (3-1.2) is attached to VM "desk"", "3 of group "keys" are on the host: …" */
static char *done_text(const Model *model, WaitGoal goal, const WaitItem *item, const Object *assignment)
{
    const Object *machine = model_follow(model, assignment, "Machine", KIND_MACHINE);
    g_autofree char *vm = machine ? object_describe(machine) : g_strdup("its VM");
    g_autofree char *kept = assignment ? object_describe(assignment) : NULL;
    g_autofree char *suffix = item->alone && kept ? g_strdup_printf("; %s goes on with its others", kept)
                              : goal == WAIT_DETACHED && kept ? kept_text(item, kept)
                                                              : g_strdup("");
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

static Outcome report_item(const Client *client, const Model *model, WaitGoal goal, const WaitItem *item,
                           unsigned seconds)
{
    const Object *assignment = find_assignment(model, item);
    const char *name = error_short_name(object_string(assignment, "Error"));
    g_autofree char *state = escape_text(object_string(assignment, "State"));
    g_autofree char *reason = reason_text(item, assignment);
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;

    switch (item->verdict) {
    case WAIT_DONE:
        text = done_text(model, goal, item, assignment);
        if (!client->json)
            printf("%s%s.\n", text, item->already ? " already" : "");
        return OUTCOME_DONE;
    case WAIT_RESTS:
        if (!client->json)
            printf("%s: %s\n", g_str_equal(state, "partial") ? "In part" : "Waiting", reason);
        return OUTCOME_DONE;
    case WAIT_FAILED:
        if (assignment)
            error_set(&error, *name ? name : "Failed", "%s", reason);
        else
            error_set(&error, "NoSuchAssignment", "the assignment of %s was ended meanwhile", item->label);
        break;
    case WAIT_GOES_ON:
        if (seconds == 0) {
            if (!client->json)
                printf("%s: ordered.\n", item->label);
            return OUTCOME_DONE;
        }
        error_set(&error, "Timeout", "%s after %u s; the service goes on trying: %s",
                  *state ? state : "unknown", seconds, reason);
        break;
    }

    failure_print(client, error);
    return (Outcome)error->code;
}

static GVariant *device_names(const Model *model, const WaitItem *item)
{
    GVariantBuilder names;

    g_variant_builder_init(&names, G_VARIANT_TYPE_STRING_ARRAY);
    for (guint i = 0; i < item->devices->len; i++) {
        g_autofree char *name = model_name_at(model, item->devices->pdata[i]);
        g_variant_builder_add(&names, "s", name);
    }
    return g_variant_builder_end(&names);
}

static const char *result_word(const WaitItem *item, const Object *assignment, unsigned seconds)
{
    switch (item->verdict) {
    case WAIT_DONE:
        return "done";
    case WAIT_RESTS:
        return g_str_equal(object_string(assignment, "State"), "partial") ? "partial" : "waiting";
    case WAIT_FAILED:
        return "failed";
    case WAIT_GOES_ON:
        break;
    }
    return seconds == 0 ? "ordered" : "timeout";
}

GVariant *wait_report_record(const Model *model, const WaitItem *item, unsigned seconds)
{
    const char *path = item->assignment ? item->assignment : "";
    const Object *assignment = find_assignment(model, item);
    g_autofree char *id = path_to_name(path);

    return g_variant_new_parsed("{'result': <%s>, 'assignment-id': <%s>, 'assignment': <%s>, 'group': <%s>,"
                                " 'devices': <%@as>, 'vm': <%s>, 'state': <%s>, 'reason': <%s>,"
                                " 'error': <%s>, 'path': <%s>}",
                                result_word(item, assignment, seconds), id, item->name,
                                item->group ? item->group : "", device_names(model, item), item->vm,
                                object_string(assignment, "State"), object_string(assignment, "Reason"),
                                object_string(assignment, "Error"), path);
}

Outcome wait_report(Client *client, const Model *model, WaitGoal goal, GPtrArray *items, unsigned seconds)
{
    Outcome outcome = OUTCOME_DONE;
    GVariantBuilder results;

    g_variant_builder_init(&results, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < items->len; i++) {
        Outcome one =
            report_item(client, model, wait_item_goal(items->pdata[i], goal), items->pdata[i], seconds);
        if (outcome == OUTCOME_DONE)
            outcome = one;
        g_variant_builder_add_value(&results, wait_report_record(model, items->pdata[i], seconds));
    }

    g_autoptr(GVariant) list = g_variant_ref_sink(g_variant_builder_end(&results));
    if (client->json)
        json_print(list);
    return outcome;
}
