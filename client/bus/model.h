/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Model: the service's objects as the bus showed them. Pure: it is fed with values and knows no connection.
 *
 * Interfaces and properties that the client doesn't know are kept out or just carried along, so that it goes
 * on working with later versions of the service. */

#include <glib.h>
#include <stdbool.h>

typedef enum ObjectKind {
    KIND_DEVICE,
    KIND_MACHINE,
    KIND_ASSIGNMENT,
    KIND_GROUP,
    KIND_TENANT,
    KIND_MANAGER,
    _KIND_MAX,
    _KIND_INVALID = -1,
} ObjectKind;

/* "device", "vm", "assignment", "group", "tenant", "service" */
const char *kind_to_string(ObjectKind kind);
const char *kind_to_interface(ObjectKind kind);
ObjectKind kind_from_interface(const char *interface);

typedef struct Object {
    ObjectKind kind;
    char *path;
    GPtrArray *names;   /* of its properties, as the service orders them; owned by values */
    GHashTable *values; /* name → GVariant */
} Object;

typedef struct Model {
    GHashTable *objects; /* path → Object, owned */
} Model;

/* What a step changed. */
typedef enum ModelEvent {
    MODEL_ADDED,
    MODEL_CHANGED,
    MODEL_REMOVED, /* told while the object is still there */
} ModelEvent;

/* before: the values that differ now, as they were; NULL unless CHANGED. */
typedef void (*ModelFunc)(const Model *model, ModelEvent event, const Object *object, GHashTable *before,
                          void *userdata);

Model *model_new(void);
Model *model_free(Model *model);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Model, model_free)

/* The object at the path, which is made when there is none, for who fills a model that nobody follows yet.
 * And a property of it that it has not got: value is taken. */
Object *model_object(Model *model, ObjectKind kind, const char *path);
void object_put(Object *object, const char *property, GVariant *value);

/* managed: a{oa{sa{sv}}}, the whole answer of GetManagedObjects. Objects that it doesn't name are gone, but
 * for the manager, which not every service counts among its objects. func may be NULL, here and below. */
void model_load(Model *model, GVariant *managed, ModelFunc func, void *userdata);
/* interfaces: a{sa{sv}}, of InterfacesAdded */
void model_add(Model *model, const char *path, GVariant *interfaces, ModelFunc func, void *userdata);
/* interfaces: as, of InterfacesRemoved */
void model_remove(Model *model, const char *path, GVariant *interfaces, ModelFunc func, void *userdata);
/* changed: a{sv}, of PropertiesChanged */
void model_change(Model *model, const char *path, const char *interface, GVariant *changed, ModelFunc func,
                  void *userdata);

/* NULL = there is none, or of another kind */
const Object *model_get(const Model *model, const char *path, ObjectKind kind);
/* The one without a path of its own; NULL = the service showed none. */
const Object *model_manager(const Model *model);
/* In the order in which people want to see them. Of const Object, borrowed. */
GPtrArray *model_sorted(const Model *model, ObjectKind kind);

/* The object that a property names, such as a device's "Machine"; NULL = none. */
const Object *model_follow(const Model *model, const Object *object, const char *property, ObjectKind kind);

/* What the object at the path is called, see object_name(); when it isn't there, as the path has it. Not
 * escaped, new string. */
char *model_name_at(const Model *model, const char *path);

/* The value of a property. One that is missing, or of another type, reads as NULL, "", 0 or false. Borrowed,
 * and not escaped. */
GVariant *object_value(const Object *object, const char *property);
const char *object_string(const Object *object, const char *property); /* strings and paths */
guint64 object_number(const Object *object, const char *property);     /* any unsigned type */
bool object_flag(const Object *object, const char *property);

/* As it was before a change: before is what a ModelFunc was told. New. */
Object *object_as_before(const Object *object, GHashTable *before);
Object *object_free(Object *object);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Object, object_free)

/* What other objects and programs call it: a device's SysName, the service's Node, the Name of everything
 * else; "" for NULL. Borrowed, and not escaped. */
const char *object_name(const Object *object);
/* What is shown as its id: a device's SysName, a machine's UUID, an assignment's id, the name of a
 * group or tenant. Escaped, new string. */
char *object_id(const Object *object);
/* As messages name it: 046d:c31c "Keyboard K120" (3-1.2), VM "win11". Escaped, new string. */
char *object_describe(const Object *object);
