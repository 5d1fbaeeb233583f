/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/bus/follow.h"
#include "client/verbs/options.h"
#include "client/view/show.h"
#include "client/verbs/target.h"
#include "client/verbs/verbs.h"

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
        error_print(error);
        if (outcome == OUTCOME_DONE)
            outcome = (Outcome)error->code;
    }
    if (!*words)
        g_ptr_array_add(objects, (void *)model_manager(model));
    show_print(client, model, objects);
    return outcome;
}

Outcome verb_show(Client *client, char **words, GError **error)
{
    g_auto(GStrv) rest = options_parse(client, words, NULL, NULL, 0, -1, error);
    g_autoptr(Model) model = rest ? model_fetch(client, error) : NULL;

    return model ? show_words(client, model, TARGET_ANY, rest) : OUTCOME_FAILED;
}

Outcome verb_tenant_show(Client *client, char **words, GError **error)
{
    g_auto(GStrv) rest = options_parse(client, words, NULL, NULL, 1, -1, error);
    g_autoptr(Model) model = rest ? model_fetch(client, error) : NULL;

    return model ? show_words(client, model, TARGET_TENANTS, rest) : OUTCOME_FAILED;
}

Outcome verb_group_show(Client *client, char **words, GError **error)
{
    g_auto(GStrv) rest = options_parse(client, words, NULL, NULL, 1, -1, error);
    g_autoptr(Model) model = rest ? model_fetch(client, error) : NULL;

    return model ? show_words(client, model, TARGET_GROUPS, rest) : OUTCOME_FAILED;
}
