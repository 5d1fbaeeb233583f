/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads sysfs: the device's authorized and power/, and where its interfaces' links "driver" lead. Never its
 * texts, nor its configuration: for those the kernel waits while the device is being reset. Called by the
 * reconciler's witness and by hotplug/. */

#include "daemon/usb/kernel-facts.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define USBFS "usbfs"

/* Numbers and words only. */
#define ATTRIBUTE_MAX 32

/* An interface has a number of its own below this: so many fit into the bits. */
#define INTERFACES_MAX 32

/* False when there is none. */
static bool read_attribute(const char *syspath, const char *name, char text[static ATTRIBUTE_MAX])
{
    g_autofree char *path = g_build_filename(syspath, name, NULL);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length;

    if (fd < 0)
        return false;
    length = read(fd, text, ATTRIBUTE_MAX - 1);
    close(fd);
    if (length < 0)
        return false;
    text[length] = '\0';
    g_strchomp(text);
    return true;
}

/* power/runtime_usage counts every open file of usbfs, and one more while nothing may suspend the device. */
static int read_opens(const char *syspath)
{
    char control[ATTRIBUTE_MAX] = "", usage[ATTRIBUTE_MAX], status[ATTRIBUTE_MAX] = "";
    bool held = read_attribute(syspath, "power/control", control) && strcmp(control, "on") == 0;
    guint64 count;

    if (read_attribute(syspath, "power/runtime_usage", usage) &&
        g_ascii_string_to_unsigned(usage, 10, 0, G_MAXINT, &count, NULL))
        return MAX((int)count - (held ? 1 : 0), 0);
    /* The kernel suspends nothing that anybody has open. */
    return strcmp(control, "auto") == 0 && read_attribute(syspath, "power/runtime_status", status) &&
                   strcmp(status, "suspended") == 0
               ? 0
               : KERNEL_OPENS_UNKNOWN;
}

/* name: "1-2:1.0", of configuration 1 interface 0. */
static void read_interface(const char *syspath, const char *name, KernelFacts *facts)
{
    g_autofree char *path = g_build_filename(syspath, name, "driver", NULL);
    const char *dot = strrchr(name, '.');
    char target[PATH_MAX];
    const char *driver;
    ssize_t length;
    guint64 number;

    if (!dot || !g_ascii_string_to_unsigned(dot + 1, 10, 0, INTERFACES_MAX - 1, &number, NULL))
        return;
    length = readlink(path, target, sizeof target - 1);
    if (length < 0) {
        facts->driverless |= (uint32_t)1 << number;
        return;
    }
    target[length] = '\0';
    driver = strrchr(target, '/');
    if (strcmp(driver ? driver + 1 : target, USBFS) == 0)
        facts->on_usbfs++;
    else
        facts->on_host++;
}

void kernel_facts_read(const char *syspath, KernelFacts *ret_facts)
{
    KernelFacts facts = { .authorized = true };
    g_autofree char *sysname = g_path_get_basename(syspath);
    g_autofree char *prefix = g_strconcat(sysname, ":", NULL);
    g_autoptr(GDir) folder = g_dir_open(syspath, 0, NULL);
    char authorized[ATTRIBUTE_MAX];
    const char *name;

    facts.opens = read_opens(syspath);
    if (read_attribute(syspath, "authorized", authorized))
        facts.authorized = strcmp(authorized, "0") != 0;
    while (folder && (name = g_dir_read_name(folder)))
        if (g_str_has_prefix(name, prefix))
            read_interface(syspath, name, &facts);
    *ret_facts = facts;
}

bool kernel_facts_show(const KernelFacts *facts, KernelSign sign)
{
    switch (sign) {
    case KERNEL_SIGN_UNAUTHORIZED:
        return !facts->authorized;
    case KERNEL_SIGN_HOST_DRIVER:
        return facts->on_host > 0;
    case KERNEL_SIGN_CLOSED:
        return facts->opens == 0;
    case KERNEL_SIGN_SHARED:
        return facts->opens > 1;
    case KERNEL_SIGN_CLAIMED:
        return facts->on_usbfs > 0;
    case KERNEL_SIGN_IN_USE:
        return facts->on_usbfs > 0 || facts->opens > 0;
    case KERNEL_SIGN_UNCLAIMED:
        return facts->driverless != 0;
    case _KERNEL_SIGN_MAX:
        break;
    }
    return false;
}

bool kernel_word_take(KernelWord *word, const KernelFacts *facts, gint64 now)
{
    bool changed = false;

    word->facts = *facts;
    word->seen_at = now;
    for (KernelSign sign = 0; sign < _KERNEL_SIGN_MAX; sign++) {
        bool shown = kernel_facts_show(facts, sign);

        if (shown == (word->since[sign] != 0))
            continue;
        word->since[sign] = shown ? now : 0;
        changed = true;
    }
    return changed;
}

void kernel_word_begin_anew(KernelWord *word, gint64 now)
{
    for (KernelSign sign = 0; sign < _KERNEL_SIGN_MAX; sign++)
        if (word->since[sign])
            word->since[sign] = now;
}

bool kernel_word_shows(const KernelWord *word, KernelSign sign)
{
    return word->since[sign] != 0;
}

bool kernel_word_lasts(const KernelWord *word, KernelSign sign, gint64 duration)
{
    return word->since[sign] && word->seen_at - word->since[sign] >= duration;
}
