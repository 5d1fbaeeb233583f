/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* log: what happened lately, as the service remembers it, all of it or of one thing. That may be gone by now:
 * then it is found by what it was called. */

#include "client/verbs/log.h"

#include <glib/gi18n.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "client/bus/call.h"
#include "client/bus/escape.h"
#include "client/bus/follow.h"
#include "client/verbs/options.h"
#include "client/verbs/target.h"
#include "client/view/json.h"
#include "dbus/names.h"

typedef struct Happening {
    const char *kind, *text, *code, *device, *label, *machine, *machine_name, *assignment,
        *name;    /* borrowed */
    guint64 time; /* µs since 1970 */
    gint64 who;   /* uid; -1 = nobody, or it isn't ours to know */
} Happening;

static Happening read_happening(GVariant *values)
{
    Happening one = { .kind = "",
                      .text = "",
                      .code = "",
                      .device = "",
                      .label = "",
                      .machine = "",
                      .machine_name = "",
                      .assignment = "",
                      .name = "",
                      .who = -1 };
    guint32 uid;

    g_variant_lookup(values, "Kind", "&s", &one.kind);
    g_variant_lookup(values, "Text", "&s", &one.text);
    g_variant_lookup(values, "Code", "&s", &one.code);
    g_variant_lookup(values, "Device", "&s", &one.device);
    g_variant_lookup(values, "DeviceLabel", "&s", &one.label);
    g_variant_lookup(values, "Machine", "&s", &one.machine);
    g_variant_lookup(values, "MachineName", "&s", &one.machine_name);
    g_variant_lookup(values, "Assignment", "&s", &one.assignment);
    g_variant_lookup(values, "Name", "&s", &one.name);
    g_variant_lookup(values, "Time", "t", &one.time);
    if (g_variant_lookup(values, "Who", "u", &uid))
        one.who = uid;
    return one;
}

/* ------------------------------------------------------------------ which */

/* word: what it was called, when the object isn't there any more (NULL). */
static bool is_about(const Happening *one, const Object *object, const char *word)
{
    g_autofree char *id = object ? object_id(object) : NULL;

    if (!object)
        return g_str_equal(one->device, word) || g_str_equal(one->label, word) ||
               g_str_equal(one->machine, word) || g_str_equal(one->machine_name, word) ||
               g_str_equal(one->assignment, word) || g_str_equal(one->name, word);
    if (object->kind == KIND_DEVICE) {
        /* what was decided is an assignment's, and its sentence names the device */
        g_autofree char *named = g_strdup_printf("(%s)", id);
        return g_str_equal(one->device, id) || (!*one->device && strstr(one->text, named));
    }
    return g_str_equal(id, object->kind == KIND_MACHINE ? one->machine : one->assignment);
}

/* The newest n that are about it, of const Happening; word: NULL = all are. Owned by happenings. */
static GPtrArray *choose(GArray *happenings, const Object *object, const char *word, guint n)
{
    GPtrArray *chosen = g_ptr_array_new();

    for (guint i = 0; i < happenings->len; i++) {
        Happening *one = &g_array_index(happenings, Happening, i);

        if (!word || is_about(one, object, word))
            g_ptr_array_add(chosen, one);
    }
    if (chosen->len > n)
        g_ptr_array_remove_range(chosen, 0, chosen->len - n);
    return chosen;
}

/* ------------------------------------------------------------------ printing */

/* As this host calls who decided it; of another host it is the number. */
static char *who_text(const Client *client, gint64 uid)
{
    const struct passwd *user = client->host || uid < 0 ? NULL : getpwuid((uid_t)uid);

    if (uid < 0)
        return g_strdup("");
    return user ? g_strdup_printf(_(" (by %s)"), user->pw_name)
                : g_strdup_printf(_(" (by uid %u)"), (unsigned)uid);
}

/* Takes " by uid 0" off its end: who decided is told in one way. who: -1 = it isn't known otherwise. */
static void cut_who(GString *text, gint64 *who)
{
    static const char by[] = " by uid ";
    const char *found = g_strrstr(text->str, by);
    guint64 uid;

    if (!found || !g_ascii_string_to_unsigned(found + strlen(by), 10, 0, G_MAXUINT32, &uid, NULL))
        return;
    if (*who < 0)
        *who = (gint64)uid;
    g_string_truncate(text, (gsize)(found - text->str));
}

/* People know an assignment by its name. who: who decided it, -1 = that isn't known. */
static char *text_of(const Happening *one, gint64 *ret_who)
{
    g_autofree char *id = g_strdup_printf("assignment %s", one->assignment);
    g_autofree char *named = g_strdup_printf("assignment \"%s\" (%s)", one->name, one->assignment);
    GString *text = g_string_new(one->text);

    *ret_who = one->who;
    if (*one->assignment && *one->name)
        g_string_replace(text, id, named, 1);
    cut_who(text, ret_who);
    return g_string_free(text, FALSE);
}

static void print_text(const Client *client, const Happening *one)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_local((gint64)(one->time / G_USEC_PER_SEC));
    g_autofree char *when = time ? g_date_time_format(time, "%F %T") : g_strdup("?");
    gint64 uid;
    g_autofree char *raw = text_of(one, &uid);
    g_autofree char *text = escape_text(raw);
    g_autofree char *who = who_text(client, uid);

    printf("%s %s%s\n", when, text, who);
}

static void add_text(GVariantBuilder *record, const char *word, const char *text)
{
    g_variant_builder_add(record, "{sv}", word, g_variant_new_string(text));
}

static GVariant *make_record(const Happening *one)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_local((gint64)(one->time / G_USEC_PER_SEC));
    g_autofree char *when = time ? g_date_time_format_iso8601(time) : g_strdup("");
    GVariantBuilder record;

    g_variant_builder_init(&record, G_VARIANT_TYPE_VARDICT);
    add_text(&record, "time", when);
    add_text(&record, "event", one->kind);
    add_text(&record, "text", one->text);
    add_text(&record, "reason-code", one->code);
    add_text(&record, "device", one->device);
    add_text(&record, "label", one->label);
    add_text(&record, "vm", one->machine_name);
    add_text(&record, "uuid", one->machine);
    add_text(&record, "assignment", one->name);
    add_text(&record, "assignment-id", one->assignment);
    if (one->who >= 0)
        g_variant_builder_add(&record, "{sv}", "who", g_variant_new_uint32((guint32)one->who));
    return g_variant_builder_end(&record);
}

/* of_one: not all of it was asked for. */
static void print_all(const Client *client, GPtrArray *chosen, bool of_one)
{
    GVariantBuilder records;

    if (chosen->len == 0 && !client->json)
        puts(of_one ? _("Nothing of it is remembered: what is remembered begins with the service.")
                    : _("Nothing has happened since the service was started."));
    g_variant_builder_init(&records, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < chosen->len; i++)
        if (client->json)
            g_variant_builder_add_value(&records, make_record(chosen->pdata[i]));
        else
            print_text(client, chosen->pdata[i]);
    g_autoptr(GVariant) list = g_variant_ref_sink(g_variant_builder_end(&records));
    if (client->json)
        json_print(list);
}

/* ------------------------------------------------------------------ the verb */

/* Of Happening; values owns their texts. New array. */
static GArray *read_all(GVariant *list, GPtrArray *values)
{
    GArray *happenings = g_array_new(FALSE, FALSE, sizeof(Happening));

    for (gsize i = 0; i < g_variant_n_children(list); i++) {
        g_ptr_array_add(values, g_variant_get_child_value(list, i));
        Happening one = read_happening(values->pdata[i]);
        g_array_append_val(happenings, one);
    }
    return happenings;
}

static Outcome show_log(Client *client, char **words, GError **error)
{
    int n = G_MAXINT;
    const GOptionEntry entries[] = {
        { "lines", 'n', 0, G_OPTION_ARG_INT, &n, N_("The newest only, so many at most"), "N" },
        { 0 },
    };

    g_auto(GStrv) rest = options_parse(client, words, entries, NULL, 0, 1, error);
    if (!rest)
        return OUTCOME_USAGE;
    if (n < 1) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, _("--lines needs a number from 1"));
        return OUTCOME_USAGE;
    }
    const char *word = rest[0];
    g_autoptr(GError) not_found = NULL;
    g_autoptr(Model) model = word ? model_fetch(client, error) : NULL;
    if (word && !model)
        return OUTCOME_FAILED;
    const Object *object = word ? target_find(client, model, TARGET_GIVEN, word, &not_found) : NULL;
    if (not_found && !g_error_matches(not_found, CLIENT_ERROR, OUTCOME_NOT_FOUND)) {
        g_propagate_error(error, g_steal_pointer(&not_found));
        return OUTCOME_FAILED;
    }

    g_autoptr(GVariant) reply = call_read(
        client, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, "GetHistory",
        g_variant_new("(u@a{sv})", G_MAXUINT32, g_variant_new_array(G_VARIANT_TYPE("{sv}"), NULL, 0)),
        "(aa{sv})", error);
    if (!reply)
        return OUTCOME_FAILED;
    g_autoptr(GVariant) list = g_variant_get_child_value(reply, 0);
    g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);
    g_autoptr(GArray) happenings = read_all(list, values);

    g_autoptr(GPtrArray) chosen = choose(happenings, object, word, (guint)n);
    if (chosen->len == 0 && not_found) {
        g_propagate_error(error, g_steal_pointer(&not_found));
        return OUTCOME_FAILED;
    }
    print_all(client, chosen, word != NULL);
    return OUTCOME_DONE;
}

const Verb verb_log = { "log", "[DEVICE|ASSIGNMENT|VM]", N_("Shows what happened lately, and who decided it"),
                        show_log };
