/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* watch: follows the service and prints a line for every change, for people or for programs, until it is
 * stopped. */

#include "client/verbs/watch.h"

#include <stdio.h>

#include "client/bus/client.h"
#include "client/bus/escape.h"
#include "client/bus/follow.h"
#include "client/verbs/options.h"
#include "client/view/columns.h"
#include "client/view/json.h"

/* ------------------------------------------------------------------ lines for people */

static void print_line(const char *format, ...) G_GNUC_PRINTF(1, 2);
static void print_line(const char *format, ...)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *time = g_date_time_format(now, "%F %T");
    va_list arguments;

    printf("%s ", time);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
}

/* Only for programs: the lines of the assignments and devices themselves tell it better. */
static bool is_noise(const char *column)
{
    static const char *const noise[] = { "since",      "pending", "devices", "assignments", "assignment",
                                         "free-ports", "groups",  "total",   "free",        "vms",
                                         "state",      "reason",  NULL };

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

    g_autofree char *reason = escape_text(object_string(object, "Reason"));
    if ((g_hash_table_contains(before, "State") || g_hash_table_contains(before, "Reason")) && *reason)
        g_string_append_printf(text, "%s%s", text->len > 0 ? ": " : "", reason);
    return g_string_free(text, FALSE);
}

static void print_change(const Model *model, ModelEvent event, const Object *object, GHashTable *before)
{
    static const char *const appear[_KIND_MAX] = {
        [KIND_DEVICE] = "plugged in", [KIND_MACHINE] = "defined", [KIND_ASSIGNMENT] = "made",
        [KIND_GROUP] = "made",        [KIND_TENANT] = "made",     [KIND_MANAGER] = "there",
    };
    static const char *const vanish[_KIND_MAX] = {
        [KIND_DEVICE] = "unplugged", [KIND_MACHINE] = "undefined", [KIND_ASSIGNMENT] = "ended",
        [KIND_GROUP] = "deleted",    [KIND_TENANT] = "deleted",    [KIND_MANAGER] = "gone",
    };
    g_autofree char *title = object_describe(object);
    g_autofree char *state = escape_text(object_string(object, "State"));
    g_autofree char *changes = NULL;

    switch (event) {
    case MODEL_ADDED:
        print_line("%s: %s%s%s", title, appear[object->kind], *state ? ", " : "", state);
        return;
    case MODEL_REMOVED:
        print_line("%s: %s", title, vanish[object->kind]);
        return;
    case MODEL_CHANGED:
        changes = changes_text(model, object, before);
        if (*changes)
            print_line("%s: %s", title, changes);
        return;
    }
}

/* ------------------------------------------------------------------ lines for programs */

static void add_text(GVariantBuilder *dict, const char *key, const char *text)
{
    g_variant_builder_add(dict, "{sv}", key, g_variant_new_string(text));
}

static void begin_json(GVariantBuilder *dict, const char *event, const char *kind)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *time = g_date_time_format_iso8601(now);

    g_variant_builder_init(dict, G_VARIANT_TYPE_VARDICT);
    add_text(dict, "time", time);
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

static void print_change_json(const Model *model, ModelEvent event, const Object *object, GHashTable *before)
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
    begin_json(&dict, events[event], kind_to_string(object->kind));
    add_text(&dict, "name", object_name(object));
    add_text(&dict, "path", object->path);
    g_variant_builder_add(&dict, "{sv}", "values", values);
    end_json(&dict);
}

static void on_change(const Model *model, ModelEvent event, const Object *object, GHashTable *before,
                      void *userdata)
{
    const Client *client = userdata;

    if (client->json)
        print_change_json(model, event, object, before);
    else
        print_change(model, event, object, before);
}

static void print_service(const Client *client, const char *event, const char *text)
{
    GVariantBuilder dict;

    if (!client->json) {
        print_line("%s", text);
        return;
    }
    begin_json(&dict, event, kind_to_string(KIND_MANAGER));
    end_json(&dict);
}

static Outcome watch(Client *client, char **words, GError **error)
{
    g_auto(GStrv) none = options_parse(client, words, NULL, NULL, 0, 0, error);
    g_autoptr(Follow) follow = none ? follow_new(client, on_change, client, error) : NULL;
    if (!follow || !follow_fetch(follow, error))
        return OUTCOME_FAILED;

    /* a line is there when it is printed, also in a pipe; before the first one, that we listen */
    setvbuf(stdout, NULL, _IOLBF, 0);
    print_service(client, "watching", "watching for changes");

    for (;;)
        switch (follow_next(follow, G_MAXINT64, error)) {
        case FOLLOW_ERROR:
            return OUTCOME_FAILED;
        case FOLLOW_GONE:
            print_service(client, "gone", "the service left the bus");
            break;
        case FOLLOW_BACK:
            print_service(client, "back", "the service is back");
            /* what changed meanwhile is told as changes */
            if (!follow_fetch(follow, error))
                return OUTCOME_FAILED;
            break;
        case FOLLOW_CHANGED:
        case FOLLOW_DEADLINE:
            break;
        }
}

const Verb verb_watch = { "watch", NULL, "Prints a line for every change", watch };
