/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Makes of what the service said what the column promises: a later service may say it in another type, or not
 * at all. */

#include "client/view/column.h"

#include <glib/gi18n.h>

#include "client/bus/escape.h"
#include "client/bus/outcome.h"

/* ------------------------------------------------------------------ values */

static GVariant *name_at(const Model *model, GVariant *path)
{
    return g_variant_new_take_string(model_name_at(model, g_variant_get_string(path, NULL)));
}

static int compare_names(const void *a, const void *b)
{
    return strverscmp(*(const char *const *)a, *(const char *const *)b);
}

/* paths: ao, or an array of structures that begin with one. 3-1.2 comes before 3-1.10. */
static GVariant *names_at(const Model *model, GVariant *paths)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

    for (gsize i = 0; i < g_variant_n_children(paths); i++) {
        g_autoptr(GVariant) item = g_variant_get_child_value(paths, i);
        g_autoptr(GVariant) path =
            g_variant_is_container(item) ? g_variant_get_child_value(item, 0) : g_variant_ref(item);
        g_ptr_array_add(names, model_name_at(model, g_variant_get_string(path, NULL)));
    }
    g_ptr_array_sort(names, compare_names);
    return g_variant_new_strv((const char *const *)names->pdata, names->len);
}

static GVariant *read_property(const Model *model, const Object *object, const char *property)
{
    GVariant *value = object_value(object, property);

    if (!value)
        return NULL;
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_OBJECT_PATH))
        return name_at(model, value);
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_OBJECT_PATH_ARRAY) ||
        g_variant_is_of_type(value, G_VARIANT_TYPE("a(os)")))
        return names_at(model, value);
    return g_variant_ref(value);
}

static GVariant *read_value(const Column *column, const Model *model, const Object *object)
{
    GVariant *value =
        column->value ? column->value(model, object) : read_property(model, object, column->property);

    return value ? g_variant_take_ref(value) : NULL;
}

static bool is_number(GVariant *value)
{
    return strchr("ynqiuxt", g_variant_get_type_string(value)[0]) != NULL;
}

static bool is_of_type(GVariant *value, ColumnType type)
{
    switch (type) {
    case COLUMN_TEXT:
        return g_variant_is_of_type(value, G_VARIANT_TYPE_STRING);
    case COLUMN_NUMBER:
        return is_number(value);
    case COLUMN_FLAG:
        return g_variant_is_of_type(value, G_VARIANT_TYPE_BOOLEAN);
    case COLUMN_LIST:
        return g_variant_is_of_type(value, G_VARIANT_TYPE_STRING_ARRAY) ||
               g_variant_is_of_type(value, G_VARIANT_TYPE("aa{sv}"));
    }
    return false;
}

static GVariant *new_nothing(ColumnType type)
{
    switch (type) {
    case COLUMN_TEXT:
        return g_variant_new_string("");
    case COLUMN_NUMBER:
        return g_variant_new_uint32(0);
    case COLUMN_FLAG:
        return g_variant_new_boolean(FALSE);
    case COLUMN_LIST:
        return g_variant_new_strv(NULL, 0);
    }
    return NULL;
}

GVariant *column_value(const Column *column, const Model *model, const Object *object)
{
    g_autoptr(GVariant) value = read_value(column, model, object);

    return value && is_of_type(value, column->type) ? g_steal_pointer(&value)
                                                    : g_variant_ref_sink(new_nothing(column->type));
}

static bool is_empty(GVariant *value)
{
    return g_variant_is_of_type(value, G_VARIANT_TYPE_STRING)
               ? !*g_variant_get_string(value, NULL)
               : g_variant_is_container(value) && g_variant_n_children(value) == 0;
}

GVariant *column_shown(const Column *column, const Model *model, const Object *object)
{
    GVariant *shown = column->shown ? column->shown(model, object) : NULL;
    g_autoptr(GVariant) value =
        column->shown ? (shown ? g_variant_take_ref(shown) : NULL) : read_value(column, model, object);

    return value && !is_empty(value) ? g_steal_pointer(&value) : NULL;
}

/* ------------------------------------------------------------------ tables of columns */

const Column *column_find(const Column *all, const char *name)
{
    for (; all->name; all++)
        if (g_ascii_strcasecmp(all->name, name) == 0)
            return all;
    return NULL;
}

GPtrArray *columns_all(const Column *all)
{
    GPtrArray *columns = g_ptr_array_new();

    for (; all->name; all++)
        g_ptr_array_add(columns, (void *)all);
    return columns;
}

GPtrArray *columns_choose(const Column *all, const char *names, GError **error)
{
    g_autoptr(GPtrArray) chosen = g_ptr_array_new();

    if (!names || !*names) {
        for (; all->name; all++)
            if (all->standard)
                g_ptr_array_add(chosen, (void *)all);
        return g_steal_pointer(&chosen);
    }

    g_auto(GStrv) words = g_strsplit(names, ",", -1);
    for (char **word = words; *word; word++) {
        const Column *column = column_find(all, *word);
        if (!column) {
            g_autoptr(GPtrArray) known = g_ptr_array_new();
            for (; all->name; all++)
                g_ptr_array_add(known, (void *)all->name);
            g_ptr_array_add(known, NULL);
            g_autofree char *list = g_strjoinv(", ", (char **)known->pdata);
            g_autofree char *escaped = escape_text(*word);
            g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, _("there is no column \"%s\"; there are %s"),
                        escaped, list);
            return NULL;
        }
        g_ptr_array_add(chosen, (void *)column);
    }
    return g_steal_pointer(&chosen);
}

void columns_drop_empty(const Model *model, GPtrArray *columns, GPtrArray *objects, const char *name)
{
    for (guint i = columns->len; i > 0; i--) {
        const Column *column = columns->pdata[i - 1];
        bool empty = g_str_equal(column->name, name);

        for (guint j = 0; empty && j < objects->len; j++) {
            g_autoptr(GVariant) shown = column_shown(column, model, objects->pdata[j]);
            empty = !shown;
        }
        if (empty)
            g_ptr_array_remove_index(columns, i - 1);
    }
}

char *columns_help(const Column *all)
{
    GString *help = g_string_new(NULL);
    int width = 0;

    for (const Column *column = all; column->name; column++)
        width = MAX(width, (int)strlen(column->name));
    for (; all->name; all++)
        g_string_append_printf(help, "  %-*s  %s%s\n", width, all->name, _(all->help),
                               all->standard ? "" : _(" (with -o)"));
    return g_string_free(help, FALSE);
}

/* ------------------------------------------------------------------ records */

GVariant *columns_to_record(const Model *model, GPtrArray *columns, const Object *object)
{
    GVariantBuilder record;

    g_variant_builder_init(&record, G_VARIANT_TYPE_VARDICT);
    for (guint i = 0; i < columns->len; i++) {
        const Column *column = columns->pdata[i];
        g_autoptr(GVariant) value = column_value(column, model, object);
        g_variant_builder_add(&record, "{sv}", column->name, value);
    }
    return g_variant_builder_end(&record);
}

GVariant *columns_to_records(const Model *model, GPtrArray *columns, GPtrArray *objects)
{
    GVariantBuilder records;

    g_variant_builder_init(&records, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < objects->len; i++)
        g_variant_builder_add_value(&records, columns_to_record(model, columns, objects->pdata[i]));
    return g_variant_builder_end(&records);
}
