/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes the files of umockdev's /sys where they are on the disk. Called by the scripted hypervisor, whose
 * lock is held. */

#include "tests/bus/scripted-kernel.h"

#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOST_DRIVER "usbhid"

/* After an attach, until the guest has configured the device. */
#define CONFIGURE_MS 30

static GMutex lock;

static char *root(const char *path)
{
    return g_build_filename(g_getenv("UMOCKDEV_DIR"), "sys", path, NULL);
}

static unsigned read_number(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autofree char *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) ? (unsigned)g_ascii_strtoull(text, NULL, 10) : 0;
}

/* Never half written, and nothing is made beside it, so that umockdev can remove the folder: one digit. */
static void write_number(const char *folder, const char *name, unsigned number)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    char text[] = { (char)('0' + number), '\n' };
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0 || write(fd, text, sizeof text) != (ssize_t)sizeof text)
        g_warning("%s: cannot be written", path);
    if (fd >= 0)
        close(fd);
}

static bool has(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);

    return g_file_test(path, G_FILE_TEST_EXISTS);
}

/* Devices that the test is about to remove, by number: no file may be made in their folders any more. */
static GHashTable *departed;

enum { DEVICES_MAX = 1000 }; /* of a bus */

static gpointer key(unsigned bus_number, unsigned device_number)
{
    return GUINT_TO_POINTER(bus_number * DEVICES_MAX + device_number);
}

/* The number is another device's now. */
static char *arrive(const char *sysname)
{
    g_autofree char *devices = root("bus/usb/devices");
    g_autofree char *device = g_build_filename(devices, sysname, NULL);

    if (departed)
        g_hash_table_remove(departed, key(read_number(device, "busnum"), read_number(device, "devnum")));
    return g_strdup("ok");
}

static char *depart(const char *sysname)
{
    g_autofree char *devices = root("bus/usb/devices");
    g_autofree char *device = g_build_filename(devices, sysname, NULL);

    if (!departed)
        departed = g_hash_table_new(NULL, NULL);
    g_hash_table_add(departed, key(read_number(device, "busnum"), read_number(device, "devnum")));
    return g_strdup("ok");
}

static bool has_departed(unsigned bus_number, unsigned device_number)
{
    return departed && g_hash_table_contains(departed, key(bus_number, device_number));
}

/* The folder of a device that tells; NULL = there is none. */
static char *find(unsigned bus_number, unsigned device_number)
{
    g_autofree char *devices = root("bus/usb/devices");
    g_autoptr(GDir) dir = g_dir_open(devices, 0, NULL);
    const char *name;

    if (has_departed(bus_number, device_number))
        return NULL;
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *link = g_build_filename(devices, name, NULL);

        if (read_number(link, "busnum") == bus_number && read_number(link, "devnum") == device_number &&
            has(link, "authorized"))
            return realpath(link, NULL);
    }
    return NULL;
}

/* name: NULL = none. */
static void set_driver_of(const char *interface, const char *name)
{
    g_autofree char *link = g_build_filename(interface, "driver", NULL);
    g_autofree char *next = root("driver.next");
    g_autofree char *target = g_strconcat("../../../../../../bus/usb/drivers/", name, NULL);

    if (!name) {
        (void)unlink(link);
    } else if (symlink(target, next) == 0) {
        (void)rename(next, link);
    }
}

static void set_drivers(const char *device, const char *name)
{
    g_autofree char *prefix = g_path_get_basename(device);
    g_autoptr(GDir) dir = g_dir_open(device, 0, NULL);
    const char *entry;

    while (dir && (entry = g_dir_read_name(dir)))
        if (g_str_has_prefix(entry, prefix) && entry[strlen(prefix)] == ':') {
            g_autofree char *interface = g_build_filename(device, entry, NULL);

            set_driver_of(interface, name);
        }
}

static char *get_driver(const char *device)
{
    g_autofree char *sysname = g_path_get_basename(device);
    g_autofree char *link = g_strdup_printf("%s/%s:1.0/driver", device, sysname);
    g_autofree char *target = g_file_read_link(link, NULL);

    return target ? g_path_get_basename(target) : g_strdup("none");
}

static void add_opens(const char *device, int more)
{
    int opens = (int)read_number(device, "power/runtime_usage") + more;

    if (has(device, "power/runtime_usage"))
        write_number(device, "power/runtime_usage", (unsigned)MAX(opens, 0));
}

/* ------------------------------------------------------------------ QEMU */

static gboolean configure(gpointer data)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&lock);
    guint number = GPOINTER_TO_UINT(data);
    char *device = find(number / DEVICES_MAX, number % DEVICES_MAX);
    g_autofree char *driver = device ? get_driver(device) : NULL;

    /* The device may have gone elsewhere meanwhile. In the main thread, as departures are. */
    if (device && !has_departed(number / DEVICES_MAX, number % DEVICES_MAX) && strcmp(driver, "none") == 0 &&
        read_number(device, "power/runtime_usage") > 0)
        set_drivers(device, "usbfs");
    free(device);
    return G_SOURCE_REMOVE;
}

void scripted_kernel_attach(unsigned bus_number, unsigned device_number, bool configured)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&lock);
    char *device = find(bus_number, device_number);
    g_autofree char *driver = device ? get_driver(device) : NULL;

    if (!device)
        return;
    add_opens(device, 1);
    /* What a program has claimed stays its own. */
    if (strcmp(driver, "usbfs") != 0 && read_number(device, "authorized"))
        set_drivers(device, NULL);
    if (configured && strcmp(driver, "usbfs") != 0)
        g_timeout_add(CONFIGURE_MS, configure, key(bus_number, device_number));
    free(device);
}

void scripted_kernel_release(unsigned bus_number, unsigned device_number, bool gently)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&lock);
    char *device = find(bus_number, device_number);

    if (!device)
        return;
    if (read_number(device, "authorized") && (gently || read_number(device, "power/runtime_usage") <= 1))
        set_drivers(device, gently ? HOST_DRIVER : NULL);
    add_opens(device, -1);
    free(device);
}

void scripted_kernel_connect(unsigned bus_number, unsigned device_number)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&lock);
    char *device = find(bus_number, device_number);
    g_autofree char *driver = device ? get_driver(device) : NULL;

    if (device && strcmp(driver, "none") == 0)
        set_drivers(device, HOST_DRIVER);
    free(device);
}

void scripted_kernel_take_back(unsigned bus_number, unsigned device_number)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&lock);
    char *device = find(bus_number, device_number);

    if (device)
        set_drivers(device, HOST_DRIVER);
    free(device);
}

void scripted_kernel_begin(void)
{
    g_autofree char *devices = root("bus/usb/devices");
    g_autoptr(GDir) dir = g_dir_open(devices, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *device = g_build_filename(devices, name, NULL);

        if (!has(device, "power/runtime_usage"))
            continue;
        write_number(device, "power/runtime_usage", 0);
        set_drivers(device, HOST_DRIVER);
    }
}

/* ------------------------------------------------------------------ the script */

static void authorize(const char *device, unsigned authorized)
{
    write_number(device, "authorized", authorized);
    set_drivers(device, authorized ? HOST_DRIVER : NULL);
}

static char *show(const char *device)
{
    g_autofree char *driver = get_driver(device);

    return g_strdup_printf("ok opens=%u driver=%s authorized=%u", read_number(device, "power/runtime_usage"),
                           driver, read_number(device, "authorized"));
}

static char *run(const char *device, const char *verb, const char *value)
{
    g_autofree char *usage = g_build_filename(device, "power/runtime_usage", NULL);

    if (strcmp(verb, "show") == 0)
        return show(device);
    if (strcmp(verb, "forget") == 0)
        (void)unlink(usage);
    else if (value && strcmp(verb, "opens") == 0)
        write_number(device, "power/runtime_usage", (unsigned)g_ascii_strtoull(value, NULL, 10));
    else if (value && strcmp(verb, "driver") == 0)
        set_drivers(device, strcmp(value, "none") == 0 ? NULL : value);
    else if (value && strcmp(verb, "authorized") == 0)
        authorize(device, (unsigned)g_ascii_strtoull(value, NULL, 10));
    else
        return g_strdup("error unknown");
    return g_strdup("ok");
}

char *scripted_kernel_command(char **words)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&lock);
    char *device, *answer;

    if (g_strv_length(words) == 2 && strcmp(words[0], "depart") == 0)
        return depart(words[1]);
    if (g_strv_length(words) == 2 && strcmp(words[0], "arrive") == 0)
        return arrive(words[1]);
    if (g_strv_length(words) < 3)
        return g_strdup("error unknown");
    device =
        find((unsigned)g_ascii_strtoull(words[1], NULL, 10), (unsigned)g_ascii_strtoull(words[2], NULL, 10));
    answer = device ? run(device, words[0], words[3]) : g_strdup("error no such device");
    free(device);
    return answer;
}
