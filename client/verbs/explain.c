/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* explain: prints the lines that the service gives for a device, the deciding one first. */

#include "client/verbs/explain.h"

#include <stdio.h>

#include "client/verbs/options.h"
#include "client/view/json.h"
#include "dbus/names.h"

static GVariant *explain(Client *client, const char *device, GError **error)
{
    g_autoptr(sd_bus_message) call =
        client_new_call(client, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Explain", error);
    int r = call ? sd_bus_message_append(call, "o", device) : 0;
    if (r < 0)
        g_propagate_error(error, error_from_bus(NULL, r));
    g_autoptr(sd_bus_message) reply = call && r >= 0 ? client_read(client, call, error) : NULL;
    g_autoptr(GVariant) lines = reply ? variant_read(reply, error) : NULL;

    if (lines && !g_variant_is_of_type(lines, G_VARIANT_TYPE("aa{sv}"))) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_FAILED, "the service's answer has an unknown form");
        return NULL;
    }
    return g_steal_pointer(&lines);
}

static char *get_text(GVariant *line, const char *key)
{
    g_autoptr(GVariant) value = g_variant_lookup_value(line, key, NULL);

    return variant_to_text(value);
}

/* The deciding line comes first; the winner among the assignments is marked. */
static void print_lines(GVariant *lines)
{
    for (gsize i = 0; i < g_variant_n_children(lines); i++) {
        g_autoptr(GVariant) line = g_variant_get_child_value(lines, i);
        g_autofree char *kind = get_text(line, "Kind");
        g_autofree char *verdict = get_text(line, "Verdict");
        g_autofree char *text = get_text(line, "Text");
        gboolean winner = FALSE;

        g_variant_lookup(line, "Winner", "b", &winner);
        printf("%c %-10s  %-6s  %s\n", winner ? '*' : ' ', kind, verdict, text);
    }
}

static Outcome explain_device(Client *client, char **words, GError **error)
{
    g_auto(GStrv) rest = options_parse(client, words, NULL,
                                       "The line that decides comes first; * marks the "
                                       "assignment that has or gets the device.\n",
                                       1, 1, error);
    g_autofree char *device = rest ? client_find_device(client, rest[0], error) : NULL;
    g_autoptr(GVariant) lines = device ? explain(client, device, error) : NULL;
    if (!lines)
        return OUTCOME_FAILED;

    if (client->json)
        json_print(g_variant_new_parsed("{'device': <%s>, 'lines': <%@aa{sv}>}", device, lines));
    else
        print_lines(lines);
    return OUTCOME_DONE;
}

const Verb verb_explain = { "explain", "DEVICE", "Tells why a device is where it is", explain_device };
