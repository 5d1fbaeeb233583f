/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads one <hostdev> of libvirt's XML. Called by domain-xml.c for what is live, and by saved-xml.c; pure. */

#include "daemon/hypervisor/hostdev-xml.h"

bool hostdev_xml_is_usb(const xmlNode *node)
{
    return xml_is_element(node, "hostdev") && xml_attribute_is(node, "mode", "subsystem") &&
           xml_attribute_is(node, "type", "usb");
}

static GuestReset read_guest_reset(const xmlNode *source)
{
    g_autofree char *text = xml_attribute(source, "guestReset");
    GuestReset value = guest_reset_from_string(text);

    /* A newer libvirt may know others. */
    return value == _GUEST_RESET_INVALID ? GUEST_RESET_DEFAULT : value;
}

Hostdev *hostdev_xml_read(const xmlNode *node)
{
    const xmlNode *source = xml_find_child(node, "source");
    const xmlNode *address = xml_find_child(source, "address");
    Hostdev *hostdev = g_new0(Hostdev, 1);
    unsigned vendor_id = 0, product_id = 0;

    hostdev->alias = xml_attribute(xml_find_child(node, "alias"), "name");
    (void)hostdev_alias_parse(hostdev->alias, &hostdev->assignment_id, &hostdev->instance,
                              &hostdev->domain_id);
    (void)xml_attribute_number(address, "bus", G_MAXUINT16, &hostdev->bus_number);
    (void)xml_attribute_number(address, "device", G_MAXUINT16, &hostdev->device_number);
    (void)xml_attribute_number(xml_find_child(source, "vendor"), "id", G_MAXUINT16, &vendor_id);
    (void)xml_attribute_number(xml_find_child(source, "product"), "id", G_MAXUINT16, &product_id);
    hostdev->guest_reset = read_guest_reset(source);
    hostdev->optional = xml_attribute_is(source, "startupPolicy", "optional");
    hostdev->vendor_id = (uint16_t)vendor_id;
    hostdev->product_id = (uint16_t)product_id;
    return hostdev;
}
