/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Objects on the bus, as data.
 *
 * Each kind of object is one constant of dbus/objects: its interface, its vtable, which table of the registry
 * it shows and what its properties are called. The kinds of many objects are flat fallbacks with a node
 * enumerator: nothing has to be registered when an object comes or goes. */

#include <glib.h>
#include <systemd/sd-bus.h>

#include "daemon/model/registry.h"

typedef struct FieldProperty {
    unsigned field; /* bit of Change.fields */
    const char *property;
} FieldProperty;

typedef struct ObjectKind {
    ObjectType type;
    const char *interface;
    const sd_bus_vtable *vtable;
    const FieldProperty *properties; /* ends with NULL */
    gsize table;                     /* offset of the GHashTable in Registry, for kinds of many objects */
} ObjectKind;

typedef struct BusService BusService;

typedef struct Objects Objects;

/* Offers the kinds, one of each type, on the bus. Fails when one of their methods has no entry in the table
 * of rights. service: for object_service(). */
Objects *objects_new(sd_bus *bus, Registry *registry, const ObjectKind *const *kinds, BusService *service,
                     GError **error);
/* Takes them off the bus. */
Objects *objects_free(Objects *objects);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Objects, objects_free)

/* The service that a running handler or getter of ours belongs to. */
BusService *object_service(sd_bus *bus);
