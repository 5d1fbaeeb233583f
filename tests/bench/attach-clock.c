/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* attach-clock VM [attach]: prints the milliseconds from the kernel's "bind" of the next USB device to
 * libvirt's device-added for this VM, and ends. With "attach" it is the least program that gives the device
 * there itself: the floor that the service is measured against. The lab's benchmark runs it in the host, one
 * plug at a time. */

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>
#include <libudev.h>
#include <libvirt/libvirt.h>

typedef struct Clock {
    virDomainPtr vm;
    struct udev_monitor *kernel, *udev;
    gint64 bound; /* µs; 0 = not yet */
    bool attach, over;
} Clock;

static bool is_bound_device(struct udev_device *device)
{
    return device && g_strcmp0(udev_device_get_action(device), "bind") == 0 &&
           g_strcmp0(udev_device_get_devtype(device), "usb_device") == 0;
}

static void give(Clock *clock, struct udev_device *device)
{
    const char *bus = udev_device_get_sysattr_value(device, "busnum");
    const char *number = udev_device_get_sysattr_value(device, "devnum");
    g_autofree char *xml =
        g_strdup_printf("<hostdev mode='subsystem' type='usb' managed='yes'><source>"
                        "<address bus='%s' device='%s'/></source><alias name='ua-floor'/></hostdev>",
                        bus, number);

    if (virDomainAttachDeviceFlags(clock->vm, xml, VIR_DOMAIN_AFFECT_LIVE) < 0)
        exit(EXIT_FAILURE);
}

static void on_kernel(int watch, int fd, int events, void *userdata)
{
    Clock *clock = userdata;
    struct udev_device *device = udev_monitor_receive_device(clock->kernel);

    if (is_bound_device(device) && !clock->bound)
        clock->bound = g_get_monotonic_time();
    udev_device_unref(device);
}

static void on_udev(int watch, int fd, int events, void *userdata)
{
    Clock *clock = userdata;
    struct udev_device *device = udev_monitor_receive_device(clock->udev);

    if (is_bound_device(device))
        give(clock, device);
    udev_device_unref(device);
}

static void on_added(virConnectPtr connection, virDomainPtr vm, const char *alias, void *userdata)
{
    Clock *clock = userdata;

    if (clock->bound && !clock->over)
        printf("%.1f\n", (double)(g_get_monotonic_time() - clock->bound) / G_TIME_SPAN_MILLISECOND);
    clock->over = clock->bound != 0;
}

static struct udev_monitor *watch(struct udev *udev, const char *source, virEventHandleCallback callback,
                                  Clock *clock)
{
    struct udev_monitor *monitor = udev_monitor_new_from_netlink(udev, source);

    if (!monitor || udev_monitor_filter_add_match_subsystem_devtype(monitor, "usb", "usb_device") < 0 ||
        udev_monitor_enable_receiving(monitor) < 0 ||
        virEventAddHandle(udev_monitor_get_fd(monitor), VIR_EVENT_HANDLE_READABLE, callback, clock, NULL) < 0)
        exit(EXIT_FAILURE);
    return monitor;
}

int main(int argc, char **argv)
{
    struct udev *udev = udev_new();
    virConnectPtr connection;
    Clock clock = { .attach = argc == 3 };

    if (argc < 2 || argc > 3 || (clock.attach && strcmp(argv[2], "attach") != 0)) {
        fprintf(stderr, "usage: %s VM [attach]\n", argv[0]);
        return 2;
    }
    if (virEventRegisterDefaultImpl() < 0 || !(connection = virConnectOpen("qemu:///system")) ||
        !(clock.vm = virDomainLookupByName(connection, argv[1])) ||
        virConnectDomainEventRegisterAny(connection, clock.vm, VIR_DOMAIN_EVENT_ID_DEVICE_ADDED,
                                         VIR_DOMAIN_EVENT_CALLBACK(on_added), &clock, NULL) < 0)
        return EXIT_FAILURE;
    clock.kernel = watch(udev, "kernel", on_kernel, &clock);
    if (clock.attach)
        clock.udev = watch(udev, "udev", on_udev, &clock);
    puts("ready");
    fflush(stdout);
    while (!clock.over)
        if (virEventRunDefaultImpl() < 0)
            return EXIT_FAILURE;
    return EXIT_SUCCESS;
}
