/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looks through sysfs as libvirt does; any thread. */

#include "tests/bus/scripted-host.h"

#define DEVICES "/sys/bus/usb/devices"

static bool has_number(const char *device, const char *attribute, guint base, guint64 number)
{
    g_autofree char *path = g_build_filename(DEVICES, device, attribute, NULL);
    g_autofree char *text = NULL;
    guint64 its;

    return g_file_get_contents(path, &text, NULL, NULL) &&
           g_ascii_string_to_unsigned(g_strchomp(text), base, 0, G_MAXUINT, &its, NULL) && its == number;
}

bool scripted_host_has(const HostdevSpec *spec)
{
    enum { DECIMAL = 10, HEX = 16 };
    g_autoptr(GDir) devices = g_dir_open(DEVICES, 0, NULL);
    const char *name;

    while (devices && (name = g_dir_read_name(devices)))
        if (has_number(name, "devnum", DECIMAL, spec->device_number) &&
            has_number(name, "busnum", DECIMAL, spec->bus_number))
            return has_number(name, "idVendor", HEX, spec->vendor_id) &&
                   has_number(name, "idProduct", HEX, spec->product_id);
    return false;
}
