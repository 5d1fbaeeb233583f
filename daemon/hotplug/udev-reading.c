/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From udev's device to ours: sysfs and udev's database, made clean. For udev-monitor.c; reads files of sysfs
 * that the kernel may make wait, see udev-monitor.h. */

#include "daemon/hotplug/udev-reading.h"

#include <libudev.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/base/log.h"
#include "daemon/base/text.h"
#include "daemon/base/usb-speed.h"
#include "daemon/usb/descriptors.h"
#include "daemon/usb/socket.h"

#define USB_CLASS_HUB 0x09

/* Another text after each boot. */
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

/* Characters of one interface in ID_USB_INTERFACES, "030101". */
#define INTERFACE_DIGITS 6

/* The device's own words. The kernel asks the device for them when it enumerates it, and never again. */
static const char *const own_texts[] = { "manufacturer", "product", "serial" };
enum { OWN_VENDOR, OWN_PRODUCT, OWN_SERIAL };

typedef struct udev_device udev_device;

static bool read_number(udev_device *device, const char *attribute, int base, guint64 min, guint64 max,
                        guint64 *ret_number)
{
    const char *text = udev_device_get_sysattr_value(device, attribute);

    return text && g_ascii_string_to_unsigned(text, (guint)base, min, max, ret_number, NULL);
}

/* Once for each enumeration: the kernel lets nobody read them while somebody resets the device, which can
 * take seconds. An empty one is tried again, because a signal makes a read that waits fail; of a text that
 * the device doesn't have there is no file to wait for. known: of this enumeration, may be NULL. */
static char **read_own_texts(udev_device *device, char **known)
{
    char **texts = g_new0(char *, G_N_ELEMENTS(own_texts) + 1);

    for (gsize i = 0; i < G_N_ELEMENTS(own_texts); i++)
        texts[i] = known && *known[i]
                       ? g_strdup(known[i])
                       : text_sanitize(udev_device_get_sysattr_value(device, own_texts[i]), TEXT_MAX);
    return texts;
}

/* The device's own text, else what udev's database says. */
static void take_text(udev_device *device, const char *own, const char *property, char **text)
{
    g_free(*text);
    *text = *own || !property ? g_strdup(own)
                              : text_sanitize(udev_device_get_property_value(device, property), TEXT_MAX);
}

/* "480", "1.5", "unknown" */
static unsigned read_speed(udev_device *device)
{
    const char *text = udev_device_get_sysattr_value(device, "speed");
    char *end = NULL;
    guint64 speed = text ? g_ascii_strtoull(text, &end, 10) : 0;

    if (end && *end == '.')
        speed++;
    return (unsigned)MIN(speed, G_MAXUINT);
}

/* Those at which a machine may have it. Root hubs and whatever tells no speed: 0. */
static unsigned read_speeds(udev_device *device, unsigned mbits)
{
    g_autofree char *path = g_build_filename(udev_device_get_syspath(device), "descriptors", NULL);
    g_autofree char *bytes = NULL;
    gsize n_bytes = 0;

    (void)g_file_get_contents(path, &bytes, &n_bytes, NULL);
    return descriptors_speeds((const uint8_t *)bytes, n_bytes, usb_speed_from_mbits(mbits));
}

static int interface_compare(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, sizeof(DeviceInterface));
}

static void add_interface(GArray *interfaces, guint64 code)
{
    DeviceInterface interface = { (uint8_t)(code >> 16), (uint8_t)(code >> 8), (uint8_t)code };

    g_array_append_val(interfaces, interface);
}

/* From the folders of the interfaces. */
static void read_interface_folders(udev_device *device, GArray *interfaces)
{
    static const char *const attributes[] = { "bInterfaceClass", "bInterfaceSubClass", "bInterfaceProtocol" };
    const char *syspath = udev_device_get_syspath(device);
    g_autofree char *prefix = g_strdup_printf("%s:", udev_device_get_sysname(device));
    g_autoptr(GDir) folder = g_dir_open(syspath, 0, NULL);
    const char *name;

    while (folder && (name = g_dir_read_name(folder))) {
        guint64 code = 0;
        bool complete = g_str_has_prefix(name, prefix);

        for (gsize i = 0; complete && i < G_N_ELEMENTS(attributes); i++) {
            g_autofree char *path = g_build_filename(syspath, name, attributes[i], NULL);
            g_autofree char *text = NULL;
            guint64 part = 0;

            complete = g_file_get_contents(path, &text, NULL, NULL) &&
                       g_ascii_string_to_unsigned(g_strchomp(text), 16, 0, G_MAXUINT8, &part, NULL);
            code = code << 8 | part;
        }
        if (complete)
            add_interface(interfaces, code);
    }
}

static void read_interfaces(udev_device *from, Device *device)
{
    const char *property = udev_device_get_property_value(from, "ID_USB_INTERFACES"); /* ":030101:030102:" */
    g_auto(GStrv) codes = g_strsplit(property ? property : "", ":", -1);
    g_autoptr(GArray) interfaces = g_array_new(FALSE, FALSE, sizeof(DeviceInterface));

    for (char **code = codes; *code; code++) {
        guint64 number;

        if (strlen(*code) == INTERFACE_DIGITS &&
            g_ascii_string_to_unsigned(*code, 16, 0, 0xFFFFFF, &number, NULL))
            add_interface(interfaces, number);
    }
    if (interfaces->len == 0)
        read_interface_folders(from, interfaces);

    g_array_sort(interfaces, interface_compare);
    for (guint i = interfaces->len; i > 1; i--)
        if (interface_compare(&g_array_index(interfaces, DeviceInterface, i - 1),
                              &g_array_index(interfaces, DeviceInterface, i - 2)) == 0)
            g_array_remove_index(interfaces, i - 1);
    device->interfaces = g_array_steal(interfaces, &device->n_interfaces);
}

/* Which enumeration this is, by nothing that anybody but the kernel writes: udev's record of a device can be
 * thrown away and made anew while the device stays where it is. The kernel makes a folder in sysfs for each
 * enumeration, keeps it for as long as that lasts (resets and changes of driver included), and numbers
 * folders without using a number again before the next boot. A machine that is restored from a file can bring
 * an alias of another boot along, so the boot counts as well, and the numbers of the device for file systems
 * that stand in for sysfs. */
static uint64_t read_instance(udev_device *device, unsigned bus_number, unsigned device_number)
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_autofree char *boot = NULL, *text = NULL;
    guint8 digest[32];
    gsize length = sizeof digest;
    struct stat folder;
    uint64_t instance;

    if (stat(udev_device_get_syspath(device), &folder) < 0)
        folder.st_ino = 0;
    g_file_get_contents(BOOT_ID, &boot, NULL, NULL);
    text = g_strdup_printf("%s %ju %u %u", boot ? g_strchomp(boot) : "", (uintmax_t)folder.st_ino, bus_number,
                           device_number);
    g_checksum_update(checksum, (const guchar *)text, -1);
    g_checksum_get_digest(checksum, digest, &length);
    memcpy(&instance, digest, sizeof instance);
    return instance ? instance : 1;
}

/* When udev first saw the device; 0 without its record. */
static uint64_t read_udev_instance(udev_device *device)
{
    const char *text = udev_device_get_property_value(device, "USEC_INITIALIZED");
    guint64 number;

    return text && g_ascii_string_to_unsigned(text, 10, 1, G_MAXUINT64, &number, NULL) ? number : 0;
}

/* An event tells the properties as they were, sysfs what is there now. When another device has taken the
 * name meanwhile, they belong to two different ones; its own events follow. */
static bool is_still_there(udev_device *device, unsigned device_number)
{
    const char *text = udev_device_get_property_value(device, "DEVNUM");

    return !text || g_ascii_strtoull(text, NULL, 10) == device_number;
}

bool udev_reading_is_same_enumeration(const UdevReading *a, const UdevReading *b)
{
    return a && b && a->instance == b->instance && a->device_number == b->device_number;
}

/* NULL when the device can't be read, most likely because it is gone already. */
static Device *read_device(udev_device *from, UdevReading *reading, const UdevReading *before)
{
    const char *sysname = udev_device_get_sysname(from), *removable;
    g_autoptr(Device) device = device_new(sysname);
    guint64 vendor_id, product_id, bus_number, device_number, device_class = 0;
    udev_device *hub = udev_device_get_parent_with_subsystem_devtype(from, "usb", "usb_device");
    g_autofree char *socket = NULL, *controller = NULL;

    if (!read_number(from, "idVendor", 16, 0, G_MAXUINT16, &vendor_id) ||
        !read_number(from, "idProduct", 16, 0, G_MAXUINT16, &product_id) ||
        !read_number(from, "busnum", 10, 1, G_MAXUINT, &bus_number) ||
        !read_number(from, "devnum", 10, 1, G_MAXUINT, &device_number) ||
        !is_still_there(from, (unsigned)device_number) ||
        !socket_read(udev_device_get_syspath(from), &socket, &controller)) {
        log_object(G_LOG_LEVEL_DEBUG, sysname, NULL, NULL, "%s: left out, as it can't be read", sysname);
        return NULL;
    }
    device->vendor_id = (uint16_t)vendor_id;
    device->product_id = (uint16_t)product_id;
    device->bus_number = (unsigned)bus_number;
    device->device_number = (unsigned)device_number;
    device->instance = read_instance(from, device->bus_number, device->device_number);
    device->udev_instance = read_udev_instance(from);
    reading->instance = device->instance;
    reading->device_number = device->device_number;

    g_free(device->syspath);
    device->syspath = g_strdup(udev_device_get_syspath(from));
    reading->own_texts =
        read_own_texts(from, udev_reading_is_same_enumeration(reading, before) ? before->own_texts : NULL);
    take_text(from, reading->own_texts[OWN_VENDOR], "ID_VENDOR_FROM_DATABASE", &device->vendor);
    take_text(from, reading->own_texts[OWN_PRODUCT], "ID_MODEL_FROM_DATABASE", &device->product);
    take_text(from, reading->own_texts[OWN_SERIAL], NULL, &device->serial);

    read_number(from, "bDeviceClass", 16, 0, G_MAXUINT8, &device_class);
    device->is_hub = device_class == USB_CLASS_HUB;
    read_interfaces(from, device);
    device->class_name =
        device_class_from_interfaces((uint8_t)device_class, device->interfaces, device->n_interfaces);
    device->speed = read_speed(from);
    device->speeds = read_speeds(from, device->speed);
    removable = udev_device_get_sysattr_value(from, "removable");
    device->removable = g_strcmp0(removable, "fixed") != 0;

    g_free(device->socket);
    device->socket = text_sanitize(socket, TEXT_MAX);
    g_free(device->controller);
    device->controller = text_sanitize(controller, TEXT_MAX);
    device->hub = hub ? g_strdup(udev_device_get_sysname(hub)) : NULL;
    return g_steal_pointer(&device);
}

/* Everything that read_device() fills in, as one text, to see whether anything changed. */
static char *print_facts(const Device *device)
{
    g_autoptr(GString) facts = g_string_new(NULL);

    g_string_printf(facts, "%s\n%u %u %04x %04x %u %u %d %d\n%s\n%s\n%s\n%s\n%s\n%s\n%s", device->syspath,
                    device->bus_number, device->device_number, device->vendor_id, device->product_id,
                    device->speed, device->speeds, device->is_hub, device->removable, device->vendor,
                    device->product, device->serial, device->class_name, device->socket, device->controller,
                    device->hub ? device->hub : "");
    for (gsize i = 0; i < device->n_interfaces; i++)
        g_string_append_printf(facts, ":%02x%02x%02x", device->interfaces[i].class_code,
                               device->interfaces[i].subclass, device->interfaces[i].protocol);
    return g_string_free(g_steal_pointer(&facts), FALSE);
}

UdevReading *udev_reading_new(udev_device *from, const UdevReading *before, Device **ret_device)
{
    g_autoptr(UdevReading) reading = g_new0(UdevReading, 1);
    g_autoptr(Device) device = read_device(from, reading, before);

    if (!device)
        return NULL;
    reading->syspath = g_strdup(device->syspath);
    reading->facts = print_facts(device);
    *ret_device = g_steal_pointer(&device);
    return g_steal_pointer(&reading);
}

void udev_reading_free(UdevReading *reading)
{
    if (!reading)
        return;
    g_free(reading->syspath);
    g_strfreev(reading->own_texts);
    g_free(reading->facts);
    g_free(reading);
}

bool udev_reading_has_number_of(const UdevReading *reading, udev_device *device)
{
    guint64 number;

    return !read_number(device, "devnum", 10, 1, G_MAXUINT, &number) || number == reading->device_number;
}
