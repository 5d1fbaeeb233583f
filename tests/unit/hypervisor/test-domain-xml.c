/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domain XML: what is read out of it, ports counted as libvirt does, and what is put to libvirt. */

#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/hypervisor/domain-xml.h"
#include "daemon/base/error.h"
#include "daemon/base/text.h"
#include "daemon/base/usb-speed.h"

#define LIVE(devices)     "<domain type='kvm' id='3'><name>vm</name><devices>" devices "</devices></domain>"
#define INACTIVE(devices) "<domain type='kvm'><name>vm</name><devices>" devices "</devices></domain>"

#define XHCI  "<controller type='usb' index='0' model='qemu-xhci'/>"
#define AT(x) "<address type='usb' bus='0' port='" x "'/>"

#define OURS                                                               \
    "<hostdev mode='subsystem' type='usb' managed='no'>"                   \
    "<source guestReset='off'><vendor id='0x046d'/><product id='0xc31c'/>" \
    "<address bus='3' device='7'/></source><alias name='ua-usbferry-k3xw90ab-77-2'/>" AT("2") "</hostdev>"

static MachineInfo *read_info(const char *xml, bool *ret_live)
{
    MachineInfo *info = machine_info_new("uuid");
    g_autoptr(GError) error = NULL;
    bool live;

    info->free_ports = 99;
    if (!domain_xml_read(xml, info, ret_live ? ret_live : &live, &error))
        fail_msg("%s: %s", xml, error->message);
    assert_null(error);
    return info;
}

static void a_hostdev_of_ours_is_read_in_full(void **state)
{
    bool live = false;
    g_autoptr(MachineInfo) info = read_info(LIVE(XHCI OURS), &live);
    const Hostdev *hostdev;

    assert_true(live);
    assert_int_equal(info->hostdevs->len, 1);
    hostdev = info->hostdevs->pdata[0];
    assert_string_equal(hostdev->alias, "ua-usbferry-k3xw90ab-77-2");
    assert_string_equal(hostdev->assignment_id, "k3xw90ab");
    assert_int_equal(hostdev->instance, 77);
    assert_int_equal(hostdev->domain_id, 2);
    assert_int_equal(info->domain_id, 3);
    assert_int_equal(hostdev->bus_number, 3);
    assert_int_equal(hostdev->device_number, 7);
    assert_int_equal(hostdev->vendor_id, 0x046d);
    assert_int_equal(hostdev->product_id, 0xc31c);
}

static void a_foreign_hostdev_may_name_less(void **state)
{
    g_autoptr(MachineInfo) info = read_info(
        LIVE("<hostdev mode='subsystem' type='pci' managed='yes'><source>"
             "<address domain='0x0000' bus='0x00' slot='0x14' function='0x0'/></source></hostdev>"
             "<hostdev mode='subsystem' type='usb'><source><vendor id='1133'/><product id='0xC31C'/></source>"
             "<alias name='hostdev1'/></hostdev>"
             "<hostdev mode='subsystem' type='usb'><source><address bus='1' device='x'/></source></hostdev>"
             "<hostdev mode='capabilities' type='usb'><source/></hostdev>"),
        NULL);
    const Hostdev *hostdev;

    assert_int_equal(info->hostdevs->len, 2);
    hostdev = info->hostdevs->pdata[0];
    assert_string_equal(hostdev->alias, "hostdev1");
    assert_null(hostdev->assignment_id);
    assert_int_equal(hostdev->instance, 0);
    assert_int_equal(hostdev->vendor_id, 0x046d);
    assert_int_equal(hostdev->product_id, 0xc31c);
    assert_int_equal(hostdev->bus_number, 0);
    hostdev = info->hostdevs->pdata[1];
    assert_string_equal(hostdev->alias, "");
    assert_int_equal(hostdev->bus_number, 1);
    assert_int_equal(hostdev->device_number, 0);
    assert_int_equal(hostdev->vendor_id, 0);
}

static void a_machine_that_is_off_has_no_hostdevs(void **state)
{
    bool live = true;
    g_autoptr(MachineInfo) info = read_info(INACTIVE(XHCI OURS), &live);

    assert_false(live);
    assert_int_equal(info->hostdevs->len, 0);
    assert_string_equal(info->usb_controller, "qemu-xhci");
    assert_int_equal(info->free_ports, 3);
}

#define PCI_HOSTDEV(address) \
    "<hostdev mode='subsystem' type='pci' managed='yes'><source>" address "</source></hostdev>"

/* Of a machine that is off as well: it takes them when it starts. */
static void pci_devices_are_read_in_any_case(void **state)
{
    static const char *const texts[] = {
        LIVE(PCI_HOSTDEV("<address domain='0x0000' bus='0x00' slot='0x14' function='0x0'/>")
                 PCI_HOSTDEV("<address domain='65536' bus='0' slot='1' function='0'/>")
                     PCI_HOSTDEV("<address domain='1' bus='255' slot='31' function='7'/>") PCI_HOSTDEV("")),
        INACTIVE(PCI_HOSTDEV("<address domain='0x0000' bus='0x00' slot='0x14' function='0x0'/>")
                     PCI_HOSTDEV("<address bus='0' slot='32' function='0'/>")
                         PCI_HOSTDEV("<address domain='1' bus='0xff' slot='0x1f' function='7'/>")),
    };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(MachineInfo) info = read_info(texts[i], NULL);

        assert_int_equal(info->pci->len, 2);
        assert_string_equal(info->pci->pdata[0], "0000:00:14.0");
        assert_string_equal(info->pci->pdata[1], "0001:ff:1f.7");
    }
}

/* What a newer libvirt writes is no reason to attach anything anew for ever. */
static void an_unknown_guest_reset_is_none(void **state)
{
    g_autoptr(MachineInfo) info =
        read_info(LIVE("<hostdev mode='subsystem' type='usb'><source guestReset='on'/></hostdev>"
                       "<hostdev mode='subsystem' type='usb'><source guestReset='twice'/></hostdev>"),
                  NULL);

    assert_int_equal(((const Hostdev *)info->hostdevs->pdata[0])->guest_reset, GUEST_RESET_ON);
    assert_int_equal(((const Hostdev *)info->hostdevs->pdata[1])->guest_reset, GUEST_RESET_DEFAULT);
}

typedef struct PortCase {
    const char *devices;
    const char *model;
    unsigned free_ports;
} PortCase;

static const PortCase port_cases[] = {
    { "", "", 0 },
    { "<controller type='usb' index='0' model='none'/>", "", 0 },
    { "<controller type='scsi' index='0' model='virtio-scsi'/>", "", 0 },
    { XHCI, "qemu-xhci", 4 },
    { "<controller type='usb' index='0' model='qemu-xhci' ports='15'/>", "qemu-xhci", 15 },
    { "<controller type='usb' index='0' model='qemu-xhci' ports='16'/>", "qemu-xhci", 4 },
    { "<controller type='usb' index='0' model='qemu-xhci' ports='many'/>", "qemu-xhci", 4 },
    { "<controller type='usb' index='0' model='nec-xhci'/>", "nec-xhci", 4 },
    { "<controller type='usb' index='0' model='piix3-uhci'/>", "piix3-uhci", 2 },
    { "<controller type='usb' index='0' model='piix3-uhci' ports='9'/>", "piix3-uhci", 2 },
    { "<controller type='usb' index='0'/>", "piix3-uhci", 2 },
    { "<controller type='usb' index='0' model='pci-ohci'/>", "pci-ohci", 3 },
    { "<controller type='usb' index='0' model='qusb2'/>", "qusb2", 8 },
    { "<controller type='usb' index='0' model='from-the-future'/>", "from-the-future", 2 },
    { "<controller type='usb' index='0' model='from-the-future' ports='9'/>", "from-the-future", 9 },
    /* ich9: the companions share the ehci's index and add nothing */
    { "<controller type='usb' index='0' model='ich9-uhci1'><master startport='0'/></controller>"
      "<controller type='usb' index='0' model='ich9-uhci2'><master startport='2'/></controller>"
      "<controller type='usb' index='0' model='ich9-uhci3'><master startport='4'/></controller>"
      "<controller type='usb' index='0' model='ich9-ehci1'/>",
      "ich9-ehci1", 6 },
    /* two controllers: both count, the better one is named */
    { "<controller type='usb' index='0' model='piix3-uhci'/>"
      "<controller type='usb' index='1' model='qemu-xhci'/>",
      "qemu-xhci", 6 },
    /* devices, whatever they are, once each */
    { XHCI "<input type='tablet' bus='usb'>" AT("1") "</input><redirdev bus='usb' type='spicevmc'>" AT(
          "2") "</redirdev>" OURS,
      "qemu-xhci", 2 },
    { XHCI "<input type='mouse' bus='ps2'/><disk type='file'><target bus='usb'/>" AT("4") "</disk>",
      "qemu-xhci", 3 },
    /* a hub takes a port and brings eight */
    { XHCI "<hub type='usb'>" AT("1") "</hub>", "qemu-xhci", 11 },
    { XHCI "<hub type='usb'>" AT("1") "</hub><input type='tablet' bus='usb'>" AT("1.1") "</input>",
      "qemu-xhci", 10 },
    /* what lies on no controller of the XML takes nothing */
    { XHCI "<input type='tablet' bus='usb'><address type='usb' bus='7' port='1'/></input>", "qemu-xhci", 4 },
    { XHCI "<input type='tablet' bus='usb'><address type='usb' bus='999999' port='1'/></input>", "qemu-xhci",
      4 },
    /* more than fits: never below none */
    { "<controller type='usb' index='0' model='piix3-uhci'/><a>" AT("1") "</a><b>" AT("2") "</b><c>" AT(
          "3") "</c>",
      "piix3-uhci", 0 },
};

static void ports_are_counted_as_libvirt_does(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(port_cases); i++) {
        const PortCase *port_case = &port_cases[i];
        g_autofree char *xml = g_strdup_printf(LIVE("%s"), port_case->devices);
        g_autoptr(MachineInfo) info = read_info(xml, NULL);

        if (g_strcmp0(info->usb_controller, port_case->model) != 0 ||
            info->free_ports != port_case->free_ports)
            fail_msg("%s: \"%s\" with %u free ports, expected \"%s\" with %u", port_case->devices,
                     info->usb_controller, info->free_ports, port_case->model, port_case->free_ports);
    }
}

/* Of what libvirt makes as it goes, or of what is newer than this table, nothing is promised. */
static void ports_are_known_where_libvirt_counts_the_same(void **state)
{
    static const struct {
        const char *xml;
        bool known;
    } cases[] = {
        { LIVE(XHCI OURS), true },
        { LIVE(""), true },
        { LIVE("<controller type='usb' index='0' model='none'/>"), true },
        { LIVE("<controller type='usb' index='0'/>"), true },
        { LIVE(XHCI "<controller type='usb' index='1' model='from-the-future'/>"), false },
        { "<domain type='xen' id='3'><devices/></domain>", false },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(MachineInfo) info = read_info(cases[i].xml, NULL);

        if (info->ports_known != cases[i].known)
            fail_msg("%s: %sknown", cases[i].xml, info->ports_known ? "" : "not ");
    }
}

static void no_devices_are_no_error(void **state)
{
    g_autoptr(MachineInfo) info = read_info("<domain id='1'/>", NULL);

    assert_int_equal(info->hostdevs->len, 0);
    assert_string_equal(info->usb_controller, "");
    assert_int_equal(info->free_ports, 0);
}

static void a_second_look_replaces_the_first(void **state)
{
    g_autoptr(MachineInfo) info = read_info(LIVE(XHCI OURS OURS), NULL);
    bool live;

    assert_int_equal(info->hostdevs->len, 2);
    assert_true(domain_xml_read(LIVE(OURS), info, &live, NULL));
    assert_int_equal(info->hostdevs->len, 1);
    assert_string_equal(info->usb_controller, "");
    assert_int_equal(info->free_ports, 0);
}

static void texts_of_strangers_are_clean(void **state)
{
    g_autoptr(MachineInfo) info =
        read_info(LIVE("<controller type='usb' index='0' model='a&#10;b&#xFEFF;'/>"
                       "<hostdev mode='subsystem' type='usb'><alias name='x&#9;&#x202E;y'/></hostdev>"),
                  NULL);
    const Hostdev *hostdev = info->hostdevs->pdata[0];

    assert_true(text_is_clean(info->usb_controller));
    assert_true(text_is_clean(hostdev->alias));
    assert_string_equal(hostdev->alias, "x y");
}

static void what_is_no_domain_is_an_error(void **state)
{
    static const char *const texts[] = {
        "",
        "not XML",
        "<domain id='1'>",
        "<network/>",
        "<!DOCTYPE domain [<!ENTITY a 'b'>]><domain id='1'><devices/></domain>",
        "<!DOCTYPE d SYSTEM 'file:///etc/passwd'><domain id='1'/>",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(MachineInfo) info = machine_info_new("uuid");
        g_autoptr(GError) error = NULL;
        bool live;

        if (domain_xml_read(texts[i], info, &live, &error))
            fail_msg("\"%s\" was taken for a domain", texts[i]);
        assert_true(g_error_matches(error, FERRY_ERROR, FERRY_ERROR_HYPERVISOR));
    }
}

static void a_hostdev_is_written_with_all_four_ids(void **state)
{
    HostdevSpec spec = {
        .alias = (char *)"ua-usbferry-k3xw90ab-77-2",
        .bus_number = 3,
        .device_number = 7,
        .vendor_id = 0x046d,
        .product_id = 0x1c,
    };
    g_autofree char *xml = domain_xml_hostdev(&spec);
    g_autofree char *with_reset = NULL;

    assert_string_equal(xml, "<hostdev mode=\"subsystem\" type=\"usb\" managed=\"no\"><source>"
                             "<vendor id=\"0x046d\"/><product id=\"0x001c\"/>"
                             "<address bus=\"3\" device=\"7\"/></source>"
                             "<alias name=\"ua-usbferry-k3xw90ab-77-2\"/></hostdev>");

    spec.guest_reset = GUEST_RESET_OFF;
    with_reset = domain_xml_hostdev(&spec);
    assert_non_null(g_strstr_len(with_reset, -1, "<source guestReset=\"off\"><vendor"));
}

static void what_is_written_reads_the_same(void **state)
{
    HostdevSpec spec = {
        .alias = (char *)"a'\"<>&b",
        .bus_number = 12,
        .device_number = 127,
        .vendor_id = 0xffff,
        .product_id = 0x0001,
        .guest_reset = GUEST_RESET_UNINITIALIZED,
    };
    g_autofree char *hostdev_xml = domain_xml_hostdev(&spec);
    g_autofree char *xml = g_strdup_printf(LIVE("%s"), hostdev_xml);
    g_autoptr(MachineInfo) info = read_info(xml, NULL);
    const Hostdev *hostdev;

    assert_int_equal(info->hostdevs->len, 1);
    hostdev = info->hostdevs->pdata[0];
    assert_string_equal(hostdev->alias, spec.alias);
    assert_int_equal(hostdev->bus_number, spec.bus_number);
    assert_int_equal(hostdev->device_number, spec.device_number);
    assert_int_equal(hostdev->vendor_id, spec.vendor_id);
    assert_int_equal(hostdev->product_id, spec.product_id);
    assert_int_equal(hostdev->guest_reset, spec.guest_reset);
}

static void titles_are_clean(void **state)
{
    g_autoptr(MachineInfo) info =
        read_info("<domain><name>vm</name><title>The one\nat the <![CDATA[window]]></title></domain>", NULL);
    g_autoptr(MachineInfo) none = read_info("<domain><name>vm</name><title/></domain>", NULL);

    assert_string_equal(info->title, "The one at the window");
    assert_string_equal(none->title, "");
}

static void speeds_are_those_of_all_controllers(void **state)
{
    static const struct {
        const char *xml;
        unsigned speeds;
    } cases[] = {
        { LIVE(XHCI), USB_SPEEDS_ALL },
        { LIVE("<controller type='usb' index='0' model='ehci'/>"), USB_SPEED_HIGH },
        { LIVE("<controller type='usb' index='0'/>"), USB_SPEED_LOW | USB_SPEED_FULL },
        { LIVE("<controller type='usb' index='0' model='ehci'/><controller type='usb' index='1'/>"),
          USB_SPEED_LOW | USB_SPEED_FULL | USB_SPEED_HIGH },
        { LIVE("<controller type='usb' index='0' model='of tomorrow'/>"), USB_SPEEDS_ALL },
        { LIVE("<controller type='usb' index='0' model='none'/>"), 0 },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(MachineInfo) info = read_info(cases[i].xml, NULL);

        assert_int_equal(info->usb_speeds, cases[i].speeds);
    }
}

static void assert_bus(const MachineInfo *info, guint i, unsigned index, unsigned free_ports, unsigned speeds)
{
    const UsbBus *bus = &g_array_index(info->buses, UsbBus, i);

    assert_int_equal(bus->index, index);
    assert_int_equal(bus->free, free_ports);
    assert_int_equal(bus->speeds, speeds);
}

/* Each by itself, companions together; with one there is nothing to choose. */
static void buses_are_told_where_there_are_several(void **state)
{
    static const char xml[] =
        "<domain type='kvm' id='3'><devices>"
        "<controller type='usb' index='2' model='qemu-xhci' ports='4'/>"
        "<controller type='usb' index='0' model='ich9-ehci1'/><controller type='usb' index='0' model='ich9-uhci1'/>"
        "<input type='tablet' bus='usb'><address type='usb' bus='0' port='1'/></input>"
        "<hostdev mode='subsystem' type='usb'><source><address bus='1' device='2'/></source>"
        "<address type='usb' bus='2' port='1'/></hostdev>"
        "<hostdev mode='subsystem' type='usb'><source><address bus='1' device='3'/></source>"
        "<address type='usb' bus='2' port='4'/></hostdev></devices></domain>";
    static const char *const single[] = {
        "<domain type='kvm' id='3'><devices><controller type='usb' index='0' model='qemu-xhci'/></devices></domain>",
        "<domain type='kvm' id='3'><devices><controller type='usb' index='0' model='ich9-ehci1'/>"
        "<controller type='usb' index='0' model='ich9-uhci1'/></devices></domain>",
        "<domain type='kvm' id='3'><devices><controller type='usb' index='0' model='qemu-xhci'/>"
        "<controller type='usb' index='1' model='ich9-ehci1'/><hub type='usb'/></devices></domain>",
    };
    g_autoptr(MachineInfo) info = machine_info_new("");
    bool live;

    assert_true(domain_xml_read(xml, info, &live, NULL));
    assert_int_equal(info->buses->len, 2);
    assert_bus(info, 0, 0, 5, USB_SPEED_HIGH | USB_SPEED_LOW | USB_SPEED_FULL);
    assert_bus(info, 1, 2, 2, USB_SPEEDS_ALL);
    assert_int_equal(info->free_ports, 7);
    for (gsize i = 0; i < G_N_ELEMENTS(single); i++) {
        assert_true(domain_xml_read(single[i], info, &live, NULL));
        assert_int_equal(info->buses->len, 0);
    }
}

static void a_bus_is_asked_for(void **state)
{
    HostdevSpec spec = { .alias = (char *)"ua-usbferry-a-1", .bus_number = 3, .device_number = 7 };
    g_autofree char *anywhere = domain_xml_hostdev(&spec), *there = NULL;

    spec.on_bus = true;
    spec.bus = 2;
    there = domain_xml_hostdev(&spec);
    assert_null(strstr(anywhere, "type=\"usb\" bus"));
    assert_non_null(strstr(there, "<address type=\"usb\" bus=\"2\"/>"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hostdev_of_ours_is_read_in_full),
        cmocka_unit_test(a_foreign_hostdev_may_name_less),
        cmocka_unit_test(a_machine_that_is_off_has_no_hostdevs),
        cmocka_unit_test(pci_devices_are_read_in_any_case),
        cmocka_unit_test(an_unknown_guest_reset_is_none),
        cmocka_unit_test(ports_are_counted_as_libvirt_does),
        cmocka_unit_test(ports_are_known_where_libvirt_counts_the_same),
        cmocka_unit_test(no_devices_are_no_error),
        cmocka_unit_test(a_second_look_replaces_the_first),
        cmocka_unit_test(texts_of_strangers_are_clean),
        cmocka_unit_test(titles_are_clean),
        cmocka_unit_test(speeds_are_those_of_all_controllers),
        cmocka_unit_test(buses_are_told_where_there_are_several),
        cmocka_unit_test(a_bus_is_asked_for),
        cmocka_unit_test(what_is_no_domain_is_an_error),
        cmocka_unit_test(a_hostdev_is_written_with_all_four_ids),
        cmocka_unit_test(what_is_written_reads_the_same),
    };

    return cmocka_run_group_tests_name("domain-xml", tests, NULL, NULL);
}
