/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* attach, detach and retry: the device comes and goes, the assignment stays. target.c finds the assignments,
 * wait.c waits for them. */

#include "client/verbs/attach.h"

#include <glib/gi18n.h>

#include "client/bus/follow.h"
#include "client/verbs/options.h"
#include "client/verbs/target.h"
#include "client/verbs/wait-report.h"
#include "client/verbs/wait.h"
#include "client/view/failure.h"
#include "dbus/names.h"

static bool order(Client *client, const char *assignment, const char *member, GError **error)
{
    g_autoptr(sd_bus_message) call =
        client_new_call(client, assignment, FERRY_INTERFACE_ASSIGNMENT, member, error);
    g_autoptr(sd_bus_message) reply = call ? client_change(client, call, error) : NULL;

    return reply;
}

/* Each word that means nothing is told; NULL then, and nothing may be done. Of Object, borrowed, each once.
 */
static GPtrArray *find_all(Client *client, const Model *model, char **words, Outcome *outcome)
{
    g_autoptr(GPtrArray) assignments = g_ptr_array_new();

    for (char **word = words; *word; word++) {
        g_autoptr(GError) error = NULL;
        const Object *assignment = target_find_assignment(client, model, *word, &error);
        if (!assignment) {
            failure_print(client, error);
            if (*outcome == OUTCOME_DONE)
                *outcome = (Outcome)error->code;
        } else if (!g_ptr_array_find(assignments, assignment, NULL))
            g_ptr_array_add(assignments, (void *)assignment);
    }
    return *outcome == OUTCOME_DONE ? g_steal_pointer(&assignments) : NULL;
}

static Outcome run(Client *client, char **words, const char *member, WaitGoal goal, GError **error)
{
    WaitOptions wait = WAIT_OPTIONS_DEFAULT;
    const GOptionEntry entries[] = { WAIT_OPTION_ENTRIES(wait), { 0 } };
    Outcome outcome = OUTCOME_DONE;

    g_auto(GStrv) rest = options_parse(client, words, entries, NULL, 1, -1, error);
    if (!rest || !wait_options_check(&wait, error))
        return OUTCOME_USAGE;

    g_autoptr(Follow) follow = follow_new(client, NULL, NULL, error);
    if (!follow || !follow_fetch(follow, error))
        return OUTCOME_FAILED;

    g_autoptr(GPtrArray) items = wait_list_new();
    g_autoptr(GPtrArray) assignments = find_all(client, follow_model(follow), rest, &outcome);
    for (guint i = 0; assignments && i < assignments->len; i++) {
        g_autoptr(GError) order_error = NULL;
        const Object *assignment = assignments->pdata[i];
        bool already = wait_judge(goal, assignment) == WAIT_DONE;
        if (order(client, assignment->path, member, &order_error)) {
            if (already)
                wait_list_add_already(items, follow_model(follow), assignment->path);
            else
                wait_list_add(items, follow_model(follow), assignment->path);
            continue;
        }
        failure_print(client, order_error);
        if (outcome == OUTCOME_DONE)
            outcome = (Outcome)order_error->code;
    }
    if (items->len == 0)
        return outcome;

    /* what was fetched before the orders says nothing about them */
    if (!follow_fetch(follow, error) || !wait_for(follow, goal, items, (unsigned)wait.seconds, error))
        return OUTCOME_FAILED;
    Outcome waited = wait_report(client, follow_model(follow), goal, items, (unsigned)wait.seconds);
    return outcome != OUTCOME_DONE ? outcome : waited;
}

static Outcome attach(Client *client, char **words, GError **error)
{
    return run(client, words, "Attach", WAIT_ATTACHED, error);
}

static Outcome detach(Client *client, char **words, GError **error)
{
    return run(client, words, "Detach", WAIT_DETACHED, error);
}

static Outcome retry(Client *client, char **words, GError **error)
{
    return run(client, words, "Retry", WAIT_ATTACHED, error);
}

const Verb verb_detach = { "detach", "DEVICE|ASSIGNMENT…",
                           N_("Takes devices home and keeps their assignments"), detach };

const Verb verb_attach = { "attach", "ASSIGNMENT…", N_("Gives devices again after a detach"), attach };

const Verb verb_retry = { "retry", "DEVICE|ASSIGNMENT…", N_("Tries at once what failed or is quarantined"),
                          retry };
