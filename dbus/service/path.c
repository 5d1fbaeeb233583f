/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Paths of objects, from one table of where each kind lives. */

#include "dbus/service/path.h"

#include <string.h>

#include "daemon/model/group.h"
#include "dbus/bus/errors.h"
#include "dbus/names.h"

static const ObjectPlace places[_OBJECT_TYPE_MAX] = {
    [OBJECT_MANAGER] = { FERRY_PATH_ROOT },
    [OBJECT_DEVICE] = { FERRY_PATH_DEVICE_PREFIX, FERRY_ERROR_NO_SUCH_DEVICE, "device" },
    [OBJECT_MACHINE] = { FERRY_PATH_MACHINE_PREFIX, FERRY_ERROR_NO_SUCH_MACHINE, "VM" },
    [OBJECT_GROUP] = { FERRY_PATH_GROUP_PREFIX, FERRY_ERROR_NO_SUCH_GROUP, "group" },
    [OBJECT_ASSIGNMENT] = { FERRY_PATH_ASSIGNMENT_PREFIX, FERRY_ERROR_NO_SUCH_ASSIGNMENT, "assignment" },
    [OBJECT_TENANT] = { FERRY_PATH_TENANT_PREFIX, FERRY_ERROR_NO_SUCH_TENANT, "tenant" },
};

const ObjectPlace *object_place(ObjectType type)
{
    return &places[type];
}

char *object_path(ObjectType type, const char *id)
{
    const ObjectPlace *place = &places[type];
    char *path = NULL;

    if (!id)
        return g_strdup("/");
    if (!place->noun)
        return g_strdup(place->path);
    /* Fails only for lack of memory: GLib aborts then, and so does this. */
    if (sd_bus_path_encode(place->path, id, &path) < 0)
        g_error("no path for \"%s\"", id);
    return path;
}

char *object_id(ObjectType type, const char *path, GError **error)
{
    const ObjectPlace *place = &places[type];
    g_autofree char *id = NULL;

    if (sd_bus_path_decode(path, place->path, &id) > 0 && id[0] != '\0') {
        /* One object has one path: "3_2d1" would decode to the same id as "_33_2d1". */
        g_autofree char *canonical = object_path(type, id);

        if (g_str_equal(canonical, path))
            return g_steal_pointer(&id);
    }
    g_set_error(error, FERRY_ERROR, (int)place->no_such, "no such %s: %s", place->noun, path);
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

static gint compare_ids(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int append_paths_sorted(sd_bus_message *message, ObjectType type, GPtrArray *ids)
{
    g_ptr_array_sort(ids, compare_ids);
    return append_paths(message, type, ids);
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
