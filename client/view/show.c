/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The columns of a list as lines, each with its name: whoever looks at one object wants all of them. */

#include "client/view/show.h"

#include <stdio.h>

#include "client/bus/variant.h"
#include "client/view/columns.h"
#include "client/view/json.h"

/* Lists of short names are on one line, of rules each rule is on its own. */
static bool has_lines(const Column *column, GVariant *shown)
{
    return (column->look == LOOK_COUNT || column->look == LOOK_REST || column->look == LOOK_LINES) && shown &&
           g_variant_is_of_type(shown, G_VARIANT_TYPE_ARRAY);
}

static void print_column(int width, const Column *column, GVariant *shown)
{
    if (!has_lines(column, shown)) {
        g_autofree char *text = variant_to_text(shown);
        printf("  %*s: %s\n", width, column->name, *text ? text : "-");
        return;
    }
    for (gsize i = 0; i < g_variant_n_children(shown); i++) {
        g_autoptr(GVariant) item = g_variant_get_child_value(shown, i);
        g_autofree char *text = variant_to_text(item);
        printf("  %*s%c %s\n", width, i == 0 ? column->name : "", i == 0 ? ':' : ' ', text);
    }
}

static void print_object(const Model *model, const Object *object)
{
    g_autofree char *title = object_describe(object);
    const Column *columns = columns_for(object->kind);
    int width = 0;

    for (const Column *column = columns; column->name; column++)
        width = MAX(width, (int)strlen(column->name));

    puts(title);
    for (const Column *column = columns; column->name; column++) {
        g_autoptr(GVariant) shown = column_shown(column, model, object);
        print_column(width, column, shown);
    }
}

static GVariant *make_record(const Model *model, const Object *object)
{
    g_autoptr(GPtrArray) columns = columns_all(columns_for(object->kind));
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

void show_print(Client *client, const Model *model, GPtrArray *objects)
{
    if (client->json) {
        GVariantBuilder list;
        g_variant_builder_init(&list, G_VARIANT_TYPE("aa{sv}"));
        for (guint i = 0; i < objects->len; i++)
            g_variant_builder_add_value(&list, make_record(model, objects->pdata[i]));
        json_print(g_variant_builder_end(&list));
        return;
    }

    for (guint i = 0; i < objects->len; i++) {
        if (i > 0)
            putchar('\n');
        print_object(model, objects->pdata[i]);
    }
}
