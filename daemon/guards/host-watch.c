/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Four files in the main loop; many hints at once are one. Called by the manager's guards; reads hints only.
 */

#include "daemon/guards/host-watch.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <libudev.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/log.h"

enum { MOUNTS, SWAPS, ROUTES, FILES };

struct HostWatch {
    void (*changed)(void *userdata);
    void (*lost)(void *userdata);
    void *userdata;
    int files[FILES];
    guint sources[FILES];
    struct udev *udev;
    struct udev_monitor *monitor;
    guint monitor_source;
    guint look; /* source: 0 = no hint since the last look */
};

static gboolean on_look(gpointer userdata)
{
    HostWatch *self = userdata;

    self->look = 0;
    self->changed(self->userdata);
    return G_SOURCE_REMOVE;
}

void host_watch_hint(HostWatch *self)
{
    if (!self->look)
        self->look = g_idle_add_full(G_PRIORITY_HIGH, on_look, self, NULL);
}

static gboolean on_file(int fd, GIOCondition condition, gpointer userdata)
{
    host_watch_hint(userdata);
    return G_SOURCE_CONTINUE;
}

/* What it says is not read: also a loss of messages says "look again". */
static gboolean on_route(int fd, GIOCondition condition, gpointer userdata)
{
    char unread;
    ssize_t length;

    do
        length = recv(fd, &unread, sizeof unread, MSG_DONTWAIT | MSG_TRUNC);
    while (length > 0 || (length < 0 && (errno == ENOBUFS || errno == EINTR)));
    host_watch_hint(userdata);
    return G_SOURCE_CONTINUE;
}

static gboolean on_device(int fd, GIOCondition condition, gpointer userdata)
{
    HostWatch *self = userdata;
    struct udev_device *device;

    while ((device = udev_monitor_receive_device(self->monitor)))
        udev_device_unref(device);
    host_watch_hint(self);
    /* What is over stays readable for ever. */
    if (condition & (G_IO_HUP | G_IO_NVAL)) {
        log_warning("udev: the connection broke, what the host uses isn't seen any more");
        self->monitor_source = 0;
        self->lost(self->userdata);
        return G_SOURCE_REMOVE;
    }
    return G_SOURCE_CONTINUE;
}

/* ------------------------------------------------------------------ begin and end */

static void watch_file(HostWatch *self, int which, int fd, GIOCondition condition, GUnixFDSourceFunc on_ready,
                       const char *what)
{
    self->files[which] = fd;
    if (fd < 0)
        log_warning("%s of the host can't be watched: %s", what, g_strerror(errno));
    else
        self->sources[which] = g_unix_fd_add_full(G_PRIORITY_HIGH, fd, condition, on_ready, self, NULL);
}

static int open_routes(void)
{
    const struct sockaddr_nl address = {
        .nl_family = AF_NETLINK,
        .nl_groups = RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE | RTMGRP_LINK,
    };
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

    if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void watch_devices(HostWatch *self)
{
    static const char *const subsystems[] = { "block", "input", "net", "bluetooth", "hidraw" };

    self->udev = udev_new();
    self->monitor = self->udev ? udev_monitor_new_from_netlink(self->udev, "udev") : NULL;
    for (gsize i = 0; self->monitor && i < G_N_ELEMENTS(subsystems); i++)
        udev_monitor_filter_add_match_subsystem_devtype(self->monitor, subsystems[i], NULL);
    if (self->monitor && udev_monitor_enable_receiving(self->monitor) >= 0)
        self->monitor_source = g_unix_fd_add_full(G_PRIORITY_HIGH, udev_monitor_get_fd(self->monitor),
                                                  G_IO_IN, on_device, self, NULL);
    else
        log_warning("disks, input devices and networks of the host can't be watched");
}

HostWatch *host_watch_new(void (*changed)(void *userdata), void (*lost)(void *userdata), void *userdata)
{
    HostWatch *self = g_new0(HostWatch, 1);

    self->changed = changed;
    self->lost = lost;
    self->userdata = userdata;
    watch_file(self, MOUNTS, open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC), G_IO_PRI, on_file, "mounts");
    watch_file(self, SWAPS, open("/proc/swaps", O_RDONLY | O_CLOEXEC), G_IO_PRI, on_file, "swap");
    watch_file(self, ROUTES, open_routes(), G_IO_IN, on_route, "routes");
    watch_devices(self);
    return self;
}

HostWatch *host_watch_free(HostWatch *self)
{
    if (!self)
        return NULL;
    for (int i = 0; i < FILES; i++) {
        g_clear_handle_id(&self->sources[i], g_source_remove);
        if (self->files[i] >= 0)
            close(self->files[i]);
    }
    g_clear_handle_id(&self->monitor_source, g_source_remove);
    g_clear_handle_id(&self->look, g_source_remove);
    if (self->monitor)
        udev_monitor_unref(self->monitor);
    if (self->udev)
        udev_unref(self->udev);
    g_free(self);
    return NULL;
}
