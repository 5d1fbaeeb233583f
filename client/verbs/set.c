/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* set: Update of an assignment, with what was said and nothing else. */

#include "client/verbs/set.h"

#include <glib/gi18n.h>

#include <stdio.h>

#include "client/bus/call.h"
#include "client/bus/follow.h"
#include "client/verbs/options.h"
#include "client/verbs/target.h"
#include "client/view/json.h"
#include "dbus/names.h"

#define OPTION_FOLLOW "follow"

/* NULL = not said */
typedef struct Said {
    char *name;
    char *description;
    char *priority;
    char *guest_reset;
    char *guest_resets_all;
    char *follow;
    char *lease;
} Said;

static void said_clear(Said *said)
{
    g_free(said->name);
    g_free(said->description);
    g_free(said->priority);
    g_free(said->guest_reset);
    g_free(said->guest_resets_all);
    g_free(said->follow);
    g_free(said->lease);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Said, said_clear)

/* a{sv} */
static GVariant *update_options(const Said *said, GError **error)
{
    g_auto(GVariantBuilder) dict = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);
    int priority;
    unsigned lease;

    if (said->name)
        g_variant_builder_add(&dict, "{sv}", "Name", g_variant_new_string(said->name));
    if (said->description)
        g_variant_builder_add(&dict, "{sv}", "Description", g_variant_new_string(said->description));
    if (said->priority) {
        if (!options_parse_priority(said->priority, &priority, error))
            return NULL;
        g_variant_builder_add(&dict, "{sv}", "Priority", g_variant_new_int32(priority));
    }
    if (said->lease) {
        if (!options_parse_seconds("lease", said->lease, /* allow_none= */ true, OPTION_LEASE_MAX, &lease,
                                   error))
            return NULL;
        g_variant_builder_add(&dict, "{sv}", "LeaseFor", g_variant_new_uint32(lease));
    }
    if (!options_add_boolean(&dict, "AllowGuestReset", OPTION_GUEST_RESET, said->guest_reset, error) ||
        !options_add_boolean(&dict, "AllowGuestResetsAll", OPTION_GUEST_RESETS_ALL, said->guest_resets_all,
                             error) ||
        !options_add_boolean(&dict, "Follow", OPTION_FOLLOW, said->follow, error))
        return NULL;
    g_autoptr(GVariant) options = g_variant_ref_sink(g_variant_builder_end(&dict));
    if (g_variant_n_children(options) > 0)
        return g_steal_pointer(&options);
    g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, _("say what to change; see usbferry set --help"));
    return NULL;
}

static Outcome set(Client *client, char **words, GError **error)
{
    static const char *const bare[] = { OPTION_GUEST_RESET, OPTION_GUEST_RESETS_ALL, OPTION_FOLLOW, NULL };
    g_auto(Said) said = { 0 };
    const GOptionEntry entries[] = {
        { "name", 0, 0, G_OPTION_ARG_STRING, &said.name, N_("Its new name"), "NAME" },
        { "description", 0, 0, G_OPTION_ARG_STRING, &said.description, N_("What it is for"), "TEXT" },
        { "priority", 0, 0, G_OPTION_ARG_STRING, &said.priority,
          N_("Who gets a device that several want: the highest"), "N" },
        { OPTION_GUEST_RESET, 0, 0, G_OPTION_ARG_STRING, &said.guest_reset,
          N_("Whether the VM's user may reset it; without a value: yes"), "yes|no" },
        { OPTION_GUEST_RESETS_ALL, 0, 0, G_OPTION_ARG_STRING, &said.guest_resets_all,
          N_("Whether he may reset its hub; without a value: yes"), "yes|no" },
        { "lease", 0, 0, G_OPTION_ARG_STRING, &said.lease,
          N_("It comes home after that, counted from now: 20, 15m, 2h, 3d; none: it stays"), "DURATION" },
        { OPTION_FOLLOW, 0, 0, G_OPTION_ARG_STRING, &said.follow,
          N_("Whether what the device becomes goes to the VM; without a value: yes"), "yes|no" },
        { 0 },
    };

    g_auto(GStrv) implied = options_imply_yes(words, bare);
    g_auto(GStrv) rest =
        options_parse(client, implied, entries, _("A DEVICE stands for its assignment.\n"), 1, 1, error);
    g_autoptr(GVariant) options = rest ? update_options(&said, error) : NULL;
    if (!options)
        return OUTCOME_USAGE;

    g_autoptr(Model) model = model_fetch(client, error);
    const Object *assignment = model ? target_find_assignment(client, model, rest[0], error) : NULL;
    if (!assignment ||
        !call_options(client, assignment->path, FERRY_INTERFACE_ASSIGNMENT, "Update", options, error))
        return OUTCOME_FAILED;

    g_autofree char *id = object_id(assignment);
    g_autofree char *text = object_describe(assignment);
    if (client->json)
        json_print(g_variant_new_parsed("{'assignment-id': <%s>, 'assignment': <%s>, 'path': <%s>,"
                                        " 'result': <'changed'>}",
                                        id, said.name ?: object_name(assignment), assignment->path));
    else
        printf(_("%c%s is changed.\n"), g_ascii_toupper(*text), text + 1);
    return OUTCOME_DONE;
}

const Verb verb_set = { "set", "ASSIGNMENT|DEVICE", N_("Changes name, priority and so on of an assignment"),
                        set };
