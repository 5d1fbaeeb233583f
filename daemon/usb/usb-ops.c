/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is done to the hardware, by way of usbfs and sysfs. Called by workers only: the kernel may take
 * seconds. */

#include "daemon/usb/usb-ops.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/usb/ch9.h>
#include <linux/usbdevice_fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "daemon/base/error.h"
#include "daemon/usb/node-users.h"
#include "daemon/usb/udev-daemon.h"

#define NODES "/dev/bus/usb"

/* So many bits name interfaces. */
#define INTERFACES_MAX 32

/* Kernel 6.0 and later. */
#define SWITCH_ATTRIBUTE "disable"

static bool fail(GError **error, const char *what, int saved_errno)
{
    bool gone = saved_errno == ENODEV || saved_errno == ENOENT;

    g_set_error(error, FERRY_ERROR, gone ? FERRY_ERROR_NO_SUCH_DEVICE : FERRY_ERROR_RESET_FAILED, "%s: %s",
                what, g_strerror(saved_errno));
    return false;
}

/* A device node begins with the device's descriptor, in the byte order of the host. */
static bool is_of_kind(int fd, const UsbAddress *address)
{
    struct usb_device_descriptor descriptor;

    return pread(fd, &descriptor, sizeof descriptor, 0) == (ssize_t)sizeof descriptor &&
           descriptor.idVendor == address->vendor_id && descriptor.idProduct == address->product_id;
}

/* -1 when it can't be opened, or is another one by now. */
static int open_node(const UsbAddress *address, GError **error)
{
    g_autofree char *node = g_strdup_printf(NODES "/%03u/%03u", address->bus_number, address->device_number);
    int fd = open(node, O_RDWR | O_CLOEXEC);
    int open_errno = errno;

    if (fd < 0 && !g_file_test(NODES, G_FILE_TEST_IS_DIR)) {
        /* The sandbox takes what there is when the service starts. */
        g_set_error_literal(error, FERRY_ERROR, FERRY_ERROR_RESET_FAILED,
                            NODES " was not there when usbferryd was started: restart it");
        return -1;
    }
    if (fd < 0) {
        fail(error, node, open_errno);
        return -1;
    }
    if (is_of_kind(fd, address))
        return fd;
    fail(error, node, ENODEV);
    close(fd);
    return -1;
}

static bool reset(const UsbAddress *address, GError **error)
{
    int fd = open_node(address, error);
    bool ok;

    if (fd < 0)
        return false;
    ok = ioctl(fd, USBDEVFS_RESET, NULL) >= 0 || fail(error, "the kernel cannot reset it", errno);
    close(fd);
    return ok;
}

/* A driver of the host's stays where it is. */
static void disconnect_usbfs(int fd, int number)
{
    struct usbdevfs_getdriver driver = { .interface = (unsigned)number };
    struct usbdevfs_ioctl command = { .ifno = number, .ioctl_code = USBDEVFS_DISCONNECT };

    if (ioctl(fd, USBDEVFS_GETDRIVER, &driver) >= 0 && strcmp(driver.driver, "usbfs") == 0)
        (void)ioctl(fd, USBDEVFS_IOCTL, &command); /* what comes of it shows when drivers are called */
}

static bool connect_drivers(const UsbAddress *address, uint32_t interfaces, GError **error);

static bool take_back(const UsbAddress *address, uint32_t interfaces, GError **error)
{
    int fd = open_node(address, error);

    if (fd < 0)
        return false;
    for (int number = 0; number < INTERFACES_MAX; number++)
        if (interfaces >> number & 1)
            disconnect_usbfs(fd, number);
    close(fd);
    return connect_drivers(address, interfaces, error);
}

static bool connect_drivers(const UsbAddress *address, uint32_t interfaces, GError **error)
{
    int fd = open_node(address, error);
    bool ok = true;

    if (fd < 0)
        return false;
    for (int number = 0; number < INTERFACES_MAX; number++) {
        struct usbdevfs_ioctl command = { .ifno = number, .ioctl_code = USBDEVFS_CONNECT };

        /* EBUSY: it has one by now; ENODATA: the interface is gone. */
        if ((interfaces >> number & 1) && ioctl(fd, USBDEVFS_IOCTL, &command) < 0 && errno != EBUSY &&
            errno != ENODATA && errno != EINVAL)
            ok = fail(ok ? error : NULL, "the kernel cannot bind its drivers", errno);
    }
    close(fd);
    return ok;
}

static char *find_users(const UsbAddress *address, bool beside_qemu)
{
    return node_users_find(address->bus_number, address->device_number, beside_qemu);
}

static bool switch_port(const char *folder, bool on, GError **error)
{
    g_autofree char *path = g_build_filename(folder, SWITCH_ATTRIBUTE, NULL);
    const char *value = on ? "0" : "1";
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok;

    if (fd < 0)
        return fail(error, path, errno);
    ok = write(fd, value, strlen(value)) == (ssize_t)strlen(value) || fail(error, path, errno);
    close(fd);
    return ok;
}

static bool announce(const char *syspath, const char *waits, GError **error)
{
    return udev_daemon_announce("", syspath, waits, error);
}

const UsbOps usb_ops = {
    .reset = reset,
    .switch_port = switch_port,
    .connect = connect_drivers,
    .take_back = take_back,
    .find_users = find_users,
    .read_rules = udev_daemon_read_rules,
    .announce = announce,
};
