/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Puts the kinds of objects on the bus, and finds the object that a call is for. */

#include "dbus/service/object.h"

#include <errno.h>
#include <gio/gio.h>
#include <stdbool.h>
#include <stdlib.h>

#include "dbus/bus/errors.h"
#include "dbus/names.h"
#include "dbus/rights/authorize-table.h"
#include "dbus/service/path.h"

/* Userdata of a vtable. */
typedef struct ObjectSlot {
    const Objects *objects;
    const ObjectKind *kind;
} ObjectSlot;

struct Objects {
    BusService *service;
    Registry *registry;
    GPtrArray *slots; /* of sd_bus_slot */
    ObjectSlot object_slots[_OBJECT_TYPE_MAX];
};

static GHashTable *slot_table(const ObjectSlot *slot)
{
    return G_STRUCT_MEMBER(GHashTable *, slot->objects->registry, slot->kind->table);
}

/* Runs again when a message comes back after its authorization, so no handler ever holds an object for longer
 * than one pass. A path without an object is answered by name, not by sd-bus's UnknownObject. */
static int object_find(sd_bus *bus, const char *path, const char *interface, void *userdata, void **ret_found,
                       sd_bus_error *ret_error)
{
    const ObjectSlot *slot = userdata;
    const ObjectPlace *place = object_place(slot->kind->type);
    g_autofree char *id = NULL;
    gpointer object;

    /* The folder itself is a node too, and GetManagedObjects looks at it. */
    if (g_str_equal(path, place->path))
        return 0;
    id = object_id(slot->kind->type, path, NULL);
    object = id ? g_hash_table_lookup(slot_table(slot), id) : NULL;
    if (!object) {
        const char *ended =
            slot->kind->type == OBJECT_ASSIGNMENT ? registry_ended(slot->objects->registry, id) : NULL;

        bus_error_setf(ret_error, place->no_such, "no such %s: %s%s%s", place->noun, path, ended ? ": " : "",
                       ended ? ended : "");
        return -ENXIO; /* sd-bus drops the text when the method doesn't exist either */
    }
    *ret_found = object;
    return 1;
}

static int object_enumerate(sd_bus *bus, const char *prefix, void *userdata, char ***ret_nodes,
                            sd_bus_error *ret_error)
{
    const ObjectSlot *slot = userdata;
    GHashTable *table = slot_table(slot);
    GHashTableIter iter;
    gpointer id;
    gsize n = 0;
    /* sd-bus frees it with free() */
    char **nodes = calloc(g_hash_table_size(table) + 1, sizeof(char *));

    if (!nodes)
        return -ENOMEM;
    g_hash_table_iter_init(&iter, table);
    while (g_hash_table_iter_next(&iter, &id, NULL))
        nodes[n++] = object_path(slot->kind->type, id);
    *ret_nodes = nodes;
    return 1;
}

static bool rights_are_complete(const ObjectKind *kind, GError **error)
{
    for (const sd_bus_vtable *v = kind->vtable; v->type != _SD_BUS_VTABLE_END; v++)
        if (v->type == _SD_BUS_VTABLE_METHOD && !authorize_find(kind->interface, v->x.method.member)) {
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_DISABLED, "%s.%s has no entry in the table of rights",
                        kind->interface, v->x.method.member);
            return false;
        }
    return true;
}

static void slot_free(gpointer slot)
{
    sd_bus_slot_unref(slot);
}

static void add_slot(Objects *self, sd_bus_slot *slot)
{
    if (slot)
        g_ptr_array_add(self->slots, slot);
}

static bool offer(Objects *self, sd_bus *bus, const ObjectKind *kind, GError **error)
{
    const ObjectPlace *place = object_place(kind->type);
    ObjectSlot *userdata = &self->object_slots[kind->type];
    sd_bus_slot *vtable = NULL, *enumerator = NULL;
    int r;

    if (!rights_are_complete(kind, error))
        return false;
    *userdata = (ObjectSlot){ .objects = self, .kind = kind };
    if (!place->noun) {
        r = sd_bus_add_object_vtable(bus, &vtable, place->path, kind->interface, kind->vtable, userdata);
    } else {
        r = sd_bus_add_fallback_vtable(bus, &vtable, place->path, kind->interface, kind->vtable, object_find,
                                       userdata);
        if (r >= 0)
            r = sd_bus_add_node_enumerator(bus, &enumerator, place->path, object_enumerate, userdata);
    }
    add_slot(self, vtable);
    add_slot(self, enumerator);
    if (r < 0)
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(-r), "%s can't be offered on the bus: %s",
                    kind->interface, g_strerror(-r));
    return r >= 0;
}

static bool offer_manager(Objects *self, sd_bus *bus, GError **error)
{
    sd_bus_slot *slot = NULL;
    int r = sd_bus_add_object_manager(bus, &slot, FERRY_PATH_ROOT);

    add_slot(self, slot);
    if (r < 0)
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(-r),
                    "ObjectManager can't be offered on the bus: %s", g_strerror(-r));
    return r >= 0;
}

Objects *objects_new(sd_bus *bus, Registry *registry, const ObjectKind *const *kinds, BusService *service,
                     GError **error)
{
    g_autoptr(Objects) self = g_new0(Objects, 1);

    self->service = service;
    self->registry = registry;
    self->slots = g_ptr_array_new_with_free_func(slot_free);
    for (ObjectType type = 0; type < _OBJECT_TYPE_MAX; type++)
        if (!offer(self, bus, kinds[type], error))
            return NULL;
    return offer_manager(self, bus, error) ? g_steal_pointer(&self) : NULL;
}

Objects *objects_free(Objects *self)
{
    if (!self)
        return NULL;
    g_ptr_array_unref(self->slots);
    g_free(self);
    return NULL;
}

BusService *object_service(sd_bus *bus)
{
    /* userdata of a handler is the object; the slot knows whose the vtable is */
    const ObjectSlot *slot = sd_bus_slot_get_userdata(sd_bus_get_current_slot(bus));

    return slot->objects->service;
}
