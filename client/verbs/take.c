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

/* Release(a{sv}) of an assignment, ReleaseAll(a{sv}) of a machine or the manager. */
static bool release(Client *client, const char *path, const char *interface, const char *member,
                    GError **error)
{
    g_autoptr(sd_bus_message) call = client_new_call(client, path, interface, member, error);
    int r = call ? sd_bus_message_append(call, "a{sv}", 0) : 0;
    if (r < 0)
        g_propagate_error(error, error_from_bus(NULL, r));
    g_autoptr(sd_bus_message) reply = call && r >= 0 ? client_change(client, call, error) : NULL;

    return reply;
}

/* Those of the machine; NULL = all. */
static void add_assignments(GPtrArray *items, const Model *model, const Object *machine)
{
    g_autoptr(GPtrArray) assignments = model_sorted(model, KIND_ASSIGNMENT);

    for (guint i = 0; i < assignments->len; i++) {
        const Object *assignment = assignments->pdata[i];
        if (!machine || g_str_equal(object_string(assignment, "Machine"), machine->path))
            wait_list_add(items, model, assignment->path);
    }
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

    if (object->kind == KIND_MACHINE) {
        if (!release(client, object->path, FERRY_INTERFACE_MACHINE, "ReleaseAll", error))
            return false;
        add_assignments(items, model, object);
        return true;
    }

    if (is_at_home(object)) {
        wait_list_add_home(items, object);
        return true;
    }

    const Object *assignment = target_find_assignment(client, model, object->path, error);
    if (assignment && wait_list_has(items, assignment->path))
        return true; /* named twice in one line */
    if (!assignment || !release(client, assignment->path, FERRY_INTERFACE_ASSIGNMENT, "Release", error))
        return false;
    wait_list_add(items, model, assignment->path);
    return true;
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
    if (all) {
        if (!release(client, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "ReleaseAll", error))
            return OUTCOME_FAILED;
        add_assignments(items, follow_model(follow), NULL);
    } else
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
