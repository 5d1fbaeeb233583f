/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A program that is run, and uevents that are asked for. Called by workers; writes to files named "uevent"
 * below the device that it was given, and nothing else. */

#include "daemon/usb/udev-daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/error.h"

/* Seconds; one that hangs is not waited for any longer. */
#define RELOAD_TIMEOUT "--timeout=10"

/* A disk's partition is the deepest: interface, host, target, device, block, sda, sda1. */
#define DEPTH_MAX 12

bool udev_daemon_read_rules(GError **error)
{
    static const char *const command[] = { "udevadm", "control", "--reload", RELOAD_TIMEOUT, NULL };
    g_autofree char *said = NULL;
    g_autoptr(GError) failure = NULL;
    int status = 0;

    if (g_spawn_sync("/", (char **)command, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL,
                     NULL, NULL, &said, &status, &failure) &&
        g_spawn_check_wait_status(status, &failure))
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_STORAGE, "udevadm control --reload: %s",
                said && *g_strstrip(said) ? said : failure->message);
    return false;
}

/* ------------------------------------------------------------------ udev's records */

static char *read_file(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    char *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) ? g_strchomp(text) : NULL;
}

static char *read_subsystem(const char *folder)
{
    g_autofree char *link = g_build_filename(folder, "subsystem", NULL);
    g_autofree char *target = g_file_read_link(link, NULL);

    return target ? g_path_get_basename(target) : NULL;
}

/* As udev calls it: "c189:5", "b8:0", "n3", "+usb:3-1:1.0". NULL = it is no device. New string. */
static char *record_name(const char *folder)
{
    g_autofree char *subsystem = read_subsystem(folder);
    g_autofree char *number = read_file(folder, "dev"), *index = read_file(folder, "ifindex");
    g_autofree char *name = g_path_get_basename(folder);

    if (!subsystem)
        return NULL;
    if (number)
        return g_strdup_printf("%c%s", strcmp(subsystem, "block") == 0 ? 'b' : 'c', number);
    if (index)
        return g_strdup_printf("n%s", index);
    return g_strdup_printf("+%s:%s", subsystem, name);
}

/* The lines of its record, none without one. New array. */
static char **read_record(const char *root, const char *folder)
{
    g_autofree char *name = record_name(folder);
    g_autofree char *records = g_build_filename(*root ? root : "/", "run/udev/data", NULL);
    g_autofree char *text = name ? read_file(records, name) : NULL;

    return g_strsplit(text ? text : "", "\n", -1);
}

/* Borrowed; "" = it has no such property. */
static const char *find_property(char *const *record, const char *property)
{
    g_autofree char *begin = g_strdup_printf("E:%s=", property);

    for (gsize i = 0; record[i]; i++)
        if (g_str_has_prefix(record[i], begin))
            return record[i] + strlen(begin);
    return "";
}

/* ------------------------------------------------------------------ uevents */

static bool ask_for(const char *folder, const char *action, GError **error)
{
    g_autofree char *path = g_build_filename(folder, "uevent", NULL);
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    gsize length = strlen(action);
    bool ok = fd >= 0 && write(fd, action, length) == (gssize)length;
    int saved_errno = errno;

    if (fd >= 0)
        close(fd);
    /* Part of it may have gone meanwhile. */
    if (!ok && saved_errno != ENOENT && saved_errno != ENODEV)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_STORAGE, "%s: %s", path, g_strerror(saved_errno));
    return ok || saved_errno == ENOENT || saved_errno == ENODEV;
}

/* Whoever has a keyboard or a sound card open goes on with it. */
static bool is_left_open(const char *folder)
{
    g_autofree char *subsystem = read_subsystem(folder);

    return g_strcmp0(subsystem, "input") == 0 || g_strcmp0(subsystem, "sound") == 0;
}

/* NULL = none. */
static const char *action_for(const char *folder, char *const *record, const char *waits)
{
    bool came = (*find_property(record, UDEV_PASSED_OVER) && !*waits) ||
                (*find_property(record, UDEV_NO_INPUT) && strcmp(waits, UDEV_WAITS_LEAVING) != 0);
    bool is_right = strcmp(find_property(record, UDEV_WAITS), waits) == 0;

    if (came)
        return "add";
    return is_right || (*waits && !*find_property(record, UDEV_WAITS) && is_left_open(folder)) ? NULL
                                                                                               : "change";
}

/* Parents first, as the kernel announces them. */
static bool ask_below(const char *root, const char *folder, const char *waits, int depth, GError **error)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;
    bool ok = true;

    while (ok && depth < DEPTH_MAX && dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_autofree char *uevent = g_build_filename(path, "uevent", NULL);
        g_auto(GStrv) record = NULL;
        const char *action;
        struct stat about;

        if (lstat(path, &about) < 0 || !S_ISDIR(about.st_mode))
            continue;
        record = read_record(root, path);
        action = g_file_test(uevent, G_FILE_TEST_EXISTS) ? action_for(path, record, waits) : NULL;
        ok = (!action || ask_for(path, action, error)) && ask_below(root, path, waits, depth + 1, error);
    }
    return ok;
}

bool udev_daemon_announce(const char *root, const char *syspath, const char *waits, GError **error)
{
    g_autofree char *folder = g_strconcat(root, syspath, NULL);
    g_auto(GStrv) record = read_record(root, folder);
    const char *was = find_property(record, UDEV_WAITS);

    if (strcmp(was, waits) == 0)
        return true;
    return ask_for(folder, *waits ? "change" : "add", error) && ask_below(root, folder, waits, 0, error);
}
