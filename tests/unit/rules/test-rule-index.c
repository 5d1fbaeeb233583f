/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/rules/rule-index.h"

#define NODE "Host-A"

static void set(char **field, const char *text)
{
    g_free(*field);
    *field = g_strdup(text);
}

static Device *make_device(const char *sysname, const char *socket, const char *controller)
{
    Device *device = device_new(sysname);

    set(&device->socket, socket);
    set(&device->controller, controller);
    return device;
}

static void add_interface(Device *device, uint8_t class_code, uint8_t subclass, uint8_t protocol)
{
    device->interfaces = g_renew(DeviceInterface, device->interfaces, device->n_interfaces + 1);
    device->interfaces[device->n_interfaces++] = (DeviceInterface){ class_code, subclass, protocol };
    device->class_name = device_class_from_interfaces(0, device->interfaces, device->n_interfaces);
}

static void destroy_device(gpointer device)
{
    device_free(device);
}

static GPtrArray *make_devices(void)
{
    GPtrArray *devices = g_ptr_array_new_with_free_func(destroy_device);
    Device *keyboard = make_device("3-1.2", "pci-0000:00:14.0/1.2", "0000:00:14.0");
    Device *stick = make_device("4-1.2.4", "pci-0000:00:14.0/ss-1.2.4", "0000:00:14.0");
    Device *gadget = make_device("10-12", "platform-Dummy_hcd.0/12", "Dummy_hcd.0");
    Device *root = make_device("usb3", "pci-0000:00:14.0/", "0000:00:14.0");

    keyboard->vendor_id = 0x046d;
    keyboard->product_id = 0xc31c;
    set(&keyboard->vendor, "Logitech, Inc.");
    set(&keyboard->product, "Keyboard \"GRÖSSE\"");
    add_interface(keyboard, 3, 0, 0xA0);
    add_interface(keyboard, 3, 1, 1);
    keyboard->speed = 12;
    stick->vendor_id = 0x0951;
    stick->product_id = 0x1666;
    set(&stick->serial, "AB*12\\x");
    set(&stick->product, "Keyboard");
    add_interface(stick, 8, 6, 0x50);
    stick->removable = true;
    stick->speed = 5000;
    gadget->vendor_id = 0x046d;
    gadget->product_id = 0x0001;
    set(&gadget->serial, "0529");
    root->vendor_id = 0x1d6b;
    root->product_id = 0x0002;
    root->is_hub = true;

    g_ptr_array_add(devices, keyboard);
    g_ptr_array_add(devices, stick);
    g_ptr_array_add(devices, gadget);
    g_ptr_array_add(devices, root);
    return devices;
}

static const char *const terms[] = {
    "vendor=046d",
    "vendor=0951",
    "vendor=*",
    "vendor!=046d",
    "product=c31c",
    "product=0001",
    "product=1666",
    "product!=0001",
    "serial=\"AB\\*12\\\\x\"",
    "serial=AB*",
    "serial=0529",
    "serial=\"\"",
    "serial!=0529",
    "name=keyboard",
    "name=\"KEYBOARD \\\"grÖsse\\\"\"",
    "name=key*",
    "name=\"\"",
    "manufacturer=\"LOGITECH, inc.\"",
    "manufacturer!=\"\"",
    "class=hid-keyboard",
    "class=storage",
    "class=03:01:01",
    "class=3:0:a0",
    "class=03:*:*",
    "class!=08:06:50",
    "port=3-1.2",
    "port=4:1.2.4",
    "port=pci-0000:00:14.0/1.2",
    "port=pci-0000:00:14.0/ss-1.2.4",
    "port=platform-Dummy_hcd.0/12",
    "port!=3-1.2",
    "hub=3-1",
    "hub=4-1.2",
    "hub=10-1",
    "hub=10-12",
    "hub=pci-0000:00:14.0/",
    "hub=pci-0000:00:14.0/1",
    "hub=pci-0000:00:14.0/ss-1.2",
    "hub=platform-Dummy_hcd.0/1",
    "hub!=3-1",
    "controller=0000:00:14.0",
    "controller=dummy_HCD.0",
    "controller=0000*",
    "node=host-a",
    "node=HOST-A",
    "node=host-b",
    "node=host-*",
    "node!=host-a",
    "removable=yes",
    "speed=12",
};

typedef struct Case {
    Rule *rule;
    char *text;
    unsigned found;
} Case;

static void destroy_case(gpointer data)
{
    Case *one = data;

    rule_unref(one->rule);
    g_free(one->text);
    g_free(one);
}

static void add_case(GPtrArray *cases, RuleIndex *index, char *text)
{
    Case *one = g_new0(Case, 1);

    one->text = text;
    one->rule = rule_parse(text, NULL);
    assert_non_null(one->rule);
    g_ptr_array_add(cases, one);
    rule_index_add(index, one->rule, one);
}

static void count(const Rule *rule, void *owner, void *userdata)
{
    Case *one = owner;

    assert_ptr_equal(one->rule, rule);
    one->found++;
    (*(unsigned *)userdata)++;
}

/* Every device finds just what it would find without the index, and each once. */
static void check(const RuleIndex *index, const GPtrArray *cases, const char *node)
{
    g_autoptr(GPtrArray) devices = make_devices();

    for (guint d = 0; d < devices->len; d++) {
        const Device *device = devices->pdata[d];
        unsigned found = 0, expected = 0;

        rule_index_match(index, device, node, count, &found);
        for (guint i = 0; i < cases->len; i++) {
            Case *one = cases->pdata[i];
            unsigned wanted = rule_matches(one->rule, device, node) ? 1 : 0;

            if (one->found != wanted)
                fail_msg("%s on %s: found %u times and not %u", one->text, device->sysname, one->found,
                         wanted);
            one->found = 0;
            expected += wanted;
        }
        assert_int_equal(found, expected);
    }
}

static void test_single_terms(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(terms); i++) {
        g_autoptr(GPtrArray) cases = g_ptr_array_new_with_free_func(destroy_case);
        g_autoptr(RuleIndex) index = rule_index_new();

        add_case(cases, index, g_strdup(terms[i]));
        check(index, cases, NODE);
        check(index, cases, "");
    }
}

static void test_all_pairs(void **state)
{
    g_autoptr(GPtrArray) cases = g_ptr_array_new_with_free_func(destroy_case);
    g_autoptr(RuleIndex) index = rule_index_new();

    for (gsize i = 0; i < G_N_ELEMENTS(terms); i++)
        for (gsize k = i; k < G_N_ELEMENTS(terms); k++)
            add_case(cases, index, g_strconcat(terms[i], " ", terms[k], NULL));
    check(index, cases, NODE);
    check(index, cases, "host-b");
    check(index, cases, "");
}

static void test_many_terms(void **state)
{
    g_autoptr(GPtrArray) cases = g_ptr_array_new_with_free_func(destroy_case);
    g_autoptr(RuleIndex) index = rule_index_new();
    g_autoptr(GRand) rand = g_rand_new_with_seed(1);

    for (int i = 0; i < 5000; i++) {
        g_autoptr(GString) text = g_string_new(NULL);

        for (int k = g_rand_int_range(rand, 1, 6); k > 0; k--)
            g_string_append_printf(text, "%s ", terms[g_rand_int_range(rand, 0, G_N_ELEMENTS(terms))]);
        add_case(cases, index, g_string_free(g_steal_pointer(&text), FALSE));
    }
    check(index, cases, NODE);
}

static void test_empty(void **state)
{
    g_autoptr(GPtrArray) cases = g_ptr_array_new_with_free_func(destroy_case);
    g_autoptr(RuleIndex) index = rule_index_new();

    check(index, cases, NODE);
    assert_null(rule_index_free(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single_terms),
        cmocka_unit_test(test_all_pairs),
        cmocka_unit_test(test_many_terms),
        cmocka_unit_test(test_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
