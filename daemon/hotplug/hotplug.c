/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices come and go: what udev-monitor tells goes into the registry, and with it when a device may go
 * anywhere. Remembers for two seconds who left. */

#include "daemon/hotplug/hotplug.h"

#include "daemon/base/log.h"
#include "daemon/hotplug/udev-monitor.h"

/* A device that returns to its socket within the window has to be steady for STEADY_US. */
#define FLAP_WINDOW_US (2 * G_USEC_PER_SEC)
#define STEADY_US      (1 * G_USEC_PER_SEC)

struct Hotplug {
    Registry *registry;
    UsbMonitor *monitor;
    GHashTable *left; /* socket, and who it was → gint64 *: when it went (µs, CLOCK_MONOTONIC) */
    const HotplugEvents *events;
    void *userdata;
};

static gboolean left_long_ago(gpointer socket, gpointer at, gpointer now)
{
    return *(const gint64 *)now - *(const gint64 *)at > FLAP_WINDOW_US;
}

/* A device with a serial that hops from socket to socket flaps as well. */
static char *identity(const Device *device)
{
    return g_strdup_printf("%04x:%04x %s", device->vendor_id, device->product_id, device->serial);
}

static bool left_just_now(Hotplug *self, const char *key, gint64 now)
{
    const gint64 *left_at = g_hash_table_lookup(self->left, key);

    return left_at && now - *left_at <= FLAP_WINDOW_US;
}

static void device_gone(const char *sysname, void *userdata)
{
    Hotplug *self = userdata;
    Device *device = registry_device(self->registry, sysname);
    gint64 now = g_get_monotonic_time();
    g_autofree char *what = NULL;

    if (!device)
        return;
    what = device_describe(device);
    log_object(G_LOG_LEVEL_MESSAGE, sysname, device->machine_uuid, device->assignment_id, "%s was unplugged",
               what);
    g_hash_table_foreach_remove(self->left, left_long_ago, &now);
    g_hash_table_replace(self->left, g_strdup(device->socket), g_memdup2(&now, sizeof now));
    if (*device->serial)
        g_hash_table_replace(self->left, identity(device), g_memdup2(&now, sizeof now));
    registry_remove_device(self->registry, device);
    self->events->changed(NULL, self->userdata);
}

static void device_found(Device *device, void *userdata)
{
    Hotplug *self = userdata;
    Device *old = registry_device(self->registry, device->sysname);
    gint64 now = g_get_monotonic_time();
    g_autofree char *what = device_describe(device);
    g_autofree char *who = identity(device);

    if (old && old->instance == device->instance) {
        device_take_facts(old, device);
        device_free(device);
        registry_report(self->registry, OBJECT_DEVICE, old->sysname, DEVICE_FIELD_FACTS);
        self->events->changed(old, self->userdata);
        return;
    }
    if (old)
        device_gone(device->sysname, self);
    if (left_just_now(self, device->socket, now) || (*device->serial && left_just_now(self, who, now)))
        device->steady_at = now + STEADY_US;
    log_object(G_LOG_LEVEL_MESSAGE, device->sysname, NULL, NULL, "%s is plugged in at %s", what,
               device->socket);
    registry_add_device(self->registry, device);
    self->events->changed(device, self->userdata);
}

static void device_touched(const char *sysname, void *userdata)
{
    Hotplug *self = userdata;

    if (registry_device(self->registry, sysname))
        self->events->touched(sysname, self->userdata);
}

static void monitor_lost(void *userdata)
{
    Hotplug *self = userdata;

    self->events->lost(self->userdata);
}

static const UsbMonitorEvents monitor_events = {
    .found = device_found,
    .gone = device_gone,
    .touched = device_touched,
    .lost = monitor_lost,
};

Hotplug *hotplug_new(Registry *registry, const HotplugEvents *events, void *userdata, GError **error)
{
    g_autoptr(Hotplug) self = g_new0(Hotplug, 1);

    self->registry = registry;
    self->events = events;
    self->userdata = userdata;
    self->left = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    self->monitor = usb_monitor_new(&monitor_events, self, error);
    return self->monitor ? g_steal_pointer(&self) : NULL;
}

Hotplug *hotplug_free(Hotplug *self)
{
    if (!self)
        return NULL;
    usb_monitor_free(self->monitor);
    g_hash_table_unref(self->left);
    g_free(self);
    return NULL;
}

bool hotplug_rescan(Hotplug *self, unsigned *ret_added, unsigned *ret_removed, GError **error)
{
    return usb_monitor_rescan(self->monitor, ret_added, ret_removed, error);
}
