/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rules: which devices they match, and which of two rules is the more exact one. Called by everybody who asks
 * who a device belongs to. Pure: reads the terms and the device, changes neither. */

#include "daemon/rules/rule.h"

#include <string.h>

#include "daemon/base/text.h"
#include "daemon/rules/rule-terms.h"

Rule *rule_ref(Rule *rule)
{
    rule->refs++;
    return rule;
}

Rule *rule_unref(Rule *rule)
{
    if (!rule || --rule->refs > 0)
        return NULL;
    g_array_unref(rule->terms);
    g_free(rule);
    return NULL;
}

/* "*" and "?" as in a shell, one "?" for one character. Never takes longer than the product of both lengths:
 * on a mismatch only the last star is tried again, because the earlier ones already have their shortest
 * match. */
static bool pattern_matches(const char *pattern, const char *text)
{
    const char *star = NULL, *star_text = NULL;

    for (;;) {
        const char *wanted = *pattern == '\\' ? pattern + 1 : pattern;

        if (*pattern == '*') {
            star = ++pattern;
            star_text = text;
        } else if (!*text) {
            return !*pattern;
        } else if (*pattern == '?') {
            pattern++;
            text = g_utf8_next_char(text);
        } else if (*wanted == *text) {
            pattern = wanted + 1;
            text++;
        } else if (star) {
            pattern = star;
            text = star_text = g_utf8_next_char(star_text);
        } else {
            return false;
        }
    }
}

static bool folded_matches(const char *pattern, const char *text)
{
    g_autofree char *folded = text_fold(text);

    return pattern_matches(pattern, folded);
}

static bool id_matches(const char *value, uint16_t id)
{
    return strcmp(value, "*") == 0 || g_ascii_strtoull(value, NULL, 16) == id;
}

/* A class name, or the code of any interface. */
static bool class_matches(const char *value, const Device *device)
{
    if (strcmp(value, device->class_name) == 0)
        return true;
    for (gsize i = 0; i < device->n_interfaces; i++) {
        const DeviceInterface *interface = &device->interfaces[i];
        g_autofree char *code = g_strdup_printf("%02x:%02x:%02x", interface->class_code, interface->subclass,
                                                interface->protocol);

        if (pattern_matches(value, code))
            return true;
    }
    return false;
}

/* A socket has a slash, a sysname has none. */
static const char *device_port(const Device *device, const char *port)
{
    return strchr(port, '/') ? device->socket : device->sysname;
}

static bool is_behind(const char *port, const char *hub)
{
    gsize length = strlen(hub);

    if (strncmp(port, hub, length) != 0)
        return false;
    /* behind "…/" is everything of a controller, behind "…/1" neither "…/2" nor "…/12" */
    return g_str_has_suffix(hub, "/") || port[length] == '.' || !port[length];
}

static bool term_matches(const RuleTerm *term, const Device *device, const char *node)
{
    const char *value = term->value;

    switch (term->key) {
    case RULE_KEY_VENDOR:
        return id_matches(value, device->vendor_id);
    case RULE_KEY_PRODUCT:
        return id_matches(value, device->product_id);
    case RULE_KEY_SERIAL:
        return pattern_matches(value, device->serial);
    case RULE_KEY_NAME:
        return folded_matches(value, device->product);
    case RULE_KEY_MANUFACTURER:
        return folded_matches(value, device->vendor);
    case RULE_KEY_CLASS:
        return class_matches(value, device);
    case RULE_KEY_PORT:
        return strcmp(value, device_port(device, value)) == 0;
    case RULE_KEY_HUB:
        return is_behind(device_port(device, value), value);
    case RULE_KEY_CONTROLLER:
        return folded_matches(value, device->controller);
    case RULE_KEY_NODE:
        return folded_matches(value, node);
    case RULE_KEY_REMOVABLE:
        return (strcmp(value, "yes") == 0) == device->removable;
    case RULE_KEY_SPEED:
        return g_ascii_strtoull(value, NULL, 10) == device->speed;
    case _RULE_KEY_MAX:
    case _RULE_KEY_INVALID:
        break;
    }
    g_return_val_if_reached(false);
}

bool rule_matches(const Rule *rule, const Device *device, const char *node)
{
    for (guint i = 0; i < rule->terms->len; i++) {
        const RuleTerm *term = &g_array_index(rule->terms, RuleTerm, i);

        if (term_matches(term, device, node) == term->negated)
            return false;
    }
    return true;
}

bool rule_is_of_node(const Rule *rule, const char *node)
{
    for (guint i = 0; i < rule->terms->len; i++) {
        const RuleTerm *term = &g_array_index(rule->terms, RuleTerm, i);

        if (term->key == RULE_KEY_NODE && folded_matches(term->value, node) == term->negated)
            return false;
    }
    return true;
}

#define KEY_BIT(key) (1u << (key))

/* From the weakest to the strongest: the last one whose keys are all there is the rule's. The numbers go over
 * the bus and into nobody's files, so a step may be put in between. */
static const unsigned specificity_steps[] = {
    0,
    KEY_BIT(RULE_KEY_NAME), /* or the manufacturer */
    KEY_BIT(RULE_KEY_CONTROLLER),
    KEY_BIT(RULE_KEY_CLASS),
    KEY_BIT(RULE_KEY_VENDOR),
    KEY_BIT(RULE_KEY_HUB),
    KEY_BIT(RULE_KEY_VENDOR) | KEY_BIT(RULE_KEY_PRODUCT),
    KEY_BIT(RULE_KEY_PORT),
    KEY_BIT(RULE_KEY_SERIAL),
    KEY_BIT(RULE_KEY_PORT) | KEY_BIT(RULE_KEY_SERIAL),
};

int rule_specificity(const Rule *rule)
{
    unsigned keys = 0;
    int step = G_N_ELEMENTS(specificity_steps) - 1;

    for (guint i = 0; i < rule->terms->len; i++) {
        const RuleTerm *term = &g_array_index(rule->terms, RuleTerm, i);

        /* serial="" says that there is none: that names no device */
        if (!term->negated && term->literal && *term->literal)
            keys |= KEY_BIT(term->key == RULE_KEY_MANUFACTURER ? RULE_KEY_NAME : term->key);
    }
    while ((keys & specificity_steps[step]) != specificity_steps[step])
        step--;
    return step;
}

const char *rule_exact(const Rule *rule, const char *key)
{
    RuleKey wanted = rule_key_from_string(key);

    for (guint i = 0; i < rule->terms->len; i++) {
        const RuleTerm *term = &g_array_index(rule->terms, RuleTerm, i);

        if (term->key == wanted && !term->negated && term->literal)
            return term->literal;
    }
    return NULL;
}

bool rule_may_meet(const Rule *a, const Rule *b)
{
    static const char *const keys[] = { "vendor", "product", "serial", "port" };

    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
        const char *left = rule_exact(a, keys[i]), *right = rule_exact(b, keys[i]);

        if (!left || !right || strcmp(left, right) == 0)
            continue;
        /* of a port there are two forms, and what tells whether they are one isn't known here */
        if (strcmp(keys[i], "port") == 0 && !strchr(left, '/') != !strchr(right, '/'))
            continue;
        return false;
    }
    return true;
}
