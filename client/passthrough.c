/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/passthrough.h"

#include "client/escape.h"

#define NAME_MAX_BASE 48 /* of the 64 that a group's name may have: the rest is for the number */

/* "Keyboard K120" → "keyboard-k120"; "" when nothing is left. New string. */
static char *to_name(const char *text)
{
    GString *name = g_string_new(NULL);

    for (; *text && name->len < NAME_MAX_BASE; text++)
        if (g_ascii_isalnum(*text))
            g_string_append_c(name, g_ascii_tolower(*text));
        else if (name->len > 0 && name->str[name->len - 1] != '-')
            g_string_append_c(name, '-');
    while (name->len > 0 && name->str[name->len - 1] == '-')
        g_string_truncate(name, name->len - 1);
    return g_string_free(name, FALSE);
}

/* What all devices have in common, from the most to the least telling. New string. */
static char *common_name(GPtrArray *devices)
{
    static const char *const properties[] = { "Product", "Vendor", "Class" };

    for (gsize i = 0; i < G_N_ELEMENTS(properties); i++) {
        const char *text = object_string(devices->pdata[0], properties[i]);
        bool same = true;

        for (guint j = 1; j < devices->len; j++)
            same = same && g_str_equal(object_string(devices->pdata[j], properties[i]), text);
        g_autofree char *name = same ? to_name(text) : g_strdup("");
        if (*name)
            return g_steal_pointer(&name);
    }
    return g_strdup("devices");
}

static bool is_taken(GPtrArray *groups, const char *name)
{
    for (guint i = 0; i < groups->len; i++)
        if (g_ascii_strcasecmp(object_string(groups->pdata[i], "Name"), name) == 0)
            return true;
    return false;
}

char *passthrough_group_name(const Model *model, GPtrArray *devices)
{
    g_autoptr(GPtrArray) groups = model_sorted(model, KIND_GROUP);
    g_autofree char *base = common_name(devices);
    char *name = g_strdup(base);

    for (unsigned i = 2; is_taken(groups, name); i++) {
        g_free(name);
        name = g_strdup_printf("%s-%u", base, i);
    }
    return name;
}

/* Behind the condition and the space that follows. */
static const char *skip_condition(const char *rule)
{
    bool quoted = false;

    for (; *rule && (quoted || *rule != ' '); rule++)
        if (*rule == '"')
            quoted = !quoted;
        else if (quoted && *rule == '\\' && rule[1])
            rule++;
    while (*rule == ' ')
        rule++;
    return rule;
}

bool passthrough_rule_names(const char *rule, const char *key)
{
    gsize length = strlen(key);

    for (; *rule; rule = skip_condition(rule))
        if (strncmp(rule, key, length) == 0 &&
            (rule[length] == '=' || (rule[length] == '!' && rule[length + 1] == '=')))
            return true;
    return false;
}

char *passthrough_reason(const char *rule, const Object *device)
{
    g_autofree char *serial = escape_text(object_string(device, "Serial"));

    if (passthrough_rule_names(rule, "serial"))
        return g_strdup("by its serial number, which is unique on this host");
    if (!*serial)
        return g_strdup("by its port: it has no serial number");
    return g_strdup_printf("by its port: its serial number %s is not unique on this host, or too plain",
                           serial);
}
