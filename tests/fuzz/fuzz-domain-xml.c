/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzzes the XML of a machine, which holds what guests and other programs may name: what is read is within
 * its bounds, a hostdev that is put in is read out of it again, and what is repaired in a saved one is right
 * then, with all the rest as it was. Runs as a test and with libFuzzer;
 * touches no file. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "daemon/base/error.h"
#include "daemon/base/id.h"
#include "daemon/base/text.h"
#include "daemon/base/usb-speed.h"
#include "daemon/hypervisor/controller-xml.h"
#include "daemon/hypervisor/domain-xml.h"
#include "daemon/hypervisor/saved-xml.h"

/* Of all controllers and hubs that an input of some kilobytes can name. */
#define PORTS_MAX 100000

#define DEVICES_END "</devices>"

/* A domain without devices gets no controller; any other one has it, and nothing else of its own is another.
 */
static void check_controller(const char *xml, const MachineInfo *before, bool was_live)
{
    g_autofree char *changed = controller_xml_set(xml, "qemu-xhci", NULL);
    g_autoptr(MachineInfo) info = machine_info_new("uuid");
    bool live = false;

    if (!changed)
        return;
    g_assert_true(domain_xml_read(changed, info, &live, NULL));
    g_assert_true(live == was_live);
    g_assert_cmpstr(info->usb_controller, ==, "qemu-xhci");
    g_assert_cmpuint(info->usb_speeds, ==, USB_SPEEDS_ALL);
    g_assert_cmpuint(info->hostdevs->len, ==, before->hostdevs->len);
    g_assert_cmpuint(info->pci->len, ==, before->pci->len);
    g_assert_cmpstr(info->title, ==, before->title);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_hostdev(const Hostdev *hostdev)
{
    g_assert_true(text_is_clean(hostdev->alias));
    g_assert_cmpuint(hostdev->bus_number, <=, G_MAXUINT16);
    g_assert_cmpuint(hostdev->device_number, <=, G_MAXUINT16);
    g_assert_cmpint(hostdev->guest_reset, >=, 0);
    g_assert_cmpint(hostdev->guest_reset, <, _GUEST_RESET_MAX);
    if (hostdev->assignment_id) {
        g_autofree char *alias =
            hostdev_alias_format(hostdev->assignment_id, hostdev->instance, hostdev->domain_id);

        g_assert_true(id_is_valid(hostdev->assignment_id));
        g_assert_cmpstr(alias, ==, hostdev->alias);
    } else {
        g_assert_cmpuint(hostdev->instance, ==, 0);
        g_assert_cmpuint(hostdev->domain_id, ==, 0);
    }
}

static void check_info(const MachineInfo *info, bool live)
{
    g_assert_true(text_is_clean(info->usb_controller));
    g_assert_true(text_is_clean(info->title));
    g_assert_cmpuint(info->free_ports, <, PORTS_MAX);
    g_assert_true(live || info->hostdevs->len == 0);
    g_assert_true(live || info->domain_id == 0);
    for (guint i = 0; i < info->hostdevs->len; i++)
        check_hostdev(info->hostdevs->pdata[i]);
    for (guint i = 0; i < info->pci->len; i++) {
        const char *pci = info->pci->pdata[i];

        g_assert_true(g_regex_match_simple("^[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\\.[0-7]$", pci, 0, 0));
    }
}

/* Reads it as it would be after an attach; every other fact stays. */
static void check_attach(const char *xml, const MachineInfo *before)
{
    const char *end = strstr(xml, DEVICES_END);
    const HostdevSpec spec = { .alias = (char *)"ua-usbferry-k3xw90ab-77-2",
                               .bus_number = 3,
                               .device_number = 7,
                               .vendor_id = 0x046d,
                               .product_id = 0xc31c,
                               .guest_reset = GUEST_RESET_OFF };
    g_autofree char *hostdev = domain_xml_hostdev(&spec);
    g_autofree char *attached = NULL;
    g_autoptr(MachineInfo) info = machine_info_new("uuid");
    bool live;

    if (!end)
        return;
    attached = g_strdup_printf("%.*s%s%s", (int)(end - xml), xml, hostdev, end);
    /* The first end of devices may be one of others, or stand in a comment. */
    if (!domain_xml_read(attached, info, &live, NULL))
        return;
    check_info(info, live);
    g_assert_cmpuint(info->hostdevs->len, <=, before->hostdevs->len + 1);
    g_assert_cmpuint(info->free_ports, ==, before->free_ports);
    if (info->hostdevs->len == before->hostdevs->len + 1) {
        const Hostdev *last = info->hostdevs->pdata[info->hostdevs->len - 1];

        g_assert_cmpstr(last->alias, ==, spec.alias);
        g_assert_cmpuint(last->bus_number, ==, spec.bus_number);
        g_assert_cmpuint(last->device_number, ==, spec.device_number);
        g_assert_cmpuint(last->vendor_id, ==, spec.vendor_id);
        g_assert_cmpuint(last->product_id, ==, spec.product_id);
        g_assert_cmpint(last->guest_reset, ==, spec.guest_reset);
    }
}

static void destroy_hostdev(gpointer hostdev)
{
    hostdev_free(hostdev);
}

/* As if it were a saved machine's. */
static void check_repair(const char *xml, const MachineInfo *before, bool was_live)
{
    g_autoptr(GPtrArray) nowhere = hostdev_places_new();
    g_autoptr(GPtrArray) ours = g_ptr_array_new_with_free_func(destroy_hostdev);
    g_autoptr(GPtrArray) ours_then = g_ptr_array_new_with_free_func(destroy_hostdev);
    g_autoptr(MachineInfo) info = machine_info_new("uuid");
    g_autofree char *repaired = NULL, *again = NULL;
    bool live = false;

    g_assert_true(saved_xml_read(xml, ours, NULL));
    g_assert_true(saved_xml_repair(xml, nowhere, &repaired, NULL));
    if (!repaired) {
        for (guint i = 0; i < ours->len; i++)
            g_assert_true(hostdev_places_fit(nowhere, ours->pdata[i]));
        return;
    }
    g_assert_true(saved_xml_read(repaired, ours_then, NULL));
    g_assert_cmpuint(ours_then->len, ==, ours->len);
    for (guint i = 0; i < ours_then->len; i++)
        g_assert_true(hostdev_places_fit(nowhere, ours_then->pdata[i]));
    g_assert_true(saved_xml_repair(repaired, nowhere, &again, NULL));
    g_assert_null(again);
    g_assert_true(domain_xml_read(repaired, info, &live, NULL));
    g_assert_true(live == was_live);
    g_assert_cmpuint(info->hostdevs->len, ==, before->hostdevs->len);
    g_assert_cmpuint(info->free_ports, ==, before->free_ports);
    g_assert_cmpstr(info->usb_controller, ==, before->usb_controller);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *xml = g_strndup(size > 0 ? (const char *)data : "", size);
    g_autoptr(MachineInfo) info = machine_info_new("uuid");
    g_autoptr(GError) error = NULL;
    bool live = false;

    if (!domain_xml_read(xml, info, &live, &error)) {
        g_assert_true(g_error_matches(error, FERRY_ERROR, FERRY_ERROR_HYPERVISOR));
        return 0;
    }
    g_assert_no_error(error);
    check_info(info, live);
    check_attach(xml, info);
    check_repair(xml, info, live);
    check_controller(xml, info, live);
    return 0;
}
