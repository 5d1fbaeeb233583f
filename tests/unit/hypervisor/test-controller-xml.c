/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Controller XML: other controllers come in, and everything else stays as it is. */

#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/base/error.h"
#include "daemon/base/usb-speed.h"
#include "daemon/hypervisor/controller-xml.h"
#include "daemon/hypervisor/domain-xml.h"

#define BEFORE                                                                          \
    "<domain xmlns:qemu=\"http://libvirt.org/schemas/domain/qemu/1.0\" type=\"kvm\">"   \
    "<name>vm &amp; co</name><metadata><x:y xmlns:x=\"http://x\"/></metadata><devices>" \
    "<disk type=\"file\"><address type=\"drive\" bus=\"0\" unit=\"1\"/></disk>"
#define OLD                                                      \
    "<controller type=\"usb\" index=\"0\" model=\"qemu-xhci\"/>" \
    "<controller type=\"usb\" index=\"1\" model=\"none\"/>"
#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define AFTER                                                    \
    "<controller type=\"pci\" index=\"0\" model=\"pcie-root\"/>" \
    "<graphics type=\"vnc\" passwd=\"s&lt;cret\"/>"
#define END "</devices><qemu:commandline><qemu:arg value=\"-foo\"/></qemu:commandline></domain>"

static const char xml[] = BEFORE OLD
    "<input type=\"tablet\" bus=\"usb\"><address type=\"usb\" bus=\"0\" port=\"3\"/></input>" AFTER END;

static void assert_set(const char *model, const char *controllers)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = controller_xml_set(xml, model, &error);
    g_autofree char *expected = NULL;

    assert_null(error);
    expected =
        g_strconcat(HEAD, BEFORE "<input type=\"tablet\" bus=\"usb\"/>", AFTER, controllers, END "\n", NULL);
    assert_string_equal(text, expected);
}

static void test_models(void **state)
{
    assert_set("qemu-xhci", "<controller type=\"usb\" index=\"0\" model=\"qemu-xhci\" ports=\"15\"/>");
    assert_set("piix3-uhci", "<controller type=\"usb\" index=\"0\" model=\"piix3-uhci\"/>");
    assert_set(
        "usb-ehci",
        "<controller type=\"usb\" index=\"0\" model=\"ich9-ehci1\"/>"
        "<controller type=\"usb\" index=\"0\" model=\"ich9-uhci1\"><master startport=\"0\"/></controller>"
        "<controller type=\"usb\" index=\"0\" model=\"ich9-uhci2\"><master startport=\"2\"/></controller>"
        "<controller type=\"usb\" index=\"0\" model=\"ich9-uhci3\"><master startport=\"4\"/></controller>");
    assert_true(controller_xml_is_known("usb-ehci"));
    assert_false(controller_xml_is_known("ich9-ehci1"));
    assert_false(controller_xml_is_known(""));
}

/* What is written is read as it is meant. */
static void test_read_back(void **state)
{
    static const struct {
        const char *model, *best;
        unsigned ports, speeds;
    } cases[] = {
        { "qemu-xhci", "qemu-xhci", 15, USB_SPEEDS_ALL },
        { "usb-ehci", "ich9-ehci1", 6, USB_SPEED_LOW | USB_SPEED_FULL | USB_SPEED_HIGH },
        { "piix3-uhci", "piix3-uhci", 2, USB_SPEED_LOW | USB_SPEED_FULL },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = controller_xml_set(xml, cases[i].model, NULL);
        g_autofree char *again = controller_xml_set(text, cases[i].model, NULL);
        g_autoptr(MachineInfo) info = machine_info_new("uuid");
        g_autoptr(MachineInfo) other = machine_info_new("uuid");
        bool live;

        assert_true(domain_xml_read(text, info, &live, NULL));
        assert_string_equal(info->usb_controller, cases[i].best);
        assert_int_equal(info->free_ports, cases[i].ports);
        assert_int_equal(info->usb_speeds, cases[i].speeds);
        assert_true(domain_xml_read(again, other, &live, NULL));
        assert_string_equal(info->controllers, other->controllers);
        assert_true(domain_xml_read(xml, other, &live, NULL));
        assert_string_not_equal(info->controllers, other->controllers);
    }
}

static void test_no_domain(void **state)
{
    static const char *const texts[] = { "", "<", "<domain/>", "<network><devices/></network>",
                                         "<!DOCTYPE domain><domain><devices/></domain>" };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;

        assert_null(controller_xml_set(texts[i], "qemu-xhci", &error));
        assert_true(g_error_matches(error, FERRY_ERROR, FERRY_ERROR_HYPERVISOR));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_models),
        cmocka_unit_test(test_read_back),
        cmocka_unit_test(test_no_domain),
    };

    return cmocka_run_group_tests_name("controller-xml", tests, NULL, NULL);
}
