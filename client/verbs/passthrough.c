/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* passthrough: has the service write a rule for each device into a group, and tells which rules and why. */

#include "client/verbs/passthrough.h"

#include <glib/gi18n.h>

#include <stdio.h>

#include "client/bus/call.h"
#include "client/bus/escape.h"
#include "client/bus/follow.h"
#include "client/bus/path.h"
#include "client/verbs/options.h"
#include "client/verbs/passthrough-rule.h"
#include "client/view/json.h"
#include "dbus/names.h"

/* Of const Object, each once. */
static GPtrArray *find_devices(Client *client, const Model *model, char **words, GError **error)
{
    g_autoptr(GPtrArray) devices = g_ptr_array_new();

    for (; *words; words++) {
        g_autofree char *path = client_find_device(client, *words, error);
        const Object *device = path ? model_get(model, path, KIND_DEVICE) : NULL;
        if (path && !device)
            error_set(error, "NoSuchDevice", _("there is no device %s"), path);
        if (!device)
            return NULL;
        if (!g_ptr_array_find(devices, device, NULL))
            g_ptr_array_add(devices, (void *)device);
    }
    return g_steal_pointer(&devices);
}

/* (oas) */
static GVariant *make_passthrough(Client *client, GPtrArray *devices, const char *group,
                                  const char *description, const char *class_name, GError **error)
{
    GVariantBuilder paths, options;

    g_variant_builder_init(&paths, G_VARIANT_TYPE_OBJECT_PATH_ARRAY);
    for (guint i = 0; i < devices->len; i++)
        g_variant_builder_add(&paths, "o", ((const Object *)devices->pdata[i])->path);
    g_variant_builder_init(&options, G_VARIANT_TYPE_VARDICT);
    if (description)
        g_variant_builder_add(&options, "{sv}", "Description", g_variant_new_string(description));
    if (class_name)
        g_variant_builder_add(&options, "{sv}", "Class", g_variant_new_string(class_name));

    return call_change(client, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "MakePassthrough",
                       g_variant_new("(aosa{sv})", &paths, group, &options), "(oas)", error);
}

static void print_text(const char *group, bool is_new, GPtrArray *devices, const char *const *rules)
{
    g_autofree char *name = escape_text(group);

    printf(is_new ? _("In the new group \"%s\":\n") : _("In group \"%s\":\n"), name);
    for (guint i = 0; i < devices->len; i++) {
        g_autofree char *device = object_describe(devices->pdata[i]);
        g_autofree char *rule = escape_text(rules[i]);
        g_autofree char *reason = passthrough_reason(rules[i], devices->pdata[i]);
        printf("  %s: %s\n    %s\n", device, reason, rule);
    }
}

static void print_json(const char *group, const char *path, bool is_new, GPtrArray *devices,
                       const char *const *rules)
{
    GVariantBuilder list;

    g_variant_builder_init(&list, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < devices->len; i++)
        g_variant_builder_add_value(
            &list, g_variant_new_parsed("{'device': <%s>, 'rule': <%s>, 'by': <%s>}",
                                        object_string(devices->pdata[i], "SysName"), rules[i],
                                        passthrough_rule_names(rules[i], "serial") ? "serial" : "port"));
    g_autoptr(GVariant) rows = g_variant_ref_sink(g_variant_builder_end(&list));
    json_print(g_variant_new_parsed("{'group': <%s>, 'path': <%s>, 'new': <%b>, 'rules': <%@aa{sv}>}", group,
                                    path, (gboolean)is_new, rows));
}

static Outcome run(Client *client, char **words, const char *wanted, const char *description,
                   const char *class_name, GError **error)
{
    g_autoptr(Model) model = model_fetch(client, error);
    g_autoptr(GPtrArray) devices = model ? find_devices(client, model, words, error) : NULL;
    if (!devices)
        return OUTCOME_FAILED;

    g_autoptr(GPtrArray) groups = model_sorted(model, KIND_GROUP);
    bool is_new = true;
    for (guint i = 0; i < groups->len; i++)
        is_new = is_new && g_strcmp0(object_string(groups->pdata[i], "Name"), wanted) != 0;
    if (!is_new && (description || class_name)) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE,
                    _("group \"%s\" is there already: --description and --class are for a new one"), wanted);
        return OUTCOME_USAGE;
    }

    /* without a name the service makes one */
    g_autoptr(GVariant) reply =
        make_passthrough(client, devices, wanted ?: "", description, class_name, error);
    if (!reply)
        return OUTCOME_FAILED;
    const char *path;
    g_autofree const char **rules = NULL;
    g_variant_get(reply, "(&o^a&s)", &path, &rules);
    if (g_strv_length((char **)rules) != devices->len) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_FAILED, _("the service's answer has an unknown form"));
        return OUTCOME_FAILED;
    }

    g_autofree char *group = path_to_name(path);
    if (client->json)
        print_json(group, path, is_new, devices, rules);
    else
        print_text(group, is_new, devices, rules);
    return OUTCOME_DONE;
}

static Outcome passthrough(Client *client, char **words, GError **error)
{
    g_autofree char *group = NULL, *description = NULL, *class_name = NULL;
    const GOptionEntry entries[] = {
        { "group", 0, 0, G_OPTION_ARG_STRING, &group,
          N_("The group, made when there is none; a new one with a name made from the devices without it"),
          "GROUP" },
        { "description", 0, 0, G_OPTION_ARG_STRING, &description, N_("Of a new group: what it is for"),
          "TEXT" },
        { "class", 0, 0, G_OPTION_ARG_STRING, &class_name, N_("Of a new group: generic, hid, storage, …"),
          "CLASS" },
        { 0 },
    };

    g_auto(GStrv) rest = options_parse(client, words, entries, NULL, 1, -1, error);
    return rest ? run(client, rest, group, description, class_name, error) : OUTCOME_USAGE;
}

const Verb verb_passthrough = { "passthrough", "DEVICE…",
                                N_("Puts devices into a group, which VMs can draw from"), passthrough };
