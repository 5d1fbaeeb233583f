/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's USB devices, from udev: which there are, and which of their events mean anything. What is read
 * of each is in udev-reading.c. The main loop calls it. */

#include "daemon/hotplug/udev-monitor.h"

#include <errno.h>
#include <libudev.h>
#include <string.h>

#include <gio/gio.h>
#include <glib-unix.h>

#include "daemon/base/log.h"
#include "daemon/hotplug/udev-reading.h"

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

#define DEVTYPE_DEVICE    "usb_device"
#define DEVTYPE_INTERFACE "usb_interface"

/* Takes a whole device away from the host, so that nobody can give it. */
#define DRIVER_OF_EXPORTED_DEVICES "usbip-host"

struct UsbMonitor {
    UsbMonitorEvents events;
    void *userdata;
    udev *udev;
    udev_monitor *monitor;
    GSource *source;
    GHashTable *told; /* sysname → UdevReading: the last one that was told */
    bool lost;        /* the kernel had to drop events */
};

/* ------------------------------------------------------------------ comparing */

static void tell_gone(UsbMonitor *monitor, const char *sysname)
{
    g_autofree char *name = g_strdup(sysname);

    if (g_hash_table_remove(monitor->told, name))
        monitor->events.gone(name, monitor->userdata);
}

/* udev has named it and set its permissions, the kernel has configured it. Before that, libvirt can't find
 * it. */
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
    const UdevReading *before = g_hash_table_lookup(monitor->told, sysname);
    g_autoptr(UdevReading) reading = NULL;
    g_autoptr(Device) device = NULL;
    bool is_known;

    if (!is_ready(from))
        return false;
    reading = udev_reading_new(from, before, &device);
    if (!reading)
        return false;
    is_known = udev_reading_is_same_enumeration(reading, before);
    if (is_known && strcmp(before->facts, reading->facts) == 0)
        return false;
    if (!is_known)
        tell_gone(monitor, sysname);
    g_hash_table_replace(monitor->told, g_strdup(sysname), g_steal_pointer(&reading));
    monitor->events.found(g_steal_pointer(&device), monitor->userdata);
    return !is_known;
}

/* ------------------------------------------------------------------ events */

static void handle_removal(UsbMonitor *monitor, udev_device *device)
{
    const char *sysname = udev_device_get_sysname(device);
    const char *number = udev_device_get_property_value(device, "DEVNUM");
    UdevReading *told = g_hash_table_lookup(monitor->told, sysname);

    /* A rescan can know the next device of this name before the end of the last one is read. */
    if (told && (!number || g_ascii_strtoull(number, NULL, 10) == told->device_number))
        tell_gone(monitor, sysname);
}

/* A driver came or went, or the host authorized the device, which then has interfaces that it hadn't before.
 * A device that isn't known has its own event still to come. */
static void handle_interface(UsbMonitor *monitor, udev_device *interface)
{
    udev_device *device = udev_device_get_parent_with_subsystem_devtype(interface, "usb", DEVTYPE_DEVICE);
    g_autofree char *sysname = device ? g_strdup(udev_device_get_sysname(device)) : NULL;

    if (!sysname || !g_hash_table_contains(monitor->told, sysname))
        return;
    look_at(monitor, device);
    monitor->events.touched(sysname, g_strcmp0(udev_device_get_action(interface), "unbind") == 0,
                            monitor->userdata);
}

static void handle_event(UsbMonitor *monitor, udev_device *device)
{
    const char *action = udev_device_get_action(device);

    if (g_strcmp0(udev_device_get_devtype(device), DEVTYPE_INTERFACE) == 0) {
        handle_interface(monitor, device);
        return;
    }
    if (g_strcmp0(action, "remove") == 0) {
        handle_removal(monitor, device);
        return;
    }
    /* "add" comes before the kernel is done with the device, "bind" after. Unless somebody asked for it: at
     * boot udev hears of everything that was there before it by such an "add", and no "bind" follows.
     *
     * A "change" in between counts, on purpose: the device has its driver then and udev has set its
     * permissions, while the kernel still probes drivers for its interfaces, which can take seconds. Whoever
     * takes it away from these waits by itself: the kernel holds the lock of the device over the whole probe,
     * and opening its node, which is the first thing that QEMU does, takes the same lock. What is there only
     * after the probe comes with "bind" as other facts of the same device. */
    if (g_strcmp0(action, "add") == 0 && !udev_device_get_property_value(device, "SYNTH_UUID")) {
        monitor->events.coming(monitor->userdata);
        return;
    }
    look_at(monitor, device);
    monitor->events.touched(udev_device_get_sysname(device), false, monitor->userdata);
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

    /* When there is nothing left to read, so that what was queued before the loss isn't looked at twice */
    if (monitor->lost && budget > 0) {
        monitor->lost = false;
        log_notice("udev: events were lost, looking at all devices");
        if (!usb_monitor_rescan(monitor, NULL, NULL, &error))
            log_warning("udev: %s", error->message);
    }
    return G_SOURCE_CONTINUE;
}

/* ------------------------------------------------------------------ rescan */

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
        const UdevReading *told = value;
        udev_device *device = g_hash_table_lookup(present, sysname);

        if (!device || !udev_reading_has_number_of(told, device))
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
    monitor->told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)udev_reading_free);

    monitor->udev = udev_new();
    if (monitor->udev)
        monitor->monitor = udev_monitor_new_from_netlink(monitor->udev, "udev");
    if (!monitor->monitor)
        r = errno > 0 ? -errno : -EIO;
    if (r >= 0)
        r = udev_monitor_filter_add_match_subsystem_devtype(monitor->monitor, "usb", DEVTYPE_DEVICE);
    if (r >= 0)
        r = udev_monitor_filter_add_match_subsystem_devtype(monitor->monitor, "usb", DEVTYPE_INTERFACE);
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
