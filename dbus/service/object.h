/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Objects on the bus, as data.
 *
 * Each kind of object is one constant: where it lives, its interface, its vtable, which table of the registry
 * it shows and what its properties are called. The kinds of many objects are flat fallbacks with a node
 * enumerator: nothing has to be registered when an object comes or goes. Ids are escaped in paths, and only
 * the canonical escape is a path. */

#include <glib.h>
#include <systemd/sd-bus.h>

#include "daemon/model/change.h"
#include "daemon/base/error.h"

typedef struct FieldProperty {
    unsigned field; /* bit of Change.fields */
    const char *property;
} FieldProperty;

typedef struct ObjectKind {
    ObjectType type;
    const char *path; /* prefix of its objects; of a kind with one object: the object */
    const char *interface;
    const sd_bus_vtable *vtable;
    const FieldProperty *properties; /* ends with NULL */

    /* kinds of many objects */
    gsize table; /* offset of the GHashTable in Registry */
    FerryError no_such;
    const char *noun; /* NULL: a kind with one object */
} ObjectKind;

/* The chapters. */
extern const ObjectKind manager_object;    /* dbus/objects/manager.c */
extern const ObjectKind device_object;     /* dbus/objects/device.c */
extern const ObjectKind machine_object;    /* dbus/objects/machine.c */
extern const ObjectKind group_object;      /* dbus/objects/group.c */
extern const ObjectKind assignment_object; /* dbus/objects/assignment.c */
extern const ObjectKind tenant_object;     /* dbus/objects/tenant.c */

const ObjectKind *object_kind(ObjectType type);

/* New string; "/" when id is NULL. */
char *object_path(ObjectType type, const char *id);
/* New string. NO_SUCH_…: a path of something else, or not canonical. Does not look whether it exists. */
char *object_id(ObjectType type, const char *path, GError **error);

typedef struct BusService BusService;

/* Adds the kind to the service's bus. Fails when one of its methods has no entry in the table of rights. */
int object_register(BusService *service, const ObjectKind *kind, GError **error);

/* An array of paths, ao. ids: of char *. */
int append_paths(sd_bus_message *message, ObjectType type, const GPtrArray *ids);

/* Sysnames from an array of paths of devices, ao: adds char * to a list that owns them, and NULL. */
int read_devices(sd_bus_message *message, GPtrArray *sysnames, sd_bus_error *ret_error);

/* The service that a running handler or getter of ours belongs to. */
BusService *object_service(sd_bus *bus);

/* Getters for plain fields: userdata is the field's address (offsetof in the vtable). */
int property_get_bool(sd_bus *bus, const char *path, const char *interface, const char *property,
                      sd_bus_message *reply, void *userdata, sd_bus_error *error);
/* char *: an id or NULL */
int property_get_device_path(sd_bus *bus, const char *path, const char *interface, const char *property,
                             sd_bus_message *reply, void *userdata, sd_bus_error *error);
int property_get_machine_path(sd_bus *bus, const char *path, const char *interface, const char *property,
                              sd_bus_message *reply, void *userdata, sd_bus_error *error);
int property_get_group_path(sd_bus *bus, const char *path, const char *interface, const char *property,
                            sd_bus_message *reply, void *userdata, sd_bus_error *error);
int property_get_assignment_path(sd_bus *bus, const char *path, const char *interface, const char *property,
                                 sd_bus_message *reply, void *userdata, sd_bus_error *error);
int property_get_tenant_path(sd_bus *bus, const char *path, const char *interface, const char *property,
                             sd_bus_message *reply, void *userdata, sd_bus_error *error);
