/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* explain: prints the lines that the service gives for a device, an assignment, a group or a VM, the deciding
 * one first; of a device that is away, what is known of it. */

#include "client/verbs/explain.h"

#include <glib/gi18n.h>

#include <stdio.h>

#include "client/bus/call.h"
#include "client/bus/escape.h"
#include "client/bus/follow.h"
#include "client/verbs/absent.h"
#include "client/verbs/options.h"
#include "client/verbs/target.h"
#include "client/view/json.h"
#include "client/view/text.h"
#include "client/view/words.h"
#include "dbus/names.h"

/* Of the columns before the sentences. */
enum { KIND_WIDTH = 10, VERDICT_WIDTH = 6 };

typedef struct Line {
    const char *kind, *subject, *verdict, *code, *text; /* borrowed */
    gboolean winner;
} Line;

static Line line_read(GVariant *values)
{
    Line line = { .kind = "", .subject = "", .verdict = "", .code = "", .text = "" };

    g_variant_lookup(values, "Kind", "&s", &line.kind);
    g_variant_lookup(values, "Subject", "&s", &line.subject);
    g_variant_lookup(values, "Verdict", "&s", &line.verdict);
    g_variant_lookup(values, "Winner", "b", &line.winner);
    g_variant_lookup(values, "Code", "&s", &line.code);
    g_variant_lookup(values, "Text", "&s", &line.text);
    /* as people call it */
    if (g_str_equal(line.kind, "machine"))
        line.kind = kind_to_string(KIND_MACHINE);
    return line;
}

/* NULL = it isn't there, or of no kind that there are objects of. */
static const Object *find_subject(const Model *model, const Line *line)
{
    static const ObjectKind kinds[] = { KIND_DEVICE, KIND_MACHINE, KIND_ASSIGNMENT, KIND_GROUP, KIND_TENANT };

    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        const char *kind = kind_to_string(kinds[i]);
        g_autoptr(GPtrArray) all = NULL;

        /* a rule is one of the group that it names */
        if (!g_str_equal(line->kind, kind) && !(kinds[i] == KIND_GROUP && g_str_equal(line->kind, "rule")))
            continue;
        all = model_sorted(model, kinds[i]);
        for (guint j = 0; j < all->len; j++) {
            g_autofree char *id = object_id(all->pdata[j]);
            if (g_str_equal(id, line->subject))
                return all->pdata[j];
        }
    }
    return NULL;
}

static void print_line(const Model *model, const Line *line)
{
    g_autofree char *kind = escape_text(words_word(line->kind));
    g_autofree char *verdict = escape_text(words_word(line->verdict));
    g_autofree char *raw = words_line(model, find_subject(model, line), line->code, line->text);
    g_autofree char *text = escape_text(raw);

    g_autofree char *prefix = g_strdup_printf("%c %s%*s  %s%*s  ", line->winner ? '*' : ' ', kind,
                                              MAX(KIND_WIDTH - text_width(kind), 0), "", verdict,
                                              MAX(VERDICT_WIDTH - text_width(verdict), 0), "");
    text_print(prefix, text);
}

/* lines: as the service tells them, aa{sv}. */
static void print_lines(Client *client, const Model *model, const char *kind, const char *name,
                        GVariant *lines)
{
    GVariantBuilder records;

    g_variant_builder_init(&records, G_VARIANT_TYPE("aa{sv}"));
    for (gsize i = 0; i < g_variant_n_children(lines); i++) {
        g_autoptr(GVariant) values = g_variant_get_child_value(lines, i);
        Line line = line_read(values);
        g_variant_builder_add_value(
            &records,
            g_variant_new_parsed("{'kind': <%s>, 'subject': <%s>, 'verdict': <%s>, 'winner': <%b>,"
                                 " 'reason-code': <%s>, 'text': <%s>}",
                                 line.kind, line.subject, line.verdict, line.winner, line.code, line.text));
        if (!client->json)
            print_line(model, &line);
    }

    g_autoptr(GVariant) list = g_variant_ref_sink(g_variant_builder_end(&records));
    if (client->json)
        json_print(
            g_variant_new_parsed("{'kind': <%s>, 'name': <%s>, 'lines': <%@aa{sv}>}", kind, name, list));
}

static Outcome explain_absent(Client *client, const Model *model, const char *word, GError *not_found,
                              GError **error)
{
    g_autoptr(GVariant) lines =
        g_error_matches(not_found, CLIENT_ERROR, OUTCOME_NOT_FOUND) ? absent_explain(model, word) : NULL;

    if (!lines) {
        g_propagate_error(error, not_found);
        return OUTCOME_FAILED;
    }
    g_error_free(not_found);
    print_lines(client, model, kind_to_string(KIND_DEVICE), word, lines);
    return OUTCOME_DONE;
}

static Outcome explain(Client *client, char **words, GError **error)
{
    static const TargetKinds kinds = (TargetKinds)(TARGET_GIVEN | TARGET_GROUPS);
    GError *not_found = NULL;

    g_auto(GStrv) rest =
        options_parse(client, words, NULL,
                      _("The line that decides comes first; * marks the assignment that has or "
                        "gets the\ndevice, and the devices that an assignment has or gets.\n"),
                      1, 1, error);
    if (!rest)
        return OUTCOME_USAGE;
    g_autoptr(Model) model = model_fetch(client, error);
    if (!model)
        return OUTCOME_FAILED;
    const Object *object = target_find(client, model, kinds, rest[0], &not_found);
    if (!object)
        return explain_absent(client, model, rest[0], not_found, error);

    g_autoptr(GVariant) reply = call_read(client, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "Explain",
                                          g_variant_new("(o)", object->path), "(aa{sv})", error);
    if (!reply)
        return OUTCOME_FAILED;
    g_autoptr(GVariant) lines = g_variant_get_child_value(reply, 0);
    print_lines(client, model, kind_to_string(object->kind), object_name(object), lines);
    return OUTCOME_DONE;
}

const Verb verb_explain = { "explain", "DEVICE|ASSIGNMENT|VM|GROUP",
                            N_("Tells why a device is where it is, and who comes first for it"), explain };
