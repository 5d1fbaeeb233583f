/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* start: has VMs started by the service, and waits until they run. All that is named is looked up before the
 * first one is started. */

#include "client/verbs/start.h"

#include <glib/gi18n.h>
#include <stdio.h>

#include "client/bus/call.h"
#include "client/bus/follow.h"
#include "client/verbs/nearest.h"
#include "client/verbs/options.h"
#include "client/view/failure.h"
#include "client/view/json.h"
#include "dbus/names.h"

/* Of Object, borrowed, each once. NULL: one isn't there. */
static GPtrArray *find_all(Client *client, const Model *model, char **words, GError **error)
{
    g_autoptr(GPtrArray) machines = g_ptr_array_new();

    for (char **word = words; *word; word++) {
        g_autoptr(GError) local = NULL;
        g_autofree char *path = client_find_machine(client, *word, &local);
        const Object *machine = path ? model_get(model, path, KIND_MACHINE) : NULL;

        if (!path) {
            g_autofree char *hint = nearest_hint(model, (TargetKinds)(1 << KIND_MACHINE), *word);

            g_propagate_error(error, error_with_text(local, g_strconcat(local->message, hint, NULL)));
            return NULL;
        }
        if (machine && !g_ptr_array_find(machines, machine, NULL))
            g_ptr_array_add(machines, (void *)machine);
    }
    return g_steal_pointer(&machines);
}

static Outcome start_one(Client *client, const Object *machine, GVariantBuilder *results)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *what = object_describe(machine);
    bool ran = !g_str_equal(object_string(machine, "State"), "shutoff");

    if (!call_options(client, machine->path, FERRY_INTERFACE_MACHINE, "Start",
                      g_variant_new_array(G_VARIANT_TYPE("{sv}"), NULL, 0), &error)) {
        failure_print(client, error);
        return (Outcome)error->code;
    }
    if (client->json)
        g_variant_builder_add_value(
            results, g_variant_new_parsed("{'vm': <%s>, 'path': <%s>, 'result': <%s>}", object_name(machine),
                                          machine->path, ran ? "ran" : "started"));
    else
        printf(ran ? _("%s is on already.\n") : _("%s is started.\n"), what);
    return OUTCOME_DONE;
}

static Outcome start(Client *client, char **words, GError **error)
{
    g_auto(GStrv) rest = options_parse(client, words, NULL, NULL, 1, -1, error);
    if (!rest)
        return OUTCOME_USAGE;

    g_autoptr(Model) model = model_fetch(client, error);
    g_autoptr(GPtrArray) machines = model ? find_all(client, model, rest, error) : NULL;
    if (!machines)
        return OUTCOME_FAILED;

    GVariantBuilder results;
    Outcome outcome = OUTCOME_DONE;
    g_variant_builder_init(&results, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < machines->len; i++) {
        Outcome one = start_one(client, machines->pdata[i], &results);
        if (outcome == OUTCOME_DONE)
            outcome = one;
    }
    g_autoptr(GVariant) list = g_variant_ref_sink(g_variant_builder_end(&results));
    if (client->json)
        json_print(list);
    return outcome;
}

const Verb verb_start = { "start", "VM…", N_("Starts VMs that are off"), start };
