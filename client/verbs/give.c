/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* give: assigns devices or groups to a VM and waits until they are attached. All that is named is looked up
 * before the first call that changes anything. */

#include "client/verbs/give.h"

#include "client/bus/call.h"
#include "client/bus/escape.h"
#include "client/bus/follow.h"
#include "client/bus/path.h"
#include "client/verbs/options.h"
#include "client/verbs/target.h"
#include "client/verbs/wait-report.h"
#include "client/verbs/wait.h"
#include "dbus/names.h"

typedef struct GiveOptions {
    char *name;
    char *description;
    char *priority_text;
    int priority;
    char *quantity;
    char *rule;
    char *guest_reset;
    char *guest_resets_all;
    gboolean temporary;
    gboolean follow;
    gboolean force;
} GiveOptions;

static void give_options_clear(GiveOptions *options)
{
    g_free(options->name);
    g_free(options->description);
    g_free(options->priority_text);
    g_free(options->quantity);
    g_free(options->rule);
    g_free(options->guest_reset);
    g_free(options->guest_resets_all);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(GiveOptions, give_options_clear)

/* Only what was asked for: the service has the defaults. NULL and USAGE. */
static GVariant *assign_options(const GiveOptions *options, GError **error)
{
    g_auto(GVariantBuilder) dict = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);

    if (!options_add_boolean(&dict, "AllowGuestReset", OPTION_GUEST_RESET, options->guest_reset, error) ||
        !options_add_boolean(&dict, "AllowGuestResetsAll", OPTION_GUEST_RESETS_ALL, options->guest_resets_all,
                             error))
        return NULL;
    if (options->name)
        g_variant_builder_add(&dict, "{sv}", "Name", g_variant_new_string(options->name));
    if (options->description)
        g_variant_builder_add(&dict, "{sv}", "Description", g_variant_new_string(options->description));
    if (options->priority_text)
        g_variant_builder_add(&dict, "{sv}", "Priority", g_variant_new_int32(options->priority));
    if (options->quantity)
        g_variant_builder_add(&dict, "{sv}", "Quantity", g_variant_new_string(options->quantity));
    if (options->rule)
        g_variant_builder_add(&dict, "{sv}", "Selector", g_variant_new_string(options->rule));
    if (options->temporary)
        g_variant_builder_add(&dict, "{sv}", "Persistent", g_variant_new_boolean(FALSE));
    if (options->follow)
        g_variant_builder_add(&dict, "{sv}", "Follow", g_variant_new_boolean(TRUE));
    if (options->force)
        g_variant_builder_add(&dict, "{sv}", "Force", g_variant_new_boolean(TRUE));
    return g_variant_ref_sink(g_variant_builder_end(&dict));
}

/* The path of the new assignment. */
static char *assign(Client *client, const char *source, const char *machine, GVariant *options,
                    GError **error)
{
    g_autoptr(GVariant) reply =
        call_change(client, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign",
                    g_variant_new("(oo@a{sv})", source, machine, options), "(o)", error);
    char *path = NULL;

    if (reply)
        g_variant_get(reply, "(o)", &path);
    return path;
}

/* A group when it is exactly its name: a text that means a device today may mean two tomorrow. Unless a
 * device is called just so, too: then nobody knows which one is meant. */
static char *find_source(Client *client, const Model *model, const char *word, GError **error)
{
    g_autoptr(GError) local = NULL;

    if (path_is_valid(word))
        return g_strdup(word);

    char *source = client_find_group(client, word, &local);
    const Object *group = source ? model_get(model, source, KIND_GROUP) : NULL;
    if (group && !target_check_devices(model, group, word, error))
        g_clear_pointer(&source, g_free);
    if (source || group)
        return source;
    /* what can't be a group's name may still mean a device */
    if (local->code != OUTCOME_NOT_FOUND && local->code != OUTCOME_USAGE) {
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }

    g_clear_error(&local);
    source = client_find_device(client, word, &local);
    if (source)
        return source;
    if (local->code == OUTCOME_NOT_FOUND) {
        g_autofree char *escaped = escape_text(word);
        g_set_error(error, CLIENT_ERROR, OUTCOME_NOT_FOUND, "%s\n  (and no group has the name \"%s\")",
                    local->message, escaped);
    } else
        g_propagate_error(error, g_steal_pointer(&local));
    return NULL;
}

/* All that is named must be there before anything is changed. */
static GPtrArray *find_sources(Client *client, char **words, guint n, GError **error)
{
    g_autoptr(GPtrArray) sources = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(Model) model = model_fetch(client, error);

    for (guint i = 0; model && i < n; i++) {
        g_autofree char *source = find_source(client, model, words[i], error);
        if (!source)
            return NULL;
        if (!g_ptr_array_find_with_equal_func(sources, source, g_str_equal, NULL))
            g_ptr_array_add(sources, g_steal_pointer(&source));
    }
    return model ? g_steal_pointer(&sources) : NULL;
}

static bool check_options(const GiveOptions *options, GPtrArray *sources, GError **error)
{
    if (options->name && sources->len > 1) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE,
                    "--name is for one device or group: names are unique");
        return false;
    }
    for (guint i = 0; (options->quantity || options->rule) && i < sources->len; i++)
        if (!g_str_has_prefix(sources->pdata[i], FERRY_PATH_GROUP_PREFIX "/")) {
            g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, "--%s is for groups only",
                        options->quantity ? "quantity" : "only");
            return false;
        }
    return true;
}

/* The paths of the new assignments; those that were refused are told at once and don't stop the others. */
static GPtrArray *assign_all(Client *client, GPtrArray *sources, const char *machine, GVariant *options,
                             Outcome *outcome)
{
    GPtrArray *assignments = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < sources->len; i++) {
        g_autoptr(GError) error = NULL;
        char *assignment = assign(client, sources->pdata[i], machine, options, &error);
        if (assignment) {
            g_ptr_array_add(assignments, assignment);
            continue;
        }
        error_print(error);
        if (*outcome == OUTCOME_DONE)
            *outcome = (Outcome)error->code;
    }
    return assignments;
}

static Outcome give(Client *client, char **words, GError **error)
{
    g_auto(GiveOptions) options = { 0 };
    WaitOptions wait = WAIT_OPTIONS_DEFAULT;
    const GOptionEntry entries[] = {
        { "name", 0, 0, G_OPTION_ARG_STRING, &options.name, "Name of the assignment", "NAME" },
        { "description", 0, 0, G_OPTION_ARG_STRING, &options.description, "What it is for", "TEXT" },
        { "priority", 0, 0, G_OPTION_ARG_STRING, &options.priority_text,
          "Who gets a device that several want: the highest", "N" },
        { "quantity", 0, 0, G_OPTION_ARG_STRING, &options.quantity,
          "How many of a group: 1, N, all, or set, one for each rule", "QUANTITY" },
        { "only", 0, 0, G_OPTION_ARG_STRING, &options.rule, "Of a group only what matches this rule",
          "RULE" },
        { OPTION_GUEST_RESET, 0, 0, G_OPTION_ARG_STRING, &options.guest_reset,
          "Whether the VM's user may reset it; without a value: yes", "yes|no" },
        { OPTION_GUEST_RESETS_ALL, 0, 0, G_OPTION_ARG_STRING, &options.guest_resets_all,
          "Whether he may reset its hub; without a value: yes", "yes|no" },
        { "follow", 0, 0, G_OPTION_ARG_NONE, &options.follow,
          "What the device becomes in its socket, by an update for instance, goes to the VM as well", NULL },
        { "force", 0, 0, G_OPTION_ARG_NONE, &options.force,
          "Although the host uses it: its last keyboard, a mounted disk", NULL },
        { "temporary", 0, 0, G_OPTION_ARG_NONE, &options.temporary, "Forget it at the next boot", NULL },
        WAIT_OPTION_ENTRIES(wait),
        { 0 },
    };

    static const char *const bare[] = { OPTION_GUEST_RESET, OPTION_GUEST_RESETS_ALL, NULL };
    g_auto(GStrv) implied = options_imply_yes(words, bare);
    g_auto(GStrv) rest = options_parse(client, implied, entries, NULL, 2, -1, error);
    if (!rest || !wait_options_check(&wait, error) ||
        (options.priority_text && !options_parse_priority(options.priority_text, &options.priority, error)))
        return OUTCOME_USAGE;
    g_autoptr(GVariant) dict = assign_options(&options, error);
    if (!dict)
        return OUTCOME_USAGE;
    guint n_sources = g_strv_length(rest) - 1;

    g_autofree char *machine = client_find_machine(client, rest[n_sources], error);
    g_autoptr(GPtrArray) sources = machine ? find_sources(client, rest, n_sources, error) : NULL;
    if (!sources || !check_options(&options, sources, error))
        return OUTCOME_FAILED;

    Outcome outcome = OUTCOME_DONE;
    g_autoptr(Follow) follow = follow_new(client, NULL, NULL, error);
    if (!follow)
        return OUTCOME_FAILED;
    g_autoptr(GPtrArray) assignments = assign_all(client, sources, machine, dict, &outcome);
    if (assignments->len == 0)
        return outcome;

    g_autoptr(GPtrArray) items = wait_list_new();
    if (!follow_fetch(follow, error))
        return OUTCOME_FAILED;
    for (guint i = 0; i < assignments->len; i++)
        wait_list_add(items, follow_model(follow), assignments->pdata[i]);
    if (!wait_for(follow, WAIT_ATTACHED, items, (unsigned)wait.seconds, error))
        return OUTCOME_FAILED;

    Outcome waited = wait_report(client, follow_model(follow), WAIT_ATTACHED, items, (unsigned)wait.seconds);
    return outcome != OUTCOME_DONE ? outcome : waited;
}

const Verb verb_give = { "give", "DEVICE|GROUP… VM", "Gives devices to a VM, or lets it draw from a group",
                         give };
