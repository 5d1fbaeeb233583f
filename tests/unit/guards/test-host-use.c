/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the host uses a device for, read from a folder that looks like its /proc, /sys and /run. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <glib/gstdio.h>

#include "daemon/guards/host-reading.h"
#include "daemon/guards/host-use.h"

#define USB       "/sys/devices/pci0000:00/usb1"
#define STICK     USB "/1-1"
#define KEYBOARD  USB "/1-2"
#define CARD      USB "/1-3"
#define ADAPTER   USB "/1-4"
#define PS2       "/sys/devices/platform/i8042/serio0"
#define UHID      "/sys/devices/virtual/misc/uhid"
#define ALL_KEYS  "fffffffffffffffe"
#define BLUETOOTH "0005"

typedef struct Host {
    char *root;
} Host;

static void put(Host *host, const char *path, const char *text)
{
    g_autofree char *whole = g_strconcat(host->root, path, NULL);
    g_autofree char *folder = g_path_get_dirname(whole);

    assert_int_equal(g_mkdir_with_parents(folder, 0700), 0);
    assert_true(g_file_set_contents(whole, text, -1, NULL));
}

static void drop(Host *host, const char *path)
{
    g_autofree char *whole = g_strconcat(host->root, path, NULL);

    assert_int_equal(g_remove(whole), 0);
}

/* A device of a class: its folder, and the class's link to that. */
static void put_class(Host *host, const char *class_name, const char *name, const char *syspath)
{
    g_autofree char *folder = g_strconcat(host->root, syspath, NULL);
    g_autofree char *links = g_strdup_printf("%s/sys/class/%s", host->root, class_name);
    g_autofree char *link = g_build_filename(links, name, NULL);

    assert_int_equal(g_mkdir_with_parents(folder, 0700), 0);
    assert_int_equal(g_mkdir_with_parents(links, 0700), 0);
    assert_int_equal(symlink(folder, link), 0);
}

static void put_disk(Host *host, const char *name, const char *syspath, const char *number)
{
    g_autofree char *file = g_strconcat(syspath, "/dev", NULL);

    put_class(host, "block", name, syspath);
    put(host, file, number);
}

static void put_input(Host *host, const char *name, const char *parent, const char *bus, const char *keys)
{
    g_autofree char *syspath = g_strdup_printf("%s/input/%s", parent, name);
    g_autofree char *capabilities = g_strconcat(syspath, "/capabilities/key", NULL);
    g_autofree char *type = g_strconcat(syspath, "/id/bustype", NULL);

    put_class(host, "input", name, syspath);
    put(host, capabilities, keys);
    put(host, type, bus);
}

static int set_up(void **state)
{
    Host *host = g_new0(Host, 1);

    host->root = g_dir_make_tmp("ferry-guards-XXXXXX", NULL);
    put_disk(host, "sda", STICK "/block/sda", "8:0\n");
    put_disk(host, "sda1", STICK "/block/sda/sda1", "8:1\n");
    put_input(host, "input5", KEYBOARD, "0003\n", ALL_KEYS "\n");
    put_class(host, "net", "eth1", CARD "/net/eth1");
    put_class(host, "bluetooth", "hci0", ADAPTER "/bluetooth/hci0");
    *state = host;
    return 0;
}

static int tear_down(void **state)
{
    Host *host = *state;
    g_autofree char *command = g_strdup_printf("rm -rf -- '%s'", host->root);

    assert_int_equal(system(command), 0);
    g_free(host->root);
    g_free(host);
    return 0;
}

/* expected: the uses with spaces between them, "" for none. Somebody sits at seat0. */
static void assert_uses_of(Host *host, const char *syspath, const char *const *seats, unsigned kinds,
                           const char *expected)
{
    g_autoptr(HostFacts) facts = host_facts_read(host->root);
    const HostView view = { .facts = facts, .seats = (char **)seats, .kinds = kinds };
    g_autoptr(GPtrArray) gone = g_ptr_array_new();
    g_auto(GStrv) uses = host_use_of(&view, syspath, gone, NULL);
    g_autofree char *text = uses ? g_strjoinv(" ", uses) : g_strdup("");

    assert_string_equal(text, expected);
}

static void assert_uses(Host *host, const char *syspath, const char *expected)
{
    static const char *const seats[] = { "seat0", NULL };

    assert_uses_of(host, syspath, seats, HOST_USE_ALL, expected);
}

static void test_disk(void **state)
{
    Host *host = *state;

    assert_uses(host, STICK, "");
    put(host, "/proc/self/mountinfo", "1 0 8:1 / /media/my\\040stick rw - ext4 /dev/sda1 rw\nnonsense\n");
    assert_uses(host, STICK, "mounted:/media/my stick");
    assert_uses(host, KEYBOARD, "last-keyboard:seat0");
    put(host, "/proc/self/mountinfo", "1 0 0:45 /@ /data rw - btrfs /dev/sda1 rw\n");
    assert_uses(host, STICK, "mounted:/data");
    /* What FUSE mounts may call itself as it likes. */
    put(host, "/proc/self/mountinfo", "1 0 0:45 / /home/a/x rw - fuse.sshfs /dev/sda1 rw\n");
    assert_uses(host, STICK, "");
    put(host, "/proc/self/mountinfo",
        "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:1 /var /var/lib/usbferry rw - ext4 /dev/sda1 rw\n");
    assert_uses(host, STICK, "root");
    put(host, "/proc/self/mountinfo", "");
    put(host, "/proc/swaps", "Filename Type Size Used Priority\n/dev/sda1 partition 1 0 -2\n");
    assert_uses(host, STICK, "swap");
}

/* Over several disks: the mount names one of them. */
static void test_several_disks(void **state)
{
    Host *host = *state;

    put_disk(host, "sdb", CARD "/block/sdb", "8:16\n");
    put(host, "/proc/self/mountinfo", "1 0 0:45 /@ /data rw - btrfs /dev/sda1 rw\n");
    assert_uses(host, STICK, "mounted:/data");
    assert_uses(host, CARD, "");
    put(host, "/sys/fs/btrfs/11111111-1111/devices/sda1", "");
    put(host, "/sys/fs/btrfs/11111111-1111/devices/sdb", "");
    assert_uses(host, CARD, "mounted:/data");
    put(host, "/proc/self/mountinfo", "");
    assert_uses(host, CARD, "mounted");
    drop(host, "/sys/fs/btrfs/11111111-1111/devices/sdb");
    assert_uses(host, CARD, "");
    /* Of a pool that is imported; the disk says what it likes. */
    put(host, "/run/udev/data/b8:16", "E:ID_FS_TYPE=zfs_member\nE:ID_FS_LABEL=tank\n");
    assert_uses(host, CARD, "");
    put(host, "/proc/spl/kstat/zfs/tank/state", "ONLINE\n");
    assert_uses(host, CARD, "holder:tank (zfs)");
    put(host, "/run/udev/data/b8:16", "E:ID_FS_TYPE=zfs_member\nE:ID_FS_LABEL=../zfs/tank\n");
    assert_uses(host, CARD, "");
}

/* In a container, or not written back yet: the kernel knows of the file system, the host's own mounts don't.
 */
static void test_mounted_elsewhere(void **state)
{
    static const char *const types[] = { "ext4", "xfs", "f2fs" };
    Host *host = *state;

    for (gsize i = 0; i < G_N_ELEMENTS(types); i++) {
        g_autofree char *folder = g_strdup_printf("/sys/fs/%s/sda1", types[i]);
        g_autofree char *file = g_strconcat(folder, "/options", NULL);

        put(host, file, "");
        assert_uses(host, STICK, "mounted");
        assert_uses(host, CARD, "");
        put(host, "/proc/self/mountinfo", "1 0 8:1 / /home rw - ext4 /dev/sda1 rw\n");
        assert_uses(host, STICK, "mounted:/home");
        put(host, "/proc/self/mountinfo", "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n");
        assert_uses(host, STICK, "root");
        put(host, "/proc/self/mountinfo", "");
        drop(host, file);
        drop(host, folder);
        assert_uses(host, STICK, "");
    }
}

static void test_in_use_anew(void **state)
{
    Host *host = *state;
    g_autoptr(HostFacts) facts = host_facts_read(host->root);

    assert_false(host_facts_read_in_use(facts, host->root));
    put(host, "/sys/fs/ext4/sda1/options", "");
    assert_true(host_facts_read_in_use(facts, host->root));
    assert_false(host_facts_read_in_use(facts, host->root));
    drop(host, "/sys/fs/ext4/sda1/options");
    drop(host, "/sys/fs/ext4/sda1");
    assert_true(host_facts_read_in_use(facts, host->root));
}

/* Also of what is on top of a USB disk, however high; who uses the others isn't looked for so often. */
static void test_in_use_on_top(void **state)
{
    Host *host = *state;
    g_autoptr(HostFacts) facts = NULL;

    put_disk(host, "dm-0", "/sys/devices/virtual/block/dm-0", "253:0\n");
    put_disk(host, "dm-1", "/sys/devices/virtual/block/dm-1", "253:1\n");
    put_disk(host, "dm-2", "/sys/devices/virtual/block/dm-2", "253:2\n");
    put(host, STICK "/block/sda/sda1/holders/dm-1", "");
    put(host, "/sys/devices/virtual/block/dm-1/holders/dm-0", "");
    facts = host_facts_read(host->root);
    put(host, "/sys/fs/ext4/dm-2/options", "");
    assert_false(host_facts_read_in_use(facts, host->root));
    put(host, "/sys/fs/ext4/dm-0/options", "");
    assert_true(host_facts_read_in_use(facts, host->root));
}

/* What is on top of the disk counts, however high. */
static void test_holders(void **state)
{
    Host *host = *state;

    put_disk(host, "dm-0", "/sys/devices/virtual/block/dm-0", "253:0\n");
    put(host, "/sys/devices/virtual/block/dm-0/dm/name", "vg0-root\n");
    put(host, STICK "/block/sda/sda1/holders/dm-0", "");
    assert_uses(host, STICK, "holder:dm-0 (vg0-root)");
    put(host, "/proc/self/mountinfo", "1 0 253:0 / /home rw - ext4 /dev/mapper/vg0-root rw\n");
    assert_uses(host, STICK, "mounted:/home holder:dm-0 (vg0-root)");
}

static void test_keyboards(void **state)
{
    static const char *const nowhere[] = { NULL };
    static const char *const elsewhere[] = { "seat1", NULL };
    Host *host = *state;

    assert_uses(host, KEYBOARD, "last-keyboard:seat0");
    assert_uses_of(host, KEYBOARD, NULL, HOST_USE_ALL, "last-keyboard:seat0");
    assert_uses_of(host, KEYBOARD, nowhere, HOST_USE_ALL, "");
    assert_uses_of(host, KEYBOARD, nowhere, HOST_USE_ALL, "");
    assert_uses_of(host, KEYBOARD, NULL, HOST_USE_ALL & ~(1u << HOST_USE_LAST_KEYBOARD), "");
    put(host, "/run/udev/data/+input:input5", "E:ID_INPUT=1\nE:ID_SEAT=seat1\n");
    assert_uses(host, KEYBOARD, "");
    assert_uses_of(host, KEYBOARD, elsewhere, HOST_USE_ALL, "last-keyboard:seat1");
    put(host, "/run/udev/data/+input:input5", "");
    /* Neither a power button nor what a program made is a keyboard. */
    put_input(host, "input6", "/sys/devices/LNXPWRBN:00", "0019\n", "10000000000000 0\n");
    put_input(host, "input7", "/sys/devices/virtual", "0003\n", ALL_KEYS "\n");
    assert_uses(host, KEYBOARD, "last-keyboard:seat0");
    /* Nor a security key that types passwords, nor what calls itself a Bluetooth one. */
    put_input(host, "input9", CARD "/1-3:1.0/0003:1050:0407.0001", "0003\n", ALL_KEYS "\n");
    put_class(host, "hidraw", "hidraw0", CARD "/1-3:1.1/0003:1050:0407.0002/hidraw/hidraw0");
    put(host, CARD "/1-3:1.1/0003:1050:0407.0002/hidraw/hidraw0/dev", "243:0\n");
    put(host, "/run/udev/data/c243:0", "E:ID_SECURITY_TOKEN=1\n");
    put_input(host, "input10", "/sys/devices/virtual", BLUETOOTH "\n", ALL_KEYS "\n");
    assert_uses(host, KEYBOARD, "last-keyboard:seat0");
    put_input(host, "input8", PS2, "0011\n", ALL_KEYS "\n");
    assert_uses(host, KEYBOARD, "");
}

/* The adapter that carries the last one is guarded like it, and its keyboard counts as another one. */
static void test_bluetooth(void **state)
{
    Host *host = *state;

    put_input(host, "input9", UHID "/0005:046D:B342.0001", BLUETOOTH "\n", ALL_KEYS "\n");
    assert_uses(host, KEYBOARD, "");
    assert_uses(host, ADAPTER, "");
    put(host, KEYBOARD "/input/input5/capabilities/key", "0\n");
    assert_uses(host, ADAPTER, "last-keyboard:seat0");
    assert_uses(host, CARD, "");
}

static void test_network(void **state)
{
    Host *host = *state;

    put(host, "/proc/self/net/route",
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
        "eth1\t0002000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\n");
    assert_uses(host, CARD, "");
    put(host, "/proc/self/net/route", "eth1\t00000000\t0202000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n");
    assert_uses(host, CARD, "default-route:eth1");
    put(host, "/proc/self/net/route", "br0\t00000000\t0202000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n");
    put_class(host, "net", "br0", "/sys/devices/virtual/net/br0");
    put(host, CARD "/net/eth1/upper_br0", "");
    assert_uses(host, CARD, "default-route:br0");
}

static void test_security_key(void **state)
{
    char *only[] = { (char *)"security-key", NULL };
    char *both[] = { (char *)"security-key", (char *)"mounted:/home", NULL };
    Host *host = *state;

    put_class(host, "hidraw", "hidraw0", CARD "/hidraw/hidraw0");
    put(host, CARD "/hidraw/hidraw0/dev", "243:0\n");
    put(host, "/run/udev/data/c243:0", "E:ID_SECURITY_TOKEN=1\n");
    assert_uses(host, CARD, "security-key");
    assert_null(host_use_find(NULL, HOST_USE_GUARDS));
    assert_null(host_use_find(only, HOST_USE_GUARDS));
    assert_string_equal(host_use_find(both, HOST_USE_GUARDS), "mounted:/home");
    assert_string_equal(host_use_find(both, HOST_USE_ALL), "security-key");
}

/* What a machine has counts no more, though the kernel shows it still. */
static void test_gone(void **state)
{
    Host *host = *state;
    g_autoptr(HostFacts) facts = NULL;
    HostView view = { .kinds = HOST_USE_ALL };
    g_autoptr(GPtrArray) gone = g_ptr_array_new();
    g_autofree char *last = NULL;

    put_input(host, "input8", CARD, "0003\n", ALL_KEYS "\n");
    facts = host_facts_read(host->root);
    view.facts = facts;
    assert_null(host_use_last(&view, KEYBOARD, gone));
    assert_true(host_use_has_input(&view, CARD));
    assert_false(host_use_has_input(&view, STICK));
    g_ptr_array_add(gone, (gpointer)STICK);
    assert_null(host_use_last(&view, KEYBOARD, gone));
    g_ptr_array_add(gone, (gpointer)CARD);
    last = host_use_last(&view, KEYBOARD, gone);
    assert_string_equal(last, "last-keyboard:seat0");
}

/* A keyboard and a pointer wherever somebody sits, whatever becomes of those that go. */
static void test_spares_input(void **state)
{
    static const char *const here[] = { "seat0", NULL }, *const nowhere[] = { NULL };
    Host *host = *state;
    g_autoptr(HostFacts) facts = host_facts_read(host->root);
    HostView view = { .facts = facts, .kinds = HOST_USE_ALL };
    HostInput *mouse = g_new0(HostInput, 1);
    g_autoptr(GPtrArray) gone = g_ptr_array_new();

    assert_false(host_use_spares_input(&view, gone));
    mouse->syspath = g_strdup(PS2 "/input/input9");
    mouse->seat = g_strdup("seat0");
    mouse->pointer = true;
    g_ptr_array_add(facts->inputs, mouse);
    assert_true(host_use_spares_input(&view, gone));
    view.seats = (char **)here;
    assert_true(host_use_spares_input(&view, gone));
    g_ptr_array_add(gone, (gpointer)KEYBOARD);
    assert_false(host_use_spares_input(&view, gone));
    view.seats = (char **)nowhere;
    assert_true(host_use_spares_input(&view, gone));
    view.facts = NULL;
    assert_false(host_use_spares_input(&view, gone));
}

static void test_claimed(void **state)
{
    HostView view = { .kinds = HOST_USE_ALL };
    g_autoptr(GPtrArray) gone = g_ptr_array_new();
    g_auto(GStrv) uses = host_use_of(&view, STICK, gone, "pc\nscd");

    assert_string_equal(uses[0], "claimed:pc scd");
    assert_null(uses[1]);
    view.kinds &= ~(1u << HOST_USE_CLAIMED);
    assert_null(host_use_of(&view, STICK, gone, "pcscd"));
    {
        g_autofree char *named = host_use_text("claimed:pcscd");
        g_autofree char *unnamed = host_use_text("claimed");

        assert_string_equal(named, "a program of the host (pcscd) has it; end it, or wait until it lets go");
        assert_string_equal(unnamed, "a program of the host has it; end it, or wait until it lets go");
    }
}

static void test_text(void **state)
{
    g_autofree char *mounted = host_use_text("mounted:/mnt/%s");
    g_autofree char *root = host_use_text("root"), *elsewhere = host_use_text("mounted");

    assert_string_equal(mounted, "the host has it mounted at /mnt/%s; unmount that");
    assert_true(
        g_str_has_prefix(elsewhere, "a file system of it is in use, which the host doesn't have mounted"));
    assert_true(host_use_ends_unseen((char *[]){ (char *)"swap", (char *)"mounted", NULL }));
    assert_false(host_use_ends_unseen((char *[]){ (char *)"mounted:/home", NULL }));
    assert_false(host_use_ends_unseen(NULL));
    assert_string_equal(root, "the host itself runs from it; start the host from another disk");
    for (HostUseKind kind = 0; kind < _HOST_USE_KIND_MAX; kind++)
        assert_non_null(host_use_kind_to_string(kind));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_disk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_several_disks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mounted_elsewhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_in_use_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_in_use_on_top, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_holders, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_keyboards, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bluetooth, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_network, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_security_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_spares_input, set_up, tear_down),
        cmocka_unit_test(test_claimed),
        cmocka_unit_test(test_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
