/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What udev is asked to look at again: only what its records say another thing of, and everything below. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <glib/gstdio.h>

#include "daemon/usb/udev-daemon.h"

#define STICK     "/sys/devices/pci0000:00/usb1/1-1"
#define INTERFACE STICK "/1-1:1.0"
#define DISK      INTERFACE "/host0/target0:0:0/0:0:0:0/block/sda"
#define EVENT     INTERFACE "/0003:046D:C31C.0001/input/input5/event4"
#define CARD      INTERFACE "/net/eth1"

typedef struct Host {
    char *root;
} Host;

static void put(Host *host, const char *path, const char *name, const char *text)
{
    g_autofree char *folder = g_strconcat(host->root, path, NULL),
                    *file = g_build_filename(folder, name, NULL);

    assert_int_equal(g_mkdir_with_parents(folder, 0700), 0);
    assert_true(g_file_set_contents(file, text, -1, NULL));
}

/* number: of its node or interface; record: what udev has of it, NULL = nothing. */
static void put_device(Host *host, const char *path, const char *subsystem, const char *number_file,
                       const char *number, const char *id, const char *record)
{
    g_autofree char *link = g_strdup_printf("%s%s/subsystem", host->root, path);
    g_autofree char *target = g_strconcat("../../class/", subsystem, NULL);

    put(host, path, "uevent", "-");
    assert_int_equal(symlink(target, link), 0);
    if (number_file)
        put(host, path, number_file, number);
    if (record)
        put(host, "/run/udev/data", id, record);
}

static int set_up(void **state)
{
    Host *host = g_new0(Host, 1);

    host->root = g_dir_make_tmp("ferry-udev-XXXXXX", NULL);
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

/* As the rules leave it. */
static void put_stick(Host *host, const char *waits)
{
    g_autofree char *device = g_strdup_printf("I:1\nE:USBFERRY_WAITS=%s\nE:USBFERRY_PASSED_OVER=1\n", waits);
    g_autofree char *interface = g_strdup_printf("E:USBFERRY_WAITS=%s\n", waits);
    g_autofree char *input =
        g_strdup_printf("E:USBFERRY_WAITS=%s\n%s", waits,
                        strcmp(waits, "leaving") == 0 ? "E:LIBINPUT_IGNORE_DEVICE=1\n" : "");

    put_device(host, STICK, "usb", "dev", "189:1\n", "c189:1", *waits ? device : "I:1\n");
    put_device(host, INTERFACE, "usb", NULL, NULL, "+usb:1-1:1.0", *waits ? interface : NULL);
    put_device(host, DISK, "block", "dev", "8:0\n", "b8:0", *waits ? device : "I:1\n");
    put_device(host, CARD, "net", "ifindex", "7\n", "n7", *waits ? device : "I:1\n");
    put_device(host, EVENT, "input", "dev", "13:68\n", "c13:68", *waits ? input : "I:1\n");
}

static void assert_asked(Host *host, const char *path, const char *action)
{
    g_autofree char *file = g_strdup_printf("%s%s/uevent", host->root, path), *text = NULL;

    assert_true(g_file_get_contents(file, &text, NULL, NULL));
    /* A file keeps what was in it. */
    if (strcmp(text, action) != 0)
        fail_msg("%s: %s, %s expected", path, text, action);
    assert_true(g_file_set_contents(file, "-", -1, NULL));
}

static void announce(Host *host, const char *waits)
{
    g_autoptr(GError) error = NULL;

    if (!udev_daemon_announce(host->root, STICK, waits, &error))
        fail_msg("%s", error->message);
}

/* What is passed over is there again for those that look for new devices only. */
static void test_home(void **state)
{
    Host *host = *state;

    put_stick(host, "leaving");
    announce(host, "");
    assert_asked(host, STICK, "add");
    assert_asked(host, INTERFACE, "change");
    assert_asked(host, DISK, "add");
    assert_asked(host, CARD, "add");
    assert_asked(host, EVENT, "add");
}

/* libinput has taken it already: a second one of it would type everything twice. */
static void test_home_from_waiting(void **state)
{
    Host *host = *state;

    put_stick(host, "waiting");
    announce(host, "");
    assert_asked(host, DISK, "add");
    assert_asked(host, EVENT, "change");
}

/* It stays for now: a keyboard is one again, a disk isn't offered. */
static void test_stays(void **state)
{
    Host *host = *state;

    put_stick(host, "leaving");
    announce(host, "waiting");
    assert_asked(host, STICK, "change");
    assert_asked(host, DISK, "change");
    assert_asked(host, EVENT, "add");
}

/* Nobody offers the disk any more; who has the keyboard goes on with it. */
static void test_waits(void **state)
{
    Host *host = *state;

    put_stick(host, "");
    announce(host, "waiting");
    assert_asked(host, STICK, "change");
    assert_asked(host, INTERFACE, "change");
    assert_asked(host, DISK, "change");
    assert_asked(host, EVENT, "-");
}

static void test_nothing_to_say(void **state)
{
    Host *host = *state;

    put_stick(host, "waiting");
    announce(host, "waiting");
    assert_asked(host, STICK, "-");
    assert_asked(host, DISK, "-");
}

/* It was unplugged meanwhile, udev knows nothing of it. */
static void test_gone(void **state)
{
    announce(*state, "");
    announce(*state, "waiting");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_home),  TEST(test_home_from_waiting), TEST(test_stays),
        TEST(test_waits), TEST(test_nothing_to_say),    TEST(test_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
