/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The columns of a list as lines, each with its name: whoever looks at one object wants all of them. */

#include "client/view/show.h"

#include <stdio.h>

#include "client/view/columns.h"
#include "client/view/json.h"
#include "client/bus/variant.h"
#include "client/view/text.h"

/* For values, beside their names. */
#define ROOM 28

/* Lists of short names are on one line, of rules each rule is on its own. */
static bool has_lines(const Column *column, GVariant *shown)
{
    return (column->look == LOOK_COUNT || column->look == LOOK_REST || column->look == LOOK_LINES) && shown &&
           g_variant_is_of_type(shown, G_VARIANT_TYPE_ARRAY);
}

/* What people read, or what programs do. */
static void print_values(const Model *model, GPtrArray *columns, const Object *object)
{
    for (guint i = 0; i < columns->len; i++) {
        g_autoptr(GVariant) value = column_shown(columns->pdata[i], model, object);
        bool list = value && g_variant_is_of_type(value, G_VARIANT_TYPE_ARRAY);
        gsize n = list ? g_variant_n_children(value) : 1;

        for (gsize j = 0; j < n; j++) {
            g_autoptr(GVariant) item = list    ? g_variant_get_child_value(value, j)
                                       : value ? g_variant_ref(value)
                                               : NULL;
            g_autofree char *text = variant_to_text(item);
            puts(text);
        }
    }
}

/* width: of the names; where there is no room to have them below each other they aren't. */
static char *make_prefix(const char *name, int width)
{
    int terminal = terminal_width();
    bool narrow = terminal > 0 && terminal < width + ROOM;

    return g_strdup_printf("  %*s%s ", narrow ? 0 : width, name, *name ? ":" : " ");
}

static void print_column(int width, const Column *column, GVariant *shown)
{
    if (!has_lines(column, shown)) {
        g_autofree char *prefix = make_prefix(column->name, width);
        g_autofree char *text = variant_to_text(shown);
        text_print(prefix, *text ? text : "-");
        return;
    }
    for (gsize i = 0; i < g_variant_n_children(shown); i++) {
        g_autofree char *prefix = make_prefix(i == 0 ? column->name : "", width);
        g_autoptr(GVariant) item = g_variant_get_child_value(shown, i);
        g_autofree char *text = variant_to_text(item);
        text_print(prefix, text);
    }
}

static void print_object(const Model *model, GPtrArray *columns, const Object *object)
{
    g_autofree char *title = object_describe(object);
    int width = 0;

    for (guint i = 0; i < columns->len; i++)
        width = MAX(width, (int)strlen(((const Column *)columns->pdata[i])->name));

    puts(title);
    for (guint i = 0; i < columns->len; i++) {
        g_autoptr(GVariant) shown = column_shown(columns->pdata[i], model, object);
        print_column(width, columns->pdata[i], shown);
    }
}

static GVariant *make_record(const Model *model, GPtrArray *columns, const Object *object)
{
    g_autoptr(GVariant) values = g_variant_ref_sink(columns_to_record(model, columns, object));
    GVariantBuilder record;

    g_variant_builder_init(&record, G_VARIANT_TYPE_VARDICT);
    g_variant_builder_add(&record, "{sv}", "kind", g_variant_new_string(kind_to_string(object->kind)));
    for (gsize i = 0; i < g_variant_n_children(values); i++) {
        g_autoptr(GVariant) entry = g_variant_get_child_value(values, i);
        g_variant_builder_add_value(&record, entry);
    }
    return g_variant_builder_end(&record);
}

/* Of each object, an array of columns. */
static GPtrArray *choose(GPtrArray *objects, const char *names, GError **error)
{
    g_autoptr(GPtrArray) chosen = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);

    for (guint i = 0; i < objects->len; i++) {
        const Column *all = columns_for(((const Object *)objects->pdata[i])->kind);
        GPtrArray *columns = names && *names ? columns_choose(all, names, error) : columns_all(all);
        if (!columns)
            return NULL;
        g_ptr_array_add(chosen, columns);
    }
    return g_steal_pointer(&chosen);
}

bool show_print(Client *client, const Model *model, GPtrArray *objects, const char *names, bool values_only,
                GError **error)
{
    g_autoptr(GPtrArray) chosen = choose(objects, names, error);
    GVariantBuilder list;

    if (!chosen)
        return false;
    g_variant_builder_init(&list, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < objects->len; i++) {
        const Object *object = objects->pdata[i];
        GPtrArray *columns = chosen->pdata[i];

        if (client->json)
            g_variant_builder_add_value(&list, make_record(model, columns, object));
        else if (values_only)
            print_values(model, columns, object);
        else {
            if (i > 0)
                putchar('\n');
            print_object(model, columns, object);
        }
    }
    g_autoptr(GVariant) records = g_variant_ref_sink(g_variant_builder_end(&list));
    if (client->json)
        json_print(records);
    return true;
}
