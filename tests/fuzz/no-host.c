/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A host with no USB device, no user and a disk that is always quick, instead of the one that the fuzz target
 * of the whole start runs on: these come before the libraries' functions of the same name. */

#include <fcntl.h>
#include <grp.h>
#include <libudev.h>
#include <pwd.h>
#include <unistd.h>

/* Something that isn't NULL. Nobody looks into it. */
static char nothing[1];

struct udev *udev_new(void)
{
    return (struct udev *)nothing;
}

struct udev *udev_unref(struct udev *udev)
{
    return NULL;
}

struct udev_monitor *udev_monitor_new_from_netlink(struct udev *udev, const char *name)
{
    return (struct udev_monitor *)nothing;
}

struct udev_monitor *udev_monitor_unref(struct udev_monitor *monitor)
{
    return NULL;
}

int udev_monitor_filter_add_match_subsystem_devtype(struct udev_monitor *monitor, const char *subsystem,
                                                    const char *devtype)
{
    return 0;
}

int udev_monitor_set_receive_buffer_size(struct udev_monitor *monitor, int size)
{
    return 0;
}

int udev_monitor_enable_receiving(struct udev_monitor *monitor)
{
    return 0;
}

int udev_monitor_get_fd(struct udev_monitor *monitor)
{
    static int fd = -1;

    if (fd < 0)
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return fd;
}

struct udev_enumerate *udev_enumerate_new(struct udev *udev)
{
    return (struct udev_enumerate *)nothing;
}

struct udev_enumerate *udev_enumerate_unref(struct udev_enumerate *list)
{
    return NULL;
}

int udev_enumerate_add_match_subsystem(struct udev_enumerate *list, const char *subsystem)
{
    return 0;
}

int udev_enumerate_add_match_property(struct udev_enumerate *list, const char *property, const char *value)
{
    return 0;
}

int udev_enumerate_scan_devices(struct udev_enumerate *list)
{
    return 0;
}

struct udev_list_entry *udev_enumerate_get_list_entry(struct udev_enumerate *list)
{
    return NULL;
}

int getpwnam_r(const char *name, struct passwd *entry, char *buffer, size_t size, struct passwd **ret)
{
    *ret = NULL;
    return 0;
}

int getgrnam_r(const char *name, struct group *entry, char *buffer, size_t size, struct group **ret)
{
    *ret = NULL;
    return 0;
}

int fsync(int fd)
{
    return 0;
}
