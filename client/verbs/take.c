/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* take: ends assignments, one by one or all of a VM or of the service, and waits until the devices are home.
 */

#include "client/verbs/take.h"

#include <stdio.h>

#include "client/bus/follow.h"
#include "client/verbs/options.h"
#include "client/verbs/target.h"
#include "client/verbs/wait-report.h"
#include "client/verbs/wait.h"
#include "client/view/json.h"
#include "dbus/names.h"

typedef sd_bus_message *Send(Client *client, sd_bus_message *call, GError **error);

/* Release(a{sv}) of an assignment, ReleaseAll(a{sv}) of a machine or the manager. */
static bool release(Client *client, const char *path, const char *interface, const char *member, Send *send,
                    GError **error)
{
    g_autoptr(sd_bus_message) call = client_new_call(client, path, interface, member, error);
    int r = call ? sd_bus_message_append(call, "a{sv}", 0) : 0;
    if (r < 0)
        g_propagate_error(error, error_from_bus(NULL, r));
    g_autoptr(sd_bus_message) reply = call && r >= 0 ? send(client, call, error) : NULL;

    return reply;
}

static bool is_refused(const GError *error)
{
    return g_error_matches(error, CLIENT_ERROR, OUTCOME_DENIED);
}

static bool is_detached(const Object *assignment)
{
    return g_str_equal(object_string(assignment, "State"), "disabled");
}

/* True also when it is detached already. */
static bool detach_quietly(Client *client, const Object *assignment)
{
    g_autoptr(sd_bus_message) call =
        is_detached(assignment)
            ? NULL
            : client_new_call(client, assignment->path, FERRY_INTERFACE_ASSIGNMENT, "Detach", NULL);
    g_autoptr(sd_bus_message) reply = call ? client_change_quietly(client, call, NULL) : NULL;

    return reply || is_detached(assignment);
}

/* Ends the assignment; of others, who may not do that takes the device home and leaves the assignment. Nobody
 * is asked for a password for either: DENIED then. */
static bool take_quietly(Client *client, const Model *model, const Object *assignment, GPtrArray *items,
                         GError **error)
{
    g_autoptr(GError) local = NULL;

    if (release(client, assignment->path, FERRY_INTERFACE_ASSIGNMENT, "Release", client_change_quietly,
                &local)) {
        wait_list_add(items, model, assignment->path);
        return true;
    }
    if (is_refused(local) && detach_quietly(client, assignment)) {
        wait_list_add_kept(items, model, assignment->path);
        return true;
    }
    g_propagate_error(error, g_steal_pointer(&local));
    return false;
}

/* One that is detached already was named to be ended. */
static bool take_assignment(Client *client, const Model *model, const Object *assignment, GPtrArray *items,
                            GError **error)
{
    g_autoptr(GError) local = NULL;

    if (!is_detached(assignment)) {
        if (take_quietly(client, model, assignment, items, &local))
            return true;
        if (!is_refused(local)) {
            g_propagate_error(error, g_steal_pointer(&local));
            return false;
        }
    }
    if (!release(client, assignment->path, FERRY_INTERFACE_ASSIGNMENT, "Release", client_change, error))
        return false;
    wait_list_add(items, model, assignment->path);
    return true;
}

/* Those of the machine; NULL = all. New array of Object, borrowed. */
static GPtrArray *assignments_of(const Model *model, const Object *machine)
{
    g_autoptr(GPtrArray) all = model_sorted(model, KIND_ASSIGNMENT);
    GPtrArray *assignments = g_ptr_array_new();

    for (guint i = 0; i < all->len; i++)
        if (!machine || g_str_equal(object_string(all->pdata[i], "Machine"), machine->path))
            g_ptr_array_add(assignments, all->pdata[i]);
    return assignments;
}

/* All of the machine, or with NULL all there are: by one call, or, where one's own right doesn't reach that
 * far, each as far as it does. Who can do neither is asked, once. */
static bool take_all(Client *client, const Model *model, const Object *machine, GPtrArray *items,
                     GError **error)
{
    const char *path = machine ? machine->path : FERRY_PATH_ROOT;
    const char *interface = machine ? FERRY_INTERFACE_MACHINE : FERRY_INTERFACE_MANAGER;
    g_autoptr(GPtrArray) assignments = assignments_of(model, machine);
    g_autoptr(GError) local = NULL;
    bool done = release(client, path, interface, "ReleaseAll", client_change_quietly, &local);

    if (!done && is_refused(local)) {
        g_clear_error(&local);
        done = true;
        for (guint i = 0; done && i < assignments->len; i++)
            done = take_quietly(client, model, assignments->pdata[i], items, &local);
    }
    if (!done && is_refused(local)) {
        g_clear_error(&local);
        done = release(client, path, interface, "ReleaseAll", client_change, &local);
    }
    if (!done) {
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    for (guint i = 0; i < assignments->len; i++)
        wait_list_add(items, model, ((const Object *)assignments->pdata[i])->path);
    return true;
}

/* To take home what is at home is no error: that is what was wanted. */
static bool is_at_home(const Object *object)
{
    return object->kind == KIND_DEVICE && g_str_equal(object_string(object, "State"), "host");
}

static bool take_word(Client *client, const Model *model, const char *word, GPtrArray *items, GError **error)
{
    const Object *object = target_find(client, model, TARGET_GIVEN, word, error);
    if (!object)
        return false;

    if (object->kind == KIND_MACHINE)
        return take_all(client, model, object, items, error);

    if (is_at_home(object)) {
        wait_list_add_home(items, object);
        return true;
    }

    const Object *assignment = target_find_assignment(client, model, object->path, error);
    if (assignment && wait_list_has(items, assignment->path))
        return true; /* named twice in one line */
    return assignment && take_assignment(client, model, assignment, items, error);
}

static Outcome take_words(Client *client, const Model *model, char **words, GPtrArray *items)
{
    Outcome outcome = OUTCOME_DONE;

    for (char **word = words; *word; word++) {
        g_autoptr(GError) error = NULL;
        if (take_word(client, model, *word, items, &error))
            continue;
        error_print(error);
        if (outcome == OUTCOME_DONE)
            outcome = (Outcome)error->code;
    }
    return outcome;
}

static Outcome take(Client *client, char **words, GError **error)
{
    gboolean all = FALSE;
    WaitOptions wait = WAIT_OPTIONS_DEFAULT;
    const GOptionEntry entries[] = {
        { "all", 0, 0, G_OPTION_ARG_NONE, &all, "Take everything home, from every VM", NULL },
        WAIT_OPTION_ENTRIES(wait),
        { 0 },
    };
    Outcome outcome = OUTCOME_DONE;

    g_auto(GStrv) rest = options_parse(client, words, entries, NULL, 0, -1, error);
    if (!rest || !wait_options_check(&wait, error))
        return OUTCOME_USAGE;
    if (!all != (rest[0] != NULL)) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE,
                    "say what to take, or --all; see usbferry take --help");
        return OUTCOME_USAGE;
    }

    g_autoptr(Follow) follow = follow_new(client, NULL, NULL, error);
    if (!follow || !follow_fetch(follow, error))
        return OUTCOME_FAILED;

    g_autoptr(GPtrArray) items = wait_list_new();
    if (all && !take_all(client, follow_model(follow), /* machine= */ NULL, items, error))
        return OUTCOME_FAILED;
    if (!all)
        outcome = take_words(client, follow_model(follow), rest, items);

    if (items->len > 0 && (!follow_fetch(follow, error) ||
                           !wait_for(follow, WAIT_RELEASED, items, (unsigned)wait.seconds, error)))
        return OUTCOME_FAILED;
    if (items->len == 0 && outcome == OUTCOME_DONE && !client->json && (all || rest[0] == NULL))
        puts("Nothing was given to any VM.");
    Outcome waited = wait_report(client, follow_model(follow), WAIT_RELEASED, items, (unsigned)wait.seconds);
    return outcome != OUTCOME_DONE ? outcome : waited;
}

const Verb verb_take = { "take", "DEVICE|ASSIGNMENT|VM…", "Takes devices home and ends their assignments",
                         take };
