/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tenant add, set, rm and machine: calls of the manager and of a tenant. The list of tenants is in list.c,
 * their devices are in grant.c. */

#include "client/verbs/tenant.h"

#include <glib/gi18n.h>

#include <stdio.h>

#include "client/bus/call.h"
#include "client/bus/escape.h"
#include "client/bus/follow.h"
#include "client/bus/path.h"
#include "client/verbs/options.h"
#include "client/view/failure.h"
#include "client/view/json.h"
#include "client/view/words.h"
#include "dbus/names.h"

/* NULL = not said */
typedef struct TenantWords {
    char *description;
    char **members;
    gboolean no_members;
} TenantWords;

static void tenant_words_clear(TenantWords *words)
{
    g_free(words->description);
    g_strfreev(words->members);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TenantWords, tenant_words_clear)

#define TENANT_ENTRIES(words)                                                                                    \
    { "description", 0, 0, G_OPTION_ARG_STRING, &(words).description, N_("What it is for"), "TEXT" },            \
    {                                                                                                            \
        "member", 0, 0, G_OPTION_ARG_STRING_ARRAY, &(words).members,                                             \
            N_("Who gives its devices to its VMs: user:NAME or group:NAME; once for each of them, all of them"), \
            "MEMBER"                                                                                             \
    }

/* a{sv} of what was said. */
static GVariant *tenant_options(const TenantWords *words, GError **error)
{
    static const char *const nobody[] = { NULL };
    GVariantBuilder dict;

    if (words->members && words->no_members) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, _("--member or --no-members, not both"));
        return NULL;
    }
    g_variant_builder_init(&dict, G_VARIANT_TYPE_VARDICT);
    if (words->description)
        g_variant_builder_add(&dict, "{sv}", "Description", g_variant_new_string(words->description));
    if (words->members || words->no_members)
        g_variant_builder_add(
            &dict, "{sv}", "Members",
            g_variant_new_strv(words->members ? (const char *const *)words->members : nobody, -1));
    return g_variant_ref_sink(g_variant_builder_end(&dict));
}

static void report(Client *client, const char *path, const char *what)
{
    g_autofree char *name = path_to_name(path);
    g_autofree char *escaped = escape_text(name);

    if (client->json)
        json_print(g_variant_new_parsed("{'tenant': <%s>, 'path': <%s>, 'result': <%s>}", name, path, what));
    else
        printf(_("Tenant \"%s\" is %s.\n"), escaped, words_word(what));
}

static Outcome add(Client *client, char **words, GError **error)
{
    g_auto(TenantWords) said = { 0 };
    const GOptionEntry entries[] = { TENANT_ENTRIES(said), { 0 } };

    g_auto(GStrv) rest = options_parse(client, words, entries, NULL, 1, 1, error);
    g_autoptr(GVariant) options = rest ? tenant_options(&said, error) : NULL;
    if (!options)
        return OUTCOME_USAGE;

    g_autoptr(GVariant) reply = call_change(client, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "CreateTenant",
                                            g_variant_new("(s@a{sv})", rest[0], options), "(o)", error);
    if (!reply)
        return OUTCOME_FAILED;
    const char *path;
    g_variant_get(reply, "(&o)", &path);
    report(client, path, "made");
    return OUTCOME_DONE;
}

static Outcome set(Client *client, char **words, GError **error)
{
    g_auto(TenantWords) said = { 0 };
    const GOptionEntry entries[] = {
        TENANT_ENTRIES(said),
        { "no-members", 0, 0, G_OPTION_ARG_NONE, &said.no_members, N_("Nobody but administrators"), NULL },
        { 0 },
    };

    g_auto(GStrv) rest = options_parse(client, words, entries, NULL, 1, 1, error);
    g_autoptr(GVariant) options = rest ? tenant_options(&said, error) : NULL;
    if (!options)
        return OUTCOME_USAGE;
    if (g_variant_n_children(options) == 0) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE,
                    _("say what to change; see usbferry tenant set --help"));
        return OUTCOME_USAGE;
    }

    g_autofree char *path = client_find_tenant(client, rest[0], error);
    if (!path || !call_options(client, path, FERRY_INTERFACE_TENANT, "Update", options, error))
        return OUTCOME_FAILED;
    report(client, path, "changed");
    return OUTCOME_DONE;
}

static Outcome rm(Client *client, char **words, GError **error)
{
    gboolean force = FALSE;
    const GOptionEntry entries[] = {
        { "force", 0, 0, G_OPTION_ARG_NONE, &force,
          N_("Also when devices are granted to it: they are revoked"), NULL },
        { 0 },
    };

    g_auto(GStrv) rest = options_parse(client, words, entries, NULL, 1, 1, error);
    if (!rest)
        return OUTCOME_USAGE;

    g_autofree char *path = client_find_tenant(client, rest[0], error);
    if (!path || !call_delete(client, path, FERRY_INTERFACE_TENANT, force, error))
        return OUTCOME_FAILED;
    report(client, path, "deleted");
    return OUTCOME_DONE;
}

/* One that isn't defined any more has only its UUID, and can go out of a tenant all the same. */
static char *find_machine(Client *client, const char *word, bool gone_too, GError **error)
{
    g_autoptr(GError) local = NULL;
    char *machine = client_find_machine(client, word, &local);

    if (!machine && gone_too && g_uuid_string_is_valid(word) &&
        g_error_matches(local, CLIENT_ERROR, OUTCOME_NOT_FOUND)) {
        g_autofree char *folded = g_ascii_strdown(word, -1);
        if (sd_bus_path_encode(FERRY_PATH_MACHINE_PREFIX, folded, &machine) >= 0)
            return machine;
    }
    if (!machine)
        g_propagate_error(error, g_steal_pointer(&local));
    return machine;
}

/* Its path. */
static char *move_machine(Client *client, const char *tenant, const char *word, bool out, GError **error)
{
    g_autofree char *machine = find_machine(client, word, out, error);
    g_autoptr(GVariant) reply =
        machine ? call_change(client, tenant, FERRY_INTERFACE_TENANT, out ? "RemoveMachine" : "AddMachine",
                              g_variant_new("(o)", machine), "()", error)
                : NULL;

    return reply ? g_steal_pointer(&machine) : NULL;
}

static void report_machines(Client *client, const Model *model, const char *tenant, GPtrArray *machines,
                            bool out)
{
    g_autofree char *tenant_name = path_to_name(tenant);
    g_autofree char *tenant_text = escape_text(tenant_name);
    GVariantBuilder records;

    g_variant_builder_init(&records, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < machines->len; i++) {
        g_autofree char *name = model_name_at(model, machines->pdata[i]);
        g_autofree char *text = escape_text(name);
        g_variant_builder_add_value(
            &records,
            g_variant_new_parsed("{'tenant': <%s>, 'vm': <%s>, 'path': <%s>, 'result': <%s>}", tenant_name,
                                 name, (const char *)machines->pdata[i], out ? "removed" : "added"));
        if (!client->json)
            printf(out ? _("VM \"%s\" no longer belongs to tenant \"%s\".\n")
                       : _("VM \"%s\" belongs to tenant \"%s\".\n"),
                   text, tenant_text);
    }
    g_autoptr(GVariant) list = g_variant_ref_sink(g_variant_builder_end(&records));
    if (client->json)
        json_print(list);
}

static Outcome move_machines(Client *client, char **words, GError **error)
{
    gboolean out = FALSE;
    const GOptionEntry entries[] = {
        { "remove", 0, 0, G_OPTION_ARG_NONE, &out,
          N_("They belong to it no longer: its devices come home from them"), NULL },
        { 0 },
    };
    Outcome outcome = OUTCOME_DONE;

    g_auto(GStrv) rest = options_parse(client, words, entries, NULL, 2, -1, error);
    if (!rest)
        return OUTCOME_USAGE;
    g_autofree char *tenant = client_find_tenant(client, rest[0], error);
    if (!tenant)
        return OUTCOME_FAILED;

    g_autoptr(GPtrArray) machines = g_ptr_array_new_with_free_func(g_free);
    for (char **word = rest + 1; *word; word++) {
        g_autoptr(GError) local = NULL;
        char *machine = move_machine(client, tenant, *word, out, &local);
        if (machine) {
            g_ptr_array_add(machines, machine);
            continue;
        }
        failure_print(client, local);
        if (outcome == OUTCOME_DONE)
            outcome = (Outcome)local->code;
    }

    g_autoptr(Model) model = model_fetch(client, error);
    if (!model)
        return OUTCOME_FAILED;
    report_machines(client, model, tenant, machines, out);
    return outcome;
}

const Verb verb_tenant_add = { "tenant add", "TENANT", N_("Makes a tenant"), add };

const Verb verb_tenant_set = { "tenant set", "TENANT", N_("Changes a tenant and its members"), set };

const Verb verb_tenant_rm = { "tenant rm", "TENANT", N_("Deletes a tenant"), rm };

const Verb verb_tenant_machine = { "tenant machine", "TENANT VM…",
                                   N_("Gives VMs to a tenant, or takes them from it"), move_machines };
