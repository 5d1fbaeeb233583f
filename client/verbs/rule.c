/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rule, and rule add, set, rm and test: the rules of groups. test changes nothing, it shows what a rule would
 * do. */

#include "client/verbs/rule.h"

#include <glib/gi18n.h>

#include <stdio.h>

#include "client/bus/call.h"
#include "client/bus/escape.h"
#include "client/bus/follow.h"
#include "client/bus/path.h"
#include "client/verbs/loss.h"
#include "client/verbs/options.h"
#include "client/verbs/passthrough-rule.h"
#include "client/view/columns.h"
#include "client/view/json.h"
#include "client/view/table.h"
#include "client/view/words.h"
#include "dbus/names.h"

#define FORCE_ENTRY(force)                                                                          \
    {                                                                                               \
        "force", 0, 0, G_OPTION_ARG_NONE, &(force), N_("Also when it takes devices from VMs"), NULL \
    }

/* A rule is one text; without quotes around it the shell makes several words of it. */
static char *join(char **words)
{
    return g_strjoinv(" ", words);
}

static bool parse_id(const char *text, guint32 *ret_id, GError **error)
{
    guint64 id;

    if (!g_ascii_string_to_unsigned(*text == '#' ? text + 1 : text, 10, 1, G_MAXUINT32, &id, NULL)) {
        g_autofree char *escaped = escape_text(text);
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE,
                    _("\"%s\" is no number of a rule; see usbferry group show GROUP"), escaped);
        return false;
    }
    *ret_id = (guint32)id;
    return true;
}

static void report(Client *client, const char *path, guint32 id, const char *what)
{
    g_autofree char *group = path_to_name(path);
    g_autofree char *escaped = escape_text(group);

    if (client->json)
        json_print(g_variant_new_parsed("{'group': <%s>, 'rule-id': <%u>, 'result': <%s>}", group, id, what));
    else if (g_str_equal(what, "already"))
        printf(_("Rule %s#%u says so already.\n"), escaped, id);
    else
        printf(_("Rule %s#%u is %s.\n"), escaped, id, words_word(what));
}

/* What is said of the switch: a{sv}, floating. */
static GVariant *enabled_option(bool said, bool enabled)
{
    return said ? g_variant_new_parsed("{'Enabled': <%b>}", (gboolean)enabled)
                : g_variant_new_parsed("@a{sv} {}");
}

static bool has_rule(const Object *group, guint32 id)
{
    GVariant *rules = group ? object_value(group, "Rules") : NULL;
    bool found = false;

    for (gsize i = 0; rules && g_variant_is_of_type(rules, G_VARIANT_TYPE("a(ubss)")) && !found &&
                      i < g_variant_n_children(rules);
         i++) {
        guint32 one;
        g_variant_get_child(rules, i, "(ub&s&s)", &one, NULL, NULL, NULL);
        found = one == id;
    }
    return found;
}

static Outcome add(Client *client, char **words, GError **error)
{
    gboolean disabled = FALSE;
    const GOptionEntry entries[] = {
        { "disabled", 0, 0, G_OPTION_ARG_NONE, &disabled, N_("Matches nothing until it is enabled"), NULL },
        { 0 },
    };

    g_auto(GStrv) rest = options_parse(client, words, entries, NULL, 2, -1, error);
    if (!rest)
        return OUTCOME_USAGE;

    g_autofree char *rule = join(rest + 1);
    g_autofree char *path = client_find_group(client, rest[0], error);
    g_autoptr(Model) before = path ? model_fetch(client, error) : NULL;
    g_autoptr(GVariant) reply =
        before ? call_change(client, path, FERRY_INTERFACE_GROUP, "AddRule",
                             g_variant_new("(s@a{sv})", rule, enabled_option(disabled, false)), "(u)", error)
               : NULL;
    if (!reply)
        return OUTCOME_FAILED;
    guint32 id;
    g_variant_get(reply, "(u)", &id);
    report(client, path, id, has_rule(model_get(before, path, KIND_GROUP), id) ? "already" : "added");
    return OUTCOME_DONE;
}

static Outcome set(Client *client, char **words, GError **error)
{
    gboolean enable = FALSE, disable = FALSE, force = FALSE;
    const GOptionEntry entries[] = {
        { "enable", 0, 0, G_OPTION_ARG_NONE, &enable, N_("Has it match"), NULL },
        { "disable", 0, 0, G_OPTION_ARG_NONE, &disable, N_("Keeps it, but it matches nothing"), NULL },
        FORCE_ENTRY(force),
        { 0 },
    };
    guint32 id;

    g_auto(GStrv) rest = options_parse(client, words, entries, NULL, 2, -1, error);
    if (!rest || !parse_id(rest[1], &id, error))
        return OUTCOME_USAGE;
    if ((enable && disable) || (!rest[2] && !enable && !disable)) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE,
                    _("say what to change: a new rule, --enable or --disable; see usbferry rule set --help"));
        return OUTCOME_USAGE;
    }

    g_autofree char *rule = join(rest + 2); /* "" = as it is */
    g_autofree char *path = client_find_group(client, rest[0], error);
    const bool on = enable;
    bool good = path && (force || loss_check_rule(client, path, id, rule, enable || disable ? &on : NULL,
                                                  /* remove= */ false, error));
    g_autoptr(GVariant) reply =
        good ? call_change(client, path, FERRY_INTERFACE_GROUP, "UpdateRule",
                           g_variant_new("(us@a{sv})", id, rule, enabled_option(enable || disable, enable)),
                           "()", error)
             : NULL;
    if (!reply)
        return OUTCOME_FAILED;
    report(client, path, id, "changed");
    return OUTCOME_DONE;
}

static Outcome rm(Client *client, char **words, GError **error)
{
    gboolean force = FALSE;
    const GOptionEntry entries[] = { FORCE_ENTRY(force), { 0 } };
    guint32 id;

    g_auto(GStrv) rest = options_parse(client, words, entries, NULL, 2, 2, error);
    if (!rest || !parse_id(rest[1], &id, error))
        return OUTCOME_USAGE;

    g_autofree char *path = client_find_group(client, rest[0], error);
    bool good = path && (force || loss_check_rule(client, path, id, "", NULL, /* remove= */ true, error));
    g_autoptr(GVariant) reply = good ? call_change(client, path, FERRY_INTERFACE_GROUP, "RemoveRule",
                                                   g_variant_new("(u)", id), "()", error)
                                     : NULL;
    if (!reply)
        return OUTCOME_FAILED;
    report(client, path, id, "removed");
    return OUTCOME_DONE;
}

/* ------------------------------------------------------------------ test */

/* What is already there, so that one sees what the rule would change. */
#define TEST_COLUMNS "device,model,usb-id,serial,socket,groups,vm,state"

/* What would change in the group, as PreviewRule says it: aa{sv}. Without a group: nothing. */
static GVariant *preview(Client *client, const char *rule, const char *group, guint32 id, GError **error)
{
    GVariantBuilder options;

    if (!group)
        return g_variant_ref_sink(g_variant_new_parsed("@aa{sv} []"));
    g_variant_builder_init(&options, G_VARIANT_TYPE_VARDICT);
    g_variant_builder_add(&options, "{sv}", "Group", g_variant_new_string(group));
    if (id)
        g_variant_builder_add(&options, "{sv}", "Rule", g_variant_new_uint32(id));
    g_autoptr(GVariant) reply = call_read(client, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "PreviewRule",
                                          g_variant_new("(sa{sv})", rule, &options), "(aa{sv})", error);
    return reply ? g_variant_get_child_value(reply, 0) : NULL;
}

/* changes: as the service tells them, aa{sv}; as programs are to read them. */
static GVariant *name_changes(const Model *model, GVariant *changes)
{
    GVariantBuilder records;

    g_variant_builder_init(&records, G_VARIANT_TYPE("aa{sv}"));
    for (gsize i = 0; i < g_variant_n_children(changes); i++) {
        g_autoptr(GVariant) change = g_variant_get_child_value(changes, i);
        const char *kind = "", *device = "/", *assignment = "/", *text = "";
        g_variant_lookup(change, "Change", "&s", &kind);
        g_variant_lookup(change, "Device", "&o", &device);
        g_variant_lookup(change, "Assignment", "&o", &assignment);
        g_variant_lookup(change, "Text", "&s", &text);
        g_autofree char *device_name = model_name_at(model, device);
        g_autofree char *assignment_name = model_name_at(model, assignment);
        g_variant_builder_add_value(
            &records,
            g_variant_new_parsed("{'change': <%s>, 'device': <%s>, 'assignment': <%s>, 'text': <%s>}", kind,
                                 device_name, assignment_name, text));
    }
    return g_variant_ref_sink(g_variant_builder_end(&records));
}

static void print_json(const Model *model, const char *rule, const char *group, GPtrArray *devices,
                       GVariant *changes)
{
    g_autoptr(GPtrArray) columns = columns_all(columns_for(KIND_DEVICE));
    g_autoptr(GVariant) matches = g_variant_ref_sink(columns_to_records(model, columns, devices));
    g_autoptr(GVariant) named = name_changes(model, changes);

    json_print(
        g_variant_new_parsed("{'rule': <%s>, 'group': <%s>, 'matches': <%@aa{sv}>, 'changes': <%@aa{sv}>}",
                             rule, group ? group : "", matches, named));
}

static void print_changes(const Model *model, GVariant *changes, const char *group)
{
    g_autofree char *escaped = escape_text(group);

    if (!group)
        puts(_("In a new group nothing changes until the group is assigned."));
    else if (g_variant_n_children(changes) == 0)
        printf(_("In group %s nothing would change.\n"), escaped);
    else
        printf(_("In group %s this would change:\n"), escaped);
    for (gsize i = 0; i < g_variant_n_children(changes); i++) {
        g_autoptr(GVariant) change = g_variant_get_child_value(changes, i);
        const char *kind = "", *device = "/", *assignment = "/", *said = "";
        g_variant_lookup(change, "Change", "&s", &kind);
        g_variant_lookup(change, "Device", "&o", &device);
        g_variant_lookup(change, "Assignment", "&o", &assignment);
        g_variant_lookup(change, "Text", "&s", &said);
        g_autofree char *raw = words_change(model, kind, model_get(model, device, KIND_DEVICE),
                                            model_get(model, assignment, KIND_ASSIGNMENT), said);
        g_autofree char *text = escape_text(raw);
        printf("  %s\n", text);
    }
}

/* The same for people and programs: on the standard error. */
static void warn_of_impostors(const char *rule)
{
    if (passthrough_rule_is_forgeable(rule))
        fprintf(
            stderr,
            _("usbferry: warning: this rule goes by what a device says of itself alone, and any device can "
              "say so; vendor= and product= make it narrower, port= or hub= say where\n"));
}

static Outcome test(Client *client, char **words, GError **error)
{
    g_autofree char *group = NULL, *number = NULL;
    const GOptionEntry entries[] = {
        { "group", 0, 0, G_OPTION_ARG_STRING, &group, N_("What would change if it were in this group"),
          "GROUP" },
        { "rule", 0, 0, G_OPTION_ARG_STRING, &number, N_("In place of the group's rule of this number"),
          "ID" },
        { 0 },
    };
    guint32 id = 0;

    g_auto(GStrv) rest = options_parse(client, words, entries, NULL, 1, -1, error);
    if (!rest || (number && !parse_id(number, &id, error)))
        return OUTCOME_USAGE;
    if (number && !group) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE,
                    _("--rule is for a rule of a group: --group names it"));
        return OUTCOME_USAGE;
    }

    g_autofree char *rule = join(rest);
    g_autoptr(GVariant) reply = call_read(client, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "TestRule",
                                          g_variant_new("(s)", rule), "(ao)", error);
    g_autoptr(GVariant) changes = reply ? preview(client, rule, group, id, error) : NULL;
    g_autoptr(Model) model = changes ? model_fetch(client, error) : NULL;
    if (!model)
        return OUTCOME_FAILED;

    g_autoptr(GPtrArray) devices = g_ptr_array_new();
    g_autoptr(GVariant) paths = g_variant_get_child_value(reply, 0);
    for (gsize i = 0; i < g_variant_n_children(paths); i++) {
        g_autoptr(GVariant) path = g_variant_get_child_value(paths, i);
        const Object *device = model_get(model, g_variant_get_string(path, NULL), KIND_DEVICE);
        if (device)
            g_ptr_array_add(devices, (void *)device);
    }

    warn_of_impostors(rule);
    if (client->json) {
        print_json(model, rule, group, devices, changes);
        return OUTCOME_DONE;
    }
    g_autoptr(GPtrArray) columns = columns_choose(columns_for(KIND_DEVICE), TEST_COLUMNS, error);
    if (devices->len == 0)
        puts(_("No device that is plugged in matches."));
    else
        table_print(model, columns, devices, TABLE_DASHES);
    print_changes(model, changes, group);
    return OUTCOME_DONE;
}

/* ------------------------------------------------------------------ list */

static void print_rules(const Model *model, const Object *group)
{
    g_autofree char *name = escape_text(object_name(group));
    g_autoptr(GVariant) rules = columns_get(model, group, "rules");

    for (gsize i = 0; rules && i < g_variant_n_children(rules); i++) {
        g_autoptr(GVariant) rule = g_variant_get_child_value(rules, i);
        g_autofree char *text = variant_to_text(rule);
        printf("%s%s\n", name, text);
    }
}

static void add_rules(GVariantBuilder *records, const Model *model, const Object *group)
{
    g_autoptr(GVariant) rules = column_value(column_find(columns_for(KIND_GROUP), "rules"), model, group);

    for (gsize i = 0; i < g_variant_n_children(rules); i++) {
        g_autoptr(GVariant) rule = g_variant_get_child_value(rules, i);
        g_variant_builder_add_value(records, rule);
    }
}

static Outcome list_rules(Client *client, char **words, GError **error)
{
    GVariantBuilder records;

    g_auto(GStrv) none = options_parse(client, words, NULL, NULL, 0, 0, error);
    g_autoptr(Model) model = none ? model_fetch(client, error) : NULL;
    if (!model)
        return OUTCOME_FAILED;

    g_autoptr(GPtrArray) groups = model_sorted(model, KIND_GROUP);
    if (!client->json) {
        for (guint i = 0; i < groups->len; i++)
            print_rules(model, groups->pdata[i]);
        return OUTCOME_DONE;
    }
    g_variant_builder_init(&records, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < groups->len; i++)
        add_rules(&records, model, groups->pdata[i]);
    json_print(g_variant_builder_end(&records));
    return OUTCOME_DONE;
}

const Verb verb_rule = { "rule", NULL, N_("Lists the rules of all groups"), list_rules };

const Verb verb_rule_add = { "rule add", "GROUP RULE", N_("Adds a rule to a group"), add };

const Verb verb_rule_set = { "rule set", "GROUP ID [RULE]", N_("Changes a rule"), set };

const Verb verb_rule_rm = { "rule rm", "GROUP ID", N_("Removes a rule"), rm };

const Verb verb_rule_test = { "rule test", "RULE",
                              N_("Shows which devices a rule would match, and what would change"), test };
