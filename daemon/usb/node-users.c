/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* /proc/PID/fd, process by process. Called by workers; its own process is left out. */

#include "daemon/usb/node-users.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/text.h"

/* More are not named. */
#define NAMES_MAX 3

/* The main thread of a QEMU is called so, whatever the VM's name is. */
#define QEMU_PREFIX "qemu"

static bool has_open(const char *pid, const char *node)
{
    g_autofree char *path = g_build_filename("/proc", pid, "fd", NULL);
    g_autoptr(GDir) descriptors = g_dir_open(path, 0, NULL);
    const char *name;

    while (descriptors && (name = g_dir_read_name(descriptors))) {
        g_autofree char *link = g_build_filename(path, name, NULL);
        char target[PATH_MAX];
        ssize_t length = readlink(link, target, sizeof target - 1);

        if (length < 0)
            continue;
        target[length] = '\0';
        if (strcmp(target, node) == 0)
            return true;
    }
    return false;
}

/* New string. */
static char *read_name(const char *pid)
{
    g_autofree char *path = g_build_filename("/proc", pid, "comm", NULL);
    g_autofree char *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) ? text_sanitize(g_strchomp(text), TEXT_MAX)
                                                        : g_strdup("");
}

char *node_users_find(unsigned bus_number, unsigned device_number, bool beside_qemu)
{
    g_autofree char *node = g_strdup_printf("/dev/bus/usb/%03u/%03u", bus_number, device_number);
    g_autofree char *own = g_strdup_printf("%d", (int)getpid());
    g_autoptr(GDir) processes = g_dir_open("/proc", 0, NULL);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    const char *pid;

    while (processes && names->len < NAMES_MAX && (pid = g_dir_read_name(processes))) {
        g_autofree char *name = NULL;

        if (!g_ascii_isdigit(*pid) || strcmp(pid, own) == 0 || !has_open(pid, node))
            continue;
        name = read_name(pid);
        if (*name && !(beside_qemu && g_str_has_prefix(name, QEMU_PREFIX)) &&
            !g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
            g_ptr_array_add(names, g_steal_pointer(&name));
    }
    g_ptr_array_add(names, NULL);
    return names->len > 1 ? g_strjoinv(", ", (char **)names->pdata) : NULL;
}
