/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Makes and checks ids: letters and digits only, so that an id can stand in a file's name, in an object's
 * path and in an alias of libvirt. Touches nothing but GLib's random numbers. */

#include "daemon/base/id.h"

#include <glib.h>
#include <string.h>

char *id_make(void)
{
    /* No letters that are mistaken for digits or for each other: people type these. */
    static const char alphabet[] = "23456789abcdefghjkmnpqrstuvwxyz";
    char id[ID_LENGTH + 1] = "";

    for (int i = 0; i < ID_LENGTH; i++)
        id[i] = alphabet[g_random_int_range(0, sizeof alphabet - 1)];
    return g_strdup(id);
}

bool id_is_valid(const char *id)
{
    if (!id || strlen(id) != ID_LENGTH)
        return false;
    for (const char *c = id; *c; c++)
        if (!g_ascii_isdigit(*c) && !g_ascii_islower(*c))
            return false;
    return true;
}
