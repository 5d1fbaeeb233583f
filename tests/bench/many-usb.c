/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Makes Devices out of numbers. An event of a storm comes when it is due, however long the service takes for
 * the others: as many in a dispatch as the real monitor reads. */

#include "tests/bench/many-usb.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/hotplug/udev-monitor.h"
#include "tests/bus/scripted-host.h"
#include "tests/bus/scripted-kernel.h"
#include "tests/bus/scripted-usb.h"

#define DEVICES_VARIABLE    "FERRY_MANY_DEVICES"
#define DEVICES_PER_BUS     120
#define BUSES_PER_SLOT      32
#define EVENTS_PER_DISPATCH 64
#define FULL_SPEED          12

struct UsbMonitor {
    UsbMonitorEvents events;
    void *userdata;
};

static UsbMonitor *the_monitor;
static struct {
    unsigned plugs, fed;
    gint64 began, time_us;
} storm;

/* ------------------------------------------------------------------ devices */

static void set(char **field, char *text)
{
    g_free(*field);
    *field = text;
}

static Device *make(unsigned number)
{
    static uint64_t instances;
    unsigned bus = number / DEVICES_PER_BUS, port = number % DEVICES_PER_BUS + 1;
    g_autofree char *sysname = g_strdup_printf("%u-%u", bus + 1, port);
    Device *device = device_new(sysname);

    device->vendor_id = device->product_id = (uint16_t)number;
    device->bus_number = bus + 1;
    device->device_number = port + 1;
    device->instance = ++instances;
    set(&device->serial, g_strdup_printf("SN%06u", number));
    set(&device->vendor, g_strdup_printf("Maker %u", number));
    set(&device->product, g_strdup_printf("Reader %u", number));
    set(&device->syspath, g_strdup_printf("/sys/devices/pci0000:00/many/usb%u/%s", bus + 1, sysname));
    set(&device->controller,
        g_strdup_printf("0000:%02x:%02x.0", bus / BUSES_PER_SLOT % (UINT8_MAX + 1U), bus % BUSES_PER_SLOT));
    set(&device->socket, g_strdup_printf("pci-%s/%u", device->controller, port));
    device->hub = g_strdup_printf("usb%u", bus + 1);
    device->n_interfaces = 1;
    device->interfaces = g_new0(DeviceInterface, 1);
    device->interfaces[0] = (DeviceInterface){ .class_code = 0x0b };
    device->class_name = device_class_from_interfaces(0, device->interfaces, 1);
    device->speed = FULL_SPEED;
    device->removable = true;
    return device;
}

static void plug(unsigned number)
{
    the_monitor->events.found(make(number), the_monitor->userdata);
}

static void unplug(unsigned number)
{
    g_autofree char *sysname =
        g_strdup_printf("%u-%u", number / DEVICES_PER_BUS + 1, number % DEVICES_PER_BUS + 1);

    the_monitor->events.gone(sysname, the_monitor->userdata);
}

/* ------------------------------------------------------------------ the monitor */

UsbMonitor *usb_monitor_new(const UsbMonitorEvents *events, void *userdata, GError **error)
{
    the_monitor = g_new0(UsbMonitor, 1);
    the_monitor->events = *events;
    the_monitor->userdata = userdata;
    return the_monitor;
}

UsbMonitor *usb_monitor_free(UsbMonitor *monitor)
{
    g_free(monitor);
    the_monitor = NULL;
    return NULL;
}

bool usb_monitor_rescan(UsbMonitor *monitor, unsigned *ret_added, unsigned *ret_removed, GError **error)
{
    const char *text = g_getenv(DEVICES_VARIABLE);
    unsigned n = text ? (unsigned)atoi(text) : 0;
    static unsigned there;

    if (ret_added)
        *ret_added = n - there;
    if (ret_removed)
        *ret_removed = 0;
    for (; there < n; there++)
        plug(there);
    return true;
}

/* ------------------------------------------------------------------ storms */

/* One that comes and, as soon as enough have come, one that leaves, by turns. */
static void feed(void)
{
    unsigned pair = storm.fed / 2;

    if (storm.fed % 2 == 0)
        plug(MANY_STORM_FIRST + pair);
    else if (pair >= MANY_STORM_STAY)
        unplug(MANY_STORM_FIRST + pair - MANY_STORM_STAY);
    storm.fed++;
}

static gboolean blow(gpointer userdata)
{
    unsigned total = 2 * storm.plugs;
    gint64 passed = g_get_monotonic_time() - storm.began;
    unsigned due = passed >= storm.time_us ? total : (unsigned)(total * passed / storm.time_us);

    for (unsigned i = 0; i < EVENTS_PER_DISPATCH && storm.fed < due; i++)
        feed();
    return storm.fed < total ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

char *scripted_usb_command(char **words)
{
    unsigned number = words[1] ? (unsigned)atoi(words[1]) : 0;

    if (strcmp(words[0], "storm-left") == 0)
        return g_strdup_printf("ok %u", 2 * storm.plugs - storm.fed);
    if (strcmp(words[0], "plug") == 0) {
        plug(number);
    } else if (strcmp(words[0], "unplug") == 0) {
        unplug(number);
    } else if (strcmp(words[0], "storm") == 0 && words[1] && words[2]) {
        storm.plugs = number;
        storm.fed = 0;
        storm.time_us = atoi(words[2]) * G_TIME_SPAN_MILLISECOND;
        storm.began = g_get_monotonic_time();
        g_timeout_add(1, blow, NULL);
    } else {
        return g_strdup("error unknown");
    }
    return g_strdup("ok");
}

/* ------------------------------------------------------------------ what the kernel would do */

bool scripted_host_has(const HostdevSpec *spec)
{
    return true;
}

void scripted_kernel_begin(void)
{
}

void scripted_kernel_attach(unsigned bus_number, unsigned device_number, bool configured)
{
}

void scripted_kernel_release(unsigned bus_number, unsigned device_number, bool gently)
{
}

void scripted_kernel_connect(unsigned bus_number, unsigned device_number)
{
}

char *scripted_kernel_command(char **words)
{
    return g_strdup("error unknown");
}

static bool no_reset(const UsbAddress *address, GError **error)
{
    return true;
}

static bool no_connect(const UsbAddress *address, uint32_t interfaces, GError **error)
{
    return true;
}

static char *no_users(const UsbAddress *address, bool beside_qemu)
{
    return NULL;
}

static bool no_rules(GError **error)
{
    return true;
}

static bool no_announcement(const char *syspath, const char *waits, GError **error)
{
    return true;
}

const UsbOps scripted_usb_ops = {
    .reset = no_reset,
    .connect = no_connect,
    .find_users = no_users,
    .read_rules = no_rules,
    .announce = no_announcement,
};
