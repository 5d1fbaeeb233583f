/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Goes through the columns of what changed: those that read differently than before are told. */

#include "client/verbs/watch-print.h"

#include <glib/gi18n.h>

#include <stdio.h>

#include "client/bus/escape.h"
#include "client/bus/variant.h"
#include "client/view/columns.h"
#include "client/view/json.h"
#include "client/view/text.h"
#include "client/view/words.h"

/* ------------------------------------------------------------------ lines for people */

/* What is told of a host so far decides how wide the column is. */
static void print_host(const WatchSource *source)
{
    static int width;
    g_autoptr(GVariant) name = g_variant_ref_sink(g_variant_new_string(source->host));
    g_autofree char *host = variant_to_text(name);

    width = MAX(width, text_width(host));
    printf("%s%*s  ", host, width - text_width(host), "");
}

static void print_line(const WatchSource *source, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void print_line(const WatchSource *source, const char *format, ...)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *time = g_date_time_format(now, "%F %T");
    va_list arguments;

    if (source->several)
        print_host(source);
    printf("%s ", time);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
}

/* Only for programs: the lines of the assignments and devices themselves tell it better. */
static bool is_noise(const char *column)
{
    static const char *const noise[] = { "since",      "reason-code", "has",        "wanted",     "pending",
                                         "devices",    "assignments", "assignment", "free-ports", "groups",
                                         "total",      "free",        "vms",        "state",      "reason",
                                         "expires-in", NULL };

    return g_strv_contains(noise, column);
}

static char *shown_text(GVariant *shown)
{
    return shown ? variant_to_text(shown) : g_strdup("none");
}

/* "waiting -> attaching", then what else differs, then the reason. */
static char *changes_text(const Model *model, const Object *object, GHashTable *before)
{
    GString *text = g_string_new(NULL);
    g_autoptr(Object) old = object_as_before(object, before);

    if (g_hash_table_contains(before, "State")) {
        g_autofree char *was = escape_text(object_string(old, "State"));
        g_autofree char *is = escape_text(object_string(object, "State"));
        g_string_append_printf(text, "%s -> %s", *was ? was : "none", is);
    }

    for (const Column *column = columns_for(object->kind); column->name; column++) {
        g_autoptr(GVariant) was = column_shown(column, model, old);
        g_autoptr(GVariant) is = column_shown(column, model, object);
        g_autofree char *was_text = shown_text(was);
        g_autofree char *is_text = shown_text(is);
        if (!is_noise(column->name) && !g_str_equal(was_text, is_text))
            g_string_append_printf(text, "%s%s: %s", text->len > 0 ? ", " : "", column->name, is_text);
    }

    g_autofree char *raw = words_reason(model, object);
    g_autofree char *reason = escape_text(raw);
    if ((g_hash_table_contains(before, "State") || g_hash_table_contains(before, "Reason")) && *reason)
        g_string_append_printf(text, "%s%s", text->len > 0 ? ": " : "", reason);
    return g_string_free(text, FALSE);
}

static void print_change(const WatchSource *source, const Model *model, ModelEvent event,
                         const Object *object, GHashTable *before)
{
    static const char *const appear[_KIND_MAX] = {
        [KIND_DEVICE] = N_("plugged in"), [KIND_MACHINE] = N_("defined"), [KIND_ASSIGNMENT] = N_("made"),
        [KIND_GROUP] = N_("made"),        [KIND_TENANT] = N_("made"),     [KIND_MANAGER] = N_("there"),
    };
    static const char *const vanish[_KIND_MAX] = {
        [KIND_DEVICE] = N_("unplugged"), [KIND_MACHINE] = N_("undefined"), [KIND_ASSIGNMENT] = N_("ended"),
        [KIND_GROUP] = N_("deleted"),    [KIND_TENANT] = N_("deleted"),    [KIND_MANAGER] = N_("gone"),
    };
    g_autofree char *title = object_describe(object);
    g_autofree char *state = escape_text(object_string(object, "State"));
    g_autofree char *changes = NULL;

    switch (event) {
    case MODEL_ADDED:
        print_line(source, "%s: %s%s%s", title, _(appear[object->kind]), *state ? ", " : "", state);
        return;
    case MODEL_REMOVED:
        print_line(source, "%s: %s", title, _(vanish[object->kind]));
        return;
    case MODEL_CHANGED:
        changes = changes_text(model, object, before);
        if (*changes)
            print_line(source, "%s: %s", title, changes);
        return;
    }
}

/* ------------------------------------------------------------------ lines for programs */

static void add_text(GVariantBuilder *dict, const char *key, const char *text)
{
    g_variant_builder_add(dict, "{sv}", key, g_variant_new_string(text));
}

static void begin_json(GVariantBuilder *dict, const WatchSource *source, const char *event, const char *kind)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *time = g_date_time_format_iso8601(now);

    g_variant_builder_init(dict, G_VARIANT_TYPE_VARDICT);
    add_text(dict, "time", time);
    add_text(dict, "host", source->host);
    add_text(dict, "event", event);
    add_text(dict, "kind", kind);
}

static void end_json(GVariantBuilder *dict)
{
    g_autoptr(GVariant) line = g_variant_ref_sink(g_variant_builder_end(dict));
    g_autofree char *json = json_from_variant(line, /* pretty= */ false);

    puts(json);
}

/* All that can be said of it, or what was changed only: a{sv}. */
static GVariant *make_values(const Model *model, const Object *object, GHashTable *before)
{
    g_autoptr(Object) old = before ? object_as_before(object, before) : NULL;
    GVariantBuilder values;

    g_variant_builder_init(&values, G_VARIANT_TYPE_VARDICT);
    for (const Column *column = columns_for(object->kind); column->name; column++) {
        g_autoptr(GVariant) was = old ? column_value(column, model, old) : NULL;
        g_autoptr(GVariant) is = column_value(column, model, object);
        if (!was || !g_variant_equal(was, is))
            g_variant_builder_add(&values, "{sv}", column->name, is);
    }
    return g_variant_builder_end(&values);
}

static void print_change_json(const WatchSource *source, const Model *model, ModelEvent event,
                              const Object *object, GHashTable *before)
{
    static const char *const events[] = {
        [MODEL_ADDED] = "added",
        [MODEL_CHANGED] = "changed",
        [MODEL_REMOVED] = "removed",
    };
    g_autoptr(GVariant) values = g_variant_ref_sink(make_values(model, object, before));
    GVariantBuilder dict;

    /* of a later service, and this client has no word for it */
    if (g_variant_n_children(values) == 0)
        return;
    begin_json(&dict, source, events[event], kind_to_string(object->kind));
    add_text(&dict, "name", object_name(object));
    add_text(&dict, "path", object->path);
    g_variant_builder_add(&dict, "{sv}", "values", values);
    end_json(&dict);
}

/* ------------------------------------------------------------------ both */

void watch_print_change(const WatchSource *source, const Model *model, ModelEvent event, const Object *object,
                        GHashTable *before)
{
    if (source->json)
        print_change_json(source, model, event, object, before);
    else
        print_change(source, model, event, object, before);
}

void watch_print_service(const WatchSource *source, const char *event, const char *text)
{
    GVariantBuilder dict;

    if (!source->json) {
        print_line(source, "%s", text);
        return;
    }
    begin_json(&dict, source, event, kind_to_string(KIND_MANAGER));
    end_json(&dict);
}
