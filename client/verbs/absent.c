/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads selectors and rules just far enough to tell whether they name the device; what they mean is the
 * service's business. */

#include "client/verbs/absent.h"

#include <glib/gi18n.h>

#include <string.h>

#include "client/bus/escape.h"

/* ------------------------------------------------------------------ what names it */

/* Whether the rule has KEY=VALUE, in quotes or not. */
static bool has_condition(const char *rule, const char *key, const char *value)
{
    g_autofree char *plain = g_strdup_printf(" %s=%s ", key, value);
    g_autofree char *quoted = g_strdup_printf(" %s=\"%s\" ", key, value);
    g_autofree char *padded = g_strdup_printf(" %s ", rule);

    return strstr(padded, plain) || strstr(padded, quoted);
}

/* "046d:c31c" */
static bool has_ids(const char *rule, const char *word)
{
    g_auto(GStrv) ids = g_strsplit(word, ":", -1);
    g_autofree char *vendor = *ids ? g_ascii_strdown(ids[0], -1) : NULL;
    g_autofree char *product = *ids && ids[1] && !ids[2] ? g_ascii_strdown(ids[1], -1) : NULL;

    return product && has_condition(rule, "vendor", vendor) && has_condition(rule, "product", product);
}

static bool names_it(const char *rule, const char *word)
{
    return has_condition(rule, "serial", word) || has_condition(rule, "port", word) || has_ids(rule, word);
}

static bool is_part_of(const char *text, const char *word)
{
    g_autofree char *folded_text = g_utf8_casefold(text, -1), *folded_word = g_utf8_casefold(word, -1);

    return strstr(folded_text, folded_word) != NULL;
}

/* It is for one device, and that isn't there. */
static bool waits_for_it(const Object *assignment, const char *word)
{
    static const char *const away[] = { "not-plugged-in", "both-missing", NULL };

    return g_strv_contains(away, object_string(assignment, "ReasonCode")) &&
           (names_it(object_string(assignment, "Selector"), word) ||
            is_part_of(object_string(assignment, "DeviceLabel"), word));
}

char *absent_hint(const Model *model, const char *word)
{
    g_autoptr(GPtrArray) assignments = model_sorted(model, KIND_ASSIGNMENT);

    for (guint i = 0; *word && i < assignments->len; i++)
        if (waits_for_it(assignments->pdata[i], word)) {
            g_autofree char *text = object_describe(assignments->pdata[i]);
            return g_strdup_printf(_("\n  It is not plugged in; %s waits for it"), text);
        }
    return g_strdup("");
}

/* ------------------------------------------------------------------ lines */

static void add_line(GVariantBuilder *lines, const char *kind, const char *subject, const char *verdict,
                     const char *code, char *text)
{
    g_variant_builder_add_value(
        lines, g_variant_new_parsed("{'Kind': <%s>, 'Subject': <%s>, 'Verdict': <%s>, 'Winner': <false>,"
                                    " 'Code': <%s>, 'Text': <%s>}",
                                    kind, subject, verdict, code, text));
    g_free(text);
}

static guint add_assignments(GVariantBuilder *lines, const Model *model, const char *word)
{
    g_autoptr(GPtrArray) assignments = model_sorted(model, KIND_ASSIGNMENT);
    guint n = 0;

    for (guint i = 0; i < assignments->len; i++) {
        const Object *assignment = assignments->pdata[i];

        if (!waits_for_it(assignment, word))
            continue;
        g_autofree char *id = object_id(assignment);
        add_line(lines, "assignment", id, "waits", object_string(assignment, "ReasonCode"),
                 g_strdup_printf(_("\"%s\" waits for it: %s"), object_name(assignment),
                                 object_string(assignment, "Reason")));
        n++;
    }
    return n;
}

static guint add_rules(GVariantBuilder *lines, const Object *group, const char *word)
{
    GVariant *rules = object_value(group, "Rules");
    GVariantIter iter;
    guint32 id;
    gboolean enabled;
    const char *rule, *origin;
    guint n = 0;

    if (!rules || !g_variant_is_of_type(rules, G_VARIANT_TYPE("a(ubss)")))
        return 0;
    g_variant_iter_init(&iter, rules);
    while (g_variant_iter_next(&iter, "(ub&s&s)", &id, &enabled, &rule, &origin)) {
        if (!names_it(rule, word))
            continue;
        add_line(lines, "rule", object_name(group), enabled ? "yes" : "blocks",
                 enabled ? "rule-matches" : "rule-disabled",
                 g_strdup_printf(enabled ? _("rule %u of group %s is for it: %s")
                                         : _("rule %u of group %s would be for it, but is disabled: %s"),
                                 id, object_name(group), rule));
        n++;
    }
    return n;
}

GVariant *absent_explain(const Model *model, const char *word)
{
    g_autoptr(GPtrArray) groups = model_sorted(model, KIND_GROUP);
    GVariantBuilder lines;
    guint n;

    g_variant_builder_init(&lines, G_VARIANT_TYPE("aa{sv}"));
    add_line(&lines, "device", word, "waits", "not-plugged-in",
             g_strdup_printf(_("\"%s\" is not plugged in"), word));
    n = add_assignments(&lines, model, word);
    for (guint i = 0; i < groups->len; i++)
        n += add_rules(&lines, groups->pdata[i], word);
    g_autoptr(GVariant) all = g_variant_ref_sink(g_variant_builder_end(&lines));
    return n > 0 ? g_steal_pointer(&all) : NULL;
}
