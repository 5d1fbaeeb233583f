/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's USB devices, from udev. */

#include <errno.h>
#include <libudev.h>
#include <string.h>
#include <sys/stat.h>

#include <gio/gio.h>
#include <glib-unix.h>

#include "daemon/base/log.h"
#include "daemon/usb/socket.h"
#include "daemon/base/text.h"
#include "daemon/hotplug/udev-monitor.h"

typedef struct udev udev;
typedef struct udev_device udev_device;
typedef struct udev_enumerate udev_enumerate;
typedef struct udev_monitor udev_monitor;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(udev_device, udev_device_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(udev_enumerate, udev_enumerate_unref)

/* What the kernel may hold back for us: thousands of events of a full hub that comes and goes. Bytes. */
#define RECEIVE_BUFFER_SIZE (128 * 1024 * 1024)
/* So many events are read before others get their turn in the main loop. */
#define EVENTS_PER_DISPATCH 64

#define USB_CLASS_HUB 0x09
/* Takes a whole device away from the host, so that it is nobody's to give. */
#define DRIVER_OF_EXPORTED_DEVICES "usbip-host"

/* Characters of one interface in ID_USB_INTERFACES, "030101". */
#define INTERFACE_DIGITS 6

/* What was told about a device. */
typedef struct Told {
    uint64_t instance;
    unsigned device_number;
    char *syspath;
    char **texts; /* what own_texts names, clean */
    char *facts;
} Told;

/* The device's own words. The kernel asks the device for them when it enumerates it, and never again. */
static const char *const own_texts[] = { "manufacturer", "product", "serial" };
enum { OWN_VENDOR, OWN_PRODUCT, OWN_SERIAL };

struct UsbMonitor {
    UsbMonitorEvents events;
    void *userdata;
    udev *udev;
    udev_monitor *monitor;
    GSource *source;
    GHashTable *told; /* sysname → Told */
    bool lost;        /* the kernel had to drop events */
};

static void told_free(gpointer data)
{
    Told *told = data;

    g_free(told->syspath);
    g_strfreev(told->texts);
    g_free(told->facts);
    g_free(told);
}

/* facts */

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

/* When udev first saw the device. Without udev's database: the folder's inode, which the kernel doesn't use
 * again soon, together with the device number for file systems that do. */
static uint64_t read_instance(udev_device *device, unsigned device_number)
{
    const char *text = udev_device_get_property_value(device, "USEC_INITIALIZED");
    guint64 number;
    struct stat folder;

    if (text && g_ascii_string_to_unsigned(text, 10, 1, G_MAXUINT64, &number, NULL))
        return number;
    if (stat(udev_device_get_syspath(device), &folder) < 0)
        folder.st_ino = 0;
    return (uint64_t)folder.st_ino << 8 | device_number;
}

/* An event tells the properties as they were, sysfs what is there now. When another device has taken the
 * name meanwhile, they belong to two different ones; its own events follow. */
static bool is_still_there(udev_device *device, unsigned device_number)
{
    const char *text = udev_device_get_property_value(device, "DEVNUM");

    return !text || g_ascii_strtoull(text, NULL, 10) == device_number;
}

static bool is_of_enumeration(const Told *told, const Device *device)
{
    return told && told->instance == device->instance && told->device_number == device->device_number;
}

/* NULL when the device can't be read, most likely because it is gone already. told: of this name, may be
 * NULL. */
static Device *read_device(udev_device *from, const Told *told, char ***ret_texts)
{
    const char *sysname = udev_device_get_sysname(from), *removable;
    g_autoptr(Device) device = device_new(sysname);
    guint64 vendor_id, product_id, bus_number, device_number, device_class = 0;
    udev_device *hub = udev_device_get_parent_with_subsystem_devtype(from, "usb", "usb_device");
    g_autofree char *socket = NULL, *controller = NULL;
    g_auto(GStrv) texts = NULL;

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
    device->instance = read_instance(from, device->device_number);

    g_free(device->syspath);
    device->syspath = g_strdup(udev_device_get_syspath(from));
    texts = read_own_texts(from, is_of_enumeration(told, device) ? told->texts : NULL);
    take_text(from, texts[OWN_VENDOR], "ID_VENDOR_FROM_DATABASE", &device->vendor);
    take_text(from, texts[OWN_PRODUCT], "ID_MODEL_FROM_DATABASE", &device->product);
    take_text(from, texts[OWN_SERIAL], NULL, &device->serial);

    read_number(from, "bDeviceClass", 16, 0, G_MAXUINT8, &device_class);
    device->is_hub = device_class == USB_CLASS_HUB;
    read_interfaces(from, device);
    device->class_name =
        device_class_from_interfaces((uint8_t)device_class, device->interfaces, device->n_interfaces);
    device->speed = read_speed(from);
    removable = udev_device_get_sysattr_value(from, "removable");
    device->removable = g_strcmp0(removable, "fixed") != 0;

    g_free(device->socket);
    device->socket = text_sanitize(socket, TEXT_MAX);
    g_free(device->controller);
    device->controller = text_sanitize(controller, TEXT_MAX);
    device->hub = hub ? g_strdup(udev_device_get_sysname(hub)) : NULL;
    *ret_texts = g_steal_pointer(&texts);
    return g_steal_pointer(&device);
}

/* Everything that read_device() fills in, as one text, to see whether anything changed. */
static char *print_facts(const Device *device)
{
    g_autoptr(GString) facts = g_string_new(NULL);

    g_string_printf(facts, "%s\n%u %u %04x %04x %u %d %d\n%s\n%s\n%s\n%s\n%s\n%s\n%s", device->syspath,
                    device->bus_number, device->device_number, device->vendor_id, device->product_id,
                    device->speed, device->is_hub, device->removable, device->vendor, device->product,
                    device->serial, device->class_name, device->socket, device->controller,
                    device->hub ? device->hub : "");
    for (gsize i = 0; i < device->n_interfaces; i++)
        g_string_append_printf(facts, ":%02x%02x%02x", device->interfaces[i].class_code,
                               device->interfaces[i].subclass, device->interfaces[i].protocol);
    return g_string_free(g_steal_pointer(&facts), FALSE);
}

/* comparing */

static void tell_gone(UsbMonitor *monitor, const char *sysname)
{
    g_autofree char *name = g_strdup(sysname);

    if (g_hash_table_remove(monitor->told, name))
        monitor->events.gone(name, monitor->userdata);
}

/* udev has named it and opened its rights, the kernel has configured it. Before that, libvirt can't find it.
 */
static bool is_ready(udev_device *device)
{
    const char *driver = udev_device_get_driver(device);

    return driver && strcmp(driver, DRIVER_OF_EXPORTED_DEVICES) != 0 &&
           udev_device_get_is_initialized(device) > 0;
}

/* Tells what is new about this device. True when it wasn't known in this instance. */
static bool look_at(UsbMonitor *monitor, udev_device *from)
{
    const char *sysname = udev_device_get_sysname(from);
    Told *told = g_hash_table_lookup(monitor->told, sysname);
    g_autoptr(Device) device = NULL;
    g_autofree char *facts = NULL;
    g_auto(GStrv) texts = NULL;
    bool is_known;

    if (!is_ready(from))
        return false;
    device = read_device(from, told, &texts);
    if (!device)
        return false;

    facts = print_facts(device);
    is_known = is_of_enumeration(told, device);
    if (is_known && strcmp(told->facts, facts) == 0)
        return false;
    if (!is_known)
        tell_gone(monitor, sysname);

    told = g_new0(Told, 1);
    told->instance = device->instance;
    told->device_number = device->device_number;
    told->syspath = g_strdup(device->syspath);
    told->texts = g_steal_pointer(&texts);
    told->facts = g_steal_pointer(&facts);
    g_hash_table_replace(monitor->told, g_strdup(sysname), told);
    monitor->events.found(g_steal_pointer(&device), monitor->userdata);
    return !is_known;
}

/* events */

static void handle_removal(UsbMonitor *monitor, udev_device *device)
{
    const char *sysname = udev_device_get_sysname(device);
    const char *number = udev_device_get_property_value(device, "DEVNUM");
    Told *told = g_hash_table_lookup(monitor->told, sysname);

    /* A rescan can know the next device of this name before the end of the last one is read. */
    if (told && (!number || g_ascii_strtoull(number, NULL, 10) == told->device_number))
        tell_gone(monitor, sysname);
}

static void handle_event(UsbMonitor *monitor, udev_device *device)
{
    const char *action = udev_device_get_action(device);

    if (g_strcmp0(action, "remove") == 0) {
        handle_removal(monitor, device);
        return;
    }
    /* "add" comes before the kernel is done with the device, "bind" after. Unless somebody asked for it: at
     * boot udev hears of everything that was there before it by such an "add", and no "bind" follows. */
    if (g_strcmp0(action, "add") == 0 && !udev_device_get_property_value(device, "SYNTH_UUID"))
        return;
    look_at(monitor, device);
}

/* Reads one event. False when there is none left. */
static bool receive(UsbMonitor *monitor)
{
    g_autoptr(udev_device) device = NULL;

    errno = 0;
    device = udev_monitor_receive_device(monitor->monitor);
    if (device) {
        handle_event(monitor, device);
        return true;
    }
    if (errno == ENOBUFS) {
        monitor->lost = true;
        return true;
    }
    return errno != 0 && errno != EAGAIN;
}

static gboolean on_readable(int fd, GIOCondition condition, gpointer userdata)
{
    UsbMonitor *monitor = userdata;
    unsigned budget = EVENTS_PER_DISPATCH;
    g_autoptr(GError) error = NULL;

    if (condition & (G_IO_HUP | G_IO_NVAL)) {
        log_warning("udev: the connection broke, no changes are seen any more");
        monitor->events.lost(monitor->userdata);
        return G_SOURCE_REMOVE;
    }
    while (budget > 0 && receive(monitor))
        budget--;

    /* when there is nothing left to read, so that what was queued before the loss isn't looked at twice */
    if (monitor->lost && budget > 0) {
        monitor->lost = false;
        log_notice("udev: events were lost, looking at all devices");
        if (!usb_monitor_rescan(monitor, NULL, NULL, &error))
            log_warning("udev: %s", error->message);
    }
    return G_SOURCE_CONTINUE;
}

/* rescan */

/* The devices that are there now: sysname → udev_device, and their names in the kernel's order. */
static bool enumerate(UsbMonitor *monitor, GHashTable *present, GPtrArray *names, GError **error)
{
    g_autoptr(udev_enumerate) list = udev_enumerate_new(monitor->udev);
    struct udev_list_entry *entry;
    int r = list ? 0 : -ENOMEM;

    if (r >= 0)
        r = udev_enumerate_add_match_subsystem(list, "usb");
    if (r >= 0)
        r = udev_enumerate_add_match_property(list, "DEVTYPE", "usb_device");
    if (r >= 0)
        r = udev_enumerate_scan_devices(list);
    if (r < 0) {
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(-r), "the USB devices can't be listed: %s",
                    g_strerror(-r));
        return false;
    }
    udev_list_entry_foreach(entry, udev_enumerate_get_list_entry(list))
    {
        udev_device *device = udev_device_new_from_syspath(monitor->udev, udev_list_entry_get_name(entry));

        /* unplugged since the scan */
        if (!device)
            continue;
        g_ptr_array_add(names, g_strdup(udev_device_get_sysname(device)));
        g_hash_table_replace(present, g_strdup(udev_device_get_sysname(device)), device);
    }
    return true;
}

static int compare_paths(gconstpointer a, gconstpointer b)
{
    return g_strcmp0(*(const char *const *)a, *(const char *const *)b);
}

/* Those that were told and aren't there any more, or whose name is another one's now. What is behind a hub
 * goes before the hub. */
static unsigned tell_missing(UsbMonitor *monitor, GHashTable *present)
{
    g_autoptr(GPtrArray) missing = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter iter;
    gpointer sysname, value;

    g_hash_table_iter_init(&iter, monitor->told);
    while (g_hash_table_iter_next(&iter, &sysname, &value)) {
        const Told *told = value;
        udev_device *device = g_hash_table_lookup(present, sysname);
        guint64 number;

        if (!device ||
            (read_number(device, "devnum", 10, 1, G_MAXUINT, &number) && number != told->device_number))
            g_ptr_array_add(missing, g_strdup(told->syspath));
    }
    g_ptr_array_sort(missing, compare_paths);
    for (guint i = missing->len; i > 0; i--) {
        g_autofree char *name = g_path_get_basename(missing->pdata[i - 1]);

        tell_gone(monitor, name);
    }
    return missing->len;
}

static void drop_udev_device(gpointer device)
{
    udev_device_unref(device);
}

bool usb_monitor_rescan(UsbMonitor *monitor, unsigned *ret_added, unsigned *ret_removed, GError **error)
{
    g_autoptr(GHashTable) present = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, drop_udev_device);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    unsigned added = 0, removed;

    if (!enumerate(monitor, present, names, error))
        return false;
    removed = tell_missing(monitor, present);
    for (guint i = 0; i < names->len; i++) {
        bool was_known = g_hash_table_contains(monitor->told, names->pdata[i]);

        if (look_at(monitor, g_hash_table_lookup(present, names->pdata[i]))) {
            added++;
            removed += was_known ? 1 : 0;
        }
    }
    if (ret_added)
        *ret_added = added;
    if (ret_removed)
        *ret_removed = removed;
    return true;
}

UsbMonitor *usb_monitor_new(const UsbMonitorEvents *events, void *userdata, GError **error)
{
    g_autoptr(UsbMonitor) monitor = g_new0(UsbMonitor, 1);
    int r = 0;

    monitor->events = *events;
    monitor->userdata = userdata;
    monitor->told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, told_free);

    monitor->udev = udev_new();
    if (monitor->udev)
        monitor->monitor = udev_monitor_new_from_netlink(monitor->udev, "udev");
    if (!monitor->monitor)
        r = errno > 0 ? -errno : -EIO;
    if (r >= 0)
        r = udev_monitor_filter_add_match_subsystem_devtype(monitor->monitor, "usb", "usb_device");
    if (r >= 0) {
        /* a small one only means more rescans */
        udev_monitor_set_receive_buffer_size(monitor->monitor, RECEIVE_BUFFER_SIZE);
        r = udev_monitor_enable_receiving(monitor->monitor);
    }
    if (r < 0) {
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(-r), "udev can't be watched: %s",
                    g_strerror(-r));
        return NULL;
    }

    monitor->source = g_unix_fd_source_new(udev_monitor_get_fd(monitor->monitor), G_IO_IN | G_IO_ERR);
    g_source_set_callback(monitor->source, G_SOURCE_FUNC(on_readable), monitor, NULL);
    g_source_set_static_name(monitor->source, "udev");
    g_source_attach(monitor->source, NULL);
    return g_steal_pointer(&monitor);
}

UsbMonitor *usb_monitor_free(UsbMonitor *monitor)
{
    if (!monitor)
        return NULL;
    if (monitor->source) {
        g_source_destroy(monitor->source);
        g_source_unref(monitor->source);
    }
    if (monitor->monitor)
        udev_monitor_unref(monitor->monitor);
    if (monitor->udev)
        udev_unref(monitor->udev);
    g_hash_table_unref(monitor->told);
    g_free(monitor);
    return NULL;
}
