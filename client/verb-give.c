/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/follow.h"
#include "client/options.h"
#include "client/verbs.h"
#include "client/wait.h"
#include "dbus/names.h"

typedef struct GiveOptions {
    char *name;
    char *description;
    char *priority_text;
    gint64 priority;
    gboolean temporary;
} GiveOptions;

static void give_options_clear(GiveOptions *options)
{
    g_free(options->name);
    g_free(options->description);
    g_free(options->priority_text);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(GiveOptions, give_options_clear)

static int append_option(sd_bus_message *call, const char *key, const char *type, ...)
{
    int r = sd_bus_message_open_container(call, SD_BUS_TYPE_DICT_ENTRY, "sv");
    if (r >= 0)
        r = sd_bus_message_append(call, "s", key);
    if (r >= 0)
        r = sd_bus_message_open_container(call, SD_BUS_TYPE_VARIANT, type);
    if (r >= 0) {
        va_list value;
        va_start(value, type);
        r = sd_bus_message_appendv(call, type, value);
        va_end(value);
    }
    if (r >= 0)
        r = sd_bus_message_close_container(call);
    return r >= 0 ? sd_bus_message_close_container(call) : r;
}

/* Only what was asked for: the service has the defaults. */
static int append_assign(sd_bus_message *call, const char *device, const char *machine,
                         const GiveOptions *options)
{
    int r = sd_bus_message_append(call, "oo", device, machine);
    if (r >= 0)
        r = sd_bus_message_open_container(call, SD_BUS_TYPE_ARRAY, "{sv}");
    if (r >= 0 && options->name)
        r = append_option(call, "Name", "s", options->name);
    if (r >= 0 && options->description)
        r = append_option(call, "Description", "s", options->description);
    if (r >= 0 && options->priority_text)
        r = append_option(call, "Priority", "i", (int)options->priority);
    if (r >= 0 && options->temporary)
        r = append_option(call, "Persistent", "b", false);
    return r >= 0 ? sd_bus_message_close_container(call) : r;
}

/* The path of the new assignment. */
static char *assign(Client *client, const char *device, const char *machine, const GiveOptions *options,
                    GError **error)
{
    g_autoptr(sd_bus_message) call =
        client_new_call(client, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Assign", error);
    if (!call)
        return NULL;

    const char *path;
    int r = append_assign(call, device, machine, options);
    g_autoptr(sd_bus_message) reply = r >= 0 ? client_change(client, call, error) : NULL;
    if (r >= 0 && !reply)
        return NULL;
    if (r >= 0)
        r = sd_bus_message_read(reply, "o", &path);
    if (r < 0) {
        g_propagate_error(error, error_from_bus(NULL, r));
        return NULL;
    }
    return g_strdup(path);
}

/* All that is named must be there before anything is changed. */
static GPtrArray *find_devices(Client *client, char **selectors, guint n, GError **error)
{
    g_autoptr(GPtrArray) devices = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < n; i++) {
        g_autofree char *device = client_find_device(client, selectors[i], error);
        if (!device)
            return NULL;
        if (!g_ptr_array_find_with_equal_func(devices, device, g_str_equal, NULL))
            g_ptr_array_add(devices, g_steal_pointer(&device));
    }
    return g_steal_pointer(&devices);
}

static bool check_options(GiveOptions *options, guint n_devices, GError **error)
{
    g_autoptr(GError) number_error = NULL;

    if (options->priority_text && !g_ascii_string_to_signed(options->priority_text, 10, G_MININT32,
                                                            G_MAXINT32, &options->priority, &number_error)) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, "--priority needs a whole number");
        return false;
    }
    if (options->name && n_devices > 1) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, "--name is for one device: names are unique");
        return false;
    }
    return true;
}

/* The paths of the new assignments; those that were refused are told at once and don't stop the others. */
static GPtrArray *assign_all(Client *client, GPtrArray *devices, const char *machine,
                             const GiveOptions *options, Outcome *outcome)
{
    GPtrArray *assignments = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < devices->len; i++) {
        g_autoptr(GError) error = NULL;
        char *assignment = assign(client, devices->pdata[i], machine, options, &error);
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

Outcome verb_give(Client *client, char **words, GError **error)
{
    g_auto(GiveOptions) options = { 0 };
    WaitOptions wait = WAIT_OPTIONS_DEFAULT;
    const GOptionEntry entries[] = {
        { "name", 0, 0, G_OPTION_ARG_STRING, &options.name, "Name of the assignment", "NAME" },
        { "description", 0, 0, G_OPTION_ARG_STRING, &options.description, "What it is for", "TEXT" },
        { "priority", 0, 0, G_OPTION_ARG_STRING, &options.priority_text,
          "Who gets a device that several want: the highest", "N" },
        { "temporary", 0, 0, G_OPTION_ARG_NONE, &options.temporary, "Forget it at the next boot", NULL },
        WAIT_OPTION_ENTRIES(wait),
        { 0 },
    };

    g_auto(GStrv) rest = options_parse(client, words, entries, NULL, 2, -1, error);
    if (!rest || !wait_options_check(&wait, error))
        return OUTCOME_USAGE;
    guint n_selectors = g_strv_length(rest) - 1;

    g_autofree char *machine = client_find_machine(client, rest[n_selectors], error);
    g_autoptr(GPtrArray) devices = machine ? find_devices(client, rest, n_selectors, error) : NULL;
    if (!devices || !check_options(&options, devices->len, error))
        return OUTCOME_FAILED;

    Outcome outcome = OUTCOME_DONE;
    g_autoptr(Follow) follow = follow_new(client, NULL, NULL, error);
    if (!follow)
        return OUTCOME_FAILED;
    g_autoptr(GPtrArray) assignments = assign_all(client, devices, machine, &options, &outcome);
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
