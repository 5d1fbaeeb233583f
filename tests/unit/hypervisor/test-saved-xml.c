/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Saved XML: ours become optional and get their places; nothing else is changed. */

#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/error.h"
#include "daemon/hypervisor/saved-xml.h"

#define ALIAS   "ua-usbferry-k3xw90ab-77-2"
#define ANOTHER "ua-usbferry-k3xw90ab-78-2"

#define HOSTDEV(attributes, address, alias)                                                       \
    "    <hostdev mode='subsystem' type='usb' managed='no'>\n"                                    \
    "      <source" attributes ">\n"                                                              \
    "        <vendor id='0x046d'/>\n        <product id='0xc31c'/>\n" address "      </source>\n" \
    "      <alias name='" alias "'/>\n"                                                           \
    "      <address type='usb' bus='0' port='2'/>\n"                                              \
    "    </hostdev>\n"
#define AT(bus, device) "        <address bus='" bus "' device='" device "'/>\n"
#define FOREIGN         HOSTDEV("", AT("1", "4"), "hostdev0")
#define DOMAIN(devices)                                                                    \
    "<domain xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0' type='kvm' id='3'>\n" \
    "  <name>vm</name>\n  <title>a &lt;b&gt; &amp; Ü</title>\n  <devices>\n" devices       \
    "    <graphics type='vnc' passwd='secret'/>\n  </devices>\n"                           \
    "  <qemu:commandline>\n    <qemu:arg value='-s'/>\n  </qemu:commandline>\n</domain>\n"

static char *repair(const char *xml, const GPtrArray *places)
{
    g_autoptr(GPtrArray) none = hostdev_places_new();
    g_autoptr(GError) error = NULL;
    char *repaired = NULL;

    if (!saved_xml_repair(xml, places ? places : none, &repaired, &error))
        fail_msg("%s", error->message);
    return repaired;
}

/* Without the declaration, and with libvirt's quotes. */
static void assert_repaired(const char *xml, const GPtrArray *places, const char *expected)
{
    static const char declaration[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    g_autofree char *text = repair(xml, places);
    g_autofree char *body = NULL;

    assert_true(g_str_has_prefix(text, declaration));
    body = g_strdup(text + strlen(declaration));
    assert_string_equal(g_strdelimit(body, "\"", '\''), expected);
}

static void without_a_place_it_is_nowhere(void **state)
{
    assert_repaired(DOMAIN(FOREIGN HOSTDEV("", AT("3", "7"), ALIAS)), NULL,
                    DOMAIN(FOREIGN HOSTDEV(" startupPolicy='optional'", AT("255", "255"), ALIAS)));
}

static void with_a_place_it_is_there(void **state)
{
    g_autoptr(GPtrArray) places = hostdev_places_new();

    hostdev_places_add(places, ALIAS, 3, 9);
    assert_repaired(DOMAIN(HOSTDEV(" guestReset='off'", AT("3", "7"), ALIAS)), places,
                    DOMAIN(HOSTDEV(" guestReset='off' startupPolicy='optional'", AT("3", "9"), ALIAS)));
    /* Each its own. */
    assert_repaired(DOMAIN(HOSTDEV("", AT("3", "7"), ANOTHER) HOSTDEV("", AT("3", "9"), ALIAS)), places,
                    DOMAIN(HOSTDEV(" startupPolicy='optional'", AT("255", "255"), ANOTHER)
                               HOSTDEV(" startupPolicy='optional'", AT("3", "9"), ALIAS)));
    /* Another policy, as somebody may have edited it. */
    assert_repaired(DOMAIN(HOSTDEV(" startupPolicy='requisite'", AT("3", "9"), ALIAS)), places,
                    DOMAIN(HOSTDEV(" startupPolicy='optional'", AT("3", "9"), ALIAS)));
}

static void what_is_right_is_not_written(void **state)
{
    g_autoptr(GPtrArray) places = hostdev_places_new();
    g_autofree char *nowhere =
        repair(DOMAIN(HOSTDEV(" startupPolicy='optional'", AT("255", "255"), ALIAS)), NULL);
    g_autofree char *there = NULL, *foreign = NULL;

    hostdev_places_add(places, ALIAS, 3, 9);
    there = repair(DOMAIN(HOSTDEV(" missing='yes' startupPolicy='optional'", AT("3", "9"), ALIAS)), places);
    foreign = repair(DOMAIN(FOREIGN HOSTDEV("", AT("3", "9"), "ua-usbferry-")), places);
    assert_null(nowhere);
    assert_null(there);
    assert_null(foreign);
}

#define SNAPSHOT(first, second)                                              \
    "<domainsnapshot>\n  <name>one</name>\n  <state>running</state>\n" first \
    "<inactiveDomain type='kvm'><devices>" second "</devices></inactiveDomain>\n</domainsnapshot>\n"

static void snapshots_have_two_of_them(void **state)
{
    assert_repaired(SNAPSHOT(DOMAIN(HOSTDEV("", AT("3", "7"), ALIAS)), HOSTDEV("", AT("3", "7"), ALIAS)),
                    NULL,
                    SNAPSHOT(DOMAIN(HOSTDEV(" startupPolicy='optional'", AT("255", "255"), ALIAS)),
                             HOSTDEV(" startupPolicy='optional'", AT("255", "255"), ALIAS)));
}

static void only_ours_are_read(void **state)
{
    g_autoptr(GPtrArray) hostdevs = g_ptr_array_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(Hostdev) first = NULL, second = NULL;

    assert_true(saved_xml_read(
        DOMAIN(FOREIGN HOSTDEV("", AT("3", "7"), ALIAS) HOSTDEV(" startupPolicy='optional'", "", ANOTHER)),
        hostdevs, &error));
    assert_int_equal(hostdevs->len, 2);
    first = hostdevs->pdata[0];
    second = hostdevs->pdata[1];
    assert_string_equal(first->alias, ALIAS);
    assert_false(first->optional);
    assert_int_equal(first->bus_number, 3);
    assert_int_equal(first->device_number, 7);
    assert_true(second->optional);
    assert_int_equal(second->bus_number, 0);
}

/* One without an address, and one without a source, as nobody writes them. */
static void odd_ones(void **state)
{
    assert_repaired("<domain><devices><hostdev mode='subsystem' type='usb'><source/><alias name='" ALIAS
                    "'/></hostdev></devices></domain>\n",
                    NULL,
                    "<domain><devices><hostdev mode='subsystem' type='usb'><source startupPolicy='optional'>"
                    "<address bus='255' device='255'/></source><alias name='" ALIAS
                    "'/></hostdev></devices></domain>\n");
    assert_null(repair("<domain><devices><hostdev mode='subsystem' type='usb'><alias name='" ALIAS
                       "'/></hostdev></devices></domain>",
                       NULL));
    assert_null(repair("<domain/>", NULL));
    assert_null(repair("<domainsnapshot/>", NULL));
}

static void what_is_no_xml_of_libvirt(void **state)
{
    static const char *const texts[] = { "", "<domain>", "<network/>", "<!DOCTYPE domain []><domain/>" };
    g_autoptr(GPtrArray) none = hostdev_places_new();
    char *repaired = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;

        assert_false(saved_xml_repair(texts[i], none, &repaired, &error));
        assert_true(g_error_matches(error, FERRY_ERROR, FERRY_ERROR_HYPERVISOR));
        assert_null(repaired);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_place_it_is_nowhere),
        cmocka_unit_test(with_a_place_it_is_there),
        cmocka_unit_test(what_is_right_is_not_written),
        cmocka_unit_test(snapshots_have_two_of_them),
        cmocka_unit_test(only_ours_are_read),
        cmocka_unit_test(odd_ones),
        cmocka_unit_test(what_is_no_xml_of_libvirt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
