/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Prints every property that the object has, also such as this client doesn't know by name. */

#include "client/view/show.h"

#include <stdio.h>

#include "client/bus/escape.h"
#include "client/view/json.h"
#include "client/bus/variant.h"

/* Properties that read better than their bare value. Each returns a new, escaped text. */

static char *show_hex(const Model *model, GVariant *value)
{
    return g_variant_is_of_type(value, G_VARIANT_TYPE_UINT16)
               ? g_strdup_printf("%04x", g_variant_get_uint16(value))
               : variant_to_text(value);
}

static char *show_speed(const Model *model, GVariant *value)
{
    g_autofree char *number = variant_to_text(value);

    return g_strdup_printf("%s Mbit/s", number);
}

static char *show_interfaces(const Model *model, GVariant *value)
{
    GString *text = g_string_new(NULL);
    GVariantIter iter;
    guchar class_code, subclass, protocol;

    if (!g_variant_is_of_type(value, G_VARIANT_TYPE("a(yyy)"))) {
        g_string_free(text, TRUE);
        return variant_to_text(value);
    }
    g_variant_iter_init(&iter, value);
    while (g_variant_iter_next(&iter, "(yyy)", &class_code, &subclass, &protocol))
        g_string_append_printf(text, "%s%02x:%02x:%02x", text->len > 0 ? ", " : "", class_code, subclass,
                               protocol);
    return g_string_free(text, FALSE);
}

static char *show_time(const Model *model, GVariant *value)
{
    guint64 usec = g_variant_is_of_type(value, G_VARIANT_TYPE_UINT64) ? g_variant_get_uint64(value) : 0;
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_local((gint64)(usec / G_USEC_PER_SEC));

    return usec > 0 && time ? g_date_time_format(time, "%F %T") : g_strdup("");
}

/* Of a group: each on a line of its own. Of a device they are texts already. */
static char *show_rules(const Model *model, GVariant *value)
{
    GString *text = g_string_new(NULL);
    GVariantIter iter;
    guint32 id;
    gboolean enabled;
    const char *rule, *origin;

    if (!g_variant_is_of_type(value, G_VARIANT_TYPE("a(ubss)"))) {
        g_string_free(text, TRUE);
        return variant_to_text(value);
    }
    g_variant_iter_init(&iter, value);
    while (g_variant_iter_next(&iter, "(ub&s&s)", &id, &enabled, &rule, &origin)) {
        g_autofree char *escaped_rule = escape_text(rule);
        g_autofree char *escaped_origin = escape_text(origin);
        g_string_append_printf(text, "%s#%u %s (%s%s)", text->len > 0 ? "\n" : "", id, escaped_rule,
                               escaped_origin, enabled ? "" : ", disabled");
    }
    return g_string_free(text, FALSE);
}

static const struct {
    const char *property;
    char *(*show)(const Model *model, GVariant *value);
} special[] = {
    { "VendorId", show_hex },          { "ProductId", show_hex }, { "Speed", show_speed },
    { "Interfaces", show_interfaces }, { "Created", show_time },  { "Since", show_time },
    { "Expires", show_time },          { "Rules", show_rules },
};

/* A path is shown as what it names. */
static char *show_object(const Model *model, const char *path)
{
    for (ObjectKind kind = 0; kind < _KIND_MAX; kind++) {
        const Object *object = model_get(model, path, kind);
        if (object)
            return object_describe(object);
    }
    return g_str_equal(path, "/") ? g_strdup("") : escape_text(path);
}

static char *show_value(const Model *model, const char *property, GVariant *value)
{
    for (gsize i = 0; i < G_N_ELEMENTS(special); i++)
        if (g_str_equal(special[i].property, property))
            return special[i].show(model, value);

    if (g_variant_is_of_type(value, G_VARIANT_TYPE_OBJECT_PATH))
        return show_object(model, g_variant_get_string(value, NULL));

    /* ao, and a(os): an object and its state */
    bool pairs = g_variant_is_of_type(value, G_VARIANT_TYPE("a(os)"));
    if (!pairs && !g_variant_is_of_type(value, G_VARIANT_TYPE_OBJECT_PATH_ARRAY))
        return variant_to_text(value);

    GString *text = g_string_new(NULL);
    for (gsize i = 0; i < g_variant_n_children(value); i++) {
        g_autoptr(GVariant) item = g_variant_get_child_value(value, i);
        g_autoptr(GVariant) path = pairs ? g_variant_get_child_value(item, 0) : g_variant_ref(item);
        g_autoptr(GVariant) state = pairs ? g_variant_get_child_value(item, 1) : NULL;
        g_autofree char *object_text = show_object(model, g_variant_get_string(path, NULL));
        g_autofree char *state_text = variant_to_text(state);
        g_string_append_printf(text, "%s%s%s%s", i > 0 ? ", " : "", object_text, *state_text ? " " : "",
                               state_text);
    }
    return g_string_free(text, FALSE);
}

static void print_value(int width, const char *name, const char *text)
{
    g_auto(GStrv) lines = g_strsplit(*text ? text : "-", "\n", -1);

    printf("  %*s: %s\n", width, name, lines[0]);
    for (char **line = lines + 1; *line; line++)
        printf("  %*s  %s\n", width, "", *line);
}

static void print_object(const Model *model, const Object *object)
{
    g_autofree char *title = object_describe(object);
    int width = 0;

    for (guint i = 0; i < object->names->len; i++)
        width = MAX(width, (int)strlen(object->names->pdata[i]));

    puts(title);
    for (guint i = 0; i < object->names->len; i++) {
        const char *property = object->names->pdata[i];
        g_autofree char *name = escape_text(property);
        g_autofree char *text = show_value(model, property, object_value(object, property));
        print_value(width, name, text);
    }
    /* a device has no reason of its own */
    g_autofree char *reason =
        escape_text(object_string(model_follow(model, object, "Assignment", KIND_ASSIGNMENT), "Reason"));
    if (*reason)
        printf("  %*s: %s\n", width, "Reason", reason);
    printf("  %*s: %s\n", width, "Object", object->path);
}

static GVariant *object_to_variant(const Object *object)
{
    GVariantBuilder dict;

    g_variant_builder_init(&dict, G_VARIANT_TYPE_VARDICT);
    g_variant_builder_add(&dict, "{sv}", "kind", g_variant_new_string(kind_to_string(object->kind)));
    g_variant_builder_add(&dict, "{sv}", "path", g_variant_new_string(object->path));
    for (guint i = 0; i < object->names->len; i++) {
        const char *property = object->names->pdata[i];
        g_variant_builder_add(&dict, "{sv}", property, object_value(object, property));
    }
    return g_variant_builder_end(&dict);
}

void show_print(Client *client, const Model *model, GPtrArray *objects)
{
    if (client->json) {
        GVariantBuilder list;
        g_variant_builder_init(&list, G_VARIANT_TYPE("aa{sv}"));
        for (guint i = 0; i < objects->len; i++)
            g_variant_builder_add_value(&list, object_to_variant(objects->pdata[i]));
        g_autoptr(GVariant) shown = g_variant_ref_sink(g_variant_builder_end(&list));
        json_print(g_variant_new_parsed("{'objects': <%@aa{sv}>}", shown));
        return;
    }

    for (guint i = 0; i < objects->len; i++) {
        if (i > 0)
            putchar('\n');
        print_object(model, objects->pdata[i]);
    }
}
