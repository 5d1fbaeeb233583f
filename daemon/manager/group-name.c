/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a device's own texts to a word that can be a group's name: lower case, hyphens, nothing else. */

#include "daemon/manager/group-name.h"

#include <string.h>

#include "daemon/usb/device.h"

char *group_name_from_text(const char *text)
{
    GString *name = g_string_new(NULL);

    for (; *text && name->len < GROUP_NAME_BASE_MAX; text++)
        if (g_ascii_isalnum(*text))
            g_string_append_c(name, g_ascii_tolower(*text));
        else if (name->len > 0 && name->str[name->len - 1] != '-')
            g_string_append_c(name, '-');
    while (name->len > 0 && name->str[name->len - 1] == '-')
        g_string_truncate(name, name->len - 1);
    return g_string_free(name, FALSE);
}

char *group_name_for_devices(const GPtrArray *devices)
{
    const Device *first = devices->pdata[0];
    /* from the most to the least telling */
    const char *texts[] = { first->product, first->vendor, first->class_name };

    for (guint i = 1; i < devices->len; i++) {
        const Device *device = devices->pdata[i];
        const char *its[] = { device->product, device->vendor, device->class_name };

        for (gsize k = 0; k < G_N_ELEMENTS(texts); k++)
            if (strcmp(texts[k], its[k]) != 0)
                texts[k] = "";
    }
    for (gsize k = 0; k < G_N_ELEMENTS(texts); k++) {
        g_autofree char *name = group_name_from_text(texts[k]);

        if (*name)
            return g_steal_pointer(&name);
    }
    return g_strdup("devices");
}
