/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "dbus/service/object.h"

#include <errno.h>
#include <gio/gio.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/model/registry.h"
#include "dbus/rights/authorize.h"
#include "dbus/bus/errors.h"
#include "dbus/service/service-state.h"

static const ObjectKind *const object_kinds[_OBJECT_TYPE_MAX] = {
    [OBJECT_MANAGER] = &manager_object,       [OBJECT_DEVICE] = &device_object,
    [OBJECT_MACHINE] = &machine_object,       [OBJECT_GROUP] = &group_object,
    [OBJECT_ASSIGNMENT] = &assignment_object, [OBJECT_TENANT] = &tenant_object,
};

const ObjectKind *object_kind(ObjectType type)
{
    return object_kinds[type];
}

/* paths */

char *object_path(ObjectType type, const char *id)
{
    const ObjectKind *kind = object_kinds[type];
    char *path = NULL;

    if (!id)
        return g_strdup("/");
    if (!kind->noun)
        return g_strdup(kind->path);
    /* Fails only for lack of memory: GLib aborts then, and so does this. */
    if (sd_bus_path_encode(kind->path, id, &path) < 0)
        g_error("no path for \"%s\"", id);
    return path;
}

char *object_id(ObjectType type, const char *path, GError **error)
{
    const ObjectKind *kind = object_kinds[type];
    g_autofree char *id = NULL;

    if (sd_bus_path_decode(path, kind->path, &id) > 0 && id[0] != '\0') {
        /* One object has one path: "3_2d1" would decode to the same id as "_33_2d1". */
        g_autofree char *canonical = object_path(type, id);

        if (g_str_equal(canonical, path))
            return g_steal_pointer(&id);
    }
    g_set_error(error, FERRY_ERROR, (int)kind->no_such, "no such %s: %s", kind->noun, path);
    return NULL;
}

int append_paths(sd_bus_message *message, ObjectType type, const GPtrArray *ids)
{
    int r;

    r = sd_bus_message_open_container(message, SD_BUS_TYPE_ARRAY, "o");
    for (guint i = 0; r >= 0 && i < ids->len; i++) {
        g_autofree char *path = object_path(type, ids->pdata[i]);

        r = sd_bus_message_append(message, "o", path);
    }
    return r < 0 ? r : sd_bus_message_close_container(message);
}

int read_devices(sd_bus_message *message, GPtrArray *sysnames, sd_bus_error *ret_error)
{
    g_autoptr(GError) error = NULL;
    const char *path;
    int r;

    r = sd_bus_message_enter_container(message, SD_BUS_TYPE_ARRAY, "o");
    if (r < 0)
        return r;
    while ((r = sd_bus_message_read(message, "o", &path)) > 0) {
        char *sysname = object_id(OBJECT_DEVICE, path, &error);

        if (!sysname)
            return bus_error_from_gerror(ret_error, error);
        g_ptr_array_add(sysnames, sysname);
        if (sysnames->len > GROUP_RULES_MAX)
            return bus_error_setf(ret_error, FERRY_ERROR_LIMIT_EXCEEDED, "at most %d devices at a time",
                                  GROUP_RULES_MAX);
    }
    if (r < 0)
        return r;
    g_ptr_array_add(sysnames, NULL);
    return sd_bus_message_exit_container(message);
}

/* registration */

typedef struct ObjectSlot {
    BusService *service;
    const ObjectKind *kind;
} ObjectSlot;

static GHashTable *slot_table(const ObjectSlot *slot)
{
    return G_STRUCT_MEMBER(GHashTable *, slot->service->registry, slot->kind->table);
}

/* Runs again when a message comes back after its authorization, so no handler ever holds an object for longer
 * than one pass. A path without an object is answered by name, not by sd-bus's UnknownObject. */
static int object_find(sd_bus *bus, const char *path, const char *interface, void *userdata, void **ret_found,
                       sd_bus_error *ret_error)
{
    const ObjectSlot *slot = userdata;
    g_autofree char *id = NULL;
    gpointer object;

    /* The folder itself is a node too, and GetManagedObjects looks at it. */
    if (g_str_equal(path, slot->kind->path))
        return 0;
    id = object_id(slot->kind->type, path, NULL);
    object = id ? g_hash_table_lookup(slot_table(slot), id) : NULL;
    if (!object) {
        bus_error_setf(ret_error, slot->kind->no_such, "no such %s: %s", slot->kind->noun, path);
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

int object_register(BusService *service, const ObjectKind *kind, GError **error)
{
    ObjectSlot *slot;
    sd_bus_slot *vtable = NULL, *enumerator = NULL;
    int r;

    if (!rights_are_complete(kind, error))
        return -EACCES;

    slot = g_new(ObjectSlot, 1);
    *slot = (ObjectSlot){ .service = service, .kind = kind };
    g_ptr_array_add(service->object_slots, slot);
    if (!kind->noun) {
        r = sd_bus_add_object_vtable(service->bus, &vtable, kind->path, kind->interface, kind->vtable, slot);
    } else {
        r = sd_bus_add_fallback_vtable(service->bus, &vtable, kind->path, kind->interface, kind->vtable,
                                       object_find, slot);
        if (r >= 0)
            r = sd_bus_add_node_enumerator(service->bus, &enumerator, kind->path, object_enumerate, slot);
    }
    if (vtable)
        g_ptr_array_add(service->slots, vtable);
    if (enumerator)
        g_ptr_array_add(service->slots, enumerator);
    if (r < 0)
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(-r), "%s can't be offered on the bus: %s",
                    kind->interface, g_strerror(-r));
    return r;
}

BusService *object_service(sd_bus *bus)
{
    /* userdata of a handler is the object; the slot knows whose the vtable is */
    const ObjectSlot *slot = sd_bus_slot_get_userdata(sd_bus_get_current_slot(bus));

    return slot->service;
}

/* getters */

int property_get_bool(sd_bus *bus, const char *path, const char *interface, const char *property,
                      sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    const bool *value = userdata;

    return sd_bus_message_append(reply, "b", (int)*value);
}

static int append_path(sd_bus_message *reply, ObjectType type, char *const *id)
{
    g_autofree char *path = object_path(type, *id);

    return sd_bus_message_append(reply, "o", path);
}

int property_get_device_path(sd_bus *bus, const char *path, const char *interface, const char *property,
                             sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    return append_path(reply, OBJECT_DEVICE, userdata);
}

int property_get_machine_path(sd_bus *bus, const char *path, const char *interface, const char *property,
                              sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    return append_path(reply, OBJECT_MACHINE, userdata);
}

int property_get_group_path(sd_bus *bus, const char *path, const char *interface, const char *property,
                            sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    return append_path(reply, OBJECT_GROUP, userdata);
}

int property_get_assignment_path(sd_bus *bus, const char *path, const char *interface, const char *property,
                                 sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    return append_path(reply, OBJECT_ASSIGNMENT, userdata);
}

int property_get_tenant_path(sd_bus *bus, const char *path, const char *interface, const char *property,
                             sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    return append_path(reply, OBJECT_TENANT, userdata);
}
