/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* show, group show and tenant show: all that is known of the objects that the words name. view/show.c prints
 * it. */

#include "client/verbs/show.h"

#include "client/bus/follow.h"
#include "client/verbs/options.h"
#include "client/verbs/target.h"
#include "client/view/failure.h"
#include "client/view/show.h"

/* kinds: what the words may mean */
static Outcome show_words(Client *client, const Model *model, TargetKinds kinds, char **words)
{
    g_autoptr(GPtrArray) objects = g_ptr_array_new();
    Outcome outcome = OUTCOME_DONE;

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
        if (outcome == OUTCOME_DONE)
            outcome = (Outcome)error->code;
    }
    if (!*words)
        g_ptr_array_add(objects, (void *)model_manager(model));
    show_print(client, model, objects);
    return outcome;
}

static Outcome show_any(Client *client, char **words, GError **error)
{
    g_auto(GStrv) rest = options_parse(client, words, NULL, NULL, 0, -1, error);
    g_autoptr(Model) model = rest ? model_fetch(client, error) : NULL;

    return model ? show_words(client, model, TARGET_ANY, rest) : OUTCOME_FAILED;
}

static Outcome show_tenants(Client *client, char **words, GError **error)
{
    g_auto(GStrv) rest = options_parse(client, words, NULL, NULL, 1, -1, error);
    g_autoptr(Model) model = rest ? model_fetch(client, error) : NULL;

    return model ? show_words(client, model, TARGET_TENANTS, rest) : OUTCOME_FAILED;
}

static Outcome show_groups(Client *client, char **words, GError **error)
{
    g_auto(GStrv) rest = options_parse(client, words, NULL, NULL, 1, -1, error);
    g_autoptr(Model) model = rest ? model_fetch(client, error) : NULL;

    return model ? show_words(client, model, TARGET_GROUPS, rest) : OUTCOME_FAILED;
}

const Verb verb_show = { "show", "[DEVICE|ASSIGNMENT|VM|GROUP|TENANT …]",
                         "Shows all about it; without one, about the service", show_any };

const Verb verb_group_show = { "group show", "GROUP…", "Shows all about a group", show_groups };

const Verb verb_tenant_show = { "tenant show", "TENANT…", "Shows all about a tenant", show_tenants };
