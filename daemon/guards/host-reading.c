/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of the kernel become facts, one function a kind of file. Called by the manager's guards; reads only.
 */

#include "daemon/guards/host-reading.h"

#include <limits.h>
#include <linux/input-event-codes.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ files */

/* The contents without white space at the end; NULL = there is none. New string. */
static char *read_file(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        return NULL;
    return g_strchomp(text);
}

static char **read_lines(const char *root, const char *name)
{
    g_autofree char *text = read_file(*root ? root : "/", name);

    return g_strsplit(text ? text : "", "\n", -1);
}

/* Names in a folder that begin with that, without it; NULL-terminated. */
static char **list(const char *folder, const char *prefix)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    GPtrArray *names = g_ptr_array_new();
    const char *name;

    while (dir && (name = g_dir_read_name(dir)))
        if (g_str_has_prefix(name, prefix))
            g_ptr_array_add(names, g_strdup(name + strlen(prefix)));
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(names, FALSE);
}

/* Where a link of /sys/class leads, as the kernel has it: "/sys/devices/…". NULL = nowhere. New string. */
static char *resolve(const char *root, const char *path)
{
    char resolved[PATH_MAX], base[PATH_MAX] = "";

    if (!realpath(path, resolved) || (*root && !realpath(root, base)))
        return NULL;
    return g_strdup(resolved + (g_str_has_prefix(resolved, base) ? strlen(base) : 0));
}

/* A property of udev's database; NULL = it has none. New string. */
static char *read_property(const char *root, const char *id, const char *key)
{
    g_autofree char *path = g_strdup_printf("run/udev/data/%s", id);
    g_autofree char *begin = g_strdup_printf("E:%s=", key);
    g_auto(GStrv) lines = read_lines(root, path);

    for (gsize i = 0; lines[i]; i++)
        if (g_str_has_prefix(lines[i], begin))
            return g_strdup(lines[i] + strlen(begin));
    return NULL;
}

/* Calls read() for each device of a class. */
static void each(const char *root, const char *class_name, HostFacts *facts,
                 void (*read)(const char *root, const char *name, const char *path, HostFacts *facts))
{
    g_autofree char *folder = g_build_filename(*root ? root : "/", "sys/class", class_name, NULL);
    g_auto(GStrv) names = list(folder, "");

    for (gsize i = 0; names[i]; i++) {
        g_autofree char *path = g_build_filename(folder, names[i], NULL);

        read(root, names[i], path, facts);
    }
}

/* ------------------------------------------------------------------ disks and networks */

/* Of ZFS the kernel names no holder, but the disk says which pool it is of, and the kernel which ones are
 * imported. NULL = none. New string. */
static char *zfs_pool(const char *root, const char *number)
{
    g_autofree char *id = g_strdup_printf("b%s", number ? number : "");
    g_autofree char *type = read_property(root, id, "ID_FS_TYPE");
    g_autofree char *label = read_property(root, id, "ID_FS_LABEL");
    g_autofree char *folder = NULL;

    if (g_strcmp0(type, "zfs_member") != 0 || !label || !*label || strchr(label, '/'))
        return NULL;
    folder = g_build_filename(*root ? root : "/", "proc/spl/kstat/zfs", label, NULL);
    return g_file_test(folder, G_FILE_TEST_IS_DIR) ? g_strdup_printf("%s (zfs)", label) : NULL;
}

/* Who has mounted it is seen only where the service is itself, and not in containers; that the kernel has a
 * file system of it is seen everywhere, until all of it is written back. Others than these don't tell. */
static bool has_file_system(const char *root, const char *name)
{
    static const char *const types[] = { "ext4", "xfs", "f2fs" };
    g_autofree char *folder = g_build_filename(*root ? root : "/", "sys/fs", NULL);
    g_autofree char *btrfs = g_build_filename(folder, "btrfs", NULL);
    g_auto(GStrv) ids = list(btrfs, "");
    bool found = false;

    for (gsize i = 0; !found && i < G_N_ELEMENTS(types); i++) {
        g_autofree char *path = g_build_filename(folder, types[i], name, NULL);

        found = g_file_test(path, G_FILE_TEST_IS_DIR);
    }
    for (gsize i = 0; !found && ids[i]; i++) {
        g_autofree char *path = g_build_filename(btrfs, ids[i], "devices", name, NULL);

        found = g_file_test(path, G_FILE_TEST_EXISTS);
    }
    return found;
}

bool host_facts_read_in_use(HostFacts *facts, const char *root)
{
    bool changed = false;

    for (guint i = 0; i < facts->disks->len; i++) {
        HostNode *disk = facts->disks->pdata[i];
        bool in_use = disk->in_use;

        /* Whoever uses the others, nobody is given them. */
        if (disk->on_usb)
            in_use = has_file_system(root, disk->name);
        changed |= in_use != disk->in_use;
        disk->in_use = in_use;
    }
    return changed;
}

static void read_disk(const char *root, const char *name, const char *path, HostFacts *facts)
{
    g_autofree char *holders = g_build_filename(path, "holders", NULL);
    g_autofree char *number = read_file(path, "dev");
    g_autofree char *pool = zfs_pool(root, number);
    const char *const of_pool[] = { pool, NULL };
    char *syspath = resolve(root, path);

    if (syspath)
        host_facts_add_node(facts->disks,
                            (HostNode){ .name = g_strdup(name),
                                        .syspath = syspath,
                                        .number = g_steal_pointer(&number),
                                        .title = read_file(path, "dm/name"),
                                        .on_usb = strstr(syspath, "/usb") != NULL,
                                        .in_use = has_file_system(root, name),
                                        .above = pool ? g_strdupv((char **)of_pool) : list(holders, "") });
}

static HostNode *find_disk(const HostFacts *facts, const char *name)
{
    for (guint i = 0; i < facts->disks->len; i++)
        if (g_str_equal(((HostNode *)facts->disks->pdata[i])->name, name))
            return facts->disks->pdata[i];
    return NULL;
}

/* And all that is on top of it, however high. */
static void mark_usb(HostFacts *facts, const HostNode *disk)
{
    for (gsize i = 0; disk->above && disk->above[i]; i++) {
        HostNode *above = find_disk(facts, disk->above[i]);

        if (!above || above->on_usb)
            continue;
        above->on_usb = true;
        mark_usb(facts, above);
    }
}

static void read_disks(const char *root, HostFacts *facts)
{
    each(root, "block", facts, read_disk);
    for (guint i = 0; i < facts->disks->len; i++) {
        const HostNode *disk = facts->disks->pdata[i];

        if (disk->on_usb)
            mark_usb(facts, disk);
    }
}

static void read_network(const char *root, const char *name, const char *path, HostFacts *facts)
{
    char *syspath = resolve(root, path);

    if (syspath)
        host_facts_add_node(
            facts->networks,
            (HostNode){ .name = g_strdup(name), .syspath = syspath, .above = list(path, "upper_") });
}

/* Those that may be over several disks, and have no disk's number. Of others the source is any text of
 * whoever mounted it, and with FUSE that is everybody. */
static bool names_its_disk(const char *type)
{
    return g_str_equal(type, "btrfs") || g_str_equal(type, "bcachefs");
}

/* Takes the texts. */
static void add_mount(HostFacts *facts, char *number, char *source, char *target)
{
    HostMount *mount = g_new0(HostMount, 1);

    mount->number = number;
    mount->source = source;
    mount->target = target;
    g_ptr_array_add(facts->mounts, mount);
}

/* A btrfs names one of its disks; it is mounted from all of them. */
static void add_btrfs(const char *root, HostFacts *facts)
{
    g_autofree char *folder = g_build_filename(*root ? root : "/", "sys/fs/btrfs", NULL);
    g_auto(GStrv) ids = list(folder, "");
    guint n = facts->mounts->len;

    for (gsize i = 0; ids[i]; i++) {
        g_autofree char *devices = g_build_filename(folder, ids[i], "devices", NULL);
        g_auto(GStrv) names = list(devices, "");

        for (guint k = 0; k < n; k++) {
            const HostMount *mount = facts->mounts->pdata[k];
            g_autofree char *first = g_path_get_basename(mount->source);

            for (gsize d = 0; g_strv_contains((const char *const *)names, first) && names[d]; d++)
                if (!g_str_equal(names[d], first))
                    add_mount(facts, g_strdup(mount->number), g_strconcat("/dev/", names[d], NULL),
                              g_strdup(mount->target));
        }
    }
}

/* "1 2 8:1 / /home rw - ext4 /dev/sda1 rw": what is hidden in a text is octal. */
static void read_mounts(const char *root, HostFacts *facts)
{
    enum { NUMBER = 2, TARGET = 4, SOURCE = 2 };
    g_auto(GStrv) lines = read_lines(root, "proc/self/mountinfo");

    for (gsize i = 0; lines[i]; i++) {
        const char *rest = strstr(lines[i], " - ");
        g_auto(GStrv) words = g_strsplit(lines[i], " ", -1);
        g_auto(GStrv) last = g_strsplit(rest ? rest + strlen(" - ") : "", " ", -1);

        if (g_strv_length(words) <= TARGET || g_strv_length(last) < SOURCE)
            continue;
        add_mount(facts, g_strdup(words[NUMBER]),
                  names_its_disk(last[0]) ? g_strcompress(last[SOURCE - 1]) : g_strdup(""),
                  g_strcompress(words[TARGET]));
    }
    add_btrfs(root, facts);
}

/* A file that is swapped to is in a mounted file system. */
static void read_swaps(const char *root, HostFacts *facts)
{
    g_auto(GStrv) lines = read_lines(root, "proc/swaps");

    for (gsize i = 0; lines[i]; i++) {
        gsize length = strcspn(lines[i], " \t");
        g_autofree char *escaped = g_strndup(lines[i], length);
        g_autofree char *path = g_strcompress(escaped);

        if (g_str_has_prefix(path, "/dev/"))
            g_ptr_array_add(facts->swaps, g_path_get_basename(path));
    }
}

#define IPV4_DEFAULT "00000000"
#define IPV6_DEFAULT "00000000000000000000000000000000"

static void read_routes(const char *root, HostFacts *facts)
{
    enum { V4_NAME, V4_TARGET, V4_MASK = 7 };
    enum { V6_TARGET, V6_LENGTH, V6_FLAGS = 8, V6_NAME, V6_WORDS };
    enum { UP = 1, REJECT = 0x200 };
    g_auto(GStrv) v4 = read_lines(root, "proc/self/net/route");
    g_auto(GStrv) v6 = read_lines(root, "proc/self/net/ipv6_route");

    for (gsize i = 0; v4[i]; i++) {
        g_auto(GStrv) words = g_strsplit(v4[i], "\t", -1);

        if (g_strv_length(words) > V4_MASK && g_str_equal(words[V4_TARGET], IPV4_DEFAULT) &&
            g_str_equal(words[V4_MASK], IPV4_DEFAULT))
            g_ptr_array_add(facts->routes, g_strdup(words[V4_NAME]));
    }
    for (gsize i = 0; v6[i]; i++) {
        g_autoptr(GPtrArray) words = g_ptr_array_new();
        g_auto(GStrv) parts = g_strsplit(v6[i], " ", -1);
        guint64 flags;

        for (gsize part = 0; parts[part]; part++)
            if (*parts[part])
                g_ptr_array_add(words, parts[part]);
        if (words->len < V6_WORDS || !g_str_equal(words->pdata[V6_TARGET], IPV6_DEFAULT) ||
            !g_str_equal(words->pdata[V6_LENGTH], "00"))
            continue;
        flags = g_ascii_strtoull(words->pdata[V6_FLAGS], NULL, 16);
        if ((flags & UP) && !(flags & REJECT))
            g_ptr_array_add(facts->routes, g_strdup(words->pdata[V6_NAME]));
    }
}

/* ------------------------------------------------------------------ input, Bluetooth, security keys */

#define WORD_BITS (sizeof(long) * CHAR_BIT)

/* "10000 0 fffe": the highest word comes first. */
static bool has_bit(const char *bitmap, unsigned bit)
{
    g_auto(GStrv) words = g_strsplit(bitmap ? bitmap : "", " ", -1);
    guint count = g_strv_length(words);
    guint word = bit / WORD_BITS;

    return word < count && (g_ascii_strtoull(words[count - 1 - word], NULL, 16) >> (bit % WORD_BITS) & 1);
}

/* Like udev: who has all keys from Escape to D is a keyboard, and no row of buttons. */
static bool is_keyboard(const char *keys)
{
    for (unsigned key = KEY_ESC; key <= KEY_D; key++)
        if (!has_bit(keys, key))
            return false;
    return true;
}

static bool is_pointer(const char *path, const char *keys)
{
    g_autofree char *relative = read_file(path, "capabilities/rel");
    g_autofree char *absolute = read_file(path, "capabilities/abs");
    bool moves = has_bit(relative, REL_X) && has_bit(relative, REL_Y);
    bool points = has_bit(absolute, ABS_X) && has_bit(absolute, ABS_Y);

    return (moves && has_bit(keys, BTN_LEFT)) ||
           (points && (has_bit(keys, BTN_LEFT) || has_bit(keys, BTN_TOUCH)));
}

#define BUSTYPE_BLUETOOTH "0005"
#define DEFAULT_SEAT      "seat0"

static void read_input(const char *root, const char *name, const char *path, HostFacts *facts)
{
    g_autofree char *keys = read_file(path, "capabilities/key");
    g_autofree char *bus = read_file(path, "id/bustype");
    g_autofree char *syspath = resolve(root, path);
    g_autofree char *id = g_strdup_printf("+input:%s", name);
    bool bluetooth = g_strcmp0(bus, BUSTYPE_BLUETOOTH) == 0;
    HostInput *input;

    /* Programs make such things, too, and nobody types on them; but Bluetooth's come by way of a program. */
    if (!syspath || !keys ||
        (strstr(syspath, "/devices/virtual/") && !(bluetooth && strstr(syspath, "/misc/uhid/"))))
        return;
    input = g_new0(HostInput, 1);
    input->keyboard = is_keyboard(keys);
    input->pointer = is_pointer(path, keys);
    input->bluetooth = bluetooth;
    input->seat = read_property(root, id, "ID_SEAT");
    if (!input->seat)
        input->seat = g_strdup(DEFAULT_SEAT);
    input->syspath = g_steal_pointer(&syspath);
    g_ptr_array_add(facts->inputs, input);
}

static void read_adapter(const char *root, const char *name, const char *path, HostFacts *facts)
{
    char *syspath = g_str_has_prefix(name, "hci") && !strchr(name, ':') ? resolve(root, path) : NULL;

    if (syspath)
        g_ptr_array_add(facts->adapters, syspath);
}

static void read_key(const char *root, const char *name, const char *path, HostFacts *facts)
{
    g_autofree char *number = read_file(path, "dev");
    g_autofree char *id = g_strdup_printf("c%s", number ? number : "");
    g_autofree char *token = read_property(root, id, "ID_SECURITY_TOKEN");
    g_autofree char *fido = read_property(root, id, "ID_FIDO_TOKEN");
    char *syspath = token || fido ? resolve(root, path) : NULL;

    if (syspath)
        g_ptr_array_add(facts->keys, syspath);
}

/* How much of the path is the USB device: what is before "/1-2:1.0"; 0 = it is none. */
static gsize usb_device_length(const char *syspath)
{
    for (const char *part = strchr(syspath, '/'); part; part = strchr(part + 1, '/')) {
        const char *dash = strchr(part, '-'), *colon = strchr(part, ':');
        const char *end = part + 1 + strcspn(part + 1, "/");

        if (g_ascii_isdigit(part[1]) && dash && colon && dash < colon && colon < end)
            return (gsize)(part - syspath);
    }
    return 0;
}

/* A security key types its passwords like a keyboard, and nobody can type on it. */
static void forget_typing_keys(HostFacts *facts)
{
    for (guint i = 0; i < facts->inputs->len; i++) {
        HostInput *input = facts->inputs->pdata[i];
        gsize length = usb_device_length(input->syspath);

        for (guint k = 0; length > 0 && k < facts->keys->len; k++) {
            const char *key = facts->keys->pdata[k];

            if (usb_device_length(key) == length && strncmp(key, input->syspath, length) == 0)
                input->keyboard = false;
        }
    }
}

HostFacts *host_facts_read(const char *root)
{
    HostFacts *facts = host_facts_new();

    read_disks(root, facts);
    each(root, "net", facts, read_network);
    each(root, "input", facts, read_input);
    each(root, "bluetooth", facts, read_adapter);
    each(root, "hidraw", facts, read_key);
    forget_typing_keys(facts);
    read_mounts(root, facts);
    read_swaps(root, facts);
    read_routes(root, facts);
    return facts;
}
