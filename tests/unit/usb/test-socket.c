/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <ftw.h>
#include <glib.h>
#include <glib/gstdio.h>

#include "daemon/rules/rule.h"
#include "daemon/usb/socket.h"

#define DESCRIPTORS_OF_NFTW 16

#define PCI      "devices/pci0000:00/0000:00:14.0"
#define DOMAIN   "devices/pci0000:00/10000:e0:1c.0/10000:e1:00.0"
#define PLATFORM "devices/platform/dummy_hcd.0"
#define OTHER    "devices/platform/soc/weird hcd/1"

/* Folders, "link -> target" and "file = text" of a fake /sys. One controller with peers:
 *   connector 5: bus 3 port 5 and bus 4 port 1; a hub in it (3-5, 4-1) whose ports are peers by number
 *   connector 6: bus 3 port 6 and bus 4 port 2; a hub whose halves have not found each other yet
 *   bus 4 port 3 has no peer */
static const char *const tree[] = {
    PCI "/usb3/speed = 480\n", PCI "/usb3/3-0:1.0/usb3-port5/peer -> ../../../usb4/4-0:1.0/usb4-port1",
    PCI "/usb3/3-0:1.0/usb3-port6/peer -> ../../../usb4/4-0:1.0/usb4-port2",
    PCI "/usb3/3-5/3-5:1.0/3-5-port2/peer -> ../../../../usb4/4-1/4-1:1.0/4-1-port2", PCI "/usb3/3-5/3-5.2/",
    PCI "/usb3/3-1/3-1.4/3-1.4.7/", PCI "/usb4/speed = 10000\n",
    PCI "/usb4/4-0:1.0/usb4-port1/peer -> ../../../usb3/3-0:1.0/usb3-port5",
    PCI "/usb4/4-0:1.0/usb4-port2/peer -> ../../../usb3/3-0:1.0/usb3-port6",
    PCI "/usb4/4-0:1.0/usb4-port3/location = 0x00000000",
    PCI "/usb4/4-1/4-1:1.0/4-1-port2/peer -> ../../../../usb3/3-5/3-5:1.0/3-5-port2", PCI "/usb4/4-1/4-1.2/",
    /* in the connector of 4-1, but described and without a peer */
    PCI "/usb4/4-1/4-1:1.0/4-1-port3/location = 0x00000102", PCI "/usb4/4-1/4-1.3/4-1.3.1/",
    PCI "/usb4/4-2/4-2:1.0/4-2-port4/location = 0x00000000", PCI "/usb4/4-2/4-2.4/", PCI "/usb4/4-3/4-3.1/",
    /* a hub in its second configuration; its bConfigurationValue isn't read, the kernel may wait there */
    PCI "/usb4/4-0:1.0/usb4-port4/peer -> ../../../usb3/3-0:1.0/usb3-port9",
    PCI "/usb4/4-4/4-4:2.0/4-4-port1/peer -> ../../../../usb3/3-9/3-9:1.0/3-9-port8", PCI "/usb4/4-4/4-4.1/",
    DOMAIN "/subsystem -> ../../../../bus/pci", DOMAIN "/usb5/5-2/", DOMAIN "/usb5/speed = 480",
    PLATFORM "/subsystem -> ../../../bus/platform", PLATFORM "/usb7/speed = 5000", PLATFORM "/usb7/7-1/",
    OTHER "/usb8/8-1/", /* neither subsystem nor speed, and a name that nobody expects */
};

static void make_entry(const char *root, const char *entry)
{
    g_autofree char *path = g_build_filename(root, entry, NULL), *folder = NULL;
    char *separator = strstr(path, " -> ");

    if (separator) {
        *separator = '\0';
        folder = g_path_get_dirname(path);
        assert_int_equal(g_mkdir_with_parents(folder, 0700), 0);
        assert_int_equal(symlink(separator + strlen(" -> "), path), 0);
        return;
    }
    separator = strstr(path, " = ");
    if (separator) {
        *separator = '\0';
        folder = g_path_get_dirname(path);
        assert_int_equal(g_mkdir_with_parents(folder, 0700), 0);
        assert_true(g_file_set_contents(path, separator + strlen(" = "), -1, NULL));
        return;
    }
    assert_int_equal(g_mkdir_with_parents(path, 0700), 0);
}

static int set_up(void **state)
{
    char *root = g_dir_make_tmp("ferry-socket-XXXXXX", NULL);

    assert_non_null(root);
    for (gsize i = 0; i < G_N_ELEMENTS(tree); i++)
        make_entry(root, tree[i]);
    *state = root;
    return 0;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    return g_remove(path);
}

static int tear_down(void **state)
{
    int r = nftw(*state, remove_entry, DESCRIPTORS_OF_NFTW, FTW_DEPTH | FTW_PHYS);

    g_free(*state);
    return r;
}

static void assert_socket(void **state, const char *path, const char *socket, const char *controller)
{
    g_autofree char *syspath = g_build_filename(*state, path, NULL);
    g_autofree char *read_socket = NULL, *read_controller = NULL;
    g_autofree char *rule_text = NULL;
    g_autoptr(Rule) rule = NULL;

    assert_true(socket_read(syspath, &read_socket, &read_controller));
    assert_string_equal(read_socket, socket);
    assert_string_equal(read_controller, controller);

    /* whatever comes out can be written in a rule */
    rule_text = g_strdup_printf("port=%s", read_socket);
    rule = rule_parse(rule_text, NULL);
    assert_non_null(rule);
}

static void test_slow_bus(void **state)
{
    assert_socket(state, PCI "/usb3/3-1", "pci-0000:00:14.0/1", "0000:00:14.0");
    assert_socket(state, PCI "/usb3/3-1/3-1.4/3-1.4.7", "pci-0000:00:14.0/1.4.7", "0000:00:14.0");
    /* its peer has another number; the slower half's counts */
    assert_socket(state, PCI "/usb3/3-5", "pci-0000:00:14.0/5", "0000:00:14.0");
}

static void test_root_hubs(void **state)
{
    assert_socket(state, PCI "/usb3", "pci-0000:00:14.0/", "0000:00:14.0");
    assert_socket(state, PCI "/usb4", "pci-0000:00:14.0/", "0000:00:14.0");
}

static void test_peers_have_one_name(void **state)
{
    assert_socket(state, PCI "/usb4/4-1", "pci-0000:00:14.0/5", "0000:00:14.0");
    assert_socket(state, PCI "/usb3/3-5/3-5.2", "pci-0000:00:14.0/5.2", "0000:00:14.0");
    assert_socket(state, PCI "/usb4/4-1/4-1.2", "pci-0000:00:14.0/5.2", "0000:00:14.0");
    assert_socket(state, PCI "/usb4/4-4/4-4.1", "pci-0000:00:14.0/9.8", "0000:00:14.0");
}

static void test_name_is_the_same_before_peers_are_known(void **state)
{
    g_autofree char *peer = g_build_filename(*state, PCI "/usb4/4-2/4-2:1.0/4-2-port4/peer", NULL);

    assert_socket(state, PCI "/usb4/4-2/4-2.4", "pci-0000:00:14.0/6.4", "0000:00:14.0");
    assert_int_equal(symlink("../../../../usb3/3-6/3-6:1.0/3-6-port4", peer), 0);
    assert_socket(state, PCI "/usb4/4-2/4-2.4", "pci-0000:00:14.0/6.4", "0000:00:14.0");
}

static void test_no_peer(void **state)
{
    assert_socket(state, PCI "/usb4/4-3", "pci-0000:00:14.0/ss-3", "0000:00:14.0");
    assert_socket(state, PCI "/usb4/4-3/4-3.1", "pci-0000:00:14.0/ss-3.1", "0000:00:14.0");
    assert_socket(state, PCI "/usb4/4-1/4-1.3", "pci-0000:00:14.0/ss-1.3", "0000:00:14.0");
    assert_socket(state, PCI "/usb4/4-1/4-1.3/4-1.3.1", "pci-0000:00:14.0/ss-1.3.1", "0000:00:14.0");
}

static void test_controllers(void **state)
{
    assert_socket(state, DOMAIN "/usb5/5-2", "pci-10000:e1:00.0/2", "10000:e1:00.0");
    assert_socket(state, PLATFORM "/usb7/7-1", "platform-dummy_hcd.0/ss-1", "dummy_hcd.0");
    assert_socket(state, OTHER "/usb8/8-1", "platform-1/1", "1");
    assert_socket(state, "devices/platform/soc/weird hcd/1/usb8", "platform-1/", "1");
}

static void test_strange_controller_name(void **state)
{
    make_entry(*state, "devices/platform/my hcd!/usb9/9-1/");
    assert_socket(state, "devices/platform/my hcd!/usb9/9-1", "platform-my_hcd_/1", "my hcd!");
}

static void test_gone(void **state)
{
    static const char *const paths[] = { PCI "/usb3/3-7", PCI "/usb9/9-1", PCI, "devices/none" };

    for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autofree char *syspath = g_build_filename(*state, paths[i], NULL);
        char *socket = NULL, *controller = NULL;

        assert_false(socket_read(syspath, &socket, &controller));
        assert_null(socket);
        assert_null(controller);
    }
}

/* Both halves lose their power. */
static void test_port_folders(void **state)
{
    const struct {
        const char *device;
        const char *folders[3];
    } cases[] = {
        { PCI "/usb3/3-5", { PCI "/usb3/3-0:1.0/usb3-port5", PCI "/usb4/4-0:1.0/usb4-port1" } },
        { PCI "/usb3/3-5/3-5.2", { PCI "/usb3/3-5/3-5:1.0/3-5-port2", PCI "/usb4/4-1/4-1:1.0/4-1-port2" } },
        { PCI "/usb4/4-4/4-4.1", { PCI "/usb4/4-4/4-4:2.0/4-4-port1", PCI "/usb3/3-9/3-9:1.0/3-9-port8" } },
        { PCI "/usb4/4-3", { PCI "/usb4/4-0:1.0/usb4-port3" } },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *syspath = g_build_filename(*state, cases[i].device, NULL);
        g_autofree char *first = g_build_filename(*state, cases[i].folders[0], NULL);
        g_autofree char *second =
            cases[i].folders[1] ? g_build_filename(*state, cases[i].folders[1], NULL) : NULL;
        g_autofree char *expected = g_strjoin("\n", first, second, NULL);
        g_autofree char *folders = socket_port_folders(syspath);

        assert_string_equal(folders, expected);
    }
    {
        g_autofree char *on_root_hub = socket_port_child("/sys/usb13/13-0:1.0/usb13-port5");
        g_autofree char *behind_hub = socket_port_child("/sys/usb3/3-5/3-5.1/3-5.1:1.0/3-5.1-port2");

        assert_string_equal(on_root_hub, "13-5");
        assert_string_equal(behind_hub, "3-5.1.2");
        assert_null(socket_port_child("/sys/usb3/3-5"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_slow_bus, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_root_hubs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_peers_have_one_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_name_is_the_same_before_peers_are_known, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_peer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_controllers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_strange_controller_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_port_folders, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
