/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* show, group show and tenant show: all that is known of the objects that the words name. view/show.c prints
 * it. */

#include "client/verbs/show.h"

#include <glib/gi18n.h>

#include "client/bus/follow.h"
#include "client/verbs/options.h"
#include "client/verbs/target.h"
#include "client/view/failure.h"
#include "client/view/show.h"

/* kinds: what the words may mean. Those that mean nothing are told. */
static GPtrArray *find_all(Client *client, const Model *model, TargetKinds kinds, char **words,
                           Outcome *outcome)
{
    GPtrArray *objects = g_ptr_array_new();

    for (char **word = words; *word; word++) {
        g_autoptr(GError) error = NULL;
        const Object *object = kinds == TARGET_GROUPS    ? target_find_group(model, *word, &error)
                               : kinds == TARGET_TENANTS ? target_find_tenant(model, *word, &error)
                                                         : target_find(client, model, kinds, *word, &error);
        if (object) {
            g_ptr_array_add(objects, (void *)object);
            continue;
        }
        failure_print(client, error);
        if (*outcome == OUTCOME_DONE)
            *outcome = (Outcome)error->code;
    }
    if (!*words)
        g_ptr_array_add(objects, (void *)model_manager(model));
    return objects;
}

static Outcome show(Client *client, TargetKinds kinds, int min, char **words, GError **error)
{
    g_autofree char *names = NULL;
    gboolean values_only = FALSE;
    const GOptionEntry entries[] = {
        { "property", 'p', 0, G_OPTION_ARG_STRING, &names, N_("These only, by the names that --json has"),
          "NAME[,…]" },
        { "value", 0, 0, G_OPTION_ARG_NONE, &values_only, N_("The values alone, for scripts"), NULL },
        { 0 },
    };
    Outcome outcome = OUTCOME_DONE;

    g_auto(GStrv) rest = options_parse(client, words, entries, NULL, min, -1, error);
    g_autoptr(Model) model = rest ? model_fetch(client, error) : NULL;
    if (!model)
        return OUTCOME_FAILED;
    g_autoptr(GPtrArray) objects = find_all(client, model, kinds, rest, &outcome);
    return show_print(client, model, objects, names, values_only, error) ? outcome : OUTCOME_USAGE;
}

static Outcome show_any(Client *client, char **words, GError **error)
{
    return show(client, TARGET_ANY, 0, words, error);
}

static Outcome show_tenants(Client *client, char **words, GError **error)
{
    return show(client, TARGET_TENANTS, 1, words, error);
}

static Outcome show_groups(Client *client, char **words, GError **error)
{
    return show(client, TARGET_GROUPS, 1, words, error);
}

const Verb verb_show = { "show", "[DEVICE|ASSIGNMENT|VM|GROUP|TENANT …]",
                         N_("Shows all about it; without one, about the service"), show_any };

const Verb verb_group_show = { "group show", "GROUP…", N_("Shows all about a group"), show_groups };

const Verb verb_tenant_show = { "tenant show", "TENANT…", N_("Shows all about a tenant"), show_tenants };
