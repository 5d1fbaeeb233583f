/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads just enough of a rule to tell its conditions apart; what a rule means is the service's business. */

#include "client/verbs/passthrough-rule.h"

#include <glib/gi18n.h>

#include "client/bus/escape.h"

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

/* Whether it has to have a certain value: neither != nor any. */
static bool demands(const char *rule, const char *key)
{
    gsize length = strlen(key);

    for (; *rule; rule = skip_condition(rule)) {
        const char *value = rule + length + 1;

        if (strncmp(rule, key, length) == 0 && rule[length] == '=' && strcmp(value, "*") != 0 &&
            !g_str_has_prefix(value, "* "))
            return true;
    }
    return false;
}

bool passthrough_rule_is_forgeable(const char *rule)
{
    bool by_text = demands(rule, "name") || demands(rule, "manufacturer") || demands(rule, "serial");
    bool by_ids = demands(rule, "vendor") && demands(rule, "product");

    return by_text && !by_ids && !demands(rule, "port") && !demands(rule, "hub");
}

char *passthrough_reason(const char *rule, const Object *device)
{
    g_autofree char *serial = escape_text(object_string(device, "Serial"));

    if (passthrough_rule_names(rule, "serial"))
        return g_strdup(_("by its serial number, which is unique on this host"));
    if (!*serial)
        return g_strdup(_("by its port: it has no serial number"));
    return g_strdup_printf(_("by its port: its serial number %s is not unique on this host, or too plain"),
                           serial);
}
