/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* list, group and tenant: one fetch of all objects, and a table of one kind of them. */

#include "client/verbs/list.h"

#include <glib/gi18n.h>

#include <stdio.h>

#include "client/bus/escape.h"
#include "client/bus/fleet.h"
#include "client/bus/follow.h"
#include "client/verbs/hosts.h"
#include "client/verbs/options.h"
#include "client/view/columns.h"
#include "client/view/json.h"
#include "client/view/overview.h"
#include "client/view/table.h"

static const ObjectKind listed[] = { KIND_DEVICE, KIND_MACHINE, KIND_ASSIGNMENT, KIND_GROUP, KIND_TENANT };

/* For the help. */
static const char *const headings[G_N_ELEMENTS(listed)] = {
    N_("Columns of devices:"), N_("Columns of vms:"),     N_("Columns of assignments:"),
    N_("Columns of groups:"),  N_("Columns of tenants:"),
};

/* "devices", or "device" */
static bool is_kind(ObjectKind kind, const char *word)
{
    const char *name = kind_to_string(kind);
    gsize length = strlen(name);

    return strncmp(word, name, length) == 0 && (!word[length] || g_str_equal(word + length, "s"));
}

static ObjectKind parse_kind(const char *word, GError **error)
{
    if (!word)
        return KIND_DEVICE;

    for (gsize i = 0; i < G_N_ELEMENTS(listed); i++)
        if (is_kind(listed[i], word))
            return listed[i];
    /* as the bus calls them */
    if (g_str_equal(word, "machines") || g_str_equal(word, "machine"))
        return KIND_MACHINE;

    g_autofree char *escaped = escape_text(word);
    g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE,
                _("\"%s\" cannot be listed; devices, vms, assignments, groups and tenants can"), escaped);
    return _KIND_INVALID;
}

static char *make_notes(ObjectKind fixed)
{
    GString *notes = g_string_new(NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(listed); i++) {
        if (fixed != _KIND_INVALID && listed[i] != fixed)
            continue;
        g_autofree char *help = columns_help(columns_for(listed[i]));
        g_string_append_printf(notes, "%s%s\n%s", notes->len > 0 ? "\n" : "", _(headings[i]), help);
    }
    return g_string_free(notes, FALSE);
}

/* No VMs, or old news of them, are not to be taken for the truth. */
static void warn_of_hypervisor(const Model *model)
{
    const Object *manager = model_manager(model);
    g_autofree char *uri = escape_text(object_string(manager, "HypervisorURI"));

    if (manager && !g_str_equal(object_string(manager, "HypervisorState"), "connected"))
        fprintf(stderr, _("usbferry: the hypervisor %s is not connected: this is what was known last\n"),
                uri);
}

static GPtrArray *list_rows(const Model *model, const void *kind)
{
    return model_sorted(model, *(const ObjectKind *)kind);
}

static void print_tree(const Model *model, bool no_headings)
{
    g_autoptr(GPtrArray) rows = overview_tree_rows(model);
    g_autoptr(GPtrArray) columns = columns_all(overview_tree_columns());

    if (rows->len > 0)
        table_print(model, columns, rows, no_headings ? TABLE_NO_HEADINGS : 0);
}

/* fixed: the kind that the verb itself names, _KIND_INVALID = the first word does. */
static Outcome list(Client *client, ObjectKind fixed, char **words, GError **error)
{
    g_autofree char *names = NULL;
    gboolean no_headings = FALSE, tree = FALSE;
    const GOptionEntry entries[] = {
        { "output", 'o', 0, G_OPTION_ARG_STRING, &names, N_("Show these columns"), "COLUMN[,…]" },
        { "noheadings", 0, 0, G_OPTION_ARG_NONE, &no_headings, N_("Leave out the headings"), NULL },
        { "tree", 0, 0, G_OPTION_ARG_NONE, &tree, N_("Devices below the hubs that they are plugged into"),
          NULL },
        { 0 },
    };
    g_autofree char *notes = make_notes(fixed);

    g_auto(GStrv) rest =
        options_parse(client, words, entries, notes, 0, fixed == _KIND_INVALID ? 1 : 0, error);
    if (!rest)
        return OUTCOME_USAGE;
    ObjectKind kind = fixed != _KIND_INVALID ? fixed : parse_kind(rest[0], error);
    if (kind == _KIND_INVALID)
        return OUTCOME_USAGE;
    if (tree && (kind != KIND_DEVICE || names || client->json || fleet_is_asked(client))) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE,
                    _("--tree: it is for the devices of one host, as a table"));
        return OUTCOME_USAGE;
    }
    /* programs have room for everything */
    g_autoptr(GPtrArray) columns = client->json && !names ? columns_all(columns_for(kind))
                                                          : columns_choose(columns_for(kind), names, error);
    if (!columns)
        return OUTCOME_USAGE;

    if (fleet_is_asked(client))
        return hosts_list(client, list_rows, &kind, columns_for(kind), columns,
                          TABLE_DASHES | (no_headings ? TABLE_NO_HEADINGS : 0));
    g_autoptr(Model) model = model_fetch(client, error);
    if (!model)
        return OUTCOME_FAILED;

    if (tree) {
        print_tree(model, no_headings);
        return OUTCOME_DONE;
    }
    g_autoptr(GPtrArray) objects = model_sorted(model, kind);
    if (client->json) {
        json_print(columns_to_records(model, columns, objects));
        return OUTCOME_DONE;
    }
    if (kind == KIND_MACHINE)
        warn_of_hypervisor(model);
    if (objects->len == 0)
        return OUTCOME_DONE;
    /* where nobody has tenants, nobody is told of them */
    if (!names)
        columns_drop_empty(model, columns, objects, "tenant");
    if (!names)
        columns_drop_empty(model, columns, objects, "title");
    table_print(model, columns, objects, TABLE_DASHES | (no_headings ? TABLE_NO_HEADINGS : 0));
    return OUTCOME_DONE;
}

static Outcome list_any(Client *client, char **words, GError **error)
{
    return list(client, _KIND_INVALID, words, error);
}

static Outcome list_groups(Client *client, char **words, GError **error)
{
    return list(client, KIND_GROUP, words, error);
}

static Outcome list_tenants(Client *client, char **words, GError **error)
{
    return list(client, KIND_TENANT, words, error);
}

const Verb verb_list = { "list", "[devices|vms|assignments|groups|tenants]",
                         N_("Lists devices, VMs, assignments and so on"), list_any, .takes_hosts = true };

const Verb verb_group = { "group", NULL, N_("Lists the groups"), list_groups, .takes_hosts = true };

const Verb verb_tenant = { "tenant", NULL, N_("Lists the tenants, who own devices and VMs"), list_tenants,
                           .takes_hosts = true };
