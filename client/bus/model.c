/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keeps each object's properties as they came, by name, and tells whoever asked for it what a step changed.
 */

#include "client/bus/model.h"

#include <glib/gi18n.h>

#include "client/bus/escape.h"
#include "client/bus/path.h"
#include "client/bus/variant.h"
#include "dbus/names.h"

static const struct {
    const char *name;
    const char *interface;
} kinds[_KIND_MAX] = {
    [KIND_DEVICE] = { "device", FERRY_INTERFACE_DEVICE },
    [KIND_MACHINE] = { "vm", FERRY_INTERFACE_MACHINE },
    [KIND_ASSIGNMENT] = { "assignment", FERRY_INTERFACE_ASSIGNMENT },
    [KIND_GROUP] = { "group", FERRY_INTERFACE_GROUP },
    [KIND_TENANT] = { "tenant", FERRY_INTERFACE_TENANT },
    [KIND_MANAGER] = { "service", FERRY_INTERFACE_MANAGER },
};

const char *kind_to_string(ObjectKind kind)
{
    return kinds[kind].name;
}

const char *kind_to_interface(ObjectKind kind)
{
    return kinds[kind].interface;
}

ObjectKind kind_from_interface(const char *interface)
{
    for (ObjectKind kind = 0; kind < _KIND_MAX; kind++)
        if (g_str_equal(kinds[kind].interface, interface))
            return kind;
    return _KIND_INVALID;
}

/* ------------------------------------------------------------------ objects */

Object *object_free(Object *object)
{
    if (!object)
        return NULL;

    g_free(object->path);
    g_ptr_array_unref(object->names);
    g_hash_table_unref(object->values);
    g_free(object);
    return NULL;
}

static void object_destroy(void *object)
{
    object_free(object);
}

static GHashTable *values_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_variant_unref);
}

static Object *object_new(ObjectKind kind, const char *path)
{
    Object *object = g_new0(Object, 1);

    object->kind = kind;
    object->path = g_strdup(path);
    object->names = g_ptr_array_new();
    object->values = values_new();
    return object;
}

/* Takes what differs; returns how it was before, NULL when nothing did. properties: a{sv} */
static GHashTable *object_update(Object *object, GVariant *properties)
{
    g_autoptr(GHashTable) before = values_new();
    GVariantIter iter;
    char *name;
    GVariant *value;

    g_variant_iter_init(&iter, properties);
    while (g_variant_iter_next(&iter, "{sv}", &name, &value)) {
        GVariant *old = g_hash_table_lookup(object->values, name);

        if (old && g_variant_equal(old, value)) {
            g_free(name);
            g_variant_unref(value);
            continue;
        }
        if (old) {
            g_hash_table_insert(before, g_strdup(name), g_variant_ref(old));
            /* keeps the key that names points to */
            g_hash_table_insert(object->values, name, value);
        } else {
            g_ptr_array_add(object->names, name);
            g_hash_table_insert(object->values, name, value);
            g_hash_table_insert(before, g_strdup(name), g_variant_ref_sink(variant_new_null()));
        }
    }

    return g_hash_table_size(before) > 0 ? g_steal_pointer(&before) : NULL;
}

Object *object_as_before(const Object *object, GHashTable *before)
{
    Object *old = object_new(object->kind, object->path);

    for (guint i = 0; i < object->names->len; i++) {
        char *name = g_strdup(object->names->pdata[i]);
        GVariant *was = g_hash_table_lookup(before, name);
        g_ptr_array_add(old->names, name);
        g_hash_table_insert(old->values, name, g_variant_ref(was ? was : object_value(object, name)));
    }
    return old;
}

GVariant *object_value(const Object *object, const char *property)
{
    return object ? g_hash_table_lookup(object->values, property) : NULL;
}

const char *object_string(const Object *object, const char *property)
{
    GVariant *value = object_value(object, property);

    if (value && (g_variant_is_of_type(value, G_VARIANT_TYPE_STRING) ||
                  g_variant_is_of_type(value, G_VARIANT_TYPE_OBJECT_PATH)))
        return g_variant_get_string(value, NULL);
    return "";
}

guint64 object_number(const Object *object, const char *property)
{
    GVariant *value = object_value(object, property);

    if (value && g_variant_is_of_type(value, G_VARIANT_TYPE_UINT16))
        return g_variant_get_uint16(value);
    if (value && g_variant_is_of_type(value, G_VARIANT_TYPE_UINT32))
        return g_variant_get_uint32(value);
    if (value && g_variant_is_of_type(value, G_VARIANT_TYPE_UINT64))
        return g_variant_get_uint64(value);
    return 0;
}

bool object_flag(const Object *object, const char *property)
{
    GVariant *value = object_value(object, property);

    return value && g_variant_is_of_type(value, G_VARIANT_TYPE_BOOLEAN) && g_variant_get_boolean(value);
}

const char *object_name(const Object *object)
{
    static const char *const properties[_KIND_MAX] = {
        [KIND_DEVICE] = "SysName", [KIND_MACHINE] = "Name", [KIND_ASSIGNMENT] = "Name",
        [KIND_GROUP] = "Name",     [KIND_TENANT] = "Name",  [KIND_MANAGER] = "Node",
    };

    return object ? object_string(object, properties[object->kind]) : "";
}

char *object_id(const Object *object)
{
    const char *id = "";
    g_autofree char *last = NULL;

    switch (object->kind) {
    case KIND_DEVICE:
        id = object_string(object, "SysName");
        break;
    case KIND_MACHINE:
        id = object_string(object, "UUID");
        break;
    case KIND_ASSIGNMENT:
        id = last = path_to_name(object->path);
        break;
    case KIND_GROUP:
    case KIND_TENANT:
        id = object_string(object, "Name");
        break;
    case KIND_MANAGER:
    case _KIND_MAX:
    case _KIND_INVALID:
        break;
    }

    return escape_text(*id ? id : object->path);
}

char *object_describe(const Object *object)
{
    g_autofree char *id = object_id(object);
    g_autofree char *name = escape_text(object_string(object, "Name"));
    g_autofree char *product = NULL;

    switch (object->kind) {
    case KIND_DEVICE:
        product = escape_text(object_string(object, "Product"));
        return g_strdup_printf("%04x:%04x%s%s%s (%s)", (unsigned)object_number(object, "VendorId"),
                               (unsigned)object_number(object, "ProductId"), *product ? " \"" : "", product,
                               *product ? "\"" : "", id);
    case KIND_MACHINE:
        return g_strdup_printf(_("VM \"%s\""), *name ? name : id);
    case KIND_ASSIGNMENT:
        return *name ? g_strdup_printf(_("assignment \"%s\" (%s)"), name, id)
                     : g_strdup_printf(_("assignment %s"), id);
    case KIND_GROUP:
        return g_strdup_printf(_("group \"%s\""), id);
    case KIND_TENANT:
        return g_strdup_printf(_("tenant \"%s\""), id);
    case KIND_MANAGER:
    case _KIND_MAX:
    case _KIND_INVALID:
        break;
    }
    return g_strdup(_("the service"));
}

/* ------------------------------------------------------------------ the model */

Model *model_new(void)
{
    Model *model = g_new0(Model, 1);

    model->objects = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, object_destroy);
    return model;
}

Model *model_free(Model *model)
{
    if (!model)
        return NULL;

    g_clear_pointer(&model->objects, g_hash_table_unref);
    g_free(model);
    return NULL;
}

Object *model_object(Model *model, ObjectKind kind, const char *path)
{
    Object *object = g_hash_table_lookup(model->objects, path);

    if (!object) {
        object = object_new(kind, path);
        g_hash_table_insert(model->objects, object->path, object);
    }
    return object;
}

void object_put(Object *object, const char *property, GVariant *value)
{
    char *name;

    if (g_hash_table_contains(object->values, property)) {
        g_variant_unref(value);
        return;
    }
    name = g_strdup(property);
    g_ptr_array_add(object->names, name);
    g_hash_table_insert(object->values, name, value);
}

static void model_set(Model *model, ObjectKind kind, const char *path, GVariant *properties, ModelFunc func,
                      void *userdata)
{
    bool added = !g_hash_table_contains(model->objects, path);
    Object *object = model_object(model, kind, path);

    g_autoptr(GHashTable) before = object_update(object, properties);
    if (func && (added || before))
        func(model, added ? MODEL_ADDED : MODEL_CHANGED, object, added ? NULL : before, userdata);
}

static void model_drop(Model *model, const char *path, ModelFunc func, void *userdata)
{
    Object *object = g_hash_table_lookup(model->objects, path);

    if (object && func)
        func(model, MODEL_REMOVED, object, NULL, userdata);
    g_hash_table_remove(model->objects, path);
}

void model_add(Model *model, const char *path, GVariant *interfaces, ModelFunc func, void *userdata)
{
    for (gsize i = 0; i < g_variant_n_children(interfaces); i++) {
        g_autoptr(GVariant) entry = g_variant_get_child_value(interfaces, i);
        g_autoptr(GVariant) interface = g_variant_get_child_value(entry, 0);
        ObjectKind kind = kind_from_interface(g_variant_get_string(interface, NULL));
        if (kind == _KIND_INVALID)
            continue;
        g_autoptr(GVariant) properties = g_variant_get_child_value(entry, 1);
        model_set(model, kind, path, properties, func, userdata);
    }
}

void model_remove(Model *model, const char *path, GVariant *interfaces, ModelFunc func, void *userdata)
{
    const Object *object = g_hash_table_lookup(model->objects, path);
    GVariantIter iter;
    const char *interface;

    g_variant_iter_init(&iter, interfaces);
    while (object && g_variant_iter_next(&iter, "&s", &interface))
        if (kind_from_interface(interface) == object->kind) {
            model_drop(model, path, func, userdata);
            return;
        }
}

void model_change(Model *model, const char *path, const char *interface, GVariant *changed, ModelFunc func,
                  void *userdata)
{
    const Object *object = g_hash_table_lookup(model->objects, path);

    if (object && object->kind == kind_from_interface(interface))
        model_set(model, object->kind, path, changed, func, userdata);
}

/* Child by child: to give out a pointer into a value, GLib makes one piece of all that is in it. */
void model_load(Model *model, GVariant *managed, ModelFunc func, void *userdata)
{
    g_autoptr(GHashTable) named = g_hash_table_new(g_str_hash, g_str_equal); /* borrowed from paths */
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);

    for (gsize i = 0; i < g_variant_n_children(managed); i++) {
        g_autoptr(GVariant) entry = g_variant_get_child_value(managed, i);
        GVariant *path = g_variant_get_child_value(entry, 0);
        g_ptr_array_add(paths, path);
        g_hash_table_add(named, (char *)g_variant_get_string(path, NULL));
    }

    g_autofree const char **known = (const char **)g_hash_table_get_keys_as_array(model->objects, NULL);
    for (gsize i = 0; known[i]; i++)
        if (!g_hash_table_contains(named, known[i]) && !g_str_equal(known[i], FERRY_PATH_ROOT))
            model_drop(model, known[i], func, userdata);

    for (gsize i = 0; i < g_variant_n_children(managed); i++) {
        g_autoptr(GVariant) entry = g_variant_get_child_value(managed, i);
        g_autoptr(GVariant) interfaces = g_variant_get_child_value(entry, 1);
        model_add(model, g_variant_get_string(paths->pdata[i], NULL), interfaces, func, userdata);
    }
}

const Object *model_get(const Model *model, const char *path, ObjectKind kind)
{
    const Object *object = g_hash_table_lookup(model->objects, path);

    return object && object->kind == kind ? object : NULL;
}

const Object *model_manager(const Model *model)
{
    return model_get(model, FERRY_PATH_ROOT, KIND_MANAGER);
}

const Object *model_follow(const Model *model, const Object *object, const char *property, ObjectKind kind)
{
    return model_get(model, object_string(object, property), kind);
}

char *model_name_at(const Model *model, const char *path)
{
    const char *name = object_name(g_hash_table_lookup(model->objects, path));

    return *name ? g_strdup(name) : path_to_name(path);
}

/* 3-1.2 before 3-1.10, the others by name */
static int compare_objects(const void *a, const void *b)
{
    const Object *left = *(const Object *const *)a, *right = *(const Object *const *)b;

    int by_name = strverscmp(object_name(left), object_name(right));
    return by_name != 0 ? by_name : strcmp(left->path, right->path);
}

GPtrArray *model_sorted(const Model *model, ObjectKind kind)
{
    GPtrArray *sorted = g_ptr_array_new();
    GHashTableIter iter;
    void *object;

    g_hash_table_iter_init(&iter, model->objects);
    while (g_hash_table_iter_next(&iter, NULL, &object))
        if (((Object *)object)->kind == kind)
            g_ptr_array_add(sorted, object);
    g_ptr_array_sort(sorted, compare_objects);
    return sorted;
}
