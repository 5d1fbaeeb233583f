/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* watch: follows the service and prints a line for every change, for people or for programs, or a table that
 * is always true, until it is stopped. */

#include "client/verbs/watch.h"

#include <stdio.h>
#include <unistd.h>

#include "client/bus/client.h"
#include "client/bus/escape.h"
#include "client/bus/follow.h"
#include "client/verbs/options.h"
#include "client/verbs/overview.h"
#include "client/verbs/target.h"
#include "client/view/columns.h"
#include "client/view/json.h"
#include "client/view/overview.h"

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
    static const char *const noise[] = { "since",      "reason-code", "has",         "wanted",
                                         "pending",    "devices",     "assignments", "assignment",
                                         "free-ports", "groups",      "total",       "free",
                                         "vms",        "state",       "reason",      NULL };

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

/* ------------------------------------------------------------------ what is watched */

typedef struct Watch {
    Client *client;
    GPtrArray *paths; /* of what was named, owned; none = everything */
    bool table;
} Watch;

static void watch_clear(Watch *watch)
{
    g_clear_pointer(&watch->paths, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Watch, watch_clear)

/* The path stands somewhere in it. */
static bool has_path(GVariant *value, const char *path)
{
    bool found = g_variant_is_of_type(value, G_VARIANT_TYPE_OBJECT_PATH) &&
                 g_str_equal(g_variant_get_string(value, NULL), path);

    for (gsize i = 0; !found && g_variant_is_container(value) && i < g_variant_n_children(value); i++) {
        g_autoptr(GVariant) child = g_variant_get_child_value(value, i);
        found = has_path(child, path);
    }
    return found;
}

/* It is what was named, or a device or assignment of that, or was before. */
static bool concerns(const Object *object, GHashTable *before, const char *path)
{
    GHashTableIter iter;
    void *value;

    if (g_str_equal(object->path, path))
        return true;
    if (object->kind != KIND_DEVICE && object->kind != KIND_ASSIGNMENT)
        return false;
    g_hash_table_iter_init(&iter, object->values);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (has_path(value, path))
            return true;
    if (!before)
        return false;
    g_hash_table_iter_init(&iter, before);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (has_path(value, path))
            return true;
    return false;
}

static bool is_watched(const Watch *watch, const Object *object, GHashTable *before)
{
    for (guint i = 0; i < watch->paths->len; i++)
        if (concerns(object, before, watch->paths->pdata[i]))
            return true;
    return watch->paths->len == 0;
}

static void on_change(const Model *model, ModelEvent event, const Object *object, GHashTable *before,
                      void *userdata)
{
    const Watch *watch = userdata;

    if (watch->table || !is_watched(watch, object, before))
        return;
    if (watch->client->json)
        print_change_json(model, event, object, before);
    else
        print_change(model, event, object, before);
}

/* All words are good, or nothing is watched. */
static bool find_watched(Watch *watch, const Model *model, char **words, GError **error)
{
    for (; *words; words++) {
        const Object *object = target_find(watch->client, model, TARGET_ANY, *words, error);
        if (!object)
            return false;
        g_ptr_array_add(watch->paths, g_strdup(object->path));
    }
    return true;
}

/* ------------------------------------------------------------------ the board */

/* What happens at once is shown at once. */
#define BOARD_DELAY_USEC (100 * G_TIME_SPAN_MILLISECOND)

static void print_board(const Watch *watch, const Model *model)
{
    g_autoptr(GPtrArray) all = overview_rows(model);
    g_autoptr(GPtrArray) rows = g_ptr_array_new();
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *time = g_date_time_format(now, "%F %T");

    for (guint i = 0; i < all->len; i++)
        if (is_watched(watch, all->pdata[i], NULL))
            g_ptr_array_add(rows, all->pdata[i]);
    /* in a pipe one board follows the other */
    fputs(isatty(STDOUT_FILENO) ? "\033[H\033[2J" : "", stdout);
    puts(time);
    overview_print(model, rows);
    putchar('\n');
    fflush(stdout);
}

/* After each change, with all that comes along with it. */
static Outcome show_board(const Watch *watch, Follow *follow, GError **error)
{
    gint64 due = 0; /* something was changed, and is shown then */

    for (;;)
        switch (follow_next(follow, due ? due : G_MAXINT64, error)) {
        case FOLLOW_ERROR:
            return OUTCOME_FAILED;
        case FOLLOW_GONE:
            puts("the service left the bus");
            fflush(stdout);
            break;
        case FOLLOW_BACK:
            if (!follow_fetch(follow, error))
                return OUTCOME_FAILED;
            due = g_get_monotonic_time();
            break;
        case FOLLOW_CHANGED:
            due = due ? due : g_get_monotonic_time() + BOARD_DELAY_USEC;
            break;
        case FOLLOW_DEADLINE:
            due = 0;
            print_board(watch, follow_model(follow));
            break;
        }
}

/* ------------------------------------------------------------------ the verb */

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

static Outcome show_lines(const Watch *watch, Follow *follow, GError **error)
{
    /* a line is there when it is printed, also in a pipe; before the first one, that we listen */
    setvbuf(stdout, NULL, _IOLBF, 0);
    print_service(watch->client, "watching", "watching for changes");

    for (;;)
        switch (follow_next(follow, G_MAXINT64, error)) {
        case FOLLOW_ERROR:
            return OUTCOME_FAILED;
        case FOLLOW_GONE:
            print_service(watch->client, "gone", "the service left the bus");
            break;
        case FOLLOW_BACK:
            print_service(watch->client, "back", "the service is back");
            /* what changed meanwhile is told as changes */
            if (!follow_fetch(follow, error))
                return OUTCOME_FAILED;
            break;
        case FOLLOW_CHANGED:
        case FOLLOW_DEADLINE:
            break;
        }
}

static Outcome watch_all(Client *client, char **words, GError **error)
{
    g_auto(Watch) watch = { .client = client, .paths = g_ptr_array_new_with_free_func(g_free) };
    gboolean table = FALSE;
    const GOptionEntry entries[] = {
        { "table", 0, 0, G_OPTION_ARG_NONE, &table, "A table that is always as it is now", NULL },
        { 0 },
    };

    g_auto(GStrv) rest = options_parse(client, words, entries, NULL, 0, -1, error);
    if (!rest)
        return OUTCOME_USAGE;
    if (table && client->json) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, "--table is for people, --json for programs");
        return OUTCOME_USAGE;
    }
    watch.table = table;
    g_autoptr(Follow) follow = follow_new(client, on_change, &watch, error);
    if (!follow || !follow_fetch(follow, error) || !find_watched(&watch, follow_model(follow), rest, error))
        return OUTCOME_FAILED;

    if (!table)
        return show_lines(&watch, follow, error);
    print_board(&watch, follow_model(follow));
    return show_board(&watch, follow, error);
}

const Verb verb_watch = { "watch", "[DEVICE|ASSIGNMENT|VM|GROUP …]", "Prints a line for every change",
                          watch_all };
