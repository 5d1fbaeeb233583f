/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rules in udev's words: nothing that would match more than the rule, whatever is in it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <glib/gstdio.h>

#include "daemon/rules/rule-udev.h"

#define PCI "pci-0000:00:14.0"

/* A controller with two buses: port 5 of the first one is port 1 of the second one. */
typedef struct Host {
    char *root;
    GPtrArray *root_hubs;
} Host;

static void add_root_hub(Host *host, unsigned bus, unsigned speed, const char *peer_of_1)
{
    g_autofree char *name = g_strdup_printf("usb%u", bus);
    g_autofree char *port = g_strdup_printf("%s/%s/%u-0:1.0/usb%u-port1", host->root, name, bus, bus);
    g_autofree char *link = g_build_filename(port, "peer", NULL);
    Device *device = device_new(name);

    assert_int_equal(g_mkdir_with_parents(port, 0700), 0);
    assert_int_equal(symlink(peer_of_1, link), 0);
    device->bus_number = bus;
    device->speed = speed;
    device->is_hub = true;
    g_free(device->syspath);
    device->syspath = g_build_filename(host->root, name, NULL);
    g_free(device->socket);
    device->socket = g_strdup(PCI "/");
    g_free(device->controller);
    device->controller = g_strdup("0000:00:14.0");
    g_ptr_array_add(host->root_hubs, device);
}

static void free_device(gpointer device)
{
    device_free(device);
}

static int set_up(void **state)
{
    Host *host = g_new0(Host, 1);

    host->root = g_dir_make_tmp("ferry-udev-XXXXXX", NULL);
    host->root_hubs = g_ptr_array_new_with_free_func(free_device);
    add_root_hub(host, 1, 480, "../../../usb2/2-0:1.0/usb2-port3");
    add_root_hub(host, 2, 5000, "../../../usb1/1-0:1.0/usb1-port5");
    *state = host;
    return 0;
}

static int tear_down(void **state)
{
    Host *host = *state;
    g_autofree char *command = g_strdup_printf("rm -rf -- '%s'", host->root);

    assert_int_equal(system(command), 0);
    g_ptr_array_unref(host->root_hubs);
    g_free(host->root);
    g_free(host);
    return 0;
}

#define UNSAID "unsaid"
#define NEVER  "never"

static const struct {
    const char *rule, *expected;
} cases[] = {
    { "vendor=46D product=c31c serial=\"AB 12\"",
      "ATTR{idVendor}==\"046d\", ATTR{idProduct}==\"c31c\", ATTR{serial}==\"AB 12\"" },
    { "vendor=*", "ATTR{idVendor}==\"?*\"" },
    { "vendor!=046d product=*", "ATTR{idVendor}!=\"046d\", ATTR{idProduct}==\"?*\"" },
    { "vendor!=*", NEVER },
    { "vendor=1 serial=\"\"", "ATTR{idVendor}==\"0001\", TEST!=\"serial\"" },
    { "serial=AB*?", "ATTR{serial}==\"AB*?\"" },
    /* what a device may call itself to be taken for another one, or for an order */
    { "serial=\"AB\\*\"", UNSAID },
    { "serial=\"A|B\"", UNSAID },
    { "serial=\"A[BC]\"", UNSAID },
    { "serial=\"A\\\\\"", UNSAID },
    { "serial=\"A\\\", RUN+=\\\"/bin/sh\"", UNSAID },
    { "serial=\"$attr{x}\"", UNSAID },
    { "serial=\"%k\"", UNSAID },
    { "serial=\"ÄB\"", UNSAID },
    { "serial=\" A\"", UNSAID },
    { "serial=\"A \"", UNSAID },
    { "serial=\"*|*\"", UNSAID },
    { "serial!=A", UNSAID },
    { "name=stick", UNSAID },
    { "manufacturer=*", UNSAID },
    /* ports of both buses */
    { "port=" PCI "/5", "KERNEL==\"1-5|2-1\"" },
    { "port=" PCI "/5.2.1", "KERNEL==\"1-5.2.1|2-1.2.1\"" },
    { "port=" PCI "/4", "KERNEL==\"1-4\"" },
    { "port=" PCI "/ss-4", "KERNEL==\"2-4\"" },
    { "port=pci-0000:00:15.0/5", NEVER },
    { "port=3-1.2", "KERNEL==\"3-1.2\"" },
    { "hub=" PCI "/5", "KERNEL==\"1-5|1-5.*|2-1|2-1.*\"" },
    { "hub=" PCI "/", "KERNEL==\"1-*|2-*\"" },
    { "hub=3-1", "KERNEL==\"3-1|3-1.*\"" },
    { "controller=0000:00:14.0", "KERNEL==\"1-*|2-*\"" },
    { "controller=0000:00:14.?", UNSAID },
    { "controller=dummy_hcd.0", NEVER },
    { "class=storage", "ENV{ID_USB_INTERFACES}==\":08????:|:08????:08????:\"" },
    { "class=3:1:*", "ENV{ID_USB_INTERFACES}==\"*:0301??:*\"" },
    { "class=keyboard", UNSAID },
    { "class!=storage", UNSAID },
    { "removable=yes", "ATTR{removable}!=\"fixed\"" },
    { "removable=no", "ATTR{removable}==\"fixed\"" },
    { "speed=480", "ATTR{speed}==\"480\"" },
    { "speed=2", "ATTR{speed}==\"1.5\"" },
    { "vendor=1 node=here", "ATTR{idVendor}==\"0001\"" },
    { "vendor=1 node=elsewhere", NEVER },
    { "vendor=1 node!=here", NEVER },
    { "node=here", "ATTR{idVendor}==\"?*\"" },
};

static void test_words(void **state)
{
    Host *host = *state;

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Rule) rule = rule_parse(cases[i].rule, &error);
        g_autofree char *matches = NULL;
        RuleUdev said;

        if (!rule)
            fail_msg("%s: %s", cases[i].rule, error->message);
        said = rule_udev_matches(rule, "here", host->root_hubs, &matches);
        if (g_strcmp0(said == RULE_UDEV_SAID    ? matches
                      : said == RULE_UDEV_NEVER ? NEVER
                                                : UNSAID,
                      cases[i].expected) != 0)
            fail_msg("%s: %s, %s expected", cases[i].rule, matches ? matches : "nothing", cases[i].expected);
        assert_int_equal(said == RULE_UDEV_SAID, matches != NULL);
    }
}

static void test_sockets(void **state)
{
    Host *host = *state;
    g_autofree char *matches = NULL, *none = NULL;

    assert_int_equal(rule_udev_socket(PCI "/5", host->root_hubs, &matches), RULE_UDEV_SAID);
    assert_string_equal(matches, "KERNEL==\"1-5|2-1\"");
    assert_int_equal(rule_udev_socket("", host->root_hubs, &none), RULE_UDEV_UNSAID);
    assert_int_equal(rule_udev_socket(PCI "/5\"x", host->root_hubs, &none), RULE_UDEV_UNSAID);
    assert_null(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_words, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sockets, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
