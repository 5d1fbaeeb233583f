/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One term after the other into udev's words, and ports into the names that the kernel gives to what is
 * plugged in there. Called by hands-off/. Pure but for sysfs. */

#include "daemon/rules/rule-udev.h"

#include <string.h>

#include "daemon/base/text.h"
#include "daemon/rules/rule-terms.h"
#include "daemon/usb/socket.h"

/* What udev may take for something else: quotes, wildcards, alternatives, substitutions. */
#define SPECIAL   "\"\\*?[]|$%"
#define WILDCARDS "*?"

#define CHAIN_CHARACTERS "0123456789."

static bool is_plain_but_for(const char *text, const char *allowed)
{
    gsize length = strlen(text);

    for (gsize i = 0; i < length; i++)
        if (!g_ascii_isprint(text[i]) || (strchr(SPECIAL, text[i]) && !strchr(allowed, text[i])))
            return false;
    /* udev drops white space at the end of what it compares, and a device may begin with some. */
    return length == 0 || (text[0] != ' ' && text[length - 1] != ' ');
}

bool rule_udev_is_plain(const char *text)
{
    return is_plain_but_for(text, "");
}

static void add(GString *matches, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void add(GString *matches, const char *format, ...)
{
    va_list arguments;

    if (matches->len > 0)
        g_string_append(matches, ", ");
    va_start(arguments, format);
    g_string_append_vprintf(matches, format, arguments);
    va_end(arguments);
}

/* ------------------------------------------------------------------ ports */

/* "4-1" on the bus of a SuperSpeed root hub for the connector whose other half is port 5; NULL = there is
 * none. New string. */
static char *superspeed_port(const Device *root, const char *port)
{
    g_autofree char *folder = g_strdup_printf("%s/%u-0:1.0", root->syspath, root->bus_number);
    g_autofree char *prefix = g_strdup_printf("usb%u-port", root->bus_number);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *link = g_build_filename(folder, name, "peer", NULL);
        g_autofree char *target = g_str_has_prefix(name, prefix) ? g_file_read_link(link, NULL) : NULL;
        const char *peer = target ? g_strrstr(target, "-port") : NULL;

        if (peer && strcmp(peer + strlen("-port"), port) == 0)
            return g_strdup_printf("%u-%s", root->bus_number, name + strlen(prefix));
    }
    return NULL;
}

/* What the kernel calls the device at the end of a chain of ports; NULL = not on this bus. New string. */
static char *name_on_bus(const Device *root, const char *chain)
{
    enum { SUPERSPEED = 5000 };
    bool alone = g_str_has_prefix(chain, SOCKET_SUPERSPEED_PREFIX);
    gsize length = strcspn(chain, ".");
    g_autofree char *first = g_strndup(chain, length), *port = NULL;

    if (alone)
        return root->speed < SUPERSPEED
                   ? NULL
                   : g_strdup_printf("%u-%s", root->bus_number, chain + strlen(SOCKET_SUPERSPEED_PREFIX));
    if (root->speed < SUPERSPEED)
        return g_strdup_printf("%u-%s", root->bus_number, chain);
    /* The ports of hubs behind it are paired by number: see daemon/usb/socket.c. */
    port = superspeed_port(root, first);
    return port ? g_strconcat(port, chain + length, NULL) : NULL;
}

static bool is_chain(const char *chain)
{
    const char *digits =
        g_str_has_prefix(chain, SOCKET_SUPERSPEED_PREFIX) ? chain + strlen(SOCKET_SUPERSPEED_PREFIX) : chain;

    return digits[strspn(digits, CHAIN_CHARACTERS)] == '\0';
}

static void add_name(GString *names, const char *name, bool behind)
{
    g_string_append_printf(names, "%s%s", names->len > 0 ? "|" : "", name);
    if (behind)
        g_string_append_printf(names, "|%s.*", name);
}

/* port: a socket, or the kernel's own name. behind: also what is plugged in there by way of hubs. */
static RuleUdev add_port(GString *matches, const char *port, bool behind, const GPtrArray *root_hubs)
{
    const char *slash = strchr(port, '/');
    g_autoptr(GString) names = g_string_new(NULL);

    if (!slash) {
        if (port[strspn(port, CHAIN_CHARACTERS "-")] != '\0' || !*port)
            return RULE_UDEV_UNSAID;
        add_name(names, port, behind);
    } else if (!is_chain(slash + 1)) {
        return RULE_UDEV_UNSAID;
    }
    for (guint i = 0; slash && i < root_hubs->len; i++) {
        const Device *root = root_hubs->pdata[i];
        g_autofree char *name = NULL;

        if (strncmp(root->socket, port, (gsize)(slash + 1 - port)) != 0)
            continue;
        if (!slash[1])
            g_string_append_printf(names, "%s%u-*", names->len > 0 ? "|" : "", root->bus_number);
        else if ((name = name_on_bus(root, slash + 1)))
            add_name(names, name, behind);
    }
    if (names->len == 0)
        return RULE_UDEV_NEVER;
    add(matches, "KERNEL==\"%s\"", names->str);
    return RULE_UDEV_SAID;
}

static RuleUdev add_controller(GString *matches, const char *controller, const GPtrArray *root_hubs)
{
    g_autoptr(GString) names = g_string_new(NULL);

    for (guint i = 0; i < root_hubs->len; i++) {
        const Device *root = root_hubs->pdata[i];
        g_autofree char *folded = text_fold(root->controller);

        if (strcmp(folded, controller) == 0)
            g_string_append_printf(names, "%s%u-*", names->len > 0 ? "|" : "", root->bus_number);
    }
    if (names->len == 0)
        return RULE_UDEV_NEVER;
    add(matches, "KERNEL==\"%s\"", names->str);
    return RULE_UDEV_SAID;
}

/* ------------------------------------------------------------------ what devices say of themselves */

static RuleUdev add_id(GString *matches, const char *attribute, const RuleTerm *term)
{
    if (strcmp(term->value, "*") == 0 && term->negated)
        return RULE_UDEV_NEVER;
    add(matches, "ATTR{%s}%s\"%s\"", attribute,
        term->negated ? "!=" : "==", strcmp(term->value, "*") == 0 ? "?*" : term->value);
    return RULE_UDEV_SAID;
}

static RuleUdev add_serial(GString *matches, const RuleTerm *term)
{
    const char *value = term->literal ? term->literal : term->value;

    if (!is_plain_but_for(value, term->literal ? "" : WILDCARDS))
        return RULE_UDEV_UNSAID;
    if (*value)
        add(matches, "ATTR{serial}==\"%s\"", value);
    else
        add(matches, "TEST!=\"serial\"");
    return RULE_UDEV_SAID;
}

/* A code is of any interface. Of the names only that one says it all with one code, and has no other. */
static RuleUdev add_class(GString *matches, const char *value)
{
    enum { PARTS = 3 };
    g_auto(GStrv) parts = g_strsplit(value, ":", -1);
    g_autoptr(GString) code = g_string_new(NULL);

    if (strcmp(value, "storage") == 0) {
        add(matches, "ENV{ID_USB_INTERFACES}==\":08????:|:08????:08????:\"");
        return RULE_UDEV_SAID;
    }
    if (g_strv_length(parts) != PARTS)
        return RULE_UDEV_UNSAID;
    for (gsize i = 0; i < PARTS; i++)
        g_string_append(code, strcmp(parts[i], "*") == 0 ? "??" : parts[i]);
    if (code->str[strspn(code->str, "0123456789abcdef?")] != '\0')
        return RULE_UDEV_UNSAID;
    add(matches, "ENV{ID_USB_INTERFACES}==\"*:%s:*\"", code->str);
    return RULE_UDEV_SAID;
}

static RuleUdev add_word(GString *matches, const char *attribute, bool is_equal, const char *value)
{
    add(matches, "ATTR{%s}%s\"%s\"", attribute, is_equal ? "==" : "!=", value);
    return RULE_UDEV_SAID;
}

static RuleUdev add_term(GString *matches, const RuleTerm *term, const GPtrArray *root_hubs)
{
    bool is_id = term->key == RULE_KEY_VENDOR || term->key == RULE_KEY_PRODUCT;

    /* What a device lacks is something else than what we know of it, and for udev no match. */
    if (term->negated && !is_id)
        return RULE_UDEV_UNSAID;
    switch (term->key) {
    case RULE_KEY_VENDOR:
        return add_id(matches, "idVendor", term);
    case RULE_KEY_PRODUCT:
        return add_id(matches, "idProduct", term);
    case RULE_KEY_SERIAL:
        return add_serial(matches, term);
    case RULE_KEY_CLASS:
        return add_class(matches, term->value);
    case RULE_KEY_PORT:
    case RULE_KEY_HUB:
        return add_port(matches, term->value, term->key == RULE_KEY_HUB, root_hubs);
    case RULE_KEY_CONTROLLER:
        return term->literal ? add_controller(matches, term->literal, root_hubs) : RULE_UDEV_UNSAID;
    case RULE_KEY_REMOVABLE:
        return add_word(matches, "removable", strcmp(term->value, "yes") != 0, "fixed");
    case RULE_KEY_SPEED:
        return add_word(matches, "speed", true, strcmp(term->value, "2") == 0 ? "1.5" : term->value);
    case RULE_KEY_NAME: /* may come from udev's database as well, and case doesn't count in it */
    case RULE_KEY_MANUFACTURER:
        return RULE_UDEV_UNSAID;
    case RULE_KEY_NODE: /* rule_is_of_node() */
        return RULE_UDEV_SAID;
    case _RULE_KEY_MAX:
    case _RULE_KEY_INVALID:
        break;
    }
    g_return_val_if_reached(RULE_UDEV_UNSAID);
}

RuleUdev rule_udev_matches(const Rule *rule, const char *node, const GPtrArray *root_hubs, char **ret_matches)
{
    g_autoptr(GString) matches = g_string_new(NULL);
    RuleUdev worst = rule_is_of_node(rule, node) ? RULE_UDEV_SAID : RULE_UDEV_NEVER;

    for (guint i = 0; worst == RULE_UDEV_SAID && i < rule->terms->len; i++)
        worst = add_term(matches, &g_array_index(rule->terms, RuleTerm, i), root_hubs);
    if (worst == RULE_UDEV_SAID && matches->len == 0)
        add(matches, "ATTR{idVendor}==\"?*\"");
    if (worst == RULE_UDEV_SAID)
        *ret_matches = g_string_free(g_steal_pointer(&matches), FALSE);
    return worst;
}

RuleUdev rule_udev_socket(const char *socket, const GPtrArray *root_hubs, char **ret_matches)
{
    g_autoptr(GString) matches = g_string_new(NULL);
    RuleUdev said = strchr(socket, '/') ? add_port(matches, socket, false, root_hubs) : RULE_UDEV_UNSAID;

    if (said == RULE_UDEV_SAID)
        *ret_matches = g_string_free(g_steal_pointer(&matches), FALSE);
    return said;
}
