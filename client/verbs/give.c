/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* give: assigns devices or groups to a VM and waits until they are attached. All that is named is looked up
 * before the first call that changes anything. */

#include "client/verbs/give.h"

#include <glib/gi18n.h>
#include <stdio.h>

#include "client/bus/call.h"
#include "client/bus/escape.h"
#include "client/bus/follow.h"
#include "client/bus/path.h"
#include "client/verbs/nearest.h"
#include "client/verbs/options.h"
#include "client/verbs/target.h"
#include "client/verbs/trial.h"
#include "client/verbs/wait-report.h"
#include "client/verbs/wait.h"
#include "client/verbs/way-out.h"
#include "client/view/failure.h"
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
    char *try_text;
    unsigned try_for;
    char *lease_text;
    unsigned lease_for;
    gboolean temporary;
    gboolean follow;
    gboolean force;
    gboolean another;
    gboolean start;
    gboolean require_attached;
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
    g_free(options->try_text);
    g_free(options->lease_text);
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
    if (options->try_text)
        g_variant_builder_add(&dict, "{sv}", "TryFor", g_variant_new_uint32(options->try_for));
    if (options->lease_text)
        g_variant_builder_add(&dict, "{sv}", "LeaseFor", g_variant_new_uint32(options->lease_for));
    if (options->another)
        g_variant_builder_add(&dict, "{sv}", "Another", g_variant_new_boolean(TRUE));
    if (options->start)
        g_variant_builder_add(&dict, "{sv}", "StartMachine", g_variant_new_boolean(TRUE));
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
        g_autofree char *hint =
            target_match(model, (TargetKinds)(1 << KIND_MACHINE), word, NULL)
                ? g_strdup_printf(_("\n  \"%s\" is a VM: name one VM only, behind the devices"), escaped)
                : nearest_hint(model, (TargetKinds)(TARGET_GROUPS | 1 << KIND_DEVICE), word);
        g_propagate_error(
            error, error_with_text(local, g_strdup_printf(_("%s\n  (and no group has the name \"%s\")%s"),
                                                          local->message, escaped, hint)));
    } else
        g_propagate_error(error, g_steal_pointer(&local));
    return NULL;
}

/* All that is named must be there before anything is changed. */
static GPtrArray *find_sources(Client *client, const Model *model, char **words, guint n, GError **error)
{
    g_autoptr(GPtrArray) sources = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < n; i++) {
        g_autofree char *source = find_source(client, model, words[i], error);
        if (!source)
            return NULL;
        if (!g_ptr_array_find_with_equal_func(sources, source, g_str_equal, NULL))
            g_ptr_array_add(sources, g_steal_pointer(&source));
    }
    return g_steal_pointer(&sources);
}

/* The last word. Whoever named none, or named it first, is told so. */
static char *find_machine(Client *client, const Model *model, char **words, guint n, GError **error)
{
    const char *word = words[n - 1];
    g_autofree char *known = nearest_machines(model);
    g_autoptr(GError) local = NULL;

    if (n < 2) {
        const Object *machine = target_match(model, (TargetKinds)(1 << KIND_MACHINE), word, NULL);
        g_autofree char *escaped = escape_word(word);
        if (machine)
            g_set_error(
                error, CLIENT_ERROR, OUTCOME_USAGE,
                _("what is to be given to it? usbferry give DEVICE %s; usbferry list shows what there is"),
                escaped);
        else
            g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE,
                        _("to which VM? usbferry give %s VM, where VM is one of: %s"), escaped,
                        *known ? known : _("(there are none)"));
        return NULL;
    }

    char *found = client_find_machine(client, word, &local);
    if (found)
        return found;
    const Object *first = g_error_matches(local, CLIENT_ERROR, OUTCOME_NOT_FOUND)
                              ? target_match(model, (TargetKinds)(1 << KIND_MACHINE), words[0], NULL)
                              : NULL;
    g_autofree char *name = escape_word(object_name(first));
    g_autofree char *hint = first ? g_strdup_printf(_("\n  The VM comes last: usbferry give DEVICE %s"), name)
                                  : nearest_hint(model, (TargetKinds)(1 << KIND_MACHINE), word);
    g_propagate_error(error, error_with_text(local, g_strconcat(local->message, hint, NULL)));
    return NULL;
}

static bool is_group(const char *source)
{
    return g_str_has_prefix(source, FERRY_PATH_GROUP_PREFIX "/");
}

/* As the service has it. */
#define QUANTITY_MAX 127

static bool check_quantity(const char *text, GError **error)
{
    if (!text || g_str_equal(text, "all") || g_str_equal(text, "set") ||
        g_ascii_string_to_unsigned(text, 10, 1, QUANTITY_MAX, NULL, NULL))
        return true;
    g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, _("--quantity is a number from 1 to %d, all, or set"),
                QUANTITY_MAX);
    return false;
}

static bool check_options(const GiveOptions *options, GPtrArray *sources, GError **error)
{
    if (options->name && sources->len > 1) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE,
                    _("--name is for one device or group: names are unique"));
        return false;
    }
    for (guint i = 0; (options->quantity || options->rule || options->another) && i < sources->len; i++)
        if (!is_group(sources->pdata[i])) {
            g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, _("--%s is for groups only"),
                        options->quantity ? "quantity"
                        : options->rule   ? "only"
                                          : "another");
            return false;
        }
    return true;
}

/* The assignment of the VM that the source is given by, NULL = there is none. Of a group the one with this
 * quantity (NULL = any), which may have been narrowed down otherwise. */
static const Object *find_given(const Model *model, const char *source, const char *machine,
                                const char *quantity, const char *rule)
{
    g_autoptr(GPtrArray) assignments = model_sorted(model, KIND_ASSIGNMENT);
    const Object *device = model_get(model, source, KIND_DEVICE);
    const Object *given = device ? model_follow(model, device, "Assignment", KIND_ASSIGNMENT) : NULL;

    if (device)
        return given && g_str_equal(object_string(given, "Machine"), machine) ? given : NULL;
    for (guint i = 0; i < assignments->len; i++) {
        const Object *one = assignments->pdata[i];

        if (g_str_equal(object_string(one, "Group"), source) &&
            g_str_equal(object_string(one, "Machine"), machine) &&
            (!quantity || g_str_equal(object_string(one, "Quantity"), quantity)) &&
            (!rule || g_str_equal(object_string(one, "Selector"), rule)))
            return one;
    }
    return NULL;
}

/* Who asks a second time for devices of a group may mean the first: more than that must be said. */
static bool check_draws(const Model *model, const GiveOptions *options, GPtrArray *sources,
                        const char *machine, GError **error)
{
    for (guint i = 0; !options->another && i < sources->len; i++) {
        const char *source = sources->pdata[i], *rule = options->rule ?: "";
        const Object *given = is_group(source) ? find_given(model, source, machine, NULL, rule) : NULL;

        if (!given || g_str_equal(object_string(given, "Quantity"), options->quantity ?: "1"))
            continue;
        const Object *group = model_get(model, source, KIND_GROUP);
        g_autofree char *what = group ? object_describe(group) : g_strdup(source);
        g_autofree char *which = object_describe(given);
        g_autofree char *quantity = escape_text(object_string(given, "Quantity"));
        error_set(error, "AlreadyExists",
                  _("the VM draws from %s already, by %s with the quantity %s; --another makes one more "
                    "assignment"),
                  what, which, quantity);
        return false;
    }
    return true;
}

/* Gives all of them. What is given already was asked for twice and is no error; those that were refused are
 * told at once and don't stop the others. */
static void assign_all(Client *client, const Model *model, GPtrArray *sources, const char *machine,
                       const GiveOptions *options, GVariant *dict, GPtrArray *made, GPtrArray *already,
                       Outcome *outcome)
{
    for (guint i = 0; i < sources->len; i++) {
        g_autoptr(GError) error = NULL;
        const char *source = sources->pdata[i];
        char *assignment = assign(client, source, machine, dict, &error);
        if (assignment) {
            g_ptr_array_add(made, assignment);
            continue;
        }
        const Object *given =
            !options->another && error_is_named(error, "AlreadyExists")
                ? find_given(model, source, machine, options->quantity ?: "1", options->rule)
                : NULL;
        if (given) {
            g_ptr_array_add(already, g_strdup(given->path));
            continue;
        }
        g_autoptr(GError) told = way_out_add(model, source, machine, error);
        failure_print(client, told);
        if (*outcome == OUTCOME_DONE)
            *outcome = (Outcome)error->code;
    }
}

/* For scripts that go on with what the VM has. What it waits for was told already. */
static Outcome require_attached(const Client *client, const GPtrArray *items)
{
    for (guint i = 0; i < items->len; i++) {
        const WaitItem *item = items->pdata[i];
        g_autoptr(GError) error = NULL;

        if (item->verdict == WAIT_DONE)
            continue;
        g_set_error(&error, CLIENT_ERROR, OUTCOME_FAILED, _("%s is not attached"), item->label);
        failure_print(client, error);
        return OUTCOME_FAILED;
    }
    return OUTCOME_DONE;
}

/* Whoever sits there decides; others are told how. */
static Outcome go_on_trying(Client *client, Follow *follow, GPtrArray *made, bool waits, Outcome outcome)
{
    if (outcome == OUTCOME_DONE && waits && trial_can_ask(client))
        return trial_count_down(client, follow, made);
    if (!client->json)
        puts(_("It is a try: usbferry confirm keeps it, else it comes home by itself."));
    return outcome;
}

/* What was stopped, by detach or by a person who plugged it in three times, is what is given again. */
static void go_on_with(Client *client, const Model *model, const char *path)
{
    const Object *assignment = model_get(model, path, KIND_ASSIGNMENT);
    g_autoptr(GError) error = NULL;

    if (assignment && g_str_equal(object_string(assignment, "State"), "disabled")) {
        g_autoptr(GVariant) reply =
            call_change(client, path, FERRY_INTERFACE_ASSIGNMENT, "Attach", NULL, "()", &error);
        if (!reply)
            failure_print(client, error);
    }
}

/* One of them waits for its VM, which is off. NULL = none does. */
static const Object *find_waiting(const Model *model, const GPtrArray *items)
{
    for (guint i = 0; i < items->len; i++) {
        const WaitItem *item = items->pdata[i];
        const Object *assignment =
            item->assignment ? model_get(model, item->assignment, KIND_ASSIGNMENT) : NULL;

        if (item->verdict == WAIT_RESTS && assignment &&
            g_str_equal(object_string(assignment, "ReasonCode"), "machine-off"))
            return assignment;
    }
    return NULL;
}

/* Whoever didn't have it started is told how; whoever did wants to know that it wasn't, after the reason. */
static Outcome look_at_machine(const Client *client, const Model *model, const GPtrArray *items, bool start)
{
    const Object *waiting = find_waiting(model, items);
    const Object *machine = waiting ? model_follow(model, waiting, "Machine", KIND_MACHINE) : NULL;
    g_autofree char *name = escape_text(object_name(machine)), *typed = escape_word(object_name(machine));
    g_autoptr(GError) error = NULL;

    if (!machine)
        return OUTCOME_DONE;
    if (!start) {
        if (!client->json)
            printf(_("  usbferry start %s starts it.\n"), typed);
        return OUTCOME_DONE;
    }
    error_set(&error, "Hypervisor", _("VM \"%s\" was not started\n  usbferry start %s tries it again"), name,
              typed);
    failure_print(client, error);
    return (Outcome)error->code;
}

static Outcome give(Client *client, char **words, GError **error)
{
    g_auto(GiveOptions) options = { 0 };
    WaitOptions wait = WAIT_OPTIONS_DEFAULT;
    const GOptionEntry entries[] = {
        { "name", 0, 0, G_OPTION_ARG_STRING, &options.name, N_("Name of the assignment"), "NAME" },
        { "description", 0, 0, G_OPTION_ARG_STRING, &options.description, N_("What it is for"), "TEXT" },
        { "priority", 0, 0, G_OPTION_ARG_STRING, &options.priority_text,
          N_("Who gets a device that several want: the highest"), "N" },
        { "quantity", 0, 0, G_OPTION_ARG_STRING, &options.quantity,
          N_("How many of a group: 1, N, all, or set, one for each rule"), "QUANTITY" },
        { "only", 0, 0, G_OPTION_ARG_STRING, &options.rule, N_("Of a group only what matches this rule"),
          "RULE" },
        { OPTION_GUEST_RESET, 0, 0, G_OPTION_ARG_STRING, &options.guest_reset,
          N_("Whether the VM's user may reset it; without a value: yes"), "yes|no" },
        { OPTION_GUEST_RESETS_ALL, 0, 0, G_OPTION_ARG_STRING, &options.guest_resets_all,
          N_("Whether he may reset its hub; without a value: yes"), "yes|no" },
        { "follow", 0, 0, G_OPTION_ARG_NONE, &options.follow,
          N_("What the device becomes in its socket, by an update for instance, goes to the VM as well"),
          NULL },
        { "force", 0, 0, G_OPTION_ARG_NONE, &options.force,
          N_("Although the host uses it: its last keyboard, a mounted disk"), NULL },
        { "start", 0, 0, G_OPTION_ARG_NONE, &options.start, N_("Start the VM when it is off"), NULL },
        { "try", 0, 0, G_OPTION_ARG_STRING, &options.try_text,
          N_("It comes home after that, unless it is confirmed: by Enter, or with usbferry confirm"),
          "SECONDS" },
        { "lease", 0, 0, G_OPTION_ARG_STRING, &options.lease_text,
          N_("It comes home after that: 20, 15m, 2h, 3d"), "DURATION" },
        { "another", 0, 0, G_OPTION_ARG_NONE, &options.another,
          N_("Of a group that the VM draws from already: more of it"), NULL },
        { "require-attached", 0, 0, G_OPTION_ARG_NONE, &options.require_attached,
          N_("Fail when it is not in the VM in the end, whatever it waits for"), NULL },
        { "temporary", 0, 0, G_OPTION_ARG_NONE, &options.temporary, N_("Forget it at the next boot"), NULL },
        WAIT_OPTION_ENTRIES(wait),
        { 0 },
    };

    static const char *const bare[] = { OPTION_GUEST_RESET, OPTION_GUEST_RESETS_ALL, NULL };
    g_auto(GStrv) implied = options_imply_yes(words, bare);
    g_auto(GStrv) rest = options_parse(client, implied, entries, NULL, 1, -1, error);
    if (!rest || !wait_options_check(&wait, error) || !check_quantity(options.quantity, error) ||
        (options.priority_text && !options_parse_priority(options.priority_text, &options.priority, error)) ||
        (options.try_text && !options_parse_seconds("try", options.try_text, /* allow_none= */ false,
                                                    OPTION_TRY_MAX, &options.try_for, error)) ||
        (options.lease_text && !options_parse_seconds("lease", options.lease_text, /* allow_none= */ false,
                                                      OPTION_LEASE_MAX, &options.lease_for, error)))
        return OUTCOME_USAGE;
    if (options.require_attached && wait.seconds == 0) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, _("--require-attached has to wait for it"));
        return OUTCOME_USAGE;
    }
    g_autoptr(GVariant) dict = assign_options(&options, error);
    if (!dict)
        return OUTCOME_USAGE;
    guint n_sources = g_strv_length(rest) - 1;

    g_autoptr(Follow) follow = follow_new(client, NULL, NULL, error);
    if (!follow || !follow_fetch(follow, error))
        return OUTCOME_FAILED;
    const Model *model = follow_model(follow);
    g_autofree char *machine = find_machine(client, model, rest, n_sources + 1, error);
    g_autoptr(GPtrArray) sources = machine ? find_sources(client, model, rest, n_sources, error) : NULL;
    if (!sources || !check_options(&options, sources, error) ||
        !check_draws(model, &options, sources, machine, error))
        return OUTCOME_FAILED;

    Outcome outcome = OUTCOME_DONE;
    g_autoptr(GPtrArray) made = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) already = g_ptr_array_new_with_free_func(g_free);
    assign_all(client, model, sources, machine, &options, dict, made, already, &outcome);
    if (made->len + already->len == 0)
        return outcome;

    for (guint i = 0; i < already->len; i++)
        go_on_with(client, model, already->pdata[i]);
    g_autoptr(GPtrArray) items = wait_list_new();
    if (!follow_fetch(follow, error))
        return OUTCOME_FAILED;
    for (guint i = 0; i < already->len; i++)
        wait_list_add_already(items, model, already->pdata[i]);
    for (guint i = 0; i < made->len; i++)
        wait_list_add(items, model, made->pdata[i]);
    if (!wait_for(follow, WAIT_ATTACHED, items, (unsigned)wait.seconds, error))
        return OUTCOME_FAILED;

    Outcome waited = wait_report(client, follow_model(follow), WAIT_ATTACHED, items, (unsigned)wait.seconds);
    if (waited == OUTCOME_DONE)
        waited = look_at_machine(client, follow_model(follow), items, options.start);
    if (waited == OUTCOME_DONE && options.require_attached)
        waited = require_attached(client, items);
    if (options.try_text && made->len > 0)
        waited = go_on_trying(client, follow, made, wait.seconds > 0, waited);
    return outcome != OUTCOME_DONE ? outcome : waited;
}

const Verb verb_give = { "give", "DEVICE|GROUP… VM",
                         N_("Gives devices to a VM, or lets it draw from a group"), give };
