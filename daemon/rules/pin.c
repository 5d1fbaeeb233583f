/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pins: the rule for one device. It uses the serial only where that can be relied on. Pure. */

#include "daemon/rules/pin.h"

#include <string.h>

#include "daemon/rules/rule-terms.h"

/* A serial shorter than this is hardly one. */
#define SERIAL_LENGTH_MIN 4

static char *pattern_for_text(const char *text)
{
    g_autoptr(GString) pattern = g_string_new(NULL);

    for (; *text; text++) {
        if (strchr("*?\\", *text))
            g_string_append_c(pattern, '\\');
        g_string_append_c(pattern, *text);
    }
    return g_string_free(g_steal_pointer(&pattern), FALSE);
}

/* The device's port, in the form that lasts longest. NULL for a root hub's. */
static const char *lasting_port(const Device *device)
{
    if (rule_port_is_valid(device->socket))
        return device->socket;
    return rule_port_is_valid(device->sysname) ? device->sysname : NULL;
}

Rule *rule_for_device(const Device *device, bool serial_is_unique)
{
    g_autoptr(Rule) rule = rule_new();
    g_autofree char *text = NULL;
    const char *port = lasting_port(device);
    bool by_serial = serial_is_unique && *device->serial;

    rule_add(rule, RULE_KEY_VENDOR, false, g_strdup_printf("%04x", device->vendor_id));
    rule_add(rule, RULE_KEY_PRODUCT, false, g_strdup_printf("%04x", device->product_id));
    if (by_serial)
        rule_add(rule, RULE_KEY_SERIAL, false, pattern_for_text(device->serial));
    else if (port)
        rule_add(rule, RULE_KEY_PORT, false, g_strdup(port));
    rule_settle(rule);

    /* a serial made of nothing but quotes can get too long for a rule that can be read back */
    text = rule_print(rule);
    if (by_serial && strlen(text) > RULE_TEXT_MAX)
        return rule_for_device(device, false);
    return g_steal_pointer(&rule);
}

/* True when each character follows the one before in the order 0…9, A…Z, 0…, in this direction or the other.
 */
static bool is_run(const char *serial, bool downwards)
{
    for (; serial[1]; serial++) {
        char lower = g_ascii_toupper(serial[downwards ? 1 : 0]);
        char upper = g_ascii_toupper(serial[downwards ? 0 : 1]);

        if (!g_ascii_isalnum(lower) || !g_ascii_isalnum(upper))
            return false;
        if (upper != lower + 1 && !(lower == '9' && (upper == 'A' || upper == '0')) &&
            !((lower == 'F' || lower == 'Z') && upper == '0'))
            return false;
    }
    return true;
}

bool rule_serial_is_sane(const char *serial)
{
    /* "000000000001" is as common as "000000000000" */
    const char *significant = serial + strspn(serial, "0");
    gsize length = strlen(serial);
    bool same = strspn(serial, (const char[]){ serial[0], '\0' }) == length;

    if (g_utf8_strlen(serial, -1) < SERIAL_LENGTH_MIN || same || !*significant || !significant[1])
        return false;
    /* what wasn't UTF-8 looks the same on every device, whatever was there */
    if (strstr(serial, "\xef\xbf\xbd"))
        return false;
    return !is_run(serial, false) && !is_run(serial, true);
}
