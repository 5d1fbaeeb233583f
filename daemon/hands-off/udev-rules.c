/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the file says, and how it comes into its folder. Called by hands-off.c. */

#include "daemon/hands-off/udev-rules.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/error.h"
#include "daemon/usb/udev-daemon.h"

/* udev reads what ends in ".rules". */
#define NEW_SUFFIX ".new"

#define FILE_MODE   0644 /* whoever looks for the reason may read it */
#define FOLDER_MODE 0755

/* A device says it of itself, all below it ask their parent. */
static const char head[] =
    "# Made by usbferryd, and written anew with every change: devices that wait for a VM, see usbferryd(8).\n"
    "ACTION==\"remove\", GOTO=\"usbferry_end\"\n"
    "DEVPATH!=\"/devices/*/usb[0-9]*/*\", GOTO=\"usbferry_end\"\n"
    "SUBSYSTEM==\"usb\", ENV{DEVTYPE}==\"usb_device\", GOTO=\"usbferry_devices\"\n"
    "IMPORT{parent}=\"" UDEV_WAITS "\"\n"
    "GOTO=\"usbferry_hands_off\"\n"
    "LABEL=\"usbferry_devices\"\n"
    "ATTR{bDeviceClass}==\"09\", GOTO=\"usbferry_end\"\n";

/* Who is told what:
 *   block     udisks neither shows nor mounts it, systemd starts nothing for it, MD and LVM pass it over
 *   net, tty  NetworkManager and ModemManager
 *   the device itself: ModemManager, and libmtp, which would open it to see what it is
 * And when it leaves at once:
 *   input     libinput, as long as the host has other ones; not earlier, as a keyboard is no keyboard then
 *   sound     PulseAudio and PipeWire */
static const char tail[] =
    "LABEL=\"usbferry_hands_off\"\n"
    "ENV{" UDEV_WAITS "}!=\"?*\", GOTO=\"usbferry_end\"\n"
    "SUBSYSTEM==\"block\", ENV{UDISKS_IGNORE}=\"1\", ENV{UDISKS_AUTO}=\"0\", ENV{SYSTEMD_READY}=\"0\", "
    "ENV{DM_MULTIPATH_DEVICE_PATH}=\"1\", ENV{" UDEV_PASSED_OVER "}=\"1\"\n"
    "SUBSYSTEM==\"net\", ENV{NM_UNMANAGED}=\"1\", ENV{ID_MM_PORT_IGNORE}=\"1\", ENV{" UDEV_PASSED_OVER
    "}=\"1\"\n"
    "SUBSYSTEM==\"tty|usbmisc|wwan\", ENV{ID_MM_PORT_IGNORE}=\"1\", ENV{" UDEV_PASSED_OVER "}=\"1\"\n"
    "SUBSYSTEM==\"usb\", ENV{DEVTYPE}==\"usb_device\", ENV{ID_MM_DEVICE_IGNORE}=\"1\", "
    "ENV{MTP_NO_PROBE}=\"1\", ENV{" UDEV_PASSED_OVER "}=\"1\"\n"
    "ENV{" UDEV_WAITS "}!=\"" UDEV_WAITS_LEAVING "\", GOTO=\"usbferry_end\"\n"
    "SUBSYSTEM==\"input\", ENV{" UDEV_NO_INPUT "}=\"1\"\n"
    "SUBSYSTEM==\"sound\", ENV{PULSE_IGNORE}=\"1\", ENV{ACP_IGNORE}=\"1\"\n"
    "LABEL=\"usbferry_end\"\n";

char *udev_rules_print(const Waiting *waiting)
{
    g_autoptr(GString) text = g_string_new(head);
    bool any = false;

    for (guint i = 0; i < waiting->lines->len; i++) {
        const WaitingLine *line = waiting->lines->pdata[i];

        g_string_append_printf(text, "%s, ENV{" UDEV_WAITS "}=\"%s\"\n", line->matches, line->waits);
        any = any || *line->waits;
    }
    g_string_append(text, tail);
    return any ? g_string_free(g_steal_pointer(&text), FALSE) : g_strdup("");
}

/* ------------------------------------------------------------------ the file */

static bool fail(const char *path, GError **error)
{
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_STORAGE, "%s: %s", path, g_strerror(errno));
    return false;
}

static bool write_all(int fd, const char *text)
{
    for (gsize length = strlen(text); length > 0;) {
        gssize n = write(fd, text, length);

        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0) {
            text += n;
            length -= (gsize)n;
        }
    }
    return true;
}

/* Made anew each time, whatever was left of an earlier one. */
static bool write_new(const char *path, const char *text, GError **error)
{
    int fd;
    bool ok;

    (void)g_unlink(path);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    if (fd < 0)
        return fail(path, error);
    ok = fchmod(fd, FILE_MODE) == 0 && write_all(fd, text);
    if (close(fd) < 0 || !ok) {
        fail(path, error);
        (void)g_unlink(path);
        return false;
    }
    return true;
}

static bool replace(const char *folder, const char *path, const char *text, GError **error)
{
    g_autofree char *new_path = g_strconcat(path, NEW_SUFFIX, NULL);

    if (g_mkdir(folder, FOLDER_MODE) < 0 && errno != EEXIST)
        return fail(folder, error);
    if (!write_new(new_path, text, error))
        return false;
    if (g_rename(new_path, path) == 0)
        return true;
    fail(path, error);
    (void)g_unlink(new_path);
    return false;
}

bool udev_rules_write(const char *folder, const char *text, bool *ret_changed, GError **error)
{
    g_autofree char *path = g_build_filename(folder, UDEV_RULES_FILE, NULL);
    g_autofree char *now = NULL;
    bool is_there = g_file_get_contents(path, &now, NULL, NULL);
    bool ok = true, is_right = is_there ? strcmp(now, text) == 0 : !*text;

    if (!is_right && *text)
        ok = replace(folder, path, text, error);
    else if (!is_right)
        ok = g_unlink(path) == 0 || errno == ENOENT || fail(path, error);
    if (ok)
        *ret_changed = !is_right;
    return ok;
}

UdevRulesMark udev_rules_mark(const char *folder)
{
    enum { NS_PER_S = 1000000000 };
    g_autofree char *path = g_build_filename(folder, UDEV_RULES_FILE, NULL);
    struct stat info;

    if (lstat(path, &info) < 0)
        return (UdevRulesMark){};
    /* Also of who writes into it and puts the old time back. */
    return (UdevRulesMark){ .device = info.st_dev,
                            .inode = info.st_ino,
                            .size = info.st_size,
                            .changed_ns = (int64_t)info.st_ctim.tv_sec * NS_PER_S + info.st_ctim.tv_nsec };
}

bool udev_rules_mark_is(const UdevRulesMark *one, const UdevRulesMark *other)
{
    return one->device == other->device && one->inode == other->inode && one->size == other->size &&
           one->changed_ns == other->changed_ns;
}
