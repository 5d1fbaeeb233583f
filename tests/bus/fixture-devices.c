/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The USB devices of the bus tier: a mock controller's, made by umockdev and announced as udev does it. */

#include "tests/bus/cmocka-include.h"

#include "tests/bus/fixture-internal.h"

#include <string.h>

#define CONTROLLER "/devices/pci0000:00/0000:00:14.0"
#define ROOT_HUB   CONTROLLER "/usb1"

void fixture_announce_devpath(Fixture *fixture, const char *devpath, const char *action)
{
    g_autofree char *syspath = g_strconcat("/sys", devpath, NULL);

    umockdev_testbed_uevent(fixture->bed, syspath, action);
}

static char *device_devpath(const char *sysname)
{
    /* "1-3.1" is below hub "1-3". */
    g_auto(GStrv) parts = g_strsplit(strchr(sysname, '-') + 1, ".", -1);
    GString *path = g_string_new(ROOT_HUB);
    GString *name = g_string_new(NULL);

    for (char **part = parts; *part; part++) {
        g_string_append_printf(name, "%s%s", part == parts ? "1-" : ".", *part);
        g_string_append_printf(path, "/%s", name->str);
    }
    g_string_free(name, TRUE);
    return g_string_free(path, FALSE);
}

static void add_usb_device(Fixture *fixture, const char *devpath, const char *usb_devpath,
                           const char *class_code, const char *interfaces, const char *vendor,
                           const char *product, const char *serial, const char *name)
{
    unsigned number = fixture->next_device_number++;
    g_autofree char *record = NULL;
    g_autoptr(GError) error = NULL;

    record = g_strdup_printf("P: %s\n"
                             "N: bus/usb/001/%03u\n"
                             "L: driver=../../../../bus/usb/drivers/usb\n"
                             "E: DEVTYPE=usb_device\n"
                             "E: SUBSYSTEM=usb\n"
                             "E: DRIVER=usb\n"
                             "E: BUSNUM=001\n"
                             "E: DEVNUM=%03u\n"
                             "E: USEC_INITIALIZED=%" G_GINT64_FORMAT "\n"
                             "E: ID_USB_INTERFACES=%s\n"
                             "A: idVendor=%s\n"
                             "A: idProduct=%s\n"
                             "A: bDeviceClass=%s\n"
                             "A: busnum=1\n"
                             "A: devnum=%u\n"
                             "A: devpath=%s\n"
                             "A: speed=12\n"
                             "A: removable=removable\n"
                             "A: authorized=1\n"
                             "A: power/control=auto\n"
                             "A: power/runtime_status=active\n"
                             "A: power/runtime_usage=0\n"
                             "A: manufacturer=Lab\n"
                             "A: product=%s\n",
                             devpath, number, number, g_get_monotonic_time(), interfaces, vendor, product,
                             class_code, number, usb_devpath, name);
    if (*serial) {
        char *with_serial = g_strdup_printf("%sA: serial=%s\n", record, serial);

        g_free(record);
        record = with_serial;
    }
    if (!umockdev_testbed_add_from_string(fixture->bed, record, &error))
        fail_msg("%s", error->message);
}

/* One, with a driver of the host. */
static void add_interface(Fixture *fixture, const char *devpath)
{
    g_autofree char *sysname = g_path_get_basename(devpath);
    g_autofree char *record = g_strdup_printf("P: %s/%s:1.0\n"
                                              "L: driver=../../../../../../bus/usb/drivers/usbhid\n"
                                              "E: DEVTYPE=usb_interface\n"
                                              "E: SUBSYSTEM=usb\n"
                                              "E: DRIVER=usbhid\n",
                                              devpath, sysname);
    g_autoptr(GError) error = NULL;

    if (!umockdev_testbed_add_from_string(fixture->bed, record, &error))
        fail_msg("%s", error->message);
}

static void plug(Fixture *fixture, const char *sysname, const char *class_code, const char *interfaces,
                 const char *vendor, const char *product, const char *serial, const char *name)
{
    g_autofree char *devpath = device_devpath(sysname);

    add_usb_device(fixture, devpath, strchr(sysname, '-') + 1, class_code, interfaces, vendor, product,
                   serial, name);
    add_interface(fixture, devpath);
    if (fixture->script >= 0)
        g_free(fixture_script(fixture, "kernel arrive %s", sysname));
    fixture_announce_devpath(fixture, devpath, "add");
    fixture_announce_devpath(fixture, devpath, "bind");
    g_ptr_array_add(fixture->plugged, g_steal_pointer(&devpath));
}

void fixture_plug(Fixture *fixture, const char *sysname, const char *vendor, const char *product,
                  const char *serial, const char *name)
{
    plug(fixture, sysname, "00", ":030101:", vendor, product, serial, name);
}

void fixture_plug_hub(Fixture *fixture, const char *sysname)
{
    plug(fixture, sysname, "09", ":090000:", "0409", "55aa", "", "Hub");
}

void fixture_forget_udev_record(Fixture *fixture, const char *sysname)
{
    g_autofree char *devpath = device_devpath(sysname);
    g_autofree char *syspath = g_strconcat("/sys", devpath, NULL);
    g_autofree char *now = g_strdup_printf("%" G_GINT64_FORMAT, g_get_monotonic_time());

    umockdev_testbed_set_property(fixture->bed, syspath, "USEC_INITIALIZED", now);
    umockdev_testbed_set_property(fixture->bed, syspath, "SYNTH_UUID", "0");
    fixture_announce_devpath(fixture, devpath, "add");
}

void fixture_change(Fixture *fixture, const char *sysname, const char *attribute, const char *bytes)
{
    unsigned number = fixture->next_device_number++;
    g_autofree char *devpath = device_devpath(sysname);
    g_autofree char *syspath = g_strconcat("/sys", devpath, NULL);
    g_autofree char *devnum = g_strdup_printf("%u", number);
    g_autofree char *property = g_strdup_printf("%03u", number);

    umockdev_testbed_set_attribute_binary(fixture->bed, syspath, attribute, (guint8 *)bytes,
                                          (gint)strlen(bytes));
    umockdev_testbed_set_attribute(fixture->bed, syspath, "devnum", devnum);
    umockdev_testbed_set_property(fixture->bed, syspath, "DEVNUM", property);
    fixture_announce_devpath(fixture, devpath, "bind");
}

void fixture_unplug(Fixture *fixture, const char *sysname)
{
    g_autofree char *devpath = device_devpath(sysname);
    g_autofree char *syspath = g_strconcat("/sys", devpath, NULL);

    g_autofree char *interface = g_strdup_printf("%s/%s:1.0", syspath, sysname);

    if (fixture->script >= 0)
        g_free(fixture_script(fixture, "kernel depart %s", sysname));
    fixture_announce_devpath(fixture, devpath, "unbind");
    fixture_announce_devpath(fixture, devpath, "remove");
    /* It has read both when it answers: what goes while it reads would be another device. */
    if (fixture->script >= 0)
        g_free(fixture_script(fixture, "counts"));
    umockdev_testbed_remove_device(fixture->bed, interface);
    umockdev_testbed_remove_device(fixture->bed, syspath);
    for (guint i = 0; i < fixture->plugged->len; i++)
        if (strcmp(fixture->plugged->pdata[i], devpath) == 0) {
            g_ptr_array_remove_index(fixture->plugged, i);
            return;
        }
}

void fixture_announce(Fixture *fixture, const char *sysname, const char *action)
{
    g_autofree char *devpath = device_devpath(sysname);

    fixture_announce_devpath(fixture, devpath, action);
}

void fixture_add_controller(Fixture *fixture)
{
    add_usb_device(fixture, ROOT_HUB, "0", "09", ":090000:", "1d6b", "0002", "", "xHCI Host Controller");
}
