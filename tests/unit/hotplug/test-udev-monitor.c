/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs with libumockdev-preload.so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <umockdev.h>

#include "daemon/hotplug/udev-monitor.h"

#define CONTROLLER "/sys/devices/pci0000:00/0000:00:14.0"
#define ROOT_HUB   CONTROLLER "/usb1"
#define KEY        ROOT_HUB "/1-4"
#define STICK      ROOT_HUB "/1-5"

static const char controller[] = "P: /devices/pci0000:00/0000:00:14.0\n"
                                 "E: SUBSYSTEM=pci\n";

static const char root_hub[] = "P: /devices/pci0000:00/0000:00:14.0/usb1\n"
                               "N: bus/usb/001/001\n"
                               "E: DEVTYPE=usb_device\n"
                               "E: SUBSYSTEM=usb\n"
                               "E: DEVNUM=001\n"
                               "L: driver=../../../../bus/usb/drivers/usb\n"
                               "A: idVendor=1d6b\n"
                               "A: idProduct=0002\n"
                               "A: busnum=1\n"
                               "A: devnum=1\n"
                               "A: speed=480\n"
                               "A: bDeviceClass=09\n"
                               "A: removable=unknown\n";

/* Everything from the properties. */
static const char key[] = "P: /devices/pci0000:00/0000:00:14.0/usb1/1-4\n"
                          "N: bus/usb/001/007\n"
                          "E: DEVTYPE=usb_device\n"
                          "E: SUBSYSTEM=usb\n"
                          "E: DEVNUM=007\n"
                          "E: ID_USB_INTERFACES=:0b0000:030101:0b0000:\n"
                          "E: ID_VENDOR_FROM_DATABASE=Yubico.com\n"
                          "E: ID_MODEL_FROM_DATABASE=Yubikey 4\n"
                          "E: USEC_INITIALIZED=1234567\n"
                          "L: driver=../../../../../bus/usb/drivers/usb\n"
                          "A: idVendor=1050\n"
                          "A: idProduct=0407\n"
                          "A: product=Evil\\n\\x1b[31mKey  \\xff\n"
                          "A: serial=YK1\n"
                          "A: busnum=1\n"
                          "A: devnum=7\n"
                          "A: speed=1.5\n"
                          "A: bDeviceClass=00\n"
                          "A: removable=fixed\n";

/* The same socket after it was plugged again. */
static const char key_again[] = "P: /devices/pci0000:00/0000:00:14.0/usb1/1-4\n"
                                "N: bus/usb/001/008\n"
                                "E: DEVTYPE=usb_device\n"
                                "E: SUBSYSTEM=usb\n"
                                "E: DEVNUM=008\n"
                                "E: USEC_INITIALIZED=7654321\n"
                                "L: driver=../../../../../bus/usb/drivers/usb\n"
                                "A: idVendor=1050\n"
                                "A: idProduct=0407\n"
                                "A: busnum=1\n"
                                "A: devnum=8\n";

/* Without ID_USB_INTERFACES and USEC_INITIALIZED. */
static const char stick[] = "P: /devices/pci0000:00/0000:00:14.0/usb1/1-5\n"
                            "N: bus/usb/001/009\n"
                            "E: DEVTYPE=usb_device\n"
                            "E: SUBSYSTEM=usb\n"
                            "E: DEVNUM=009\n"
                            "L: driver=../../../../../bus/usb/drivers/usb\n"
                            "A: idVendor=0781\n"
                            "A: idProduct=5567\n"
                            "A: manufacturer=SanDisk\n"
                            "A: product=Cruzer\n"
                            "A: busnum=1\n"
                            "A: devnum=9\n"
                            "A: speed=480\n"
                            "A: bDeviceClass=00\n"
                            "A: removable=removable\n";
static const char stick_interface[] = "P: /devices/pci0000:00/0000:00:14.0/usb1/1-5/1-5:1.0\n"
                                      "E: DEVTYPE=usb_interface\n"
                                      "E: SUBSYSTEM=usb\n"
                                      "A: bInterfaceClass=08\n"
                                      "A: bInterfaceSubClass=06\n"
                                      "A: bInterfaceProtocol=50\n";

typedef struct Fixture {
    UMockdevTestbed *testbed;
    UsbMonitor *monitor;
    GString *log; /* "+1-4 -1-4 " */
    Device *last; /* found */
    unsigned coming;
} Fixture;

static void on_found(Device *device, void *userdata)
{
    Fixture *fixture = userdata;

    g_string_append_printf(fixture->log, "+%s ", device->sysname);
    device_free(fixture->last);
    fixture->last = device;
}

static void on_gone(const char *sysname, void *userdata)
{
    Fixture *fixture = userdata;

    g_string_append_printf(fixture->log, "-%s ", sysname);
}

static void on_touched(const char *sysname, bool unbound, void *userdata)
{
}

static void on_coming(void *userdata)
{
    Fixture *fixture = userdata;

    fixture->coming++;
}

static const UsbMonitorEvents events = {
    .found = on_found, .gone = on_gone, .coming = on_coming, .touched = on_touched
};

static void plug(Fixture *fixture, const char *description)
{
    g_autoptr(GError) error = NULL;

    if (!umockdev_testbed_add_from_string(fixture->testbed, description, &error))
        fail_msg("%s", error->message);
}

static int set_up(void **state)
{
    Fixture *fixture = g_new0(Fixture, 1);

    fixture->testbed = umockdev_testbed_new();
    fixture->log = g_string_new(NULL);
    plug(fixture, controller);
    plug(fixture, root_hub);
    fixture->monitor = usb_monitor_new(&events, fixture, NULL);
    assert_non_null(fixture->monitor);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    Fixture *fixture = *state;

    usb_monitor_free(fixture->monitor);
    device_free(fixture->last);
    g_string_free(fixture->log, TRUE);
    g_object_unref(fixture->testbed);
    g_free(fixture);
    return 0;
}

/* The event is in our socket when umockdev_testbed_uevent() returns. What is expected is what has been told
 * since the last look. */
static void expect(Fixture *fixture, const char *told)
{
    while (g_main_context_iteration(NULL, FALSE))
        ;
    assert_string_equal(fixture->log->str, told);
    g_string_truncate(fixture->log, 0);
}

static void announce(Fixture *fixture, const char *path, const char *action, const char *told)
{
    umockdev_testbed_uevent(fixture->testbed, path, action);
    expect(fixture, told);
}

/* As another enumeration has it. */
static void renumber(Fixture *fixture, const char *path, const char *number, const char *property)
{
    umockdev_testbed_set_attribute(fixture->testbed, path, "devnum", number);
    umockdev_testbed_set_property(fixture->testbed, path, "DEVNUM", property);
}

static void test_facts(void **state)
{
    Fixture *fixture = *state;
    Device *device;

    plug(fixture, key);
    announce(fixture, KEY, "bind", "+1-4 ");
    device = fixture->last;
    assert_string_equal(device->sysname, "1-4");
    assert_string_equal(device->syspath, KEY);
    assert_int_not_equal(device->instance, 0);
    assert_int_equal(device->udev_instance, 1234567);
    assert_int_equal(device->bus_number, 1);
    assert_int_equal(device->device_number, 7);
    assert_int_equal(device->vendor_id, 0x1050);
    assert_int_equal(device->product_id, 0x0407);
    assert_string_equal(device->vendor, "Yubico.com");
    assert_string_equal(device->serial, "YK1");
    assert_int_equal(device->n_interfaces, 2);
    assert_int_equal(device->interfaces[0].class_code, 0x03);
    assert_int_equal(device->interfaces[0].protocol, 0x01);
    assert_int_equal(device->interfaces[1].class_code, 0x0b);
    assert_string_equal(device->class_name, "composite");
    assert_int_equal(device->speed, 2);
    assert_string_equal(device->socket, "pci-0000:00:14.0/4");
    assert_string_equal(device->controller, "0000:00:14.0");
    assert_string_equal(device->hub, "usb1");
    assert_false(device->is_hub);
    assert_false(device->removable);
}

static void test_facts_without_udevs_help(void **state)
{
    Fixture *fixture = *state;
    Device *device;

    plug(fixture, stick);
    plug(fixture, stick_interface);
    announce(fixture, STICK, "bind", "+1-5 ");
    device = fixture->last;
    assert_string_equal(device->vendor, "SanDisk");
    assert_string_equal(device->product, "Cruzer");
    assert_string_equal(device->serial, "");
    assert_int_equal(device->n_interfaces, 1);
    assert_int_equal(device->interfaces[0].protocol, 0x50);
    assert_string_equal(device->class_name, "storage");
    assert_int_not_equal(device->instance, 0);
    assert_int_equal(device->udev_instance, 0);
    assert_true(device->removable);

    announce(fixture, ROOT_HUB, "change", "+usb1 ");
    device = fixture->last;
    assert_true(device->is_hub);
    assert_null(device->hub);
    assert_string_equal(device->socket, "pci-0000:00:14.0/");
    assert_true(device->removable);
}

static void test_hostile_texts(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *many = g_strnfill(4096, 'x');

    plug(fixture, stick);
    umockdev_testbed_set_attribute(fixture->testbed, STICK, "product", "Evil\n\033[31mStick  \xff");
    umockdev_testbed_set_attribute(fixture->testbed, STICK, "serial", many);
    announce(fixture, STICK, "bind", "+1-5 ");
    assert_string_equal(fixture->last->product, "Evil [31mStick \xef\xbf\xbd");
    assert_int_equal(strlen(fixture->last->serial), 512);
}

static void test_which_events_count(void **state)
{
    Fixture *fixture = *state;

    plug(fixture, key);
    announce(fixture, KEY, "add", "");
    assert_true(fixture->coming > 0);
    fixture->coming = 0;
    announce(fixture, KEY, "bind", "+1-4 ");
    /* nothing changed */
    announce(fixture, KEY, "bind", "");
    announce(fixture, KEY, "change", "");
    announce(fixture, KEY, "unbind", "");
    umockdev_testbed_set_property(fixture->testbed, KEY, "ID_VENDOR_FROM_DATABASE", "Another Name");
    announce(fixture, KEY, "change", "+1-4 ");
    assert_string_equal(fixture->last->vendor, "Another Name");
    announce(fixture, KEY, "remove", "-1-4 ");
    announce(fixture, KEY, "remove", "");
    assert_int_equal(fixture->coming, 0);
}

/* The kernel would make who reads them wait while somebody resets the device. */
static void test_own_texts_are_read_once(void **state)
{
    static const char *const texts[] = { "manufacturer", "product", "serial" };
    Fixture *fixture = *state;

    plug(fixture, stick);
    umockdev_testbed_set_attribute(fixture->testbed, STICK, "serial", "S-1");
    announce(fixture, STICK, "bind", "+1-5 ");
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        umockdev_testbed_set_attribute(fixture->testbed, STICK, texts[i], "Another");
    umockdev_testbed_set_property(fixture->testbed, STICK, "ID_USB_INTERFACES", ":080650:0b0000:");
    announce(fixture, STICK, "change", "+1-5 ");
    assert_int_equal(fixture->last->n_interfaces, 2);
    assert_string_equal(fixture->last->vendor, "SanDisk");
    assert_string_equal(fixture->last->product, "Cruzer");
    assert_string_equal(fixture->last->serial, "S-1");
    /* Another enumeration. */
    renumber(fixture, STICK, "10", "010");
    announce(fixture, STICK, "bind", "-1-5 +1-5 ");
    assert_string_equal(fixture->last->serial, "Another");
}

/* The kernel still probes drivers for its interfaces: it can be told of, and what comes with "bind" is told
 * as other facts of the same one. */
static void test_a_change_before_bind(void **state)
{
    Fixture *fixture = *state;
    uint64_t instance;

    plug(fixture, key);
    announce(fixture, KEY, "add", "");
    announce(fixture, KEY, "change", "+1-4 ");
    instance = fixture->last->instance;
    announce(fixture, KEY, "bind", "");
    umockdev_testbed_set_property(fixture->testbed, KEY, "ID_USB_INTERFACES", ":030101:080650:");
    announce(fixture, KEY, "bind", "+1-4 ");
    assert_true(fixture->last->instance == instance);
}

static void test_add_on_request(void **state)
{
    Fixture *fixture = *state;

    /* udevadm trigger --action=add, which is what happens at boot */
    plug(fixture, key);
    umockdev_testbed_set_property(fixture->testbed, KEY, "SYNTH_UUID", "0");
    announce(fixture, KEY, "add", "+1-4 ");
}

static void test_no_driver(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *unbound = g_strdup(stick), *exported = g_strdup(key);

    /* the line with the link becomes an attribute */
    memcpy(strstr(unbound, "L: driver"), "A: dr1ver", strlen("A: dr1ver"));
    plug(fixture, unbound);
    announce(fixture, STICK, "bind", "");

    *strstr(exported, "drivers/usb\n") = '\0';
    g_free(g_steal_pointer(&unbound));
    unbound = g_strconcat(exported, "drivers/usbip-host\n", strstr(key, "A: idVendor"), NULL);
    plug(fixture, unbound);
    announce(fixture, KEY, "bind", "");
}

static void test_unreadable(void **state)
{
    Fixture *fixture = *state;

    plug(fixture, key);
    umockdev_testbed_set_attribute(fixture->testbed, KEY, "idVendor", "xyz");
    announce(fixture, KEY, "bind", "");
    umockdev_testbed_set_attribute(fixture->testbed, KEY, "idVendor", "1050");
    umockdev_testbed_set_attribute(fixture->testbed, KEY, "devnum", "0");
    announce(fixture, KEY, "bind", "");
    /* the event is about another one than the folder */
    umockdev_testbed_set_attribute(fixture->testbed, KEY, "devnum", "9");
    announce(fixture, KEY, "bind", "");
    umockdev_testbed_set_attribute(fixture->testbed, KEY, "devnum", "7");
    announce(fixture, KEY, "bind", "+1-4 ");
}

static void test_plugged_again(void **state)
{
    Fixture *fixture = *state;
    uint64_t before;

    plug(fixture, key);
    announce(fixture, KEY, "bind", "+1-4 ");
    before = fixture->last->instance;
    announce(fixture, KEY, "remove", "-1-4 ");
    umockdev_testbed_remove_device(fixture->testbed, KEY);
    expect(fixture, "");
    plug(fixture, key_again);
    announce(fixture, KEY, "add", "");
    announce(fixture, KEY, "bind", "+1-4 ");
    assert_int_not_equal(fixture->last->instance, before);
    assert_int_equal(fixture->last->device_number, 8);
}

static void test_plugged_again_unseen(void **state)
{
    Fixture *fixture = *state;

    /* the "remove" was lost */
    plug(fixture, key);
    announce(fixture, KEY, "bind", "+1-4 ");
    umockdev_testbed_remove_device(fixture->testbed, KEY);
    plug(fixture, key_again);
    announce(fixture, KEY, "bind", "-1-4 +1-4 ");
    assert_int_equal(fixture->last->device_number, 8);
    /* the end of the last one, late */
    umockdev_testbed_set_property(fixture->testbed, KEY, "DEVNUM", "007");
    announce(fixture, KEY, "remove", "");
    umockdev_testbed_set_property(fixture->testbed, KEY, "DEVNUM", "008");
    announce(fixture, KEY, "remove", "-1-4 ");
}

static void test_instance_without_remove(void **state)
{
    Fixture *fixture = *state;

    plug(fixture, key);
    announce(fixture, KEY, "bind", "+1-4 ");
    renumber(fixture, KEY, "8", "008");
    announce(fixture, KEY, "bind", "-1-4 +1-4 ");
}

/* udevadm info --cleanup-db; udevadm trigger --action=add. Another monitor is what a service that was
 * restarted has. */
static void test_the_record_of_udev_says_nothing(void **state)
{
    Fixture *fixture = *state;
    uint64_t before;

    plug(fixture, key);
    announce(fixture, KEY, "bind", "+1-4 ");
    before = fixture->last->instance;
    umockdev_testbed_set_property(fixture->testbed, KEY, "USEC_INITIALIZED", "9999999");
    umockdev_testbed_set_property(fixture->testbed, KEY, "SYNTH_UUID", "0");
    announce(fixture, KEY, "add", "");
    usb_monitor_free(fixture->monitor);
    fixture->monitor = usb_monitor_new(&events, fixture, NULL);
    announce(fixture, KEY, "add", "+1-4 ");
    assert_true(fixture->last->instance == before);
}

static void test_rescan(void **state)
{
    Fixture *fixture = *state;
    unsigned added = 1, removed = 1;

    /* never initialized here, so never told, and what was told stays */
    plug(fixture, key);
    plug(fixture, stick);
    assert_true(usb_monitor_rescan(fixture->monitor, &added, &removed, NULL));
    assert_int_equal(added, 0);
    assert_int_equal(removed, 0);
    announce(fixture, KEY, "bind", "+1-4 ");
    announce(fixture, STICK, "bind", "+1-5 ");
    announce(fixture, ROOT_HUB, "change", "+usb1 ");
    assert_true(usb_monitor_rescan(fixture->monitor, &added, &removed, NULL));
    assert_int_equal(removed, 0);
    expect(fixture, "");

    /* another one has the name */
    umockdev_testbed_set_attribute(fixture->testbed, KEY, "devnum", "8");
    assert_true(usb_monitor_rescan(fixture->monitor, &added, &removed, NULL));
    assert_int_equal(removed, 1);
    expect(fixture, "-1-4 ");
}

static void test_rescan_of_an_empty_host(void **state)
{
    Fixture *fixture = *state;
    unsigned added = 1, removed = 0;

    plug(fixture, stick);
    announce(fixture, ROOT_HUB, "bind", "+usb1 ");
    announce(fixture, STICK, "bind", "+1-5 ");
    umockdev_testbed_clear(fixture->testbed);
    assert_true(usb_monitor_rescan(fixture->monitor, &added, &removed, NULL));
    assert_int_equal(added, 0);
    assert_int_equal(removed, 2);
    expect(fixture, "-1-5 -usb1 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_facts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_facts_without_udevs_help, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hostile_texts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_which_events_count, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_own_texts_are_read_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_change_before_bind, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_add_on_request, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_driver, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unreadable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_plugged_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_plugged_again_unseen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_instance_without_remove, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_record_of_udev_says_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rescan, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rescan_of_an_empty_host, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
