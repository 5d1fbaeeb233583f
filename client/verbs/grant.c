/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tenant grant and revoke: devices become a tenant's and stop being it. Each is one call of the tenant. */

#include "client/verbs/grant.h"

#include <glib/gi18n.h>

#include <stdio.h>

#include "client/bus/call.h"
#include "client/bus/escape.h"
#include "client/bus/follow.h"
#include "client/bus/path.h"
#include "client/verbs/options.h"
#include "client/view/json.h"
#include "dbus/names.h"

/* Within the tenant the short name will do. */
static char *full_name(const char *tenant, const char *group)
{
    return strchr(group, '/') ? g_strdup(group) : g_strdup_printf("%s/%s", tenant, group);
}

/* Their paths, each once. */
static GPtrArray *find_devices(Client *client, char **words, GError **error)
{
    g_autoptr(GPtrArray) devices = g_ptr_array_new_with_free_func(g_free);

    for (; *words; words++) {
        char *path = client_find_device(client, *words, error);
        if (!path)
            return NULL;
        if (g_ptr_array_find_with_equal_func(devices, path, g_str_equal, NULL))
            g_free(path);
        else
            g_ptr_array_add(devices, path);
    }
    return g_steal_pointer(&devices);
}

static GVariant *names_of(const Model *model, GPtrArray *devices)
{
    GVariantBuilder names;

    g_variant_builder_init(&names, G_VARIANT_TYPE_STRING_ARRAY);
    for (guint i = 0; i < devices->len; i++) {
        g_autofree char *name = model_name_at(model, devices->pdata[i]);
        g_variant_builder_add(&names, "s", name);
    }
    return g_variant_builder_end(&names);
}

static GVariant *paths_of(GPtrArray *devices)
{
    return g_variant_new_objv((const char *const *)devices->pdata, devices->len);
}

static void print_devices(const Model *model, GPtrArray *devices, const char *what)
{
    for (guint i = 0; i < devices->len; i++) {
        const Object *device = model_get(model, devices->pdata[i], KIND_DEVICE);
        g_autofree char *text = device ? object_describe(device) : escape_text(devices->pdata[i]);
        printf("%s %s.\n", text, what);
    }
}

static Outcome grant_devices(Client *client, char **words, GError **error)
{
    g_autofree char *group = NULL, *description = NULL, *class_name = NULL;
    const GOptionEntry entries[] = {
        { "group", 0, 0, G_OPTION_ARG_STRING, &group,
          N_("The group inside the tenant, made when there is none; a new one without it"), "GROUP" },
        { "description", 0, 0, G_OPTION_ARG_STRING, &description, N_("Of a new group: what it is for"),
          "TEXT" },
        { "class", 0, 0, G_OPTION_ARG_STRING, &class_name, N_("Of a new group: generic, hid, storage, …"),
          "CLASS" },
        { 0 },
    };
    GVariantBuilder options;

    g_auto(GStrv) rest = options_parse(client, words, entries, NULL, 2, -1, error);
    if (!rest)
        return OUTCOME_USAGE;
    g_autofree char *tenant = client_find_tenant(client, rest[0], error);
    g_autoptr(GPtrArray) devices = tenant ? find_devices(client, rest + 1, error) : NULL;
    if (!devices)
        return OUTCOME_FAILED;

    g_variant_builder_init(&options, G_VARIANT_TYPE_VARDICT);
    if (description)
        g_variant_builder_add(&options, "{sv}", "Description", g_variant_new_string(description));
    if (class_name)
        g_variant_builder_add(&options, "{sv}", "Class", g_variant_new_string(class_name));
    g_autoptr(GVariant) reply = call_change(
        client, tenant, FERRY_INTERFACE_TENANT, "Grant",
        g_variant_new("(@aos@a{sv})", paths_of(devices), group ? group : "", g_variant_builder_end(&options)),
        "(o)", error);
    g_autoptr(Model) model = reply ? model_fetch(client, error) : NULL;
    if (!model)
        return OUTCOME_FAILED;

    const char *path;
    g_variant_get(reply, "(&o)", &path);
    g_autofree char *tenant_name = path_to_name(tenant);
    g_autofree char *name = path_to_name(path);
    if (client->json) {
        json_print(g_variant_new_parsed("{'tenant': <%s>, 'group': <%s>, 'path': <%s>, 'devices': <%@as>,"
                                        " 'result': <'granted'>}",
                                        tenant_name, name, path, names_of(model, devices)));
        return OUTCOME_DONE;
    }
    g_autofree char *tenant_text = escape_text(tenant_name);
    g_autofree char *name_text = escape_text(name);
    g_autofree char *what =
        g_strdup_printf(_("belongs to tenant \"%s\", group \"%s\""), tenant_text, name_text);
    print_devices(model, devices, what);
    return OUTCOME_DONE;
}

static Outcome revoke_devices(Client *client, char **words, GError **error)
{
    g_autofree char *group = NULL;
    int rule = 0;
    const GOptionEntry entries[] = {
        { "group", 0, 0, G_OPTION_ARG_STRING, &group,
          N_("All that is in this group of the tenant, plugged in or not"), "GROUP" },
        { "rule", 0, 0, G_OPTION_ARG_INT, &rule, N_("Of the group what this rule stands for only"), "ID" },
        { 0 },
    };
    GVariantBuilder options;

    g_auto(GStrv) rest = options_parse(client, words, entries, NULL, 1, -1, error);
    if (!rest)
        return OUTCOME_USAGE;
    if (!group == !rest[1] || rule < 0 || (rule > 0 && !group)) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE,
                    _("say which devices, or --group and perhaps --rule; see usbferry tenant revoke --help"));
        return OUTCOME_USAGE;
    }
    g_autofree char *tenant = client_find_tenant(client, rest[0], error);
    g_autoptr(GPtrArray) devices = tenant ? find_devices(client, rest + 1, error) : NULL;
    /* of before: a device is described as it was */
    g_autoptr(Model) model = devices ? model_fetch(client, error) : NULL;
    if (!model)
        return OUTCOME_FAILED;

    g_variant_builder_init(&options, G_VARIANT_TYPE_VARDICT);
    if (group)
        g_variant_builder_add(&options, "{sv}", "Group", g_variant_new_string(group));
    if (rule > 0)
        g_variant_builder_add(&options, "{sv}", "Rule", g_variant_new_uint32((guint32)rule));
    g_autoptr(GVariant) reply = call_change(
        client, tenant, FERRY_INTERFACE_TENANT, "Revoke",
        g_variant_new("(@ao@a{sv})", paths_of(devices), g_variant_builder_end(&options)), "()", error);
    if (!reply)
        return OUTCOME_FAILED;

    g_autofree char *tenant_name = path_to_name(tenant);
    g_autofree char *tenant_text = escape_text(tenant_name);
    g_autofree char *what = g_strdup_printf(_("no longer belongs to tenant \"%s\""), tenant_text);
    g_autofree char *group_name = group ? full_name(tenant_name, group) : g_strdup("");
    if (client->json)
        json_print(
            g_variant_new_parsed("{'tenant': <%s>, 'group': <%s>, 'devices': <%@as>, 'result': <'revoked'>}",
                                 tenant_name, group_name, names_of(model, devices)));
    else if (group) {
        g_autofree char *group_text = escape_text(group);
        printf(_("What was in group \"%s\" no longer belongs to tenant \"%s\".\n"), group_text, tenant_text);
    } else
        print_devices(model, devices, what);
    return OUTCOME_DONE;
}

const Verb verb_tenant_grant = { "tenant grant", "TENANT DEVICE…",
                                 N_("Makes devices the tenant's, used or not"), grant_devices };

const Verb verb_tenant_revoke = { "tenant revoke", "TENANT [DEVICE…]",
                                  N_("Takes devices from the tenant again"), revoke_devices };
