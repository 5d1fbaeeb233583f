/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices come and go: what udev-monitor tells goes into the registry, and with it when a device may go
 * anywhere. Tells the registry's quarantines and replugs who left and who was back. */

#include "daemon/hotplug/hotplug.h"

#include "daemon/base/log.h"
#include "daemon/base/tuning.h"
#include "daemon/hotplug/udev-monitor.h"

struct Hotplug {
    Registry *registry;
    UsbMonitor *monitor;
    bool begun; /* the first scan is over: what comes from now on is plugged in */
    const HotplugEvents *events;
    void *userdata;
};

/* Only what a machine has, or would have by now, is worth a stranger in its place. */
static void may_be_followed(Hotplug *self, const Device *device, gint64 now)
{
    const Assignment *assignment = registry_assignment(self->registry, device->assignment_id);
    const Machine *machine = assignment ? registry_machine(self->registry, assignment->machine_uuid) : NULL;

    if (assignment && assignment->follow && !assignment->group && assignment->wanted && machine &&
        machine_is_active(machine))
        followings_note_left(self->registry->followings, assignment, device, now);
}

/* What a machine has, or would have by now, may be brought home by pulling and plugging it. */
static void may_be_replugged(Hotplug *self, const Device *device, gint64 now)
{
    const Assignment *assignment = registry_assignment(self->registry, device->assignment_id);
    const Machine *machine = assignment ? registry_machine(self->registry, assignment->machine_uuid) : NULL;

    if (!reservations_is_in_reset(self->registry->reservations, device->sysname))
        replugs_note_left(self->registry->replugs, device,
                          machine && machine_is_active(machine) && assignment->wanted ? assignment->id : NULL,
                          now);
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
    log_event(LOG_EVENT_UNPLUGGED, sysname, device->machine_uuid, device->assignment_id, "%s was unplugged",
              what);
    quarantines_note_left(self->registry->quarantines, device, now);
    may_be_followed(self, device, now);
    may_be_replugged(self, device, now);
    registry_remove_device(self->registry, device);
    self->events->changed(NULL, self->userdata);
}

/* Hubs are given to nobody, and a reset takes the device away itself. */
static void came(Hotplug *self, Device *device, gint64 now)
{
    Registry *registry = self->registry;

    if (!device->is_hub && !reservations_is_in_reset(registry->reservations, device->sysname))
        replugs_note_came(registry->replugs, device, now);
    if (!quarantines_left_just_now(registry->quarantines, device, now))
        return;
    /* Until then it has to stay. */
    device->steady_at = now + tuning_get(TUNING_STEADY);
    if (!device->is_hub && !reservations_is_in_reset(registry->reservations, device->sysname))
        (void)quarantines_strike(registry->quarantines, device, QUARANTINE_FLAPS, NULL, now);
}

static void tell_plugged(const Device *device)
{
    g_autofree char *what = device_describe(device);

    log_event(LOG_EVENT_PLUGGED, device->sysname, NULL, NULL, "%s is plugged in at %s", what, device->socket);
}

static void device_found(Device *device, void *userdata)
{
    Hotplug *self = userdata;
    Device *old = registry_device(self->registry, device->sysname);
    gint64 now = g_get_monotonic_time();

    if (old && old->instance == device->instance) {
        device_take_facts(old, device);
        device_free(device);
        registry_report(self->registry, OBJECT_DEVICE, old->sysname, DEVICE_FIELD_FACTS);
        self->events->changed(old, self->userdata);
        return;
    }
    if (old)
        device_gone(device->sysname, self);
    device->came_at = now;
    registry_add_device(self->registry, device);
    if (self->begun)
        tell_plugged(device);
    came(self, device, now);
    self->events->changed(device, self->userdata);
}

static void device_touched(const char *sysname, bool unbound, void *userdata)
{
    Hotplug *self = userdata;
    Device *device = registry_device(self->registry, sysname);

    if (!device)
        return;
    device->unbound |= unbound;
    self->events->touched(sysname, self->userdata);
}

static void device_coming(void *userdata)
{
    Hotplug *self = userdata;

    self->events->coming(self->userdata);
}

static void monitor_lost(void *userdata)
{
    Hotplug *self = userdata;

    self->events->lost(self->userdata);
}

static const UsbMonitorEvents monitor_events = {
    .found = device_found,
    .gone = device_gone,
    .coming = device_coming,
    .touched = device_touched,
    .lost = monitor_lost,
};

Hotplug *hotplug_new(Registry *registry, const HotplugEvents *events, void *userdata, GError **error)
{
    g_autoptr(Hotplug) self = g_new0(Hotplug, 1);

    self->registry = registry;
    self->events = events;
    self->userdata = userdata;
    self->monitor = usb_monitor_new(&monitor_events, self, error);
    return self->monitor ? g_steal_pointer(&self) : NULL;
}

Hotplug *hotplug_free(Hotplug *self)
{
    if (!self)
        return NULL;
    usb_monitor_free(self->monitor);
    g_free(self);
    return NULL;
}

bool hotplug_rescan(Hotplug *self, unsigned *ret_added, unsigned *ret_removed, GError **error)
{
    unsigned added = 0;

    if (!usb_monitor_rescan(self->monitor, &added, ret_removed, error))
        return false;
    if (!self->begun)
        log_notice("USB devices that are here already: %u", added);
    self->begun = true;
    if (ret_added)
        *ret_added = added;
    return true;
}
