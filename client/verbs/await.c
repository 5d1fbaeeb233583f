/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* wait: follows the service until all assignments are in one state, whatever happens in between. Orders
 * nothing. What may come later, such as a device that is plugged in or a service that is started again, is
 * waited for. */

#include "client/verbs/await.h"

#include <glib/gi18n.h>

#include <stdio.h>

#include "client/bus/escape.h"
#include "client/bus/follow.h"
#include "client/verbs/options.h"
#include "client/verbs/target.h"
#include "client/verbs/wait-report.h"
#include "client/verbs/wait.h"
#include "client/view/failure.h"
#include "client/view/json.h"

/* No state of the service: the assignment has ended, and its devices are home. */
#define GONE "gone"

static bool check_state(const char *state, GError **error)
{
    static const char *const states[] = {
        "attached", "partial",     "attaching", "detaching", "waiting-device", "disabled", "waiting-machine",
        "failed",   "quarantined", GONE,        NULL
    };
    g_autofree char *known = g_strjoinv(", ", (char **)states);
    g_autofree char *escaped = escape_text(state);

    if (g_strv_contains(states, state))
        return true;
    g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, _("there is no state \"%s\"; there are %s"), escaped,
                known);
    return false;
}

/* Whether one is there; false with an error when it never will be. */
static bool is_reached(const Model *model, WaitItem *item, const char *state, GError **error)
{
    const Object *assignment = model_get(model, item->assignment, KIND_ASSIGNMENT);
    bool gone = g_str_equal(state, GONE);

    if (!assignment && !gone)
        error_set(error, "NoSuchAssignment", _("assignment \"%s\" was ended meanwhile"), item->name);
    if (!assignment)
        return gone;
    return !gone && g_str_equal(object_string(assignment, "State"), state) &&
           !object_flag(assignment, "Pending");
}

static bool are_all_reached(const Model *model, GPtrArray *items, const char *state, GError **error)
{
    bool all = true;

    for (guint i = 0; i < items->len; i++) {
        WaitItem *item = items->pdata[i];
        g_autoptr(GError) local = NULL;
        bool reached = is_reached(model, item, state, &local);

        if (local) {
            g_propagate_error(error, g_steal_pointer(&local));
            return false;
        }
        item->verdict = reached ? WAIT_DONE : WAIT_GOES_ON;
        all = all && reached;
    }
    return all;
}

/* What it waits for now, before it does: people see that it lives. */
static void tell(const Client *client, const Model *model, const GPtrArray *items)
{
    for (guint i = 0; !client->json && i < items->len; i++) {
        const WaitItem *item = items->pdata[i];
        const Object *assignment = model_get(model, item->assignment, KIND_ASSIGNMENT);
        g_autofree char *name = escape_text(item->name);
        g_autofree char *state = escape_text(object_string(assignment, "State"));
        g_autofree char *reason = escape_text(object_string(assignment, "Reason"));

        if (item->verdict != WAIT_DONE)
            printf(_("Waiting: assignment \"%s\" is %s: %s\n"), name, state, reason);
    }
    fflush(stdout);
}

/* The time may be up at the end: what each one came to is in its verdict. */
static bool follow_until(const Client *client, Follow *follow, GPtrArray *items, const char *state,
                         gint64 deadline, GError **error)
{
    for (bool first = true;; first = false) {
        g_autoptr(GError) local = NULL;

        if (are_all_reached(follow_model(follow), items, state, &local))
            return true;
        if (local) {
            g_propagate_error(error, g_steal_pointer(&local));
            return false;
        }
        if (first)
            tell(client, follow_model(follow), items);
        switch (follow_next(follow, deadline, error)) {
        case FOLLOW_ERROR:
            return false;
        case FOLLOW_DEADLINE:
            return true;
        case FOLLOW_BACK:
            if (!follow_fetch(follow, error))
                return false;
            break;
        case FOLLOW_GONE: /* it may come back */
        case FOLLOW_CHANGED:
            break;
        }
    }
}

static Outcome report(const Client *client, const Model *model, GPtrArray *items, const char *state,
                      unsigned seconds)
{
    Outcome outcome = OUTCOME_DONE;
    GVariantBuilder records;

    g_variant_builder_init(&records, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < items->len; i++) {
        const WaitItem *item = items->pdata[i];
        const Object *assignment = model_get(model, item->assignment, KIND_ASSIGNMENT);
        g_autofree char *name = escape_text(item->name);
        g_autofree char *reason = escape_text(object_string(assignment, "Reason"));
        g_autofree char *is = escape_text(object_string(assignment, "State"));
        g_autoptr(GError) error = NULL;

        g_variant_builder_add_value(&records, wait_report_record(model, item, seconds));
        if (item->verdict == WAIT_DONE) {
            if (!client->json)
                printf(_("Assignment \"%s\" is %s.\n"), name, state);
            continue;
        }
        error_set(&error, "Timeout", _("assignment \"%s\" is %s after %u s, not %s: %s"), name, is, seconds,
                  state, reason);
        failure_print(client, error);
        outcome = (Outcome)error->code;
    }
    g_autoptr(GVariant) list = g_variant_ref_sink(g_variant_builder_end(&records));
    if (client->json)
        json_print(list);
    return outcome;
}

/* What is gone before anybody looks is what was waited for. */
static bool find_all(Client *client, const Model *model, char **words, const char *state, GPtrArray *items,
                     GError **error)
{
    for (char **word = words; *word; word++) {
        g_autoptr(GError) local = NULL;
        const Object *assignment = target_find_assignment(client, model, *word, &local);

        if (assignment) {
            wait_list_add(items, model, assignment->path);
        } else if (!g_str_equal(state, GONE) || !g_error_matches(local, CLIENT_ERROR, OUTCOME_NOT_FOUND)) {
            g_propagate_error(error, g_steal_pointer(&local));
            return false;
        } else if (!client->json) {
            g_autofree char *escaped = escape_text(*word);
            printf(_("Assignment \"%s\" is gone.\n"), escaped);
        }
    }
    return true;
}

static Outcome await(Client *client, char **words, GError **error)
{
    g_autofree char *until = NULL;
    int seconds = -1;
    const GOptionEntry entries[] = {
        { "until", 0, 0, G_OPTION_ARG_STRING, &until,
          N_("attached (default), partial, waiting-device, failed, … or gone"), "STATE" },
        { "wait", 0, 0, G_OPTION_ARG_INT, &seconds, N_("So long at most (default: as long as it takes)"),
          "SECONDS" },
        { 0 },
    };

    g_auto(GStrv) rest =
        options_parse(client, words, entries, _("A DEVICE stands for its assignment.\n"), 1, -1, error);
    if (!rest || (until && !check_state(until, error)))
        return OUTCOME_USAGE;
    if (seconds < -1) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, _("--wait: %d is no time"), seconds);
        return OUTCOME_USAGE;
    }
    gint64 deadline = seconds < 0 ? G_MAXINT64 : g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC;

    g_autoptr(Follow) follow = follow_new(client, NULL, NULL, error);
    if (!follow || !follow_fetch(follow, error))
        return OUTCOME_FAILED;
    g_autoptr(GPtrArray) items = wait_list_new();
    const char *state = until ?: "attached";
    if (!find_all(client, follow_model(follow), rest, state, items, error))
        return OUTCOME_FAILED;
    return follow_until(client, follow, items, state, deadline, error)
               ? report(client, follow_model(follow), items, state, (unsigned)MAX(seconds, 0))
               : OUTCOME_FAILED;
}

const Verb verb_wait = { "wait", "ASSIGNMENT|DEVICE…",
                         N_("Waits until an assignment is attached, or as you say"), await };
