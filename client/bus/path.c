/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sd-bus has the encoding, dbus/names.h the prefixes. */

#include "client/bus/path.h"

#include <systemd/sd-bus.h>

#include "dbus/names.h"

bool path_is_valid(const char *text)
{
    return g_str_has_prefix(text, FERRY_PATH_ROOT "/") && sd_bus_object_path_is_valid(text) > 0;
}

char *path_to_name(const char *path)
{
    static const char *const prefixes[] = {
        FERRY_PATH_DEVICE_PREFIX, FERRY_PATH_MACHINE_PREFIX, FERRY_PATH_ASSIGNMENT_PREFIX,
        FERRY_PATH_GROUP_PREFIX,  FERRY_PATH_TENANT_PREFIX,
    };

    for (gsize i = 0; i < G_N_ELEMENTS(prefixes); i++) {
        g_autofree char *name = NULL; /* malloc() and g_malloc() are the same */
        if (sd_bus_path_decode(path, prefixes[i], &name) > 0)
            return g_steal_pointer(&name);
    }
    return g_strdup(g_str_equal(path, "/") ? "" : path);
}

char *path_of_assignment(const char *id)
{
    char *path = NULL; /* malloc() and g_malloc() are the same */

    if (sd_bus_path_encode(FERRY_PATH_ASSIGNMENT_PREFIX, id, &path) < 0)
        g_error("out of memory");
    return path;
}
