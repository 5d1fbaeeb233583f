/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* group add, set and rm: calls of the manager and of a group. The list of groups is in list.c, group show in
 * show.c. */

#include "client/verbs/group.h"

#include <glib/gi18n.h>

#include <stdio.h>

#include "client/bus/call.h"
#include "client/bus/escape.h"
#include "client/bus/path.h"
#include "client/verbs/loss.h"
#include "client/verbs/options.h"
#include "client/view/json.h"
#include "client/view/words.h"
#include "dbus/names.h"

/* NULL = not said */
typedef struct GroupWords {
    char *description;
    char *class_name;
    char *priority;
    char *guest_reset;
    char *guest_resets_all;
    gboolean enable;
    gboolean disable;
} GroupWords;

static void group_words_clear(GroupWords *words)
{
    g_free(words->description);
    g_free(words->class_name);
    g_free(words->priority);
    g_free(words->guest_reset);
    g_free(words->guest_resets_all);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(GroupWords, group_words_clear)

#define GROUP_ENTRIES(words)                                                                              \
    { "description", 0, 0, G_OPTION_ARG_STRING, &(words).description, N_("What it is for"), "TEXT" },     \
        { "class", 0, 0, G_OPTION_ARG_STRING, &(words).class_name, N_("generic, hid, storage, media, …"), \
          "CLASS" },                                                                                      \
        { "priority",                                                                                     \
          0,                                                                                              \
          0,                                                                                              \
          G_OPTION_ARG_STRING,                                                                            \
          &(words).priority,                                                                              \
          N_("Whose VM comes first, of assignments with one priority"),                                   \
          "N" },                                                                                          \
        { OPTION_GUEST_RESET,                                                                             \
          0,                                                                                              \
          0,                                                                                              \
          G_OPTION_ARG_STRING,                                                                            \
          &(words).guest_reset,                                                                           \
          N_("The VM's user may reset the device; yes when nothing is said"),                             \
          "yes|no" },                                                                                     \
    {                                                                                                     \
        OPTION_GUEST_RESETS_ALL, 0, 0, G_OPTION_ARG_STRING, &(words).guest_resets_all,                    \
            N_("The VM's user may reset the hub; yes when nothing is said"), "yes|no"                     \
    }

/* a{sv} of what was said. */
static GVariant *group_options(const GroupWords *words, GError **error)
{
    g_auto(GVariantBuilder) dict = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);
    int priority;

    if (words->enable && words->disable) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, _("--enable or --disable, not both"));
        return NULL;
    }
    if (words->description)
        g_variant_builder_add(&dict, "{sv}", "Description", g_variant_new_string(words->description));
    if (words->class_name)
        g_variant_builder_add(&dict, "{sv}", "Class", g_variant_new_string(words->class_name));
    if (words->priority) {
        if (!options_parse_priority(words->priority, &priority, error))
            return NULL;
        g_variant_builder_add(&dict, "{sv}", "Priority", g_variant_new_int32(priority));
    }
    if (!options_add_boolean(&dict, "AllowGuestReset", OPTION_GUEST_RESET, words->guest_reset, error) ||
        !options_add_boolean(&dict, "AllowGuestResetsAll", OPTION_GUEST_RESETS_ALL, words->guest_resets_all,
                             error))
        return NULL;
    if (words->enable || words->disable)
        g_variant_builder_add(&dict, "{sv}", "Enabled", g_variant_new_boolean(words->enable));
    return g_variant_ref_sink(g_variant_builder_end(&dict));
}

static char **parse(Client *client, char **words, const GOptionEntry *entries, int least, GError **error)
{
    static const char *const bare[] = { OPTION_GUEST_RESET, OPTION_GUEST_RESETS_ALL, NULL };
    g_auto(GStrv) implied = options_imply_yes(words, bare);

    return options_parse(client, implied, entries, NULL, least, 1, error);
}

static void report(Client *client, const char *path, const char *what)
{
    /* the service makes the name when none is given */
    g_autofree char *name = path_to_name(path);
    g_autofree char *escaped = escape_text(name);

    if (client->json)
        json_print(g_variant_new_parsed("{'group': <%s>, 'path': <%s>, 'result': <%s>}", name, path, what));
    else
        printf(_("Group \"%s\" is %s.\n"), escaped, words_word(what));
}

static Outcome add(Client *client, char **words, GError **error)
{
    g_auto(GroupWords) said = { 0 };
    const GOptionEntry entries[] = {
        GROUP_ENTRIES(said),
        { "disabled", 0, 0, G_OPTION_ARG_NONE, &said.disable, N_("Hands out none of its devices yet"), NULL },
        { 0 },
    };

    g_auto(GStrv) rest = parse(client, words, entries, 0, error);
    g_autoptr(GVariant) options = rest ? group_options(&said, error) : NULL;
    if (!options)
        return OUTCOME_USAGE;

    g_autoptr(GVariant) reply =
        call_change(client, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "CreateGroup",
                    g_variant_new("(s@a{sv})", rest[0] ? rest[0] : "", options), "(o)", error);
    if (!reply)
        return OUTCOME_FAILED;
    const char *path;
    g_variant_get(reply, "(&o)", &path);
    report(client, path, "made");
    return OUTCOME_DONE;
}

static Outcome set(Client *client, char **words, GError **error)
{
    g_auto(GroupWords) said = { 0 };
    const GOptionEntry entries[] = {
        GROUP_ENTRIES(said),
        { "enable", 0, 0, G_OPTION_ARG_NONE, &said.enable, N_("Hands out its devices"), NULL },
        { "disable", 0, 0, G_OPTION_ARG_NONE, &said.disable, N_("Hands out none of its devices any more"),
          NULL },
        { 0 },
    };

    g_auto(GStrv) rest = parse(client, words, entries, 1, error);
    g_autoptr(GVariant) options = rest ? group_options(&said, error) : NULL;
    if (!options)
        return OUTCOME_USAGE;
    if (g_variant_n_children(options) == 0) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE,
                    _("say what to change; see usbferry group set --help"));
        return OUTCOME_USAGE;
    }

    g_autofree char *path = client_find_group(client, rest[0], error);
    if (!path || !call_options(client, path, FERRY_INTERFACE_GROUP, "Update", options, error))
        return OUTCOME_FAILED;
    report(client, path, "changed");
    return OUTCOME_DONE;
}

static Outcome rm(Client *client, char **words, GError **error)
{
    gboolean force = FALSE;
    const GOptionEntry entries[] = {
        { "force", 0, 0, G_OPTION_ARG_NONE, &force, N_("Also when VMs draw from it: they lose its devices"),
          NULL },
        { 0 },
    };

    g_auto(GStrv) rest = options_parse(client, words, entries, NULL, 1, 1, error);
    if (!rest)
        return OUTCOME_USAGE;

    g_autofree char *path = client_find_group(client, rest[0], error);
    if (!path)
        return OUTCOME_FAILED;
    g_autoptr(GError) local = NULL;
    if (!call_delete(client, path, FERRY_INTERFACE_GROUP, force, &local)) {
        g_autofree char *lines =
            g_error_matches(local, CLIENT_ERROR, OUTCOME_BUSY) ? loss_of_group(client, path) : g_strdup("");
        g_propagate_error(error, error_with_text(local, g_strconcat(local->message, lines, NULL)));
        return OUTCOME_FAILED;
    }
    report(client, path, "deleted");
    return OUTCOME_DONE;
}

const Verb verb_group_add = { "group add", "[GROUP]", N_("Makes a group"), add };

const Verb verb_group_set = { "group set", "GROUP", N_("Changes a group"), set };

const Verb verb_group_rm = { "group rm", "GROUP", N_("Deletes a group"), rm };
