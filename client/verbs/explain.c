/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* explain: prints the lines that the service gives for a device, the deciding one first. */

#include "client/verbs/explain.h"

#include <stdio.h>

#include "client/bus/call.h"
#include "client/bus/escape.h"
#include "client/bus/path.h"
#include "client/verbs/options.h"
#include "client/view/json.h"
#include "dbus/names.h"

/* The deciding line comes first; the winner among the assignments is marked. */
static void print_line(const char *kind, const char *verdict, bool winner, const char *text)
{
    g_autofree char *kind_text = escape_text(kind);
    g_autofree char *verdict_text = escape_text(verdict);
    g_autofree char *escaped = escape_text(text);

    printf("%c %-10s  %-6s  %s\n", winner ? '*' : ' ', kind_text, verdict_text, escaped);
}

/* lines: as the service tells them, aa{sv}. */
static void print_lines(Client *client, const char *device, GVariant *lines)
{
    GVariantBuilder records;

    g_variant_builder_init(&records, G_VARIANT_TYPE("aa{sv}"));
    for (gsize i = 0; i < g_variant_n_children(lines); i++) {
        g_autoptr(GVariant) line = g_variant_get_child_value(lines, i);
        const char *kind = "", *subject = "", *verdict = "", *text = "";
        gboolean winner = FALSE;
        g_variant_lookup(line, "Kind", "&s", &kind);
        g_variant_lookup(line, "Subject", "&s", &subject);
        g_variant_lookup(line, "Verdict", "&s", &verdict);
        g_variant_lookup(line, "Winner", "b", &winner);
        g_variant_lookup(line, "Text", "&s", &text);
        g_variant_builder_add_value(&records,
                                    g_variant_new_parsed("{'kind': <%s>, 'subject': <%s>, 'verdict': <%s>,"
                                                         " 'winner': <%b>, 'text': <%s>}",
                                                         kind, subject, verdict, winner, text));
        if (!client->json)
            print_line(kind, verdict, winner, text);
    }

    g_autofree char *name = path_to_name(device);
    g_autoptr(GVariant) list = g_variant_ref_sink(g_variant_builder_end(&records));
    if (client->json)
        json_print(g_variant_new_parsed("{'device': <%s>, 'lines': <%@aa{sv}>}", name, list));
}

static Outcome explain_device(Client *client, char **words, GError **error)
{
    g_auto(GStrv) rest = options_parse(client, words, NULL,
                                       "The line that decides comes first; * marks the "
                                       "assignment that has or gets the device.\n",
                                       1, 1, error);
    g_autofree char *device = rest ? client_find_device(client, rest[0], error) : NULL;
    g_autoptr(GVariant) reply = device ? call_read(client, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER,
                                                   "Explain", g_variant_new("(o)", device), "(aa{sv})", error)
                                       : NULL;
    if (!reply)
        return OUTCOME_FAILED;

    g_autoptr(GVariant) lines = g_variant_get_child_value(reply, 0);
    print_lines(client, device, lines);
    return OUTCOME_DONE;
}

const Verb verb_explain = { "explain", "DEVICE", "Tells why a device is where it is", explain_device };
