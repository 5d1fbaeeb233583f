/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files in a folder, and a logind of two members on the test's own connection. */

#include "tests/bus/cmocka-include.h"

#include "tests/bus/host-calls.h"

#include <glib/gstdio.h>
#include <unistd.h>

#define LOGIND       "org.freedesktop.login1"
#define LOGIND_PATH  "/org/freedesktop/login1"
#define USB_BUS      "/sys/devices/pci0000:00/0000:00:14.0/usb1/"
#define HINT_DEVPATH "/devices/virtual/input/input99"
#define ALL_KEYS     "fffffffffffffffe\n"
#define ONLY_USER    1000

/* ------------------------------------------------------------------ logind */

static const char *sat_at;

static int list_sessions(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    sd_bus_message *reply = NULL;
    int r = sd_bus_message_new_method_return(message, &reply);

    if (r >= 0)
        r = sd_bus_message_open_container(reply, 'a', "(susso)");
    /* ssh has a session, and sits nowhere. */
    if (r >= 0)
        r = sd_bus_message_append(reply, "(susso)", "1", ONLY_USER, "user", "", LOGIND_PATH "/session/_31");
    if (r >= 0 && sat_at)
        r = sd_bus_message_append(reply, "(susso)", "2", ONLY_USER, "user", sat_at,
                                  LOGIND_PATH "/session/_32");
    if (r >= 0)
        r = sd_bus_message_close_container(reply);
    if (r >= 0)
        r = sd_bus_send(NULL, reply, NULL);
    sd_bus_message_unref(reply);
    return r;
}

static const sd_bus_vtable logind[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("ListSessions", "", "a(susso)", list_sessions, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

void host_sit(Fixture *fixture, const char *seat)
{
    sat_at = seat;
    assert_true(sd_bus_emit_signal(fixture->bus, LOGIND_PATH, LOGIND ".Manager",
                                   seat ? "SessionNew" : "SessionRemoved", "so", "2",
                                   LOGIND_PATH "/session/_32") >= 0);
}

int host_setup(void **state)
{
    g_autoptr(GError) error = NULL;
    Fixture *fixture;

    if (fixture_setup(state) != 0)
        return -1;
    fixture = *state;
    if (!umockdev_testbed_add_from_string(
            fixture->bed, "P: " HINT_DEVPATH "\nE: SUBSYSTEM=input\nE: DEVTYPE=hint\n", &error))
        fail_msg("%s", error->message);
    sat_at = "seat0";
    assert_true(sd_bus_add_object_vtable(fixture->bus, NULL, LOGIND_PATH, LOGIND ".Manager", logind, NULL) >=
                0);
    assert_true(sd_bus_request_name(fixture->bus, LOGIND, 0) >= 0);
    return 0;
}

/* ------------------------------------------------------------------ files */

static char *host_path(Fixture *fixture, const char *path)
{
    return g_strconcat(fixture->dir, "/host", path, NULL);
}

void host_put(Fixture *fixture, const char *path, const char *text)
{
    g_autofree char *whole = host_path(fixture, path);
    g_autofree char *folder = g_path_get_dirname(whole);

    if (!text) {
        assert_int_equal(g_unlink(whole), 0);
        return;
    }
    assert_int_equal(g_mkdir_with_parents(folder, 0755), 0);
    assert_true(g_file_set_contents(whole, text, -1, NULL));
}

char *host_put_class(Fixture *fixture, const char *sysname, const char *class_name, const char *name)
{
    char *syspath = g_strconcat(USB_BUS, sysname, "/", class_name, "/", name, NULL);
    g_autofree char *folder = host_path(fixture, syspath);
    g_autofree char *classes = host_path(fixture, "/sys/class");
    g_autofree char *links = g_build_filename(classes, class_name, NULL);
    g_autofree char *link = g_build_filename(links, name, NULL);

    assert_int_equal(g_mkdir_with_parents(folder, 0755), 0);
    assert_int_equal(g_mkdir_with_parents(links, 0755), 0);
    assert_int_equal(symlink(folder, link), 0);
    return syspath;
}

void host_put_disk(Fixture *fixture, const char *sysname, const char *name, const char *number)
{
    g_autofree char *syspath = host_put_class(fixture, sysname, "block", name);
    g_autofree char *file = g_strconcat(syspath, "/dev", NULL);

    host_put(fixture, file, number);
}

void host_mount(Fixture *fixture, const char *number, const char *target)
{
    g_autofree char *line =
        target ? g_strdup_printf("20 1 %s / %s rw - ext4 /dev/sda1 rw\n", number, target) : g_strdup("");

    host_put(fixture, "/proc/self/mountinfo", line);
}

void host_put_keyboard(Fixture *fixture, const char *sysname, const char *name)
{
    g_autofree char *syspath = host_put_class(fixture, sysname, "input", name);
    g_autofree char *keys = g_strconcat(syspath, "/capabilities/key", NULL);
    g_autofree char *bus = g_strconcat(syspath, "/id/bustype", NULL);

    host_put(fixture, keys, ALL_KEYS);
    host_put(fixture, bus, "0003\n");
}

void host_remove_keyboard(Fixture *fixture, const char *name)
{
    g_autofree char *link = g_strconcat("/sys/class/input/", name, NULL);

    host_put(fixture, link, NULL);
}

void host_hint(Fixture *fixture)
{
    umockdev_testbed_uevent(fixture->bed, "/sys" HINT_DEVPATH, "change");
}
