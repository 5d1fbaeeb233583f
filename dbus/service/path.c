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

/* Whether sd_bus_path_encode() leaves it as it is. */
static bool is_plain(char byte, bool first)
{
    return g_ascii_isalpha(byte) || (g_ascii_isdigit(byte) && !first);
}

/* As sd_bus_path_encode() does, in a third of the time: when all objects are asked for, this is done for each
 * of thousands, and read_label() for each path. */
static void write_label(char *end, const char *id)
{
    static const char digits[] = "0123456789abcdef";

    if (*id == 0)
        *end++ = '_';
    for (const char *c = id; *c; c++) {
        if (is_plain(*c, c == id)) {
            *end++ = *c;
            continue;
        }
        *end++ = '_';
        *end++ = digits[(unsigned char)*c >> 4];
        *end++ = digits[*c & 0xf];
    }
    *end = 0;
}

/* NULL: no id is written so. What would only decode to one has another path: "3_2d1" is none, and "_33_2d1"
 * is. New string. */
static char *read_label(const char *label)
{
    g_autofree char *id = g_malloc(strlen(label) + 1);
    char *end = id;

    for (const char *c = label; *c; c++) {
        int high, low;

        if (is_plain(*c, c == label)) {
            *end++ = *c;
            continue;
        }
        high = *c == '_' && !g_ascii_isupper(c[1]) ? g_ascii_xdigit_value(c[1]) : -1;
        low = high >= 0 && !g_ascii_isupper(c[2]) ? g_ascii_xdigit_value(c[2]) : -1;
        if (low < 0 || (high == 0 && low == 0) || is_plain((char)(high << 4 | low), c == label))
            return NULL;
        *end++ = (char)(high << 4 | low);
        c += 2;
    }
    *end = 0;
    return end > id ? g_steal_pointer(&id) : NULL;
}

char *object_path(ObjectType type, const char *id)
{
    enum { ESCAPED = 3 }; /* letters, at most, for one */
    const ObjectPlace *place = &places[type];
    gsize length;
    char *path;

    if (!id)
        return g_strdup("/");
    if (!place->noun)
        return g_strdup(place->path);
    length = strlen(place->path);
    path = g_malloc(length + strlen("/_") + ESCAPED * strlen(id) + 1);
    memcpy(path, place->path, length);
    path[length] = '/';
    write_label(path + length + 1, id);
    return path;
}

static const char *article(const char *noun)
{
    return *noun == 'a' ? "an" : "a";
}

/* The kind of object that lives there; NULL = none does. */
static const char *noun_at(const char *path)
{
    for (ObjectType type = 0; type < _OBJECT_TYPE_MAX; type++) {
        gsize length = strlen(places[type].path);

        if (places[type].noun && strncmp(path, places[type].path, length) == 0 && path[length] == '/')
            return places[type].noun;
    }
    return NULL;
}

char *object_id(ObjectType type, const char *path, GError **error)
{
    const ObjectPlace *place = &places[type];
    gsize length = strlen(place->path);
    const char *noun;
    char *id = NULL;

    if (strncmp(path, place->path, length) == 0 && path[length] == '/')
        id = read_label(path + length + 1);
    if (id)
        return id;
    noun = noun_at(path);
    if (noun && noun != place->noun)
        g_set_error(error, FERRY_ERROR, (int)place->no_such, "%s is the path of %s %s, and not of %s %s",
                    path, article(noun), noun, article(place->noun), place->noun);
    else
        g_set_error(error, FERRY_ERROR, (int)place->no_such, "no such %s: %s", place->noun, path);
    return NULL;
}

int append_path(sd_bus_message *message, ObjectType type, const char *id)
{
    /* Of all devices together there are thousands, and most belong to nobody. */
    g_autofree char *path = id ? object_path(type, id) : NULL;

    return sd_bus_message_append_basic(message, SD_BUS_TYPE_OBJECT_PATH, path ? path : "/");
}

int append_paths(sd_bus_message *message, ObjectType type, const GPtrArray *ids)
{
    int r;

    r = sd_bus_message_open_container(message, SD_BUS_TYPE_ARRAY, "o");
    for (guint i = 0; r >= 0 && i < ids->len; i++)
        r = append_path(message, type, ids->pdata[i]);
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
