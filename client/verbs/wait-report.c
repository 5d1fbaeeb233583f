/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A sentence for each assignment on stdout, the failed ones on stderr; with --json all of them in one
 * document. */

#include "client/verbs/wait-report.h"

#include <glib/gi18n.h>

#include <stdio.h>

#include "client/bus/escape.h"
#include "client/bus/path.h"
#include "client/verbs/target.h"
#include "client/view/failure.h"
#include "client/view/json.h"
#include "client/view/words.h"
#include "dbus/names.h"

/* NULL = it has ended, or there never was one. */
static const Object *find_assignment(const Model *model, const WaitItem *item)
{
    return item->assignment ? model_get(model, item->assignment, KIND_ASSIGNMENT) : NULL;
}

/* The reason is a sentence, and mostly names the device or the group itself. */
static char *reason_text(const Model *model, const WaitItem *item, const Object *assignment)
{
    g_autofree char *raw = assignment ? words_reason(model, assignment) : g_strdup("");
    g_autofree char *reason = escape_text(raw);

    if (!*reason)
        return g_strdup_printf(_("%s: no reason given"), item->label);
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
    if (item->kept)
        return g_strdup_printf(_("; %s is kept, since ending what others gave takes the right %s"),
                               assignment, FERRY_ACTION_ASSIGN);
    return g_strdup_printf(_("; %s is kept"), assignment);
}

/* "046d:c31c "Keyboard K120" (3-1.2) is attached to VM "desk"", "3 of group "keys" are on the host: …" */
static char *done_text(const Model *model, WaitGoal goal, const WaitItem *item, const Object *assignment)
{
    const Object *machine = model_follow(model, assignment, "Machine", KIND_MACHINE);
    g_autofree char *vm = machine ? object_describe(machine) : g_strdup(_("its VM"));
    g_autofree char *kept = assignment ? object_describe(assignment) : NULL;
    g_autofree char *suffix = item->alone && kept ? g_strdup_printf(_("; %s goes on with its others"), kept)
                              : goal == WAIT_DETACHED && kept ? kept_text(item, kept)
                                                              : g_strdup("");
    g_autofree char *where =
        goal == WAIT_ATTACHED ? g_strdup_printf(_("attached to %s"), vm) : g_strdup(_("on the host"));
    guint n_here, n_there;
    g_autofree char *here = devices_text(model, item, NULL, &n_here);
    g_autofree char *there = devices_text(model, item, goal == WAIT_ATTACHED ? NULL : "host", &n_there);

    /* the assignment's word counts: a device may tell its own part a moment later */
    if (!item->group && goal == WAIT_ATTACHED)
        return g_strdup_printf(_("%s is %s"), item->label, where);
    if (n_here == 0 && goal == WAIT_RELEASED && item->group)
        return g_strdup_printf(_("The assignment that drew from %s has ended"), item->label);
    if (n_here == 0)
        return g_strdup_printf(goal == WAIT_ATTACHED   ? _("%s is attached")
                               : goal == WAIT_DETACHED ? _("%s is detached")
                                                       : _("%s has ended"),
                               item->group && kept ? kept : item->label);
    if (n_there == 0) {
        /* somebody else's turn */
        const Object *device = model_get(model, item->devices->pdata[0], KIND_DEVICE);
        const Object *next = g_str_equal(object_string(device, "State"), "attached")
                                 ? model_follow(model, device, "Machine", KIND_MACHINE)
                                 : NULL;
        g_autofree char *owner = next ? object_describe(next) : NULL;
        g_autofree char *state =
            owner ? g_strdup_printf(_("attached to %s"), owner) : escape_text(object_string(device, "State"));
        return g_strdup_printf(_("%s was taken, and is %s now%s"), here, state, suffix);
    }
    if (n_there == 1)
        return g_strdup_printf(_("%s is %s%s"), there, where, suffix);
    return g_strdup_printf(_("%u of %s are %s: %s%s"), n_there, item->label, where, there, suffix);
}

/* What failed is tried again, or has to be told to go on; and how to end it. */
static char *way_on(const Model *model, const WaitItem *item, const Object *assignment)
{
    static const TargetKinds kinds = (TargetKinds)(1 << KIND_ASSIGNMENT);
    const char *state = object_string(assignment, "State"), *name = object_name(assignment);
    const Object *device =
        item->devices->len == 1 ? model_get(model, item->devices->pdata[0], KIND_DEVICE) : NULL;
    g_autofree char *id = object_id(assignment);
    g_autofree char *word = escape_word(device && !item->group ? object_name(device)
                                        : target_match(model, kinds, name, NULL) == assignment ? name
                                                                                               : id);

    if (g_str_equal(state, "disabled"))
        return g_strdup_printf(_("\n  usbferry attach %s goes on with it"), word);
    return g_strdup_printf(_("\n  The service goes on trying. usbferry retry %s tries at once, "
                             "usbferry take %s gives it up"),
                           word, word);
}

static Outcome report_item(const Client *client, const Model *model, WaitGoal goal, const WaitItem *item,
                           unsigned seconds)
{
    const Object *assignment = find_assignment(model, item);
    const char *name = error_short_name(object_string(assignment, "Error"));
    g_autofree char *state = escape_text(object_string(assignment, "State"));
    g_autofree char *reason = reason_text(model, item, assignment);
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;

    switch (item->verdict) {
    case WAIT_DONE:
        text = done_text(model, goal, item, assignment);
        if (!client->json)
            printf(item->already ? _("%s already.\n") : "%s.\n", text);
        return OUTCOME_DONE;
    case WAIT_RESTS:
        if (!client->json)
            printf(g_str_equal(state, "partial") ? _("In part: %s\n") : _("Waiting: %s\n"), reason);
        return OUTCOME_DONE;
    case WAIT_FAILED:
        if (assignment) {
            g_autofree char *hint = way_on(model, item, assignment);
            error_set(&error, *name ? name : "Failed", "%s%s", reason, hint);
        } else
            error_set(&error, "NoSuchAssignment", _("the assignment of %s was ended meanwhile"), item->label);
        break;
    case WAIT_GOES_ON:
        if (seconds == 0) {
            if (!client->json)
                printf(_("%s: ordered.\n"), item->label);
            return OUTCOME_DONE;
        }
        error_set(&error, "Timeout", _("%s after %u s; the service goes on trying: %s"),
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
